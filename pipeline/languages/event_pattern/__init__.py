"""EventBridge event patterns, complete, as exact predicate trees. docs/event-patterns.md is the specification."""

from __future__ import annotations

from typing import Any

from pipeline.languages.condition import Condition
from pipeline.languages.event_pattern.groups import read_group
from pipeline.languages.event_pattern.lowering import BARE, conjunction
from pipeline.languages.event_pattern.reading import read_pattern
from pipeline.languages.event_pattern.remarks import remarks
from pipeline.languages.event_pattern.wrapper import WRAPPED, is_wrapped, wrap
from pipeline.predicate import MAX_DEPTH, depth

__all__ = ["parse", "remarks", "wrap"]


def parse(pattern: str | dict[str, Any]) -> Condition:
    """Compile an event pattern, JSON text or the table it would be; its tree is exact.

    It is matched over the event as EventBridge would wrap it (`wrap`) if one of its top-level keys is `source`,
    `detail-type` or `detail`, and over the bare event otherwise. Raises RuleError for what EventBridge rejects, with
    the key path in the message, and for JSON text also position and line. What EventBridge accepts but can hardly be
    meant is told by `remarks`.
    """
    pairs, spot = read_pattern(pattern)
    group = read_group(pairs, spot)
    tree = conjunction(group, WRAPPED if is_wrapped(group) else BARE)
    if depth(tree) > MAX_DEPTH:
        raise spot.error("the pattern is nested too deeply")
    return Condition(tree)
