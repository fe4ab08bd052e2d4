"""Attributes of somebody else's classes, replaced for a while."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any


class Patches:
    """Replacements that `undo` takes back, the last one first."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute until `undo`, and return what stood there: a method, or None where there was nothing."""
        absent = name not in vars(owner)
        before = None if absent else vars(owner)[name]
        if absent:
            self._undo.callback(delattr, owner, name)
        else:
            self._undo.callback(setattr, owner, name, before)
        setattr(owner, name, value)
        return before

    def undo(self) -> None:
        """Take every replacement back."""
        self._undo.close()
