"""Reading a log message as the JSON object that the form in braces looks at."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

from pipeline.decode.json_text import integer

_LONG_INTEGER = re.compile(r"[0-9]{19}")
"""2**63 has 19 digits; beyond 64 bits orjson rounds."""


def read_object(message: str) -> dict[str, Any] | None:
    """Read a message that is one JSON object and nothing else; None for any other.

    NaN and Infinity are not JSON. Of equal keys the last one counts.
    """
    value = _read(message)
    return value if isinstance(value, dict) else None


def _read(message: str) -> Any:
    if not message.lstrip(" \t\r\n").startswith("{"):
        return None
    if not _LONG_INTEGER.search(message):
        try:
            return orjson.loads(message)
        except orjson.JSONDecodeError:
            pass  # lone surrogates, numbers beyond a double and deep nesting are left to the standard library
    try:
        return json.loads(message, parse_constant=_refuse, parse_int=integer)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
