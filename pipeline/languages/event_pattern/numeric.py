"""Numbers in patterns: how large they may be, and numeric matching."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline.checks import InRange, equals_number
from pipeline.languages.event_pattern.reading import Spot, kind, written
from pipeline.predicate import FALSE, Node, Test

MAX_NUMBER = Decimal(5_000_000_000)
"""Largest magnitude of numeric matching, in patterns and in events (EventBridge guide, "Numeric matching")."""

MAX_EXPONENT = 400
"""JSON numbers beyond this many digits are no double anywhere, and slow to compare."""


def numeric(value: Any, spot: Spot) -> Node:
    """One comparison, or a lower bound followed by an upper one."""
    if not isinstance(value, list) or len(value) not in (2, 4):
        raise spot.error('"numeric" takes an operator and a number, once or twice', '[">", 0, "<=", 5]')
    operator, first = value[0], _bound(value[0], value[1], spot)
    if len(value) == 2:  # noqa: PLR2004 - one operator, one number
        return _one_sided(operator, first)
    if operator not in (">", ">=") or value[2] not in ("<", "<="):
        raise spot.error("a numeric range is a lower bound and then an upper one", '[">", 0, "<=", 5]')
    last = _bound(value[2], value[3], spot)
    if first >= last:
        raise spot.error("the lower bound must be less than the upper one")
    return Test((), InRange(low=first, high=last, low_open=operator == ">", high_open=value[2] == "<"))


def _one_sided(operator: str, bound: Decimal) -> Node:
    """One comparison; the other side ends where EventBridge's numbers end."""
    limit = MAX_NUMBER if operator in (">", ">=") else -MAX_NUMBER
    if operator == "=" or bound == limit:
        return FALSE if operator in ("<", ">") else Test((), equals_number(bound))
    if operator in (">", ">="):
        return Test((), InRange(low=bound, high=limit, low_open=operator == ">"))
    return Test((), InRange(low=limit, high=bound, high_open=operator == "<"))


def _bound(operator: Any, number: Any, spot: Spot) -> Decimal:
    if operator not in ("=", "<", "<=", ">", ">="):
        raise spot.error(f"{written(operator)} is not a numeric operator", "known are =, <, <=, > and >=")
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        hint = "write the number without quotes" if isinstance(number, str) else ""
        raise spot.error(f"{operator} needs a number, not {kind(number)}", hint)
    return number_in_range(number, spot)


def number_in_range(number: int | Decimal, spot: Spot) -> Decimal:
    """Return a number that EventBridge compares; raises RuleError for all others."""
    value = exact_number(number, spot)
    if abs(value) > MAX_NUMBER:
        raise spot.error("EventBridge compares numbers from -5e9 to 5e9 only")
    return value


def exact_number(value: int | Decimal, spot: Spot) -> Decimal:
    """Return a number as it was written; raises RuleError if no event could carry it."""
    number = Decimal(value)
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise spot.error("this number is beyond what an event can carry")
    return number
