"""The function's log: one JSON object a line, always ASCII, so no string in an event can break or forge a line."""

from __future__ import annotations

import json
import sys
from typing import Any

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "FATAL": 50, "CRITICAL": 50}
"""The names that `logging` knows, which itself is not needed for one JSON object a line."""
_LEVEL = _LEVELS["INFO"]


def set_level(name: str) -> None:
    """Log from this level on; an unknown name means INFO."""
    global _LEVEL  # noqa: PLW0603 - one process, one log
    _LEVEL = _LEVELS.get(name, _LEVELS["INFO"])


def debug(message: str, **fields: Any) -> None:
    """Say what only somebody who looks for it wants to know."""
    _write("DEBUG", message, fields)


def info(message: str, **fields: Any) -> None:
    """Say what happened."""
    _write("INFO", message, fields)


def warning(message: str, **fields: Any) -> None:
    """Say what somebody may have to look at."""
    _write("WARNING", message, fields)


def error(message: str, **fields: Any) -> None:
    """Say what somebody has to mend."""
    _write("ERROR", message, fields)


def line(document: dict[str, Any]) -> None:
    """Write one JSON line whatever the level, such as metrics."""
    text(json.dumps(document, separators=(",", ":"), default=str))


def text(ascii_line: str) -> None:
    """Write a line that is JSON in ASCII already, such as quarantined input that has no other place."""
    sys.stdout.write(ascii_line + "\n")
    sys.stdout.flush()


def _write(level: str, message: str, fields: dict[str, Any]) -> None:
    if _LEVELS[level] >= _LEVEL:
        line({"level": level, "message": message, **fields})
