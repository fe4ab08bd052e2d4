"""What a field's array of values says about one value.

`read_field` turns the array into a `Field`: a node whose paths start at the value itself, and whether absence will do.
A value here is a leaf of the event: a string, number, boolean or null. Objects are never leaves.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.checks import Is, IsType, cidr, equals_number, like, one_of
from pipeline.errors import did_you_mean
from pipeline.languages.event_pattern.numeric import exact_number, number_in_range, numeric
from pipeline.languages.event_pattern.reading import Pairs, Spot, kind, written
from pipeline.predicate import FALSE, Node, Test, all_of, any_listed, any_of, negate

OPERATORS = (
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
    "equals-ignore-case",
    "wildcard",
    "exactly",
)
"""What may stand in a matcher. `exactly` is not documented by EventBridge; its matching engine knows it."""

LEAF = IsType(frozenset({"string", "number", "boolean", "null"}))
STRING = IsType(frozenset({"string"}))

_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*\Z")


@dataclass(frozen=True, slots=True)
class Field:
    """What a field must be: a leaf that satisfies `value`, or, if `absent`, not there at all."""

    value: Node
    """Paths start at the leaf. FALSE if only absence will do."""
    absent: bool

    @property
    def must_exist(self) -> bool:
        """Only a value satisfies it."""
        return not self.absent

    @property
    def may_exist(self) -> bool:
        """Some value satisfies it."""
        return self.value != FALSE


def read_field(values: list[Any], spot: Spot) -> Field:
    """Read a field's array; raises RuleError."""
    if not values:
        raise spot.error("an empty array matches nothing", 'to ask for the field\'s absence write [{"exists": false}]')
    absent, nodes = False, []
    for index, value in enumerate(values):
        node = _read_value(value, spot.item(index))
        absent = absent or node is None
        nodes.append(FALSE if node is None else node)
    return Field(any_listed(*nodes), absent)


def text_node(pieces: tuple[str, ...], *, fold: bool = False) -> Node:
    """Build the simplest check for literal pieces with anything between: `("a", "")` begins with a."""
    return Test((), STRING if pieces == ("", "") else like(*pieces, fold=fold))


def _read_value(value: Any, spot: Spot) -> Node | None:
    """Return the node of one value; None for absence."""
    match value:
        case Pairs():
            return _read_matcher(value, spot)
        case None | bool():
            return Test((), Is(value))
        case str():
            return _exact(value)
        case int() | Decimal():
            return Test((), equals_number(exact_number(value, spot)))
        case _:
            raise spot.error("a value must be a string, number, true, false, null or a matcher, not an array")


def _exact(text: str) -> Node:
    """Equal text; an IPv6 address also equals its other spellings, as in EventBridge's matching engine."""
    if _V6.match(text) and _is_address(text):
        return any_of(Test((), one_of(text)), Test((), cidr(text)))
    return Test((), one_of(text))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _read_matcher(matcher: Pairs, spot: Spot) -> Node | None:
    name, value = _only_member(matcher, spot)
    inner = spot.key(name, 0)
    match name:
        case "exists":
            return _exists(value, inner)
        case "anything-but":
            return _anything_but(value, inner)
        case "numeric":
            return numeric(value, inner)
        case "cidr":
            return _cidr(value, inner)
        case "exactly":
            return Test((), one_of(_string(value, inner)))
        case "prefix" | "suffix" | "equals-ignore-case" | "wildcard":
            return _text(name, value, inner)
        case _:
            hint = did_you_mean(name, OPERATORS, cutoff=0.7) or f"known are {', '.join(OPERATORS[:-1])}"
            raise spot.error(f'unknown matcher "{name}"', hint)


def _only_member(matcher: Pairs, spot: Spot) -> tuple[str, Any]:
    if len(matcher) != 1:
        count = "no" if not matcher else "more than one"
        hint = "" if not matcher else "write one object for each; an array's values are alternatives"
        raise spot.error(f"a matcher has exactly one key, this has {count}", hint)
    return matcher[0]


