"""Explanations as lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.checks import InRange, Is, OneOf
from pipeline.cli.output import bounded, clipped, counted, shown, visible
from pipeline.predicate import All, AnyOf, Node, Not, Same, Some, Test
from pipeline.printer import show, show_path
from pipeline.rules.edits import ABSENT
from pipeline.rules.explain import Answer, Explanation, lines
from pipeline.rules.nearest import Alteration

MOST_ASKED = 160
"""Characters of a condition that a line shows."""
DEEPEST_INDENT = 40
"""Levels of nesting that are shown by indenting."""


def indented(explanation: Explanation) -> Iterator[str]:
    """Yield a line for each node: its verdict, what it asks, and for leaves what the event says."""
    for depth, verdict, asked, node in lines(explanation):
        mark = "yes" if verdict else "no "
        text = visible(clipped(asked, MOST_ASKED))
        yield f"{'  ' * min(depth, DEEPEST_INDENT)}{mark}  {text}{_found(node)}"


def _found(explanation: Explanation) -> str:
    more = f" and {explanation.more} more" if explanation.more else ""
    match explanation.node:
        case Test():
            return f"   <- {_listed(explanation.values)}{more}"
        case Same():
            return f"   <- {_listed(explanation.values)}{more}; {_listed(explanation.others)}"
        case Some() if not explanation.children:
            return "   <- absent"
        case Some():
            return f"   ({explanation.more} more elements not shown)" if explanation.more else ""
        case _:
            return ""


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(shown(value) for value in values) or "absent"


def told_changes(found: Answer) -> list[str]:
    """Say what would turn the verdict over: a heading, then a line for each change; nothing where nothing is known."""
    if not found.nearest:
        return []
    count = counted(len(found.nearest), "change")
    if found.suffices:
        head = f"nearest: it would {'no longer match' if found.matches else 'match'} with {count}"
    else:
        head = f"nearest: with {count} its program would be asked, and have the last word"
    return [head, *(f"  {told_change(change)}" for change in found.nearest)]


def told_change(change: Alteration) -> str:
    """Say one change: `set eventName to "StopLogging" (it is "StopLoging")`."""
    place = visible(show_path(change.place))
    now = "" if change.before is ABSENT else f" (it is {shown(change.before)})"
    if change.kind == "remove":
        return f"remove {place}{now}"
    such = "" if _is_exact(change) else ", for example"
    return f"{change.kind} {place}{' to' if change.kind == 'set' else ' ='} {shown(change.after)}{such}{now}"


def _is_exact(change: Alteration) -> bool:
    """Tell whether a condition asks for this very value; else others of its kind would do as well."""
    return any(wanted and _asks_for_one(leaf) for leaf, wanted in change.because)


def _asks_for_one(leaf: Node) -> bool:
    match leaf:
        case Test(_, OneOf() | Is()) | Same():
            return True
        case Test(_, InRange(low, high)):
            return low == high
        case _:
            return False


# ---- JSON ----


def as_tree(explanation: Explanation) -> dict[str, Any]:
    """Return a node with all below it. Long values are cut to text."""
    node = explanation.node
    row: dict[str, Any] = {"node": _KINDS[type(node)], "verdict": explanation.verdict}
    if explanation.element is not None:
        row["element"] = show_path(explanation.element)
    match node:
        case Test(path):
            row |= {"path": show_path(path), "asks": bounded(show(node)), **_values(explanation)}
        case Same(left, right):
            row |= {"path": show_path(left), "asks": bounded(show(node)), **_values(explanation)}
            row |= {"other_path": show_path(right), "other_values": [bounded(value) for value in explanation.others]}
        case Some(path, _):
            row |= {"path": show_path(path), "more": explanation.more, "children": _children(explanation)}
        case _:
            row["children"] = _children(explanation)
    return row


_KINDS = {All: "all", AnyOf: "any", Not: "not", Some: "some", Test: "test", Same: "same"}


def _values(explanation: Explanation) -> dict[str, Any]:
    return {"values": [bounded(value) for value in explanation.values], "more": explanation.more}


def _children(explanation: Explanation) -> list[dict[str, Any]]:
    return [as_tree(child) for child in explanation.children]


def changes_as_rows(changes: Iterable[Alteration]) -> list[dict[str, Any]]:
    """Return the changes; `from` is missing where there was nothing, `to` where nothing remains."""
    return [
        {
            "change": change.kind,
            "path": show_path(change.place),
            **({} if change.before is ABSENT else {"from": bounded(change.before)}),
            **({} if change.after is ABSENT else {"to": bounded(change.after)}),
            "because": [bounded(reason) for reason in change.reasons()],
        }
        for change in changes
    ]
