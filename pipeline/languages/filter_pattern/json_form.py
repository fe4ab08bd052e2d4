"""The form in braces: conditions on the properties of a JSON object, lowered exactly to a predicate tree.

What each condition means for each kind of value (CloudWatch Logs, recorded):

    value found    = v          != v             < <= > >=  IS NULL             IS TRUE  NOT EXISTS
    string         by its text  opposite of =    false      false               false    false
    number         by value     opposite of =    by value   false               false    false
    boolean        false        false            false      false               by value false
    null           false        false            false      true                false    false
    object         false        false            false      false               false    false
    array          false        false            false      if it holds a null  false    false
    nothing there  false        false            false      false               false    true

With a wildcard in the selector a condition holds if it holds for some child, but `!=` holds if what stands before the
wildcard exists and no child is equal.
"""

from __future__ import annotations

import re

from pipeline.checks import InRange, Is, IsType, one_of
from pipeline.languages.filter_pattern.combine import leaves, lower, read_expression, write
from pipeline.languages.filter_pattern.cursor import Cursor
from pipeline.languages.filter_pattern.mistakes import Place
from pipeline.languages.filter_pattern.selectors import MOST_WILDCARDS_IN_PATTERN, read_selector, write_selector
from pipeline.languages.filter_pattern.syntax import (
    Comparison,
    IsValue,
    JsonForm,
    Leaf,
    NotExists,
    Number,
    Operator,
    RegexText,
    Value,
)
from pipeline.languages.filter_pattern.values import (
    MOST_REGEXES,
    number_check,
    read_number,
    read_value,
    text_check,
    write_value,
)
from pipeline.predicate import CHILD, Node, Path, Test, all_of, any_of, exists, negate

OPERATORS: tuple[Operator, ...] = ("!=", "<=", ">=", "=", "<", ">")
"""Longer ones first, as they are looked for."""

_WORD = re.compile(r"[A-Za-z]+(?![\w.-])")
_IS: dict[str, bool | None] = {"NULL": None, "TRUE": True, "FALSE": False}
_STRING = IsType(frozenset(("string",)))
_SCALAR = IsType(frozenset(("string", "number")))
_ARRAY = IsType(frozenset(("array",)))


def read_json(cursor: Cursor) -> JsonForm:
    """Read what stands between the braces; raises PatternError."""
    expression = read_expression(cursor, _read_condition, "joiner")
    if not cursor.at_end():
        cursor.expected('"&&", "||" or the closing "}"', "joiner")
    check_regexes(cursor, list(leaves(expression)))
    if sum(leaf.path.count(CHILD) for leaf in leaves(expression)) > MOST_WILDCARDS_IN_PATTERN:
        cursor.fail(f"a pattern may have {MOST_WILDCARDS_IN_PATTERN} wildcard selectors at most", at=0)
    return JsonForm(expression)


def check_regexes(cursor: Cursor, conditions: list[Leaf]) -> None:
    """Raise PatternError if the conditions have more regexes than CloudWatch Logs takes."""
    regexes = sum(isinstance(leaf, Comparison) and isinstance(leaf.value, RegexText) for leaf in conditions)
    if regexes > MOST_REGEXES:
        cursor.fail(f"a pattern may have {MOST_REGEXES} regexes at most", at=0)


def _read_condition(cursor: Cursor) -> Leaf:
    path = read_selector(cursor)
    cursor.skip_blanks()
    begin = cursor.position
    match _read_keywords(cursor):
        case ["IS", ("NULL" | "TRUE" | "FALSE") as word]:
            return IsValue(path, _IS[word])
        case ["NOT", "EXISTS"]:
            return NotExists(path)
    cursor.position = begin
    return Comparison(path, *read_comparison(cursor))


def _read_keywords(cursor: Cursor) -> list[str]:
    """Read up to two words; keywords ignore case (recorded)."""
    words = []
    for _ in range(2):
        cursor.skip_blanks()
        found = cursor.match(_WORD)
        words.append(found[0].upper() if found else "")
    return words


def read_comparison(cursor: Cursor, place: Place = "operator") -> tuple[Operator, Value]:
    """Read an operator and its value; raises PatternError. `place` says which hints fit a missing operator."""
    operator = next((operator for operator in OPERATORS if cursor.take(operator)), None)
    if operator is None:
        cursor.expected("an operator", place)
    if operator == "=" and cursor.peek() in ("=", "~"):
        cursor.position -= 1
        cursor.expected("an operator", place)
    cursor.skip_blanks()
    if operator in ("=", "!="):
        return operator, read_value(cursor)
    number = read_number(cursor)
    if number is None:
        cursor.expected(f'a number behind "{operator}"', "number")
    return operator, number


def write_json(form: JsonForm, *, tight: bool) -> str:
    """Write the pattern."""
    text = write(form.expression, lambda leaf: _write_condition(leaf, tight), tight=tight)
    return f"{{{text}}}" if tight else f"{{ {text} }}"


def _write_condition(leaf: Leaf, tight: bool) -> str:
    selector = write_selector(leaf.path)
    match leaf:
        case Comparison(_, operator, value):
            return f"{selector}{write_comparison(operator, value, tight=tight)}"
        case IsValue(_, value):
            word = next(word for word, meant in _IS.items() if meant is value)
            return f"{selector} IS {word}"
        case NotExists():
            return f"{selector} NOT EXISTS"


def write_comparison(operator: Operator, value: Value, *, tight: bool) -> str:
    """Write an operator and its value."""
    gap = "" if tight else " "
    return f"{gap}{operator}{gap}{write_value(value, tight=tight)}"


def lower_json(form: JsonForm) -> Node:
    """Turn the pattern into the tree that holds for exactly the objects it matches."""
    return lower(form.expression, lower_condition)


def lower_condition(leaf: Leaf) -> Node:
    """Turn one condition into a tree."""
    match leaf:
        case NotExists(path):
            return negate(exists(*path))
        case IsValue(path, None):
            return _is_null(path)
        case IsValue(path, value):
            return Test(path, Is(value))
        case Comparison(path, "!=", value):
            return _differs(path, value)
        case Comparison(path, operator, value):
            return _equal(path, value) if operator == "=" else _ordered(path, operator, value)


def _is_null(path: Path) -> Node:
    if CHILD in path:
        return Test(path, Is(None))
    holds_null = all_of(Test(path, _ARRAY), Test((*path, CHILD), Is(None)))
    return any_of(Test(path, Is(None)), holds_null)


def _equal(path: Path, value: Value) -> Node:
    if not isinstance(value, Number):
        return Test(path, text_check(value))
    # a string equals a number only if it is written exactly like it
    return any_of(Test(path, one_of(value.literal)), Test(path, number_check("=", value.literal)))


def _ordered(path: Path, operator: Operator, value: Value) -> Node:
    assert isinstance(value, Number)
    return Test(path, number_check(operator, value.literal))


def _differs(path: Path, value: Value) -> Node:
    different = negate(_equal(path, value))
    if CHILD in path:
        before = path[: path.index(CHILD)]
        return all_of(exists(*before), different) if before else different
    if not isinstance(value, Number):
        return all_of(Test(path, _SCALAR), different)
    # a number beyond a double differs from no number: it has no order at all (recorded)
    return all_of(any_of(Test(path, _STRING), Test(path, InRange())), different)
