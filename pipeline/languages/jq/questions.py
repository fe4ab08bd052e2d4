"""Which trees answer a question about known values.

A question has a `Pair` of trees: one holds whenever its answer can be yes, the other whenever it can be no. Both may
hold for more events than that; neither may hold for fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pipeline.checks import (
    AnyCheck,
    Contains,
    InRange,
    Is,
    IsType,
    Prefix,
    Suffix,
    TypeName,
    equals_number,
    one_of,
    regex,
)
from pipeline.languages.jq.known import (
    NOT_NULL,
    At,
    Const,
    Count,
    Elements,
    Lower,
    Unknown,
    Value,
    comparable,
    is_event,
    some,
    some_not,
)
from pipeline.languages.jq.regex import literal, translated
from pipeline.predicate import FALSE, TRUE, Node, Some, all_of, any_listed, any_of, exists, negate

# ---- comparing ----

Pair = tuple[Node, Node]
"""The trees under which a question may be answered with yes, and with no."""
EITHER: Pair = (TRUE, TRUE)


def equal(left: Value, right: Value) -> Pair:
    """Build the trees of `left == right`."""
    if isinstance(left, Const) and isinstance(right, At | Lower | Unknown | Elements | Count):
        left, right = right, left
    match left, right:
        case Const(one), Const(other) if type(one) is type(other) and not isinstance(one, float):
            return (TRUE, FALSE) if one == other else (FALSE, TRUE)
        case At(), Const(constant) if not is_event(left):
            return _equals_constant(left, constant)
        case Lower(place), Const(str() as text) if comparable(text):
            exact = text == _ascii_lower(text)
            return some(place, one_of(text, fold=True)), some_not(place, one_of(text)) if exact else TRUE
        case ((Unknown(truthy=True) | Elements() | Count() | Lower()), Const(None | False)):
            return FALSE, TRUE
        case Count(), Const(int() as number) if number != 0:
            return left.some, TRUE
        case _:
            return EITHER


def _equals_constant(place: At, constant: Any) -> Pair:
    if constant is None:
        return some_not(place, IsType(NOT_NULL)), some(place, IsType(NOT_NULL))
    if isinstance(constant, bool):
        check: AnyCheck = Is(constant)
    elif isinstance(constant, str):
        if not comparable(constant):
            return EITHER
        check = one_of(constant)
    else:
        check = equals_number(Decimal(repr(constant)))
    return some(place, check), some_not(place, check)


def less(left: Value, right: Value, *, or_equal: bool) -> Pair:
    """`left < right` in jq's order: null, false, true, numbers, strings, arrays, objects."""
    match left, right:
        case At(), Const(int() | float() as number) if not is_event(left) and not isinstance(number, bool):
            return below(left, Decimal(repr(number)), or_equal=or_equal)
        case Const(int() | float() as number), At() if not is_event(right) and not isinstance(number, bool):
            yes, no = below(right, Decimal(repr(number)), or_equal=not or_equal)
            return no, yes
        case Const(int() as number), Count(some) if number >= (1 if or_equal else 0) and not isinstance(number, bool):
            return some, TRUE
        case _:
            return EITHER


def below(place: At, number: Decimal, *, or_equal: bool) -> Pair:
    """Numbers that overflowed have no order here but one in jq, so ranges are only ever used to exclude."""
    above = InRange(low=number, low_open=or_equal)
    under = InRange(high=number, high_open=not or_equal)
    yes = all_of(some_not(place, IsType(frozenset({"string", "array", "object"}))), some_not(place, above))
    no = all_of(some(place, IsType(frozenset({"number", "string", "array", "object"}))), some_not(place, under))
    return yes, no


def compare(op: str, left: Value, right: Value) -> Pair:
    """Build the trees of a comparison."""
    match op:
        case "==":
            return equal(left, right)
        case "!=":
            yes, no = equal(left, right)
            return no, yes
        case "<" | "<=":
            return less(left, right, or_equal=op == "<=")
        case _:
            return less(right, left, or_equal=op == ">=")


# ---- questions about strings ----


def _ascii_lower(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)


def string_question(make: Callable[[str, bool], AnyCheck], value: Value, argument: Value) -> Pair:
    """Build the trees of a check of text; `make` is given the text and whether to fold case."""
    match value, argument:
        case At(), Const(str() as text) if not is_event(value) and comparable(text):
            return some(value, make(text, False)), some_not(value, make(text, False))
        case Lower(place), Const(str() as text) if comparable(text):
            exact = text == _ascii_lower(text)
            return some(place, make(text, True)), some_not(place, make(text, False)) if exact else TRUE
        case _:
            return EITHER


def matches(value: Value, pattern: str, flags: str) -> Pair:
    """Build the trees of `test`; a pattern or flag that re2 might read otherwise is left open."""
    if not isinstance(value, At) or is_event(value) or set(flags) - {"g", "i"}:
        return EITHER
    fold = "i" in flags
    text = literal(pattern)
    if text is not None and comparable(text) and text.isascii():
        return some(value, Contains(text=text, fold=fold)), some_not(value, Contains(text=text))
    pattern_for_re2 = translated(pattern)
    if pattern_for_re2 is None:
        return EITHER
    try:
        check = regex(pattern_for_re2, fold=fold)
    except ValueError:
        return EITHER
    if not fold:
        return some(value, check), some_not(value, check)
    # Oniguruma folds by more of Unicode than re2 does
    beyond_ascii = some(value, regex(r"[^\x00-\x7f]"))
    return any_of(some(value, check), beyond_ascii), any_of(some_not(value, check), beyond_ascii)


STRING_QUESTIONS: dict[str, Callable[[str, bool], AnyCheck]] = {
    "startswith": lambda text, fold: Prefix(text=text, fold=fold),
    "endswith": lambda text, fold: Suffix(text=text, fold=fold),
    "contains": lambda text, fold: Contains(text=text, fold=fold),
}


# ---- questions about types, keys and members ----


def typed(value: Value, types: frozenset[TypeName]) -> Node:
    """Hold where the value is, or may be, of one of these types."""
    if not isinstance(value, At) or is_event(value):
        return TRUE
    if "null" in types:
        return some_not(value, IsType(NOT_NULL - types)) if NOT_NULL - types else TRUE
    return some(value, IsType(types))


def present(value: Value, key: Value) -> Pair:
    """Build the trees of `has(key)`."""
    if isinstance(value, At) and isinstance(key, Const) and isinstance(key.value, str) and comparable(key.value):
        keys = (*value.keys, key.value)
        inner = negate(exists(*keys))
        return exists(*value.base, *keys), Some(value.base, inner) if value.base else inner
    return EITHER


def findable(value: Value, argument: Value) -> Node:
    """Hold where `value | index(argument)` may find something: a substring, an element or a run of elements."""
    array = IsType(frozenset({"array"}))
    if isinstance(argument, Const) and isinstance(argument.value, str) and isinstance(value, At):
        found = string_question(STRING_QUESTIONS["contains"], value, argument)[0]
        # `index` on an object is a look-up
        return TRUE if is_event(value) else any_of(found, some(value, IsType(frozenset({"array", "object"}))))
    if isinstance(argument, At) and isinstance(value, Elements) and not is_event(argument):
        if any(not isinstance(element, Const) for _, element in value.ways):
            return TRUE
        found_there = (all_of(tree, equal(argument, element)[0]) for tree, element in value.ways)
        return any_listed(*found_there, some(argument, array))
    return TRUE
