"""How the verbs write data."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import click


def json_line(document: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own. ASCII, so that no string in an event breaks the line."""
    click.echo(json.dumps(document, separators=(",", ":")))


def text_line(*columns: str) -> None:
    """Write one line of columns, two blanks between them, control characters made visible."""
    click.echo("  ".join(visible(column) for column in columns).rstrip())


def visible(text: str) -> str:
    """Return text that a terminal shows as it is: events carry strings that attackers choose."""
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
