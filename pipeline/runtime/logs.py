"""The function's log: one JSON object a line, always ASCII, so no string in an event can break or forge a line."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

_LEVEL = logging.INFO


def set_level(name: str) -> None:
    """Log from this level on; an unknown name means INFO."""
    global _LEVEL  # noqa: PLW0603 - one process, one log
    _LEVEL = logging.getLevelNamesMapping().get(name, logging.INFO)


def debug(message: str, **fields: Any) -> None:
    """Say what only somebody who looks for it wants to know."""
    _write(logging.DEBUG, message, fields)


def info(message: str, **fields: Any) -> None:
    """Say what happened."""
    _write(logging.INFO, message, fields)


def warning(message: str, **fields: Any) -> None:
    """Say what somebody may have to look at."""
    _write(logging.WARNING, message, fields)


def error(message: str, **fields: Any) -> None:
    """Say what somebody has to mend."""
    _write(logging.ERROR, message, fields)


def line(document: dict[str, Any]) -> None:
    """Write one JSON line whatever the level, such as metrics."""
    text(json.dumps(document, separators=(",", ":"), default=str))


def text(ascii_line: str) -> None:
    """Write a line that is JSON in ASCII already, such as quarantined input that has no other place."""
    sys.stdout.write(ascii_line + "\n")
    sys.stdout.flush()


def _write(level: int, message: str, fields: dict[str, Any]) -> None:
    if level >= _LEVEL:
        line({"level": logging.getLevelName(level), "message": message, **fields})
