"""The nearest event for which a predicate tree says otherwise: the fewest values to change, and what to.

Plans say where to look (`plans`); every answer has been tried on the changed event, so what is returned is true. It is
the smallest set of changes among those that were looked at, and none of its changes can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from pipeline.checks import AnyCheck
from pipeline.languages.condition import canonical
from pipeline.predicate import RAW, Node, Path, Some, Test, children_of, reads_raw
from pipeline.printer import show
from pipeline.rules.edits import ABSENT, Edit, Place, edited, value_at
from pipeline.rules.plans import Change, Plan, Planner
from pipeline.rules.samples import failing, passing

ROUNDS = 4
"""How often a plan that was not enough is mended by another one."""
TRIES = 400
"""Changed events that are tried in all."""
TRIES_A_PLAN = 80
MOST_ALIKE = 16
"""Checks at one path whose samples are tried there."""

Accept = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Alteration:
    """One value of an event that changes."""

    place: Place
    before: Any
    """ABSENT: there was nothing."""
    after: Any
    """ABSENT: nothing remains."""
    because: tuple[tuple[Node, bool], ...] = field(default=(), compare=False)
    """The leaves that ask for it, and whether they should hold."""

    @property
    def edit(self) -> Edit:
        """The change itself."""
        return Edit(self.place, self.after)

    @property
    def kind(self) -> Literal["add", "set", "remove"]:
        """What is done."""
        if self.after is ABSENT:
            return "remove"
        return "add" if self.before is ABSENT else "set"

    def reasons(self) -> list[str]:
        """Say what each leaf that asks for the change wants."""
        return [show(leaf) if wanted else f"not ({show(leaf)})" for leaf, wanted in self.because]


def nearest(tree: Node, event: Any, accept: Accept, *, raw: str | None = None, tries: int = TRIES) -> list[Alteration]:
    """Return the fewest changes found after which `accept(event)` is true; none: nothing was found.

    `tree` is what should come to hold, the guide to where changes may help. `raw` is the message, where the event was
    not written as CloudTrail does. The same arguments give the same answer.
    """
    return _Search(event, accept, _checks_by_key(tree), tries).run(tree, raw)


@dataclass(slots=True)
class _Search:
    event: Any
    accept: Accept
    alike: dict[tuple[str, ...], list[AnyCheck]]
    tries: int

    def run(self, tree: Node, raw: str | None) -> list[Alteration]:
        made: Plan = ()
        event = self.event
        for _ in range(ROUNDS):
            text = canonical(event) if raw is None and reads_raw(tree) else raw or ""
            plans = Planner(event, text).plans(tree, wanted=True)
            for plan in plans:
                found = self._tried(_later_wins(made, plan))
                if found is not None:
                    return self._told(found)
            if not plans or not plans[0] or self.tries <= 0:
                break
            made = _later_wins(made, plans[0])
            event, raw = edited(self.event, _firsts(made)), None
        return []

    def _tried(self, plan: Plan) -> tuple[tuple[Change, Any], ...] | None:
        """Return the plan with the first choice of values that is accepted."""
        for choice in islice(self._choices(plan), min(self.tries, TRIES_A_PLAN)):
            chosen = tuple(zip(plan, choice, strict=True))
            if self._accepts(chosen):
                return self._needed(chosen)
        return None

    def _choices(self, plan: Plan) -> Iterator[tuple[Any, ...]]:
        """Yield values for each change: all at their best, then one of them, then two, otherwise."""
        options = [self._options(change) for change in plan]
        if not all(options):
            return
        best = [values[0] for values in options]
        yield tuple(best)
        for i, values in enumerate(options):
            for value in values[1:]:
                yield (*best[:i], value, *best[i + 1 :])
        for i, values in enumerate(options):
            for j, others in enumerate(options[:i]):
                for value in values[1:]:
                    for other in others[1:]:
                        yield (*best[:j], other, *best[j + 1 : i], value, *best[i + 1 :])

    def _options(self, change: Change) -> list[Any]:
        """Return what may stand at a place: what its leaves ask for, then what others that look there ask for."""
        key = tuple(step for step in change.place if isinstance(step, str))
        checks = self.alike.get(key, [])[:MOST_ALIKE]
        now = value_at(self.event, change.place)
        more = [value for check in checks for value in (*passing(check)[:4], *failing(check, now)[:3])]
        found: dict[str, Any] = {}
        for value in (*change.values, *more):
            found.setdefault(repr(value), value)
        return list(found.values())

    def _accepts(self, chosen: tuple[tuple[Change, Any], ...]) -> bool:
        self.tries -= 1
        return self.accept(edited(self.event, tuple(Edit(change.place, value) for change, value in chosen)))

    def _needed(self, chosen: tuple[tuple[Change, Any], ...]) -> tuple[tuple[Change, Any], ...]:
        """Leave out every change that is not needed."""
        for pair in chosen:
            fewer = tuple(other for other in chosen if other is not pair)
            if fewer and self._accepts(fewer):
                chosen = fewer
        return chosen

    def _told(self, chosen: tuple[tuple[Change, Any], ...]) -> list[Alteration]:
        return [
            Alteration(change.place, value_at(self.event, change.place), value, change.because)
            for change, value in chosen
        ]


def _firsts(plan: Plan) -> tuple[Edit, ...]:
    return tuple(Edit(change.place, change.values[0]) for change in plan if change.values)


def _later_wins(made: Plan, plan: Plan) -> Plan:
    return tuple({change.place: change for change in (*made, *plan)}.values())


def _checks_by_key(tree: Node) -> dict[tuple[str, ...], list[AnyCheck]]:
    """Return the checks of a tree by the keys on the way to what they look at."""
    found: dict[tuple[str, ...], list[AnyCheck]] = {}
    stack: list[tuple[Node, Path]] = [(tree, ())]
    while stack:
        node, base = stack.pop()
        if isinstance(node, Test) and node.path != RAW:
            key = tuple(step for step in (*base, *node.path) if isinstance(step, str))
            found.setdefault(key, []).append(node.check)
        inside = (*base, *node.path) if isinstance(node, Some) else base
        stack.extend((child, inside) for child in children_of(node))
    return found
