"""The form in square brackets: conditions on the blank-separated fields of a line.

It needs a program, for no predicate tree can split a line. The tree beside it asks only for the literal texts without
which no field could satisfy its condition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from pipeline.checks import Contains, InRange, one_of
from pipeline.languages.condition import Verdict
from pipeline.languages.filter_pattern.combine import leaves, lower, read_expression, write
from pipeline.languages.filter_pattern.cursor import Cursor
from pipeline.languages.filter_pattern.json_form import check_regexes, read_comparison, write_comparison
from pipeline.languages.filter_pattern.splitting import fields, fields_with_rest
from pipeline.languages.filter_pattern.syntax import (
    AnyFields,
    Comparison,
    Expression,
    Field,
    Leaf,
    Number,
    Operator,
    SpaceForm,
    Text,
)
from pipeline.languages.filter_pattern.values import (
    NUMBER,
    is_word_character,
    number_check,
    text_check,
    wildcards,
)
from pipeline.predicate import RAW, TRUE, Node, Test, all_of, any_of, exists, holds, negate

_NAME = re.compile(r"[^\W\d_]\w*")
_TEXT, _NUMBER = ("text",), ("number",)
"""A field's conditions become a tree over `{"text": ..., "number": ...}`, the number only where the text is one."""

_DOUBLE_DIGITS = 300
"""More digits than this are read as a double, and may overflow it."""


def read_space(cursor: Cursor) -> SpaceForm:
    """Read what stands between the brackets; raises PatternError."""
    entries: list[Field | AnyFields] = []
    names: set[str] = set()
    cursor.skip_blanks()
    while entries or not cursor.at_end():
        begin = cursor.position
        entry = _read_entry(cursor)
        name = "..." if isinstance(entry, AnyFields) else entry.name
        if name in names:
            cursor.fail(f'the entry "{name}" stands here twice', at=begin, hint="every field has its own name")
        names.update([name] if name else [])
        entries.append(entry)
        cursor.skip_blanks()
        if cursor.at_end():
            break
        if not cursor.take(","):
            cursor.expected('"," or the closing "]"', "entry")
        cursor.skip_blanks()
    check_regexes(cursor, [leaf for entry in entries for leaf in _leaves(entry)])
    return SpaceForm(tuple(entries))


def _leaves(entry: Field | AnyFields) -> list[Leaf]:
    return list(leaves(entry.condition)) if isinstance(entry, Field) and entry.condition else []


def _read_entry(cursor: Cursor) -> Field | AnyFields:
    if cursor.at_end() or cursor.starts(","):
        return Field()
    if cursor.take("..."):
        return AnyFields()
    begin = cursor.position
    if cursor.match(_NAME):
        name = cursor.text[begin : cursor.position]
        cursor.skip_blanks()
        if (cursor.at_end() or cursor.starts(",")) and _is_name(name):
            return Field(name)
    cursor.position = begin
    condition = read_expression(cursor, _Conditions().read, "entry")
    return Field(str(next(leaves(condition)).path[0]), condition)


class _Conditions:
    """Reads the conditions of one entry, which must all be on the same name."""

    def __init__(self) -> None:
        self._name = ""

    def read(self, cursor: Cursor) -> Comparison:
        begin = cursor.position
        found = cursor.match(_NAME)
        if not found or not _is_name(found[0]):
            cursor.position = begin
            cursor.expected("a field's name", "name")
        name = self._name = self._name or found[0]
        if found[0] != name:
            hint = "each field's conditions stand in its own entry, between its own commas"
            cursor.fail(f'the entry has conditions on both "{name}" and "{found[0]}"', at=begin, hint=hint)
        cursor.skip_blanks()
        return Comparison((name,), *read_comparison(cursor, "entry"))


def _is_name(name: str) -> bool:
    return all(is_word_character(char) or char == "_" for char in name)


def write_space(form: SpaceForm, *, tight: bool) -> str:
    """Write the pattern."""
    texts = [_write_entry(entry, tight) for entry in form.entries]
    return f"[{(',' if tight else ', ').join(texts)}]"


