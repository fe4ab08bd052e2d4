"""Values to the right of an operator: how they are read, written, and turned into checks."""

from __future__ import annotations

import re
from decimal import Decimal

from pipeline.checks import AnyCheck, InRange, IsType, like
from pipeline.languages.filter_pattern.cursor import Cursor
from pipeline.languages.filter_pattern.regexes import regex_check
from pipeline.languages.filter_pattern.syntax import Number, Operator, RegexText, Text, Value

MOST_REGEXES = 2
"""Regexes in one JSON or space-delimited pattern (CloudWatch Logs User Guide)."""

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
QUOTED = re.compile(r'"((?:\\["\\]|\\(?!["\\])|[^"\\])*)"', re.DOTALL)
_BARE = re.compile(r"(?:[^\W_]|[_.*])+")
_REGEX = re.compile(r"%([^%]*)%", re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_TO_ESCAPE = re.compile(r'"|\\(?=["\\]|\Z)')
_EXPONENTS = range(-(2**31), 2**31)


def is_word_character(char: str) -> bool:
    """Tell whether this is a letter of any script or an ASCII digit."""
    return char.isalpha() or (char.isascii() and char.isdigit())


def read_value(cursor: Cursor) -> Value:
    """Read a value to compare with; raises PatternError."""
    begin = cursor.position
    if cursor.starts('"'):
        return Text(read_quoted(cursor))
    if cursor.starts("%"):
        return RegexText(_read_regex(cursor))
    number = read_number(cursor)
    if number:
        return number
    bare = cursor.match(_BARE)
    if not bare or not all(is_word_character(char) or char in "_.*" for char in bare[0]):
        cursor.position = begin
        cursor.expected("a value", "value")
    if bare[0].lower() == "null":
        cursor.position = begin
        cursor.expected("a value", "value")
    return Text(bare[0])


def read_number(cursor: Cursor) -> Number | None:
    """Read a number, unless what begins like one goes on as a bare word (`10.0.*`, `4xx`)."""
    begin = cursor.position
    found = cursor.match(NUMBER)
    if not found:
        return None
    following = cursor.peek()
    if following and (is_word_character(following) or following in "_.*"):
        cursor.position = begin
        return None
    if found[1] and int(found[1]) not in _EXPONENTS:
        cursor.fail("the exponent is outside the 32-bit range", at=begin)
    return Number(found[0])


def read_quoted(cursor: Cursor) -> str:
    """Read a text in double quotes and undo its escapes; raises PatternError if it is empty or not closed."""
    begin = cursor.position
    found = cursor.match(QUOTED)
    if not found:
        cursor.fail("the closing double quote is missing", at=begin, hint=r"a quote inside quotes is written \"")
    if not found[1]:
        cursor.fail("nothing stands between the double quotes", at=begin, hint="an empty text is not allowed")
    return _ESCAPE.sub(r"\1", found[1])


def _read_regex(cursor: Cursor) -> str:
    begin = cursor.position
    found = cursor.match(_REGEX)
    if not found:
        cursor.fail("the closing percent sign of the regex is missing", at=begin)
    if not found[1]:
        cursor.fail("the regex is empty", at=begin)
    regex_check(found[1], begin + 1)
    return found[1]


def write_quoted(text: str) -> str:
    """Write a text in double quotes with as few escapes as reading it back allows."""
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", text) + '"'


def write_value(value: Value, *, tight: bool) -> str:
    """Write a value so that reading it gives the same one; `tight`: without quotes where they are not needed."""
    match value:
        case Number(literal):
            return literal
        case RegexText(source):
            return f"%{source}%"
        case Text(text):
            return text if tight and _is_bare(text) else write_quoted(text)


def _is_bare(text: str) -> bool:
    plain = all(is_word_character(char) or char in "_.*" for char in text)
    return plain and not NUMBER.fullmatch(text) and text.lower() != "null"


def wildcards(text: str) -> tuple[bool, str, bool]:
    """Split a text into: begins with a wildcard, the literal part, ends with one.

    Only one `*` a side is a wildcard; any other is a literal asterisk.
    """
    leading = text.startswith("*")
    core = text[leading:]
    trailing = core.endswith("*")
    return leading, core.removesuffix("*"), trailing


def text_check(value: Text | RegexText) -> AnyCheck:
    """Build the check of a text or regex; it looks at strings and at the text of numbers."""
    if isinstance(value, RegexText):
        return regex_check(value.source, 0)
    leading, core, trailing = wildcards(value.text)
    if not core:
        return IsType(frozenset(("string", "number")))
    return like(*[""] * leading, core, *[""] * trailing, numbers=True)


def number_check(operator: Operator, literal: str) -> InRange:
    """Build the check of a comparison other than `!=` with a number."""
    number = Decimal(literal)
    match operator:
        case "<" | "<=":
            return InRange(high=number, high_open=operator == "<")
        case ">" | ">=":
            return InRange(low=number, low_open=operator == ">")
        case _:
            return InRange(low=number, high=number)
