"""JSON values that a rule computed from an event, bounded and ready to be shown."""

from __future__ import annotations

import json
import math
from typing import Any

from pipeline.checks import scrub
from pipeline.event.fields import clip
from pipeline.event.redaction import TOO_MUCH, redact

_DEPTH = 6
_MEMBERS = 25
_NODES = 150
_TEXT = 300
_KEY = 80
_ONE_LINE = 72
_LARGEST = 2**53
"""Beyond it, JSON readers that use doubles would round an integer; it is shown as text instead."""


def bounded_value(value: Any) -> Any:
    """Return a JSON value without credentials, small enough to show, that any JSON writer takes. Never raises."""
    return _pruned(redact(value), _DEPTH, [_NODES])


def as_lines(value: Any) -> list[str]:
    """Return a bounded value as one line of JSON if it is short, else one line a member; not yet escaped."""
    bounded = bounded_value(value)
    whole = _line(bounded)
    if len(whole) <= _ONE_LINE or not isinstance(bounded, dict | list):
        return [whole]
    if isinstance(bounded, dict):
        return [f"{key}: {_line(member)}" for key, member in bounded.items()]
    return [f"- {_line(element)}" for element in bounded]


def _line(value: Any) -> str:
    return clip(json.dumps(value, ensure_ascii=False), _TEXT)


def _pruned(value: Any, depth: int, nodes_left: list[int]) -> Any:
    nodes_left[0] -= 1
    if nodes_left[0] < 0:
        return TOO_MUCH
    if isinstance(value, str):
        return clip(scrub(value[: _TEXT * 2]), _TEXT)
    if isinstance(value, dict):
        return _members(value, depth, nodes_left)
    if isinstance(value, list):
        return _elements(value, depth, nodes_left)
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value) if value.bit_length() < 256 else "[a very large number]"  # noqa: PLR2004 - 77 digits
    return value


def _members(value: dict[str, Any], depth: int, nodes_left: list[int]) -> Any:
    if depth == 0:
        return TOO_MUCH
    shown = {
        clip(scrub(key[:200]), _KEY): _pruned(member, depth - 1, nodes_left)
        for key, member in list(value.items())[:_MEMBERS]
    }
    return {**shown, "…": f"and {len(value) - _MEMBERS} more"} if len(value) > _MEMBERS else shown


def _elements(value: list[Any], depth: int, nodes_left: list[int]) -> Any:
    if depth == 0:
        return TOO_MUCH
    shown = [_pruned(element, depth - 1, nodes_left) for element in value[:_MEMBERS]]
    return [*shown, f"and {len(value) - _MEMBERS} more"] if len(value) > _MEMBERS else shown
