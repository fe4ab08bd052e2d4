"""An event on which a rule and its mutant disagree, made of the rule's own test events by few changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipeline.languages.condition import canonical
from pipeline.predicate import Node, holds, reads_raw
from pipeline.rules.edits import ABSENT, Edit, Place, edited
from pipeline.rules.nearest import Alteration, nearest
from pipeline.tuning.mutation import Mutant

MOST_STARTS = 8
"""Events that a witness is sought from; besides them, from nothing."""
MOST_START_CHARS = 50_000
"""Larger events are no starts: whoever wants to paste a witness wants a small one."""
MOST_SHRINKING = 150
"""Values that are tried to be left out of a witness."""


def disagree(tree: Node, other: Node, event: Any) -> bool:
    """Tell whether two trees say different things about an event, read from its canonical text."""
    return _differ(tree, other)(event)


def _differ(tree: Node, other: Node) -> Callable[[Any], bool]:
    """Make `disagree` for two trees; the text is written only where one of them reads it."""
    needs_raw = reads_raw(tree) or reads_raw(other)

    def differ(event: Any) -> bool:
        raw = canonical(event) if needs_raw else ""
        return holds(tree, event, raw) is not holds(other, event, raw)

    return differ


def find_witness(tree: Node, mutant: Mutant, events: Sequence[dict[str, Any]], *, tries: int) -> dict[str, Any] | None:
    """Return a small event on which the mutant and the tree disagree; None: none was found, so they may be the same.

    It is looked for near the events given, the smallest first, and near the empty event.
    """
    differ = _differ(tree, mutant.tree)

    def accept(event: Any) -> bool:
        return isinstance(event, dict) and differ(event)

    found: list[tuple[list[Alteration], dict[str, Any]]] = []
    differs = mutant.differs()
    for start in (*_starts(events), {}):
        if accept(start):
            return _shrunk(start, tree, differ, ())
        changes = nearest(differs, start, accept, tries=tries)
        if changes:
            found.append((changes, edited(start, tuple(change.edit for change in changes))))
        if len(changes) == 1:
            break
    if not found:
        return None
    changes, event = min(found, key=lambda each: len(each[0]))
    return _shrunk(event, tree, differ, tuple(change.place for change in changes))


def _starts(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    sized = sorted(((len(canonical(event)), i) for i, event in enumerate(events)), key=lambda each: each[0])
    return [events[i] for size, i in sized[:MOST_STARTS] if size <= MOST_START_CHARS]


def _shrunk(
    event: dict[str, Any], tree: Node, differ: Callable[[Any], bool], told: tuple[Place, ...]
) -> dict[str, Any]:
    """Leave out what does not matter to the disagreement, but not what was changed to bring it about (`told`)."""
    verdict = holds(tree, event, canonical(event))
    for place in _places(event):
        if any(place == changed[: len(place)] for changed in told):
            continue
        smaller = edited(event, (Edit(place, ABSENT),))
        if differ(smaller) and holds(tree, smaller, canonical(smaller)) is verdict:
            event = smaller
    return event


def _places(event: dict[str, Any]) -> list[Place]:
    """List the places of an event's values, whole objects before what is in them, the last elements of arrays first."""
    return list(_inside(event, ()))[:MOST_SHRINKING]


def _inside(value: Any, place: Place) -> Iterator[Place]:
    stack = [(place, value)]
    while stack:
        here, current = stack.pop(0)
        if here:
            yield here
        if len(stack) > MOST_SHRINKING:
            continue
        if isinstance(current, dict):
            stack.extend(((*here, key), inner) for key, inner in current.items())
        elif isinstance(current, list):
            stack.extend(((*here, i), current[i]) for i in reversed(range(len(current))))
