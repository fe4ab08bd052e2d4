"""Reading JSON so that the choice of parser never decides a match.

msgspec is fast; the standard library is the reference. They differ only where msgspec refuses (lone surrogates, numbers
beyond a double, NaN, deep nesting), and there the standard library's reading counts. What that refuses too is a
DecodeError. (orjson is as fast but rounds integers beyond 64 bits without a word; msgspec keeps them.)

The law test: what `loads` says is what the standard library says, value by value and type by type.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from pipeline.errors import DecodeError

_fast = msgspec.json.Decoder().decode

STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+\\?"?'
"""A JSON string, or an unterminated one up to the end: it never fails once begun, which keeps scanning linear."""
_STRING_OR_SPACE = re.compile(rf"({STRING})|[ \t\r\n]+", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(text: str) -> Any:
    """Read one JSON value; raises DecodeError("not JSON")."""
    try:
        return _fast(text)
    except (ValueError, RecursionError):
        return loads_slowly(text)


def loads_slowly(text: str) -> Any:
    """Read one JSON value with the standard library, whose reading counts; raises DecodeError("not JSON")."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DecodeError("not JSON", str(error)[:200]) from error


def read_event(text: str) -> dict[str, Any]:
    """Read one CloudTrail event from a log message.

    Raises DecodeError with the reason "not JSON" or "not an object".
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise DecodeError("not an object", type(value).__name__)
    return value


def compact(text: str) -> str:
    """Take the insignificant whitespace out of JSON text and leave all else as written, numbers and escapes too."""
    try:
        return msgspec.json.format(text, indent=-1)
    except (ValueError, RecursionError):
        return _STRING_OR_SPACE.sub(r"\1", text)


def dumps(value: Any) -> str:
    """Write a JSON value compactly, as CloudTrail does: characters as they are, but lone surrogates as escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
