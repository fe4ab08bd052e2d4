"""How the verbs write data."""

from __future__ import annotations

import json
import math
import unicodedata
from pathlib import Path
from typing import Any

import click


def json_line(document: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own. ASCII, so that no string in an event breaks the line.

    What JSON has no words for (NaN, Infinity) is written as text; what is too deep to be written says so.
    """
    try:
        line = json.dumps(document, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        line = json.dumps({key: _writable(value) for key, value in document.items()}, separators=(",", ":"))
    click.echo(line)


DEEPEST = 400
"""Levels of nesting that are written, where something in the document could not be."""


def _writable(value: Any, depth: int = 0) -> Any:
    match value:
        case dict() | list() if depth > DEEPEST:
            return TOO_DEEP
        case dict():
            return {key: _writable(inner, depth + 1) for key, inner in value.items()}
        case list():
            return [_writable(inner, depth + 1) for inner in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def event_id(event: dict[str, Any]) -> Any:
    """Return what an event is called: its `eventID`, the `eventId` of an aggregated one, None where it has neither."""
    return event.get("eventID") if event.get("eventID") is not None else event.get("eventId")


def text_line(*columns: str) -> None:
    """Write one line of columns, two blanks between them, control characters made visible."""
    click.echo("  ".join(visible(column) for column in columns).rstrip())


TOO_DEEP = "(too deep to be shown)"
MOST_SHOWN = 100
"""Characters of a value that a line of text shows."""


def shown(value: Any, most: int = MOST_SHOWN) -> str:
    """Write a JSON value on one line, cut where it is long, control characters made visible."""
    return visible(clipped(_compact(value), most))


def clipped(text: str, most: int) -> str:
    """Cut a long text and say so."""
    return text if len(text) <= most else f"{text[:most]}..."


def save(path: str, data: bytes) -> None:
    """Write a file; a path that cannot be written is the user's mistake."""
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error


def counted(number: int, noun: str) -> str:
    """Write `1 rule`, `2 rules`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def bounded(value: Any, most: int = 1000) -> Any:
    """Return a JSON value as it is where it is small, else the beginning of its text."""
    if isinstance(value, str):
        return clipped(value, most)
    text = _compact(value)
    return value if len(text) <= most else clipped(text, most)


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        return TOO_DEEP


def visible(text: str) -> str:
    """Return text that a terminal shows as it is: events carry strings that attackers choose."""
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
