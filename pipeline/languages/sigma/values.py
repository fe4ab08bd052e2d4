"""Sigma's values: a field (or the whole message) and a value of pySigma -> a predicate tree.

A field is looked at through arrays: any element counts. Strings are compared without regard to case unless `cased`,
and booleans and numbers also by their JSON text, for public rules write `publiclyAccessible: 'true'` where CloudTrail
writes a boolean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.checks import (
    Contains,
    Glob,
    InRange,
    Is,
    IsType,
    OneOf,
    Prefix,
    Regex,
    Suffix,
    TypeName,
    cidr,
    equals_number,
    like,
    one_of,
    regex,
)
from pipeline.errors import RuleError
from pipeline.predicate import CHILD, RAW, SPREAD, Node, Path, Same, Step, Test, any_of, exists, negate

if TYPE_CHECKING:
    from sigma.types import SigmaFieldReference, SigmaRegularExpression, SigmaString

SOMETHING: frozenset[TypeName] = frozenset({"string", "number", "boolean", "array", "object"})
"""Every type but null."""
OBJECT_FIELDS = frozenset(
    {
        "requestParameters",
        "responseElements",
        "additionalEventData",
        "serviceEventDetails",
        "userIdentity",
        "userIdentity.sessionContext",
        "userIdentity.sessionContext.sessionIssuer",
        "resources",
        "tlsDetails",
        "insightDetails",
        "eventCategoryDetails",
    }
)
"""Fields that are objects in CloudTrail, which rules search like texts: `requestParameters|contains: Suspended`."""
OBJECT_LEVELS = 6
"""How deep below such a field texts are looked for."""

_JSON_PAIR = re.compile(r'"[\w.-]+":\s*(-?\d|true|false|null|\[|\{)')
_MEMBER = re.compile(r"([\w-]+)=(.*)", re.DOTALL)
"""A member as systems print it that keep objects as text: `layers=[...]` in `{functionName=f, layers=[...]}`."""
_INDEXED = re.compile(r"(?<=.)\[(\d{1,6})\]")

TextCheck = OneOf | Prefix | Suffix | Contains | Glob | Regex
_Piece = str | None
"""A literal text, or None for `?`."""


def field_path(field: str) -> Path:
    """Return the path of a dotted field, looking through arrays after every key but the last.

    `resources[0].ARN` names one element.
    """
    steps: list[Step] = []
    for key in field.split("."):
        name, *indexes = _INDEXED.split(key) if _INDEXED.search(key) else [key]
        steps += [name, *(int(index) for index in indexes if index), SPREAD]
    return tuple(steps[:-1])


def field_tree(field: str, value: Any) -> Node:
    """Build the tree of `field: value`; raises RuleError, without a line, for what cannot be expressed."""
    from sigma import types as sigma

    path = field_path(field)
    match value:
        case sigma.SigmaTimestampPart() | sigma.SigmaQueryExpression():
            raise RuleError("parts of a time and queries of other systems cannot be matched")
        case sigma.SigmaString():
            return _string_tree(field, path, value)
        case sigma.SigmaNumber():
            return _number_tree(path, value.number)
        case sigma.SigmaBool():
            text = one_of(str(value.boolean).lower(), fold=True)
            return any_of(_some(path, Is(value.boolean)), _some(path, text))
        case sigma.SigmaNull():
            return negate(Test(path, IsType(SOMETHING)))
        case sigma.SigmaExists():
            return exists(*path) if value.exists else negate(exists(*path))
        case sigma.SigmaRegularExpression():
            return _text_tree(_searched(field, path), _regex_check(value))
        case sigma.SigmaCIDRExpression():
            return _some(path, cidr(str(value.network)))
        case sigma.SigmaCompareExpression():
            return _compare_tree(path, value.op.name, value.number.number)
        case sigma.SigmaFieldReference():
            return _same_tree(path, value)
        case sigma.SigmaExpansion():
            return any_of(*(field_tree(field, inner) for inner in value.values))
        case _:
            raise RuleError(f"a value of the kind {type(value).__name__} cannot be matched")


def keyword_tree(value: Any) -> Node:
    """Build the tree of a keyword: a text anywhere in the message as it arrived; raises RuleError without a line."""
    from sigma import types as sigma

    match value:
        case sigma.SigmaTimestampPart() | sigma.SigmaQueryExpression():
            raise RuleError("parts of a time and queries of other systems cannot be matched")
        case sigma.SigmaString():
            pieces, fold = _pieces(value), not isinstance(value, sigma.SigmaCasedString)
            checks = {
                _pattern_check(_around(_written(pieces, ascii_only)), fold=fold) for ascii_only in (None, False, True)
            }
            return any_of(*(Test(RAW, check) for check in sorted(checks, key=repr)))
        case sigma.SigmaNumber():
            return Test(RAW, Contains(text=str(value.number)))
        case sigma.SigmaBool():
            return Test(RAW, Contains(text=str(value.boolean).lower()))
        case sigma.SigmaRegularExpression():
            return Test(RAW, _regex_check(value))
        case sigma.SigmaExpansion():
            return any_of(*(keyword_tree(inner) for inner in value.values))
        case _:
            raise RuleError(f"a value of the kind {type(value).__name__} needs a field")


# ---- strings ----


def _string_tree(field: str, path: Path, value: SigmaString) -> Node:
    from sigma.types import SigmaCasedString

    pieces = _pieces(value)
    if pieces and all(piece == [""] for piece in pieces) and len(pieces) > 1:  # only `*`: anything but null
        return Test(path, IsType(SOMETHING))
    check = _pattern_check(pieces, fold=not isinstance(value, SigmaCasedString))
    if isinstance(check, OneOf):
        return _text_tree([path], check)
    paths = _searched(field, path)
    if len(paths) > 1 and any(_JSON_PAIR.search(piece) for parts in pieces for piece in parts if piece):
        raise RuleError(
            f"`{field}` is an object, not a text of JSON",
            hint="name the field inside it, such as requestParameters.ipPermissions.items.fromPort: 22",
        )
    if len(paths) > 1 and isinstance(check, Contains) and (member := _MEMBER.fullmatch(check.text)):
        return any_of(_text_tree(paths, check), _member_tree(paths, *member.groups(), fold=check.fold))
    return _text_tree(paths, check)


def _pieces(value: SigmaString) -> list[list[_Piece]]:
    """Split a pattern at its `*`; each piece is a list of texts and `?`, never empty."""
    from sigma.types import SpecialChars

    pieces: list[list[_Piece]] = [[""]]
    for part in value.s:
        if part == SpecialChars.WILDCARD_MULTI:
            pieces.append([""])
        elif part == SpecialChars.WILDCARD_SINGLE:
            pieces[-1] += [None, ""]
        elif isinstance(part, str):
            pieces[-1][-1] = (pieces[-1][-1] or "") + part
        else:
            raise RuleError("placeholders (expand) have no values here", hint="write the values out as a list")
    return pieces


def _pattern_check(pieces: list[list[_Piece]], *, fold: bool) -> TextCheck:
    """Choose the simplest check for a pattern."""
    if any(len(parts) > 1 for parts in pieces):
        return _single_wildcards(pieces, fold=fold)
    return like(*(parts[0] or "" for parts in pieces), fold=fold, numbers=True)


def _single_wildcards(pieces: list[list[_Piece]], *, fold: bool) -> TextCheck:
    written = ("".join("." if part is None else re.escape(part) for part in parts) for parts in pieces)
    return _regex(rf"(?s)\A(?:{'.*'.join(written)})\z", fold=fold)


def _around(pieces: list[list[_Piece]]) -> list[list[_Piece]]:
    return [[""], *pieces, [""]]


def _written(pieces: list[list[_Piece]], ascii_only: bool | None) -> list[list[_Piece]]:
    """Write literal texts as they stand inside a JSON string; None leaves them as they are."""
    if ascii_only is None:
        return pieces
    return [[part and json.dumps(part, ensure_ascii=ascii_only)[1:-1] for part in parts] for parts in pieces]


def _regex_check(value: SigmaRegularExpression) -> TextCheck:
    from sigma.types import SigmaRegularExpressionFlag as Flag

    if value.regexp.contains_placeholder():
        raise RuleError("placeholders (expand) have no values here", hint="write the values out as a list")
    flags = "".join(letter for flag, letter in ((Flag.MULTILINE, "m"), (Flag.DOTALL, "s")) if flag in value.flags)
    pattern = str(value.regexp)
    return _regex(f"(?{flags}){pattern}" if flags else pattern, fold=Flag.IGNORECASE in value.flags)


def _regex(pattern: str, *, fold: bool) -> TextCheck:
    try:
        return regex(pattern, fold=fold, numbers=True)
    except ValueError as error:
        raise RuleError(
            f"the regex {pattern!r} is not supported: {error}", hint="lookaround and backreferences are not"
        ) from error


# ---- trees ----


def _some(path: Path, check: Any) -> Test:
    """Some value at the path, or some element where the value is an array."""
    return Test((*path, SPREAD), check)


def _searched(field: str, path: Path) -> list[Path]:
    """Return where a text is looked for: at the field, and for fields that are objects also below."""
    if field not in OBJECT_FIELDS:
        return [path]
    return [path + (SPREAD, CHILD) * level for level in range(OBJECT_LEVELS + 1)]


def _text_tree(paths: Iterable[Path], check: TextCheck) -> Node:
    """A check of text, which also looks at the text of a boolean."""
    spoken = [Is(value) for value, text in ((True, "true"), (False, "false")) if check.passes_text(text)]
    return any_of(*(_some(path, each) for path in paths for each in (check, *spoken)))


def _member_tree(paths: Iterable[Path], name: str, start: str, *, fold: bool) -> Node:
    """Some object at the paths has a member of this name, and its value begins so."""
    members = [(*path, SPREAD, name) for path in paths]
    if not start:
        return any_of(*(exists(*member) for member in members))
    return _text_tree(members, Prefix(text=start, fold=fold, numbers=True))


def _number_tree(path: Path, number: float) -> Node:
    if not math.isfinite(number):
        raise RuleError(f"no event holds the number {number}")
    return any_of(_some(path, equals_number(Decimal(str(number)))), _some(path, one_of(str(number))))


def _compare_tree(path: Path, operator: str, limit: float) -> Node:
    if not math.isfinite(limit):
        raise RuleError(f"no event holds the number {limit}")
    number = Decimal(str(limit))
    match operator:
        case "LT" | "LTE":
            return _some(path, InRange(high=number, high_open=operator == "LT"))
        case "GT" | "GTE":
            return _some(path, InRange(low=number, low_open=operator == "GT"))
        case _:
            raise RuleError(f"the comparison {operator} cannot be matched")


def _same_tree(path: Path, reference: SigmaFieldReference) -> Node:
    right = (*field_path(reference.field), SPREAD)
    if reference.starts_with and reference.ends_with:
        return Same((*path, SPREAD), right, "contains", fold=True)
    if reference.starts_with:
        return Same((*path, SPREAD), right, "startswith", fold=True)
    return Same((*path, SPREAD), right, "endswith" if reference.ends_with else "equals", fold=True)
