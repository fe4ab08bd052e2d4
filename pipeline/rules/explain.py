"""Why a rule matches an event or does not: every node's verdict, every leaf's values, and the nearest change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipeline.languages.condition import Condition, canonical
from pipeline.predicate import RAW, All, AnyOf, Node, Not, Same, Some, Test, children_of, holds, values_at
from pipeline.printer import show, show_path
from pipeline.rules.edits import Place, places_at
from pipeline.rules.nearest import TRIES, Alteration, nearest

MOST_VALUES = 5
"""Values of one leaf that are kept; the rest is counted."""
MOST_ELEMENTS = 3
"""Elements of an array that are explained one by one; inside one of them, one."""
MOST_PROGRAM_RUNS = 60
"""Changed events that a program is asked about."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one node of a tree says about an event."""

    node: Node
    verdict: bool
    values: tuple[Any, ...] = ()
    """For leaves: what stands at its path, at most MOST_VALUES; for `Same` at its left path."""
    others: tuple[Any, ...] = ()
    """For `Same`: what stands at its right path."""
    more: int = 0
    """How many values, or for `Some` elements, are not listed."""
    children: tuple[Explanation, ...] = ()
    element: Place | None = None
    """For the child of a `Some`: the element that this is about."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition says about an event, and why."""

    matches: bool
    tree: Explanation
    annotation: Any = None
    failure: str = ""
    """Why the program failed; the rule does not match then."""
    undecided: str = ""
    """Why the program could not decide; the rule counts as matching then, for it is told."""
    computes: bool = False
    """A program has the last word."""
    nearest: tuple[Alteration, ...] = ()
    """The fewest changes found that turn the verdict over; none: nothing was found."""
    suffices: bool = False
    """The changes have been tried, and the verdict does turn over; else they get past the tree, and the program
    decides."""


def explain(node: Node, event: Any, raw: str) -> Explanation:
    """Say what each node of a tree says about an event."""
    return _explained(node, event, raw, MOST_ELEMENTS)


def _explained(node: Node, event: Any, raw: str, elements: int) -> Explanation:
    match node:
        case Test(path):
            values, more = _bounded(values_at(path, event, raw))
            return Explanation(node, holds(node, event, raw), values, more=more)
        case Same(left, right):
            values, more = _bounded(values_at(left, event, raw))
            others, _ = _bounded(values_at(right, event, raw))
            return Explanation(node, holds(node, event, raw), values, others, more)
        case Some():
            return _some(node, event, raw, elements)
        case _:
            children = tuple(_explained(child, event, raw, elements) for child in children_of(node))
            return Explanation(node, _verdict(node, [child.verdict for child in children]), children=children)


def _verdict(node: Node, verdicts: list[bool]) -> bool:
    match node:
        case All():
            return all(verdicts)
        case AnyOf():
            return any(verdicts)
        case _:
            return not verdicts[0]


def _some(node: Some, event: Any, raw: str, elements: int) -> Explanation:
    """Explain the elements that satisfy the child, or where none does the first ones."""
    path = node.path
    found: Iterable[tuple[Place, Any]] = [((), raw)] if path == RAW else places_at(path, event)
    places = [(place, value, holds(node.child, value, raw)) for place, value in found]
    verdict = any(holding for _, _, holding in places)
    telling = [(place, value) for place, value, holding in places if holding or not verdict]
    children = tuple(_element(node.child, place, value, raw) for place, value in telling[:elements])
    return Explanation(node, verdict, more=len(places) - len(children), children=children)


def _element(child: Node, place: Place, value: Any, raw: str) -> Explanation:
    inner = _explained(child, value, raw, 1)
    return Explanation(inner.node, inner.verdict, inner.values, inner.others, inner.more, inner.children, place)


def _bounded(values: Iterator[Any]) -> tuple[tuple[Any, ...], int]:
    return tuple(islice(values, MOST_VALUES)), sum(1 for _ in values)


def deciding(explanation: Explanation) -> Iterator[Explanation]:
    """Yield the leaves that decide the verdict, from left to right; a `Some` without elements stands for itself."""
    node, children = explanation.node, explanation.children
    match node:
        case All() | AnyOf():
            decided = isinstance(node, All) is explanation.verdict
            for child in children:
                if decided or child.verdict is explanation.verdict:
                    yield from deciding(child)
        case Not():
            yield from deciding(children[0])
        case Some() if children:
            yield from deciding(children[0])
        case _:
            yield explanation


# ---- conditions ----


def answer(condition: Condition, event: dict[str, Any], raw: str | None = None) -> Answer:
    """Say what a condition says about an event, why, and what would have to change. Programs' errors are part of it."""
    text = canonical(event) if raw is None else raw
    tree = explain(condition.tree, event, text)
    answer = condition.answer(event, text)
    verdict, failure, undecided = answer.verdict, answer.failure, answer.undecided
    matches = verdict.matched or bool(undecided)
    changes, suffices = ([], False) if undecided else _nearest(condition, event, raw, tree.verdict, matches)
    return Answer(
        matches=matches,
        tree=tree,
        annotation=verdict.annotation,
        failure=failure,
        undecided=undecided,
        computes=condition.program is not None,
        nearest=tuple(changes),
        suffices=suffices,
    )


def _nearest(
    condition: Condition, event: dict[str, Any], raw: str | None, tree: bool, matches: bool
) -> tuple[list[Alteration], bool]:
    """Find the changes that turn a condition over, or failing that, those that bring its program into play."""
    if tree is not matches:
        return [], False  # the tree admits it and the program says no: nobody knows what it would rather see
    try:
        return _searched(condition, event, raw, matches)
    except RecursionError:  # an event nested as deep as can be read can be too deep to be written
        return [], False


def _searched(
    condition: Condition, event: dict[str, Any], raw: str | None, matches: bool
) -> tuple[list[Alteration], bool]:
    goal = Not(condition.tree) if matches else condition.tree
    tries = MOST_PROGRAM_RUNS if condition.program else TRIES

    text = canonical if condition.program or condition.reads_raw() else _no_text

    def turned(changed: Any) -> bool:
        return isinstance(changed, dict) and condition.matches(changed, text(changed)) is not matches

    def admitted(changed: Any) -> bool:
        return isinstance(changed, dict) and holds(condition.tree, changed, text(changed))

    if changes := nearest(goal, event, turned, raw=raw, tries=tries):
        return changes, True
    if condition.program is None or matches:
        return [], False
    return nearest(goal, event, admitted, raw=raw, tries=tries), False


def _no_text(_: Any) -> str:
    """Stand in for the message where nobody reads it: writing a large event hundreds of times takes long."""
    return ""


# ---- in words ----


def lines(explanation: Explanation) -> Iterator[tuple[int, bool, str, Explanation]]:
    """Yield (depth, verdict, what is asked, node) for every node of an explanation, parents first."""
    stack = [(0, explanation)]
    while stack:
        depth, each = stack.pop()
        yield depth, each.verdict, _asked(each), each
        stack.extend((depth + 1, child) for child in reversed(each.children))


def _asked(explanation: Explanation) -> str:
    where = "" if explanation.element is None else f"{show_path(explanation.element)}: "
    match explanation.node:
        case All(children):
            return where + ("all of" if children else "always")
        case AnyOf(children):
            return where + ("any of" if children else "never")
        case Not():
            return f"{where}not"
        case Some(path, _):
            return f"{where}some {show_path(path)} with"
        case node:
            return where + show(node)
