"""Reading JSON so that the choice of parser never decides a match.

msgspec is fast; the standard library is the reference. They differ only where msgspec refuses (lone surrogates, numbers
beyond a double, NaN, deep nesting), and there the standard library's reading counts. What that refuses too is a
DecodeError. (orjson is as fast but rounds integers beyond 64 bits without a word; msgspec keeps them.)

An event that is JSON but beyond what Python takes is read as far as that goes (`read_event`): who can put a number of
5,000 digits into a request must not be able to hide the request behind it.

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
MAX_DIGITS = 4300
"""Python's own limit for reading an integer, in quadratic time; longer ones are far beyond a double."""
MAX_NESTING = 200
"""Levels that are kept of an event; no rule's path goes further."""
# Texts, which `re` compiles when first used: every function imports this module, and few ever need them.
_STRING_OR_SPACE = rf"(?s:({STRING}))|[ \t\r\n]+"
_STRING_OR_BRACKET = rf"(?s:{STRING})|[\[\]{{}}]"
_SURROGATE = "[\ud800-\udfff]"


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

    An integer of more than MAX_DIGITS digits is what a number beyond a double always is, infinite; what stands deeper
    than MAX_NESTING levels is left out, for Pythons differ in how deep they read, and much that comes later recurses.

    Raises DecodeError with the reason "not JSON" or "not an object".
    """
    try:
        value = loads(text)
    except DecodeError as error:
        value = _loads_in_bounds(text, error)
    if not isinstance(value, dict):
        raise DecodeError("not an object", type(value).__name__)
    return _shallow_event(text) if _is_deep(text, value) else value


def _shallow_event(text: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(_shallow(text), parse_int=integer)
    return event


def _is_deep(text: str, value: Any) -> bool:
    """Tell whether something stands deeper than MAX_NESTING levels. Most texts have too few brackets for that."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    level = [value]
    for _ in range(MAX_NESTING):
        insides = (outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [inner for inside in insides for inner in inside if isinstance(inner, dict | list)]
    return any(level)


def _loads_in_bounds(text: str, refusal: DecodeError) -> Any:
    """Read one JSON value that is too much for Python only in places; raises the refusal where it is no JSON."""
    try:
        try:
            return json.loads(text, parse_int=integer)
        except RecursionError:
            return json.loads(_shallow(text), parse_int=integer)
    except (ValueError, RecursionError):
        raise refusal from None


def integer(digits: str) -> float:
    """Read a JSON integer, of whatever length: one of more than MAX_DIGITS digits is infinite."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _shallow(text: str) -> str:
    """Empty the objects and arrays that begin below MAX_NESTING levels of others. Linear in the text."""
    kept: list[str] = []
    depth = start = 0
    for token in re.finditer(_STRING_OR_BRACKET, text):
        if token[0] in {"[", "{"}:
            depth += 1
            if depth == MAX_NESTING + 1:
                kept.append(text[start : token.end()])
        elif token[0] in {"]", "}"}:
            if depth == MAX_NESTING + 1:
                start = token.start()
            depth -= 1
    return "".join([*kept, text[start:]])


def compact(text: str) -> str:
    """Take the insignificant whitespace out of JSON text and leave all else as written, numbers and escapes too."""
    try:
        return msgspec.json.format(text, indent=-1)
    except (ValueError, RecursionError):
        return re.sub(_STRING_OR_SPACE, r"\1", text)


def dumps(value: Any) -> str:
    """Write a JSON value compactly, as CloudTrail does: characters as they are, but lone surrogates as escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return re.sub(_SURROGATE, lambda found: f"\\u{ord(found[0]):04x}", text)
