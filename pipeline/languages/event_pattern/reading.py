"""Reading an event pattern's text so that every mistake can be said where it stands.

JSON objects become `Pairs`, which keep their order and their duplicate keys. A `Spot` remembers the way from the top
to a value; the value's position in the text is looked up only when there is a mistake to report.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.errors import RuleError

MAX_LENGTH = 65_536
"""Longest pattern in characters. EventBridge stops at 2,048 (quota "Event pattern size"); tables may hold more."""

MAX_NESTING = 50
"""Deepest nesting of objects and arrays."""

_BLANK = re.compile(r"[ \t\n\r]*")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+\Z")


class Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object as it was written: its keys in order, duplicates included."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands in a pattern."""

    text: str | None
    """The pattern's text; None if it came as a table."""
    shown: str = ""
    """The key path as people write it: `detail.eventName[0]`."""
    steps: tuple[int, ...] = ()
    """How many members or elements to skip on each level."""

    def key(self, name: str, index: int) -> Spot:
        """Return the spot of an object's member."""
        dot = "." if self.shown else ""
        shown = f"{self.shown}{dot}{name}" if _PLAIN_KEY.match(name) else f"{self.shown}[{json.dumps(name)}]"
        return Spot(self.text, shown, (*self.steps, index))

    def item(self, index: int) -> Spot:
        """Return the spot of an array's element."""
        return Spot(self.text, f"{self.shown}[{index}]", (*self.steps, index))

    def error(self, message: str, hint: str = "") -> RuleError:
        """Make the error that reports a mistake here."""
        where = f"{self.shown}: " if self.shown else ""
        if self.text is None:
            return RuleError(f"{where}{message}", hint=hint)
        position = _locate(self.text, self.steps)
        return RuleError(f"{where}{message}", position=position, line=_line(self.text, position), hint=hint)


def read_pattern(pattern: str | dict[str, Any]) -> tuple[Pairs, Spot]:
    """Return the pattern's top-level object and its spot; raises RuleError if it is none."""
    if isinstance(pattern, str):
        value, spot = _read_json(pattern), Spot(pattern)
    else:
        spot = Spot(None)
        value = _read_table(pattern, spot)
    if not isinstance(value, Pairs):
        raise spot.error("an event pattern must be a JSON object", "write { ... } around it")
    return value, spot


def kind(value: Any) -> str:
    """Name a value's kind in a sentence."""
    if isinstance(value, Pairs):
        return "an object"
    kinds = {str: "a string", bool: "a boolean", list: "an array", type(None): "null"}
    return kinds.get(type(value), "a number")


def written(value: Any) -> str:
    """Write a value as JSON, shortened, for a hint."""
    text = json.dumps(_plain(value), ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - half a line


def _plain(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {key: _plain(inner) for key, inner in value}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def _read_json(text: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise RuleError(f"the pattern is longer than {MAX_LENGTH} characters")
    try:
        value = json.loads(text, object_pairs_hook=Pairs, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        hint = 'an event pattern is a JSON object, such as {"detail": {"eventName": ["StopLogging"]}}'
        raise RuleError(f"not JSON: {error.msg}", position=error.pos, line=error.lineno, hint=hint) from error
    except RecursionError as error:
        raise RuleError("the pattern is nested too deeply") from error
    except ValueError as error:
        raise RuleError(f"not JSON: {error}") from error
    _check_nesting(value, Spot(text))
    return value


def _no_constant(name: str) -> Any:
    message = f"{name} is no JSON number"
    raise ValueError(message)


def _check_nesting(value: Any, spot: Spot) -> None:
    stack = [(value, 1)]
    while stack:
        current, level = stack.pop()
        if level > MAX_NESTING:
            raise spot.error(f"the pattern is nested deeper than {MAX_NESTING} levels")
        if isinstance(current, Pairs):
            stack.extend((inner, level + 1) for _, inner in current)
        elif isinstance(current, list):
            stack.extend((inner, level + 1) for inner in current)


def _read_table(value: Any, spot: Spot) -> Any:
    if len(spot.steps) > MAX_NESTING:
        raise spot.error(f"the pattern is nested deeper than {MAX_NESTING} levels")
    match value:
        case dict():
            members = enumerate(value.items())
            return Pairs((str(key), _read_table(inner, spot.key(str(key), i))) for i, (key, inner) in members)
        case list() | tuple():
            return [_read_table(inner, spot.item(i)) for i, inner in enumerate(value)]
        case float():
            return Decimal(repr(value))
        case None | bool() | int() | str() | Decimal():
            return value
        case _:
            raise spot.error(f"a pattern cannot hold a {type(value).__name__}", "write it as a string")


def _locate(text: str, steps: tuple[int, ...]) -> int:
    """Find where a value begins in a text that is known to be JSON."""
    reader = json.JSONDecoder()
    place = _skip(text, 0)
    for step in steps:
        in_object = text[place] == "{"
        place = _skip(text, place + 1)
        for _ in range(step):
            if in_object:
                place = _after_key(text, place, reader)
            _, place = reader.raw_decode(text, place)
            place = _skip(text, _skip(text, place) + 1)
        if in_object:
            place = _after_key(text, place, reader)
    return place


def _after_key(text: str, place: int, reader: json.JSONDecoder) -> int:
    _, place = reader.raw_decode(text, place)
    return _skip(text, _skip(text, place) + 1)


def _skip(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    return blank.end() if blank else place


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
