"""Reading only what the rules look at.

msgspec reads a message into a structure generated from the rules' paths and skips everything else, in a quarter of the
time that a whole parse takes. Leaves are typed `object`, so that no odd value is refused. Where msgspec refuses all the
same (a lone surrogate, a number beyond a double, an object that is something else), the whole message is read by
`pipeline.decode.json_text` and the structure is filled from that: the choice of parser never decides a match.

The law test: a view of a message has, at every path, the values that the standard library reads there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.predicate import Path

ABSENT = msgspec.UNSET
"""Stands in a view where the event has no such key."""
MAX_FIELDS = 64
"""Most keys of an object that are read one by one; msgspec looks keys up by walking the fields."""
MAX_PARTIAL_CHARS = 4096
"""Longer messages are read whole: they may hold an integer of more than 4,300 digits, which only `read_event` reads."""


def begins_with_field(path: Path) -> bool:
    """Tell whether a path's first step is a key that can be read alone."""
    return bool(path) and isinstance(path[0], str) and _is_field(path[0])


def _is_field(key: str) -> bool:
    """Tell whether msgspec surely takes a key as the name of a field, which stands in JSON as it is."""
    return key.isprintable() and '"' not in key and "\\" not in key


class Shape:
    """The part of an event that rules read: a key is read whole, or as an object of which some keys are read."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.inner: dict[str, Shape] = {}
        self.attributes: dict[str, str] = {}
        below: dict[str, list[Path]] = {}
        for path in paths:
            if begins_with_field(path):
                below.setdefault(str(path[0]), []).append(path[1:])
        for key, rests in sorted(below.items()):
            self.attributes[key] = f"f{len(self.attributes)}"
            if _is_object_of_few_keys(rests):
                self.inner[key] = Shape(rests)
        self.view: type[msgspec.Struct] = msgspec.defstruct(
            "View",
            [
                (name, self.inner[key].view | None if key in self.inner else object, ABSENT)
                for key, name in self.attributes.items()
            ],
            rename={name: key for key, name in self.attributes.items()},
            gc=False,
        )

    def covers(self, path: Path) -> bool:
        """Tell whether a view has the values at this path."""
        return bool(path) and path[0] in self.attributes

    def of(self, event: dict[str, Any]) -> Any:
        """Return the view of an event that has been read whole; what should be an object and is none is absent."""
        return self.view(**{name: self._part(key, event[key]) for key, name in self.attributes.items() if key in event})

    def _part(self, key: str, value: Any) -> Any:
        inner = self.inner.get(key)
        if inner is None:
            return value
        return inner.of(value) if isinstance(value, dict) else None

    def split(self, path: Path) -> tuple[tuple[str, ...], Path]:
        """Return the attributes to follow from a view to the value this path begins with, and the rest of the path."""
        attribute = self.attributes[str(path[0])]
        inner = self.inner.get(str(path[0]))
        if inner is None:
            return (attribute,), path[1:]
        attributes, rest = inner.split(path[1:])
        return (attribute, *attributes), rest


def _is_object_of_few_keys(rests: list[Path]) -> bool:
    return all(begins_with_field(rest) for rest in rests) and len({rest[0] for rest in rests}) <= MAX_FIELDS
