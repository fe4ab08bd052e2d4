"""An event on which a rule and its mutant disagree, made of the rule's own test events by few changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.languages.condition import canonical
from pipeline.predicate import Node, holds
from pipeline.rules.edits import ABSENT, Edit, Place, edited
from pipeline.rules.nearest import nearest
from pipeline.tuning.mutation import Mutant

MOST_STARTS = 8
"""Events that a witness is sought from; besides them, from nothing."""
MOST_SHRINKING = 150
"""Values that are tried to be left out of a witness."""


def disagree(tree: Node, other: Node, event: Any) -> bool:
    """Tell whether two trees say different things about an event, read from its canonical text."""
    raw = canonical(event)
    return holds(tree, event, raw) is not holds(other, event, raw)


def find_witness(tree: Node, mutant: Mutant, events: Sequence[dict[str, Any]], *, tries: int) -> dict[str, Any] | None:
    """Return a small event on which the mutant and the tree disagree; None: none was found, so they may be the same.

    It is looked for near the events given, the smallest first, and near the empty event.
    """

    def accept(event: Any) -> bool:
        return isinstance(event, dict) and disagree(tree, mutant.tree, event)

    found: list[tuple[int, dict[str, Any]]] = []
    for start in (*sorted(events, key=lambda event: len(canonical(event)))[:MOST_STARTS], {}):
        if accept(start):
            return _shrunk(start, tree, mutant.tree)
        changes = nearest(mutant.differs, start, accept, tries=tries)
        if changes:
            found.append((len(changes), edited(start, tuple(change.edit for change in changes))))
        if len(changes) == 1:
            break
    if not found:
        return None
    return _shrunk(min(found, key=lambda each: each[0])[1], tree, mutant.tree)


def _shrunk(event: dict[str, Any], tree: Node, other: Node) -> dict[str, Any]:
    """Leave out what does not matter to the disagreement, and keep what the tree says."""
    verdict = holds(tree, event, canonical(event))
    for place in _places(event):
        smaller = edited(event, (Edit(place, ABSENT),))
        if holds(tree, smaller, canonical(smaller)) is verdict and disagree(tree, other, smaller):
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
