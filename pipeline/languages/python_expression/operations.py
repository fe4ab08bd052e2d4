"""The functions, methods and operators of rules. Each is Python's own, bounded where an event could make it explode.

What would exceed a bound raises LimitReached: the rule is then undecided, which is told, and not silently false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MAX_TEXT = 2_000_000
"""Longest text or list that a rule may build. CloudTrail events are at most 256 KB (CloudWatch Logs)."""

MAX_BITS = 20_000
"""Largest integer that a rule may compute; JSON numbers of 4,300 digits have 14,285 bits."""

MAX_ROUND_DIGITS = 20

Function = Callable[..., Any]


class LimitReached(Exception):
    """A rule tried to build something too large, or to compute for too long."""


def call_method(name: str, receiver: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Call a listed method of a text, list, set or dict; raises AttributeError where the value has no such method."""
    method = _METHODS.get(type(receiver), {}).get(name)
    if method is None:
        message = f"a {type(receiver).__name__} has no method {name}"
        raise AttributeError(message)
    return method(receiver, *arguments, **keywords)


# ---- methods ----


def _join(separator: str, parts: Iterable[str]) -> str:
    texts = list(parts)
    size = sum(len(text) for text in texts if isinstance(text, str)) + len(separator) * len(texts)
    return separator.join(texts) if _fits(size) else ""


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old) if isinstance(old, str) else 0
    grown = len(text) + found * (len(new) if isinstance(new, str) else 0)
    return text.replace(old, new, count) if _fits(grown) else ""


def _fits(size: int) -> bool:
    if size > MAX_TEXT:
        message = f"more than {MAX_TEXT} characters or elements"
        raise LimitReached(message)
    return True


_PLAIN_TEXT_METHODS = (
    *("startswith", "endswith", "find", "rfind", "index", "rindex", "count"),
    *("lower", "upper", "casefold", "capitalize", "title", "swapcase"),
    *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
    *("split", "rsplit", "splitlines", "partition", "rpartition"),
    *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable"),
    *("isspace", "istitle", "isupper"),
)

_TEXT_METHODS: dict[str, Function] = {name: getattr(str, name) for name in _PLAIN_TEXT_METHODS}
_TEXT_METHODS |= {"join": _join, "replace": _replace}

_METHODS: dict[type, Mapping[str, Function]] = {
    str: _TEXT_METHODS,
    dict: {name: getattr(dict, name) for name in ("get", "keys", "values", "items")},
    list: {name: getattr(list, name) for name in ("count", "index")},
    tuple: {name: getattr(tuple, name) for name in ("count", "index")},
    set: {name: getattr(set, name) for name in ("isdisjoint", "issubset", "issuperset", "intersection", "union")},
}

METHOD_NAMES = frozenset(name for methods in _METHODS.values() for name in methods)


# ---- functions ----


def _round(number: Any, digits: Any = None) -> Any:
    if isinstance(digits, int) and abs(digits) > MAX_ROUND_DIGITS:
        message = f"round takes at most {MAX_ROUND_DIGITS} digits"
        raise ValueError(message)
    return round(number, digits)


def _sum(values: Iterable[Any], start: Any = 0) -> Any:
    total = _number(start)
    for value in values:
        total += _number(value)
    return total


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        message = f"a {type(value).__name__} is no number"
        raise TypeError(message)
    return value


def _str(value: Any = "") -> str:
    _extent(value, 0)
    return str(value)


def _extent(value: Any, before: int) -> int:
    """Count the elements and characters of a value, and stop where they are too many."""
    size = before + (len(value) if isinstance(value, str) else 1)
    _fits(size)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple | set):
        for element in value:
            size = _extent(element, size)
    return size


FUNCTIONS: dict[str, Function] = dict(
    [(function.__name__, function) for function in (abs, all, any, bool, float, int, len, list, set, tuple)]
    + [(function.__name__, function) for function in (max, min, sorted)]
    + [("round", _round), ("str", _str), ("sum", _sum)]
)


# ---- operators ----


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _fits(len(left) + len(right))
    return left + right


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(left, list | tuple) or isinstance(right, list | tuple):
        message = "lists cannot be repeated"
        raise TypeError(message)
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str) and isinstance(times, int):
            _fits(len(text) * max(0, times))
    if isinstance(left, int) and isinstance(right, int):
        _fits_bits(left.bit_length() + right.bit_length())
    return left * right


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        _fits_bits(base.bit_length() * exponent)
    return base**exponent


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        message = "texts cannot be formatted with %"
        raise TypeError(message)
    return left % right


def _fits_bits(bits: int) -> None:
    if bits > MAX_BITS:
        message = f"an integer of more than {MAX_BITS} bits"
        raise LimitReached(message)


BINARY: dict[str, Function] = {
    "Add": _add,
    "Sub": operator.sub,
    "Mult": _multiply,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": _modulo,
    "Pow": _power,
}

UNARY: dict[str, Function] = {"Not": operator.not_, "UAdd": operator.pos, "USub": operator.neg}


def _within(left: Any, right: Any) -> bool:
    return left in right


def _not_within(left: Any, right: Any) -> bool:
    return left not in right


COMPARISONS: dict[str, Function] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "In": _within,
    "NotIn": _not_within,
    "Is": operator.is_,
    "IsNot": operator.is_not,
}
