"""What a guard can know of a value, and the trees that hold where it is so.

A tree may hold for more events than that; it may not hold for fewer. Strings reach jq with lone surrogates replaced, so
texts that a replacement could produce are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.checks import AnyCheck, Is, IsType, TypeName
from pipeline.predicate import CHILD, FALSE, TRUE, Node, Path, Some, Test, any_of, negate

# ---- what can be known of a value ----


@dataclass(frozen=True, slots=True)
class At:
    """The event's value at base + keys; null where it is missing. `base` is empty or ends with CHILD."""

    base: Path
    keys: Path


@dataclass(frozen=True, slots=True)
class Lower:
    """The string at a place, its ASCII letters in lower case."""

    of: At


@dataclass(frozen=True, slots=True)
class Const:
    """Exactly this null, boolean, number or string."""

    value: Any


@dataclass(frozen=True, slots=True)
class Elements:
    """An array, each of whose elements came about in one of these ways."""

    ways: Ways


@dataclass(frozen=True, slots=True)
class Count:
    """A number that is not 0 only if the tree holds."""

    some: Node


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything, or anything but null and false."""

    truthy: bool = False


Value = At | Lower | Const | Elements | Count | Unknown
Way = tuple[Node, Value]
Ways = tuple[Way, ...]

ANYTHING: Ways = ((TRUE, Unknown()),)
SOMETHING: Ways = ((TRUE, Unknown(truthy=True)),)
NOT_NULL: frozenset[TypeName] = frozenset({"string", "number", "boolean", "array", "object"})
_ALWAYS_TRUTHY: frozenset[TypeName] = NOT_NULL - {"boolean"}


# ---- trees about one place ----


def is_event(place: At) -> bool:
    """Tell whether the place is the whole event."""
    return not place.base and not place.keys


def some(place: At, check: AnyCheck) -> Node:
    """Hold where the value, or one of the values, passes the check."""
    return Test(place.base + place.keys, check)


def some_not(place: At, check: AnyCheck) -> Node:
    """Hold where the value, or one of the values, is missing or fails the check."""
    inner = negate(Test(place.keys, check))
    return Some(place.base, inner) if place.base else inner


def truthy(value: Value) -> Node:
    """Hold where the value is neither null nor false, or may be neither."""
    match value:
        case At() if not is_event(value):
            return any_of(some(value, IsType(_ALWAYS_TRUTHY)), some(value, Is(value=True)))
        case Const(constant):
            return FALSE if constant is None or constant is False else TRUE
        case _:
            return TRUE


def falsy(value: Value) -> Node:
    """Hold where the value is null or false, or may be either."""
    match value:
        case At() if is_event(value):
            return FALSE  # an event is an object
        case At(base, keys):
            place = At((), keys)
            inner = negate(truthy(place)) if keys else any_of(Test((), Is(None)), Test((), Is(value=False)))
            return Some(base, inner) if base else inner
        case Const(constant):
            return TRUE if constant is None or constant is False else FALSE
        case Unknown(truthy=False):
            return TRUE
        case _:
            return FALSE


def verdicts(when_true: Node, when_false: Node) -> Ways:
    """Return the ways to true and to false."""
    pairs = ((when_true, Const(value=True)), (when_false, Const(value=False)))
    return tuple(pair for pair in pairs if pair[0] != FALSE)


def comparable(text: str) -> bool:
    """Tell whether replacing lone surrogates in an event can neither produce nor change this text."""
    return all(character < "\ud800" or "\ue000" <= character < "\ufffd" for character in text)


# ---- from one value to others ----


def child(value: Value, key: Value) -> Ways:
    """Return the ways of `value[key]`."""
    match value, key:
        case At(base, keys), Const(str() as name) if comparable(name):
            return ((TRUE, At(base, (*keys, name))),)
        case At(base, keys), Const(int() as index) if index >= 0 and not isinstance(index, bool):
            return ((TRUE, At(base, (*keys, index))),)
        case Const(None), Const(str()):
            return ((TRUE, Const(None)),)
        case _:
            return ANYTHING


def children(value: Value) -> Ways:
    """Return the ways of `value[]`."""
    match value:
        case At(base, keys):
            return ((TRUE, At((*base, *keys, CHILD), ())),)
        case Elements(ways):
            return ways
        case _:
            return ANYTHING


def lowered(value: Value) -> Ways:
    """Return the ways of `ascii_downcase`, which fails on anything but a string."""
    if isinstance(value, At) and not is_event(value):
        return ((some(value, IsType(frozenset({"string"}))), Lower(value)),)
    return SOMETHING


def counted(value: Value) -> Ways:
    """Return the ways of `length`."""
    if isinstance(value, Elements):
        return ((TRUE, Count(any_of(*(tree for tree, _ in value.ways)))),)
    return SOMETHING
