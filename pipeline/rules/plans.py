"""Which values of an event would have to change for a predicate tree to turn over: plans, the smallest first.

A plan is a set of changes, at most one a place, each with the values that would do there. Plans are made node by node:
a conjunction needs all of its children's, a disjunction the cheapest child's. A plan may be wrong where two nodes look
at one place, so whoever uses one tries it on the tree (`nearest`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

from pipeline.checks import AnyCheck, Contains, OneOf, Prefix, Suffix
from pipeline.languages.condition import canonical
from pipeline.predicate import RAW, All, AnyOf, Node, Not, Path, Same, Some, Test, holds
from pipeline.rules.edits import ABSENT, Edit, Place, edited, new_place, places_at, value_at
from pipeline.rules.samples import failing, passing

KEPT = 8
"""Plans of one node that are followed further."""
MOST_PLACES = 6
"""Places of one leaf, and elements of one array, that are tried one by one."""
MOST_TURNED = 50
"""Values that one leaf's turning false may take; beyond, what holds them all is taken away instead."""
MOST_STEPS = 20_000
"""Nodes that making plans may visit."""
MOST_RAW_PLACES, MOST_RAW_CHARS = 200, 10_000_000
"""Values that are taken away one by one to see whether the message changes, and characters written for that."""

Demand = tuple[AnyCheck, bool]
"""A check, and whether it should pass."""


@dataclass(frozen=True, slots=True)
class Change:
    """What should stand at one place instead of what does."""

    place: Place
    values: tuple[Any, ...]
    """Any of these, the one that reads best first; ABSENT: nothing."""
    effort: float
    """Orders changes: small for a slip of the pen, 1 for another value, 2 for one that is added or taken away."""
    demands: tuple[Demand, ...] = ()
    because: tuple[tuple[Node, bool], ...] = ()
    """The leaves that ask for it, and whether they should hold."""


Plan = tuple[Change, ...]