def _exists(value: Any, spot: Spot) -> Node | None:
    if value is True:
        return Test((), LEAF)
    if value is False:
        return None
    raise spot.error(f'"exists" takes true or false, not {kind(value)}')


def _string(value: Any, spot: Spot) -> str:
    if isinstance(value, str):
        return value
    hint = ""
    if isinstance(value, list):
        hint = "write one matcher for each; only anything-but takes a list"
    raise spot.error(f"this must be a string, not {kind(value)}", hint)


def _text(name: str, value: Any, spot: Spot) -> Node:
    if name in ("prefix", "suffix") and isinstance(value, Pairs):
        inner_name, inner = _only_member(value, spot)
        if inner_name != "equals-ignore-case":
            raise spot.error(f'"{name}" takes a string or {{"equals-ignore-case": ...}}, not "{inner_name}"')
        text = _string(inner, spot.key(inner_name, 0))
        return text_node((text, "") if name == "prefix" else ("", text), fold=True)
    return _text_of(name, _string(value, spot), spot)


def _text_of(name: str, text: str, spot: Spot) -> Node:
    match name:
        case "prefix":
            return text_node((text, ""))
        case "suffix":
            return text_node(("", text))
        case "equals-ignore-case":
            return text_node((text,), fold=True)
        case _:
            return text_node(_wildcard(text, spot))


def _wildcard(text: str, spot: Spot) -> tuple[str, ...]:
    """Split at every `*`; a backslash takes the next `*` or backslash literally."""
    pieces, current, place = [], "", 0
    while place < len(text):
        char = text[place]
        if char == "*":
            if text[place + 1 : place + 2] == "*":
                raise spot.error(f"two wildcards in a row, at character {place} of the value", "one * is enough")
            pieces.append(current)
            current = ""
        elif char == "\\":
            place += 1
            if text[place : place + 1] not in ("*", "\\"):
                hint = r"a backslash stands before * or another backslash only; in JSON each is written twice"
                raise spot.error(f"invalid escape, at character {place - 1} of the value", hint)
            current += text[place]
        else:
            current += char
        place += 1
    return (*pieces, current)


def _cidr(value: Any, spot: Spot) -> Node:
    text = _string(value, spot)
    address, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()) or "%" in address:
        raise spot.error(f"{written(text)} is not a network", 'write an address, "/" and the number of bits')
    try:
        return Test((), cidr(text))
    except ValueError as error:
        raise spot.error(f"{written(text)} is not a network") from error


# ---- anything-but ----


def _anything_but(value: Any, spot: Spot) -> Node:
    """Any leaf but these: values of another type are anything but these, too."""
    if isinstance(value, Pairs):
        excluded = _excluded_by_matcher(value, spot)
    else:
        values = value if isinstance(value, list) else [value]
        excluded = _excluded_values(values, spot)
    return all_of(Test((), LEAF), negate(any_listed(*excluded)))


def _excluded_values(values: list[Any], spot: Spot) -> list[Node]:
    if not values:
        raise spot.error("an empty list excludes nothing")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise spot.error(f'"anything-but" takes strings or numbers, not {kind(value)}')
    if len({isinstance(value, str) for value in values}) > 1:
        raise spot.error('"anything-but" takes either strings or numbers, not both', "write two conditions with $or")
    return [_exact(v) if isinstance(v, str) else Test((), equals_number(number_in_range(v, spot))) for v in values]


def _excluded_by_matcher(matcher: Pairs, spot: Spot) -> list[Node]:
    name, value = _only_member(matcher, spot)
    if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise spot.error(f'"anything-but" takes prefix, suffix, equals-ignore-case and wildcard, not "{name}"')
    inner = spot.key(name, 0)
    texts = value if isinstance(value, list) else [value]
    if not texts:
        raise inner.error("an empty list excludes nothing")
    nodes = []
    for item in texts:
        text = _string(item, inner)
        if not text and name in ("prefix", "suffix"):
            raise inner.error(f"every string has the empty {name}, so nothing would be left")
        nodes.append(_text_of(name, text, inner))
    return nodes
