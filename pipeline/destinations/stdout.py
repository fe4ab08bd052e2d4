"""The standard output: for trying rules, and in Lambda for its log."""

from __future__ import annotations

import sys
from typing import TextIO

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.rendering import rendered
from pipeline.render import plain as render
from pipeline.render.context import Context


class Stdout:
    """Writes each message as text, an empty line after it."""

    edit_scope = ""

    def __init__(self, name: str, context: Context, stream: TextIO | None = None) -> None:
        self.id = name
        self.bucket = f"stdout:{name}"
        self.post_scope = self.bucket
        self._context = context
        self._stream = stream

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Write a message; see `Destination`."""
        stream = self._stream or sys.stdout
        stream.write(rendered(render, content, self._context).body + "\n\n")
        stream.flush()
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: what is written stays."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret to fetch anew."""