@dataclass(slots=True)
class Planner:
    """Makes plans for one event."""

    event: Any
    raw: str
    steps: int = field(default=MOST_STEPS)

    def plans(self, node: Node, wanted: bool, base: Place = ()) -> list[Plan]:
        """Return plans by which the node would hold (or not) for the value at `base`; none: no plan was found."""
        self.steps -= 1
        if self.steps < 0:
            return []
        if self._holds(node, base) is wanted:
            return [()]
        match node:
            case Test():
                return self._raw(node, wanted) if node.path == RAW else self._leaf(node, wanted, base)
            case Same():
                return self._same(node, wanted, base)
            case Not(child):
                return self.plans(child, not wanted, base)
            case Some():
                return self._some(node, wanted, base)
            case All(children) | AnyOf(children):
                found = (self.plans(child, wanted, base) for child in children)
                return _joined(found) if isinstance(node, All) is wanted else _best(p for plans in found for p in plans)

    def _root(self, base: Place) -> Any:
        value = value_at(self.event, base)
        return None if value is ABSENT else value

    def _holds(self, node: Node, base: Place) -> bool:
        return holds(node, self._root(base), self.raw)

    # ---- leaves ----

    def _leaf(self, node: Test, wanted: bool, base: Place) -> list[Plan]:
        found = self._at(node.path, base)
        if wanted:
            return self._turned_on(node, base, found)
        turned = [(place, value) for place, value in found if node.check.passes(value)]
        plans: list[Plan] = []
        if len(turned) <= MOST_TURNED and all(place for place, _ in turned):
            plans.append(
                tuple(_change(place, value, failing(node.check, value), node, False) for place, value in turned)
            )
        return [*plans, *self._emptied(node, [place for place, _ in turned], base)]

    def _emptied(self, node: Test | Some, places: list[Place], base: Place) -> list[Plan]:
        """Take away what a node looks at: the only place, or all of it by its first key."""
        taken = places if len(places) == 1 else []
        if places and node.path and isinstance(node.path[0], str):
            # Where an element of an array is taken away the next one moves up; taking the array helps.
            taken = [*taken, (*base, node.path[0])]
        return [
            (_change(place, value_at(self.event, place), [ABSENT], node, False),)
            for place in dict.fromkeys(taken)
            if place
        ]

    def _turned_on(self, node: Test, base: Place, found: list[tuple[Place, Any]]) -> list[Plan]:
        changes = [
            _change(place, value, passing(node.check, value), node, True)
            for place, value in found[:MOST_PLACES]
            if place
        ]
        fresh = new_place(node.path, self._root(base))
        if fresh is not None and (*base, *fresh) not in {place for place, _ in found}:
            place = (*base, *fresh)
            changes.append(_change(place, value_at(self.event, place), passing(node.check), node, True))
        elif not found and base and not node.path:
            changes.append(_change(base, ABSENT, passing(node.check), node, True))
        return _best((change,) for change in changes if change.values)

    def _same(self, node: Same, wanted: bool, base: Place) -> list[Plan]:
        if wanted:
            return self._made_same(node, base)
        texts = [(place, value) for place, value in self._at(node.left, base) if isinstance(value, str)]
        if len(texts) > MOST_TURNED:
            return []
        return [tuple(_change(place, text, [f"X{text}X", ABSENT], node, False) for place, text in texts)]

    def _made_same(self, node: Same, base: Place) -> list[Plan]:
        """Copy a text from one side to the other; where neither has one, give both the same."""
        left, right = self._side(node.left, base), self._side(node.right, base)
        if left is None or right is None:
            return []
        (here, mine), (there, others) = left, right
        if mine is ABSENT and others is ABSENT:
            both = [_change(place, ABSENT, ["example"], node, True) for place in (here, there)]
            return [tuple(both)]
        sides = ((here, mine, others), (there, others, mine))
        return _best((_change(place, now, [text], node, True),) for place, now, text in sides if isinstance(text, str))

    def _side(self, path: Path, base: Place) -> tuple[Place, Any] | None:
        """Return where one side of a comparison stands or could stand, and its text, ABSENT where it has none."""
        texts = [(place, value) for place, value in self._at(path, base) if isinstance(value, str) and place]
        if texts:
            return texts[0]
        fresh = new_place(path, self._root(base))
        return None if fresh is None else ((*base, *fresh), ABSENT)

    def _at(self, path: Path, base: Place) -> list[tuple[Place, Any]]:
        return [((*base, *place), value) for place, value in places_at(path, self._root(base))]

    # ---- some element ----

    def _some(self, node: Some, wanted: bool, base: Place) -> list[Plan]:
        elements = [(*base, *place) for place, _ in places_at(node.path, self._root(base))]
        if not wanted:
            satisfying = [place for place in elements if self._holds(node.child, place)]
            turned = _joined(self.plans(node.child, False, place) for place in satisfying[:MOST_TURNED])
            return [*turned, *self._emptied(node, satisfying, base)]
        plans = [plan for place in elements[:MOST_PLACES] for plan in self.plans(node.child, True, place)]
        fresh = new_place(node.path, self._root(base))
        if fresh is not None and (*base, *fresh) not in elements:
            place = (*base, *fresh)
            made = _change(place, ABSENT, ["example", {}, 1, True, None], node, True)
            plans += [plan or (made,) for plan in self.plans(node.child, True, place)]
        return _best(plans)

    # ---- the raw message: it changes as the event that it is written from does ----

    def _raw(self, node: Test, wanted: bool) -> list[Plan]:
        if not isinstance(self.event, dict):
            return []
        if wanted:
            return [(_change(("note",), ABSENT, passing(node.check), node, True),)] if "note" not in self.event else []
        places = [place for place, value in _everything(self.event) if not isinstance(value, dict | list)]
        for place in places[: max(4, min(MOST_RAW_PLACES, MOST_RAW_CHARS // (len(self.raw) + 1)))]:
            if not node.check.passes(canonical(edited(self.event, (Edit(place, ABSENT),)))):
                value = value_at(self.event, place)
                return [(_change(place, value, failing(node.check, value), node, False),)]
        saying = [key for key, value in self.event.items() if node.check.passes(canonical({key: value}))]
        return [tuple(_change((key,), self.event[key], [ABSENT], node, False) for key in saying)]


def _everything(event: dict[str, Any]) -> Iterable[tuple[Place, Any]]:
    stack: list[tuple[Place, Any]] = [((), event)]
    for _ in range(MOST_RAW_PLACES * 2):
        if not stack:
            return
        place, value = stack.pop()
        if place:
            yield place, value
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        stack.extend(((*place, step), each) for step, each in inner)


def _change(place: Place, now: Any, values: list[Any], leaf: Node, wanted: bool) -> Change:
    demands = ((leaf.check, wanted),) if isinstance(leaf, Test) and leaf.path != RAW else ()
    return Change(place, tuple(values), _effort(now, values), demands, ((leaf, wanted),))


def _effort(now: Any, values: list[Any]) -> float:
    value: Any = values[0] if values else ABSENT
    if now is ABSENT or value is ABSENT or type(now) is not type(value):
        return 2
    if not isinstance(now, str):
        return 1
    return 1 - difflib.SequenceMatcher(None, now[:100], value[:100]).quick_ratio()


# ---- putting plans together ----


def _joined(several: Iterable[list[Plan]]) -> list[Plan]:
    """Combine one plan of each list, keeping the best."""
    joined: list[Plan] = [()]
    for plans in several:
        if plans != [()]:
            joined = _best(_merged(left, right) for left in joined for right in plans)
        if not joined:
            return []
    return joined


def _best(plans: Iterable[Plan]) -> list[Plan]:
    return nsmallest(KEPT, plans, key=lambda plan: (len(plan), sum(change.effort for change in plan)))


def _merged(left: Plan, right: Plan) -> Plan:
    changes = {change.place: change for change in left}
    for change in right:
        other = changes.get(change.place)
        changes[change.place] = change if other is None else _both(other, change)
    return tuple(changes.values())


def _both(one: Change, other: Change) -> Change:
    """Join what two leaves ask of one place: the values that please both come first."""
    demands = one.demands + other.demands
    values = [*one.values, *other.values, *_composed(demands)]
    pleasing = [value for value in values if meets(value, demands)]
    rest = [value for value in values if not any(value is each for each in pleasing)]
    return Change(one.place, (*pleasing, *rest), max(one.effort, other.effort), demands, one.because + other.because)


def meets(value: Any, demands: tuple[Demand, ...]) -> bool:
    """Tell whether a value pleases every leaf that asks something of its place."""
    return all((value is not ABSENT and check.passes(value)) is wanted for check, wanted in demands)


def _composed(demands: tuple[Demand, ...]) -> list[str]:
    """Build a text from what it should begin with, contain and end with."""
    wanted = [check for check, wanted in demands if wanted]
    starts = [check.text for check in wanted if isinstance(check, Prefix)]
    inner = [check.text for check in wanted if isinstance(check, Contains)]
    ends = [check.text for check in wanted if isinstance(check, Suffix)]
    whole = [text for check in wanted if isinstance(check, OneOf) for text in sorted(check.texts)]
    text = max(starts, key=len, default="") + "".join(inner) + max(ends, key=len, default="")
    return [text, f"{text}X", *whole[:MOST_PLACES]] if text or whole else []
