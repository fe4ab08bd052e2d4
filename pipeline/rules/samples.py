"""Values that pass a check, and values that fail it: what an event would have to say for a leaf to turn over.

The first is the one that reads best: close to what stands there now, and plain. None is promised: every sample is
tried on the check itself, and a check that is too odd to be guessed has none.
"""

from __future__ import annotations

import difflib
import importlib
import ipaddress
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from pipeline.checks import (
    AnyCheck,
    Cidr,
    Contains,
    Exists,
    Glob,
    InRange,
    Is,
    IsType,
    OneOf,
    Prefix,
    Regex,
    Suffix,
    TypeName,
)
from pipeline.rules.edits import ABSENT

MOST = 12
"""Samples of one check."""
MOST_COMPARED = 256
"""Texts of one check that are compared with what stands there; comparing takes time."""
MOST_COMPARED_CHARS = 100

_OF_TYPE: dict[TypeName, Any] = {
    "string": "example",
    "number": 1,
    "boolean": True,
    "null": None,
    "object": {},
    "array": [],
}


def passing(check: AnyCheck, now: Any = ABSENT) -> list[Any]:
    """Return values that pass the check, nearest to the present one first."""
    return _kept((value for value in _likely(check, now) if check.passes(value)), now)


def failing(check: AnyCheck, now: Any = ABSENT) -> list[Any]:
    """Return what to put in place of a value that passes the check so that it no longer does.

    ABSENT always does. It comes first where the check is about being there, else last.
    """
    values = _kept((value for value in _unlikely(check, now) if not check.passes(value)), now)
    return [ABSENT, *values] if isinstance(check, Exists | IsType) else [*values, ABSENT]


def _kept(values: Iterable[Any], now: Any) -> list[Any]:
    """Drop what is said twice (1 and true are not the same) and what stands there already."""
    found: dict[tuple[type, str], Any] = {}
    for value in values:
        if type(value) is not type(now) or value != now:
            found.setdefault((type(value), repr(value)), value)
        if len(found) == MOST:
            break
    return list(found.values())


def _likely(check: AnyCheck, now: Any) -> Iterable[Any]:
    match check:
        case Exists():
            return _OF_TYPE.values()
        case IsType(types):
            return [value for name, value in _OF_TYPE.items() if name in types]
        case Is(value):
            return [value]
        case InRange():
            return _in_range(check, now)
        case OneOf(texts=texts):
            return _nearest_texts(texts, now)
        case Prefix(text=text) | Suffix(text=text) | Contains(text=text):
            return _around(check, text, now)
        case Glob(pieces=pieces):
            return ["".join(pieces), "x".join(pieces)]
        case Regex(pattern=pattern):
            return _of_regex(pattern)
        case Cidr(network=network):
            first = ipaddress.ip_network(network)
            return [str(first[1] if first.num_addresses > 1 else first[0]), str(first[0])]


def _unlikely(check: AnyCheck, now: Any) -> Iterable[Any]:
    match check:
        case Exists():
            return []
        case Is(bool() as value):
            return [not value]
        case Is():
            return ["example"]
        case IsType():
            return _OF_TYPE.values()
        case InRange():
            return _out_of_range(check)
        case Cidr():
            return ["192.0.2.1", "2001:db8::1", "example"]
        case _:
            text = now if isinstance(now, str) else ""
            return [
                f"{text}X",
                f"X{text}",
                *([_without(check.text, text)] if isinstance(check, Contains) else []),
                "other",
            ]


def _without(part: str, text: str) -> str:
    return text.replace(part, "")


def _nearest_texts(texts: Iterable[str], now: Any) -> list[str]:
    ordered = sorted(texts)
    if not isinstance(now, str):
        return ordered[:MOST]
    short = [text[:MOST_COMPARED_CHARS] for text in ordered[:MOST_COMPARED]]
    close = difflib.get_close_matches(now[:MOST_COMPARED_CHARS], short, n=3, cutoff=0.5)
    return [*(text for near in close for text in ordered if text[:MOST_COMPARED_CHARS] == near), *ordered]


def _around(check: Prefix | Suffix | Contains, text: str, now: Any) -> list[str]:
    """Put the text before, behind or into what stands there, or alone."""
    rest = now if isinstance(now, str) and len(now) < MOST_COMPARED_CHARS else ""
    longer = text + rest if isinstance(check, Prefix) else rest + text
    return [text, f"{text}Example", f"Example{text}", longer] if text else ["example"]


def _in_range(check: InRange, now: Any) -> Iterator[Any]:
    low, high = check.low, check.high
    if isinstance(now, float | int) and not isinstance(now, bool):
        yield from (_number(bound) for bound in (low, high) if bound is not None)
    for bound, step in ((low, 1), (high, -1)):
        if bound is not None:
            yield from (_number(bound), _number(bound + step), _number(bound.to_integral_value() + step))
            yield _number(bound + step * abs(bound))  # 1 more of 10**30 is lost in rounding
    if low is not None and high is not None:
        yield _number((low + high) / 2)
    yield from (1, 0)


def _out_of_range(check: InRange) -> Iterator[Any]:
    for bound, step in ((check.low, -1), (check.high, 1)):
        if bound is not None:
            yield from (_number(bound), _number(bound + step), _number(bound + step * abs(bound)))
    yield from (0, "example")


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


# ---- a text that a regex finds ----

_ONE_OF_CATEGORY = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " ", "CATEGORY_NOT_SPACE": "a"}


def _of_regex(pattern: str) -> list[str]:
    """Return short texts that the pattern is likely to find: every first choice, every repeat as seldom as may be.

    Read with Python's own regex parser, which differs from google-re2 in corners; so a sample is a guess.
    """
    import re

    try:
        # The parser behind re.compile is no public module; a Python without it costs samples of regexes, no more.
        parsed = importlib.import_module("re._parser").parse(pattern)
    except (ImportError, re.error, RecursionError, OverflowError):
        return []
    sample = _sample(parsed)
    return [sample, f"{sample}x", f"x{sample}"]


def _sample(parsed: Any) -> str:
    return "".join(_sample_of(str(kind), value) for kind, value in parsed)


def _sample_of(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "ANY" | "NOT_LITERAL":
            return "x"
        case "IN":
            return _sample_of_set(value)
        case "BRANCH":
            return _sample(value[1][0])
        case "SUBPATTERN":
            return _sample(value[-1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            times: int = min(value[0], MOST_COMPARED_CHARS)
            return _sample(value[2]) * times
        case _:
            return ""


def _sample_of_set(members: Any) -> str:
    kind, value = str(members[0][0]), members[0][1]
    match kind:
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return _ONE_OF_CATEGORY.get(str(value), "-")
        case _:
            return _outside(members[1:])


def _outside(members: Any) -> str:
    """Return a character that a negated set admits."""
    taken = {chr(value) for kind, value in members if str(kind) == "LITERAL"}
    ranges = [value for kind, value in members if str(kind) == "RANGE"]
    free = (
        char for char in "ax0-_ " if char not in taken and not any(low <= ord(char) <= high for low, high in ranges)
    )
    return next(free, "~")