def _write_entry(entry: Field | AnyFields, tight: bool) -> str:
    match entry:
        case AnyFields():
            return "..."
        case Field(name, None):
            return name
        case Field(_, condition):
            assert condition
            return write(condition, lambda leaf: _write_condition(leaf, tight), tight=tight)


def _write_condition(leaf: Leaf, tight: bool) -> str:
    assert isinstance(leaf, Comparison)
    return f"{leaf.path[0]}{write_comparison(leaf.operator, leaf.value, tight=tight)}"


# ---- meaning ----


@dataclass(frozen=True, slots=True)
class SpaceProgram:
    """Splits the raw message and asks each field for its condition."""

    source: str
    """The pattern's text."""
    before: tuple[Node, ...]
    """Conditions of the fields counted from the left: all of them if there is no ellipsis."""
    after: tuple[Node, ...]
    """Conditions of the last fields, behind the ellipsis."""
    takes_rest: bool
    """There is no ellipsis: the last field takes the rest of the line."""
    language: str = "filter_pattern"

    @classmethod
    def of(cls, form: SpaceForm, source: str) -> Self:
        """Compile the entries."""
        nodes = [None if isinstance(entry, AnyFields) else _lower_field(entry) for entry in form.entries]
        place = nodes.index(None) if None in nodes else len(nodes)
        before = tuple(node for node in nodes[:place] if node)
        after = tuple(node for node in nodes[place + 1 :] if node)
        return cls(source, before, after, place == len(nodes))

    def run(self, event: dict[str, Any], raw: str) -> Verdict:  # noqa: ARG002 - every program is given the event too
        """Decide one message; raises nothing."""
        found = (fields_with_rest(raw, len(self.before)) or []) if self.takes_rest else fields(raw)
        if len(found) < len(self.before) + len(self.after):
            return Verdict(matched=False)
        last = found[len(found) - len(self.after) :]
        pairs = [*zip(self.before, found, strict=False), *zip(self.after, last, strict=True)]
        return Verdict(matched=all(node == TRUE or holds(node, _facts(text)) for node, text in pairs))


def _facts(text: str) -> dict[str, Any]:
    number = _number_of(text)
    return {"text": text} if number is None else {"text": text, "number": number}


def _number_of(text: str) -> float | None:
    """Read a field as a number, with every digit of an integer; None if it is none."""
    found = NUMBER.fullmatch(text)
    if not found:
        return None
    whole = text.lstrip("+-").isdigit() and len(text) <= _DOUBLE_DIGITS
    return int(text) if whole else float(text)


def _lower_field(field: Field) -> Node:
    return lower(field.condition, _lower_condition) if field.condition else TRUE


def _lower_condition(leaf: Leaf) -> Node:
    assert isinstance(leaf, Comparison)
    value, operator = leaf.value, leaf.operator
    if isinstance(value, Number):
        return _lower_number(operator, value)
    test = Test(_TEXT, text_check(value))
    return negate(test) if operator == "!=" else test


def _lower_number(operator: Operator, value: Number) -> Node:
    if operator == "=":
        # the text counts where the number is beyond a double
        return any_of(Test(_TEXT, one_of(value.literal)), Test(_NUMBER, number_check("=", value.literal)))
    if operator != "!=":
        return Test(_NUMBER, number_check(operator, value.literal))
    # a field that is no number differs from every number; one beyond a double differs from none, as in the JSON form
    differs = all_of(Test(_NUMBER, InRange()), negate(Test(_NUMBER, number_check("=", value.literal))))
    return any_of(negate(exists(*_NUMBER)), differs)


def necessary(form: SpaceForm) -> Node:
    """Return a tree on the raw message that holds wherever the pattern matches."""
    conditions = [entry.condition for entry in form.entries if isinstance(entry, Field) and entry.condition]
    return all_of(*(_necessary(condition) for condition in conditions))


def _necessary(condition: Expression) -> Node:
    return lower(condition, _necessary_leaf)


def _necessary_leaf(leaf: Leaf) -> Node:
    # whatever a field is, it stands in the message letter by letter
    match leaf:
        case Comparison(_, "=", Text(text)) if wildcards(text)[1]:
            return Test(RAW, Contains(text=wildcards(text)[1]))
        case _:
            return TRUE
