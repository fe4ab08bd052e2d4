"""The event as rules see it: nested keys joined by dots, list elements by their index.

    {"a": {"b": 1, "c": [2, {"d": null}]}, "e": {}}   ->   {"a.b": 1, "a.c.0": 2, "a.c.1.d": None}

Empty objects and lists leave nothing. Where two ways lead to one key, the later in the event counts. Keys that hold
dots look like nesting, and a list's index like a key: that is how terraform-aws-cloudtrail-to-slack flattens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipeline.languages.python_expression.operations import LimitReached

MAX_KEY_TEXT = 8_000_000
"""How many characters all flattened keys may have together: deep nesting of long keys grows quadratically."""

MAX_LOOKUP_DOTS = 30
"""Keys with more dots, which no rule has, are looked up in the flattened event."""

MAX_INDEX_DIGITS = 9


class _Missing:
    """The type of MISSING."""

    __slots__ = ()


MISSING: Final = _Missing()
"""What `lookup` returns where there is no such key; None is a value."""


def flatten(event: dict[str, Any]) -> dict[str, Any]:
    """Return the flattened event; raises LimitReached if its keys would take too much room."""
    flat: dict[str, Any] = {}
    size = 0
    stack = [_members("", event)]
    while stack:
        for key, value in stack[-1]:
            if isinstance(value, dict | list):
                stack.append(_members(f"{key}.", value))
                break
            flat[key] = value
            size += len(key)
            if size > MAX_KEY_TEXT:
                message = "the flattened event is too large"
                raise LimitReached(message)
        else:
            stack.pop()
    return flat


def lookup(event: dict[str, Any], key: Any) -> Any:
    """Return what the flattened event has under a key, or MISSING, without flattening the whole event."""
    if not isinstance(key, str):
        hash(key)  # raises TypeError where a dict would
        return MISSING
    if key.count(".") > MAX_LOOKUP_DOTS:
        return flatten(event).get(key, MISSING)
    return _find(event, key)


def _members(prefix: str, container: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(container, dict):
        return ((f"{prefix}{key}", value) for key, value in container.items())
    return ((f"{prefix}{index}", value) for index, value in enumerate(container))


def _find(container: dict[str, Any] | list[Any], key: str) -> Any:
    """Try every way to read the key, the one that is last in the event first."""
    if isinstance(container, list):
        return _find_in_list(container, key)
    readings = [(head, rest) for head, rest in _readings(key) if head in container]
    if len(readings) > 1:
        place = {name: index for index, name in enumerate(container)}
        readings.sort(key=lambda reading: place[reading[0]], reverse=True)
    for head, rest in readings:
        found = _resolve(container[head], rest)
        if found is not MISSING:
            return found
    return MISSING


def _find_in_list(items: list[Any], key: str) -> Any:
    head, dot, rest = key.partition(".")
    index = index_of(head)
    if index is None or index >= len(items):
        return MISSING
    return _resolve(items[index], rest if dot else None)


def _resolve(value: Any, rest: str | None) -> Any:
    if isinstance(value, dict | list):
        return MISSING if rest is None else _find(value, rest)
    return value if rest is None else MISSING


def _readings(key: str) -> Iterator[tuple[str, str | None]]:
    """Split a key at each of its dots; the last reading is the whole key."""
    place = key.find(".")
    while place >= 0:
        yield key[:place], key[place + 1 :]
        place = key.find(".", place + 1)
    yield key, None


def index_of(text: str) -> int | None:
    """Return the list index that is written like this, or None."""
    if not text.isascii() or not text.isdigit() or len(text) > MAX_INDEX_DIGITS or str(int(text)) != text:
        return None
    return int(text)
