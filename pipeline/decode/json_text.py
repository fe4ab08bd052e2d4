"""Reading JSON so that the choice of parser never decides a match.

orjson is fast; the standard library is the reference. They differ where orjson refuses (lone surrogates, numbers beyond
a double, NaN, deep nesting) and where it rounds (integers beyond 64 bits become floats). In both cases the standard
library's reading counts. What that refuses too is a DecodeError.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pipeline.errors import DecodeError

_BEYOND_64_BITS = re.compile(r"[0-9]{19}")
"""2**63 has 19 digits. Finding them inside a string costs a slower parse, nothing else."""


def loads(text: str) -> Any:
    """Read one JSON value; raises DecodeError("not JSON")."""
    if not _BEYOND_64_BITS.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
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
