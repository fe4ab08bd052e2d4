"""What a filter pattern says, as values, before anything gives it a meaning.

Two patterns that differ only in how they are written (blanks, quotes that change nothing, parentheses that change
nothing) have equal values here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.predicate import Path

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Sign = Literal["", "-", "?"]


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted or bare value, unescaped; a `*` at either end is a wildcard."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """An unquoted number, as it was written: the digits matter where it is compared with a string."""

    literal: str


@dataclass(frozen=True, slots=True)
class RegexText:
    """What stands between two percent signs."""

    source: str


Value = Text | Number | RegexText


@dataclass(frozen=True, slots=True)
class Comparison:
    """`subject operator value`. In the space-delimited form the subject is the field's name alone."""

    path: Path
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class IsValue:
    """`selector IS NULL`, `IS TRUE` or `IS FALSE`."""

    path: Path
    value: bool | None


@dataclass(frozen=True, slots=True)
class NotExists:
    """`selector NOT EXISTS`."""

    path: Path


Leaf = Comparison | IsValue | NotExists


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions joined by `&&`; none of them is an And. Build it with `combine.join`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions joined by `||`; none of them is an Or. Build it with `combine.join`."""

    parts: tuple[Expression, ...]


Expression = And | Or | Comparison | IsValue | NotExists


@dataclass(frozen=True, slots=True)
class Term:
    """A literal text that must occur, must not (`-`), or is one of several of which one must (`?`)."""

    sign: Sign
    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The unstructured form. Without terms it matches every event."""

    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeRegex:
    """The stand-alone regex form."""

    source: str


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The form in braces."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of the space-delimited form. Unnamed entries have an empty name and no condition."""

    name: str = ""
    condition: Expression | None = None


@dataclass(frozen=True, slots=True)
class AnyFields:
    """The entry `...`: any number of fields, none included."""


@dataclass(frozen=True, slots=True)
class SpaceForm:
    """The form in square brackets. At most one entry is `...`."""

    entries: tuple[Field | AnyFields, ...]


Syntax = Terms | WholeRegex | JsonForm | SpaceForm
