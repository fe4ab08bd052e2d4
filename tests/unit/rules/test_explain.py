"""Why a rule matches an event or does not."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.checks import Exists, one_of
from pipeline.languages import event_pattern, jq, python_expression
from pipeline.predicate import CHILD, All, AnyOf, Node, Not, Some
from pipeline.predicate import Test as Leaf
from pipeline.printer import show
from pipeline.rules.explain import answer, deciding, explain, lines

A, B = Leaf(("a",), one_of("x")), Leaf(("b",), one_of("y"))


@pytest.mark.parametrize(
    ("tree", "event", "verdict", "by"),
    [
        (A, {"a": "x"}, True, ["a"]),
        (All((A, B)), {"a": "x", "b": "y"}, True, ["a", "b"]),
        (All((A, B)), {"a": "x"}, False, ["b"]),
        (AnyOf((A, B)), {"a": "x"}, True, ["a"]),
        (AnyOf((A, B)), {}, False, ["a", "b"]),
        (Not(AnyOf((A, B))), {"b": "y"}, False, ["b"]),
        (All(()), {}, True, []),
        (Some(("l", CHILD), All((A, B))), {"l": [{"a": "x"}, {"a": "x", "b": "y"}]}, True, ["a", "b"]),
        (Some(("l", CHILD), All((A, B))), {"l": [{"a": "x"}]}, False, ["b"]),
        (Some(("l", CHILD), All((A, B))), {}, False, ["some l[*]"]),
    ],
)
def test_the_leaves_that_decide(tree: Node, event: dict[str, Any], verdict: bool, by: list[str]) -> None:
    explanation = explain(tree, event, "")
    assert explanation.verdict is verdict
    named = [show(leaf.node).split(" is ")[0].split(" with ")[0] for leaf in deciding(explanation)]
    assert named == by


def test_values_are_kept_up_to_a_bound_and_the_rest_counted() -> None:
    found = explain(Leaf(("a", CHILD), Exists()), {"a": list(range(100))}, "")
    assert (found.values, found.more) == ((0, 1, 2, 3, 4), 95)
    found = explain(Some(("a", CHILD), Leaf((), one_of("x"))), {"a": ["y"] * 10}, "")
    assert (len(found.children), found.more, found.children[0].element) == (3, 7, ("a", 0))


def test_lines_come_parents_first_with_their_depth() -> None:
    found = [(depth, verdict, asked) for depth, verdict, asked, _ in lines(explain(All((A, Not(B))), {"a": "x"}, ""))]
    assert found == [(0, True, "all of"), (1, True, 'a is "x"'), (1, True, "not"), (2, False, 'b is "y"')]


def test_programs_are_asked_whether_a_change_is_enough() -> None:
    """A jq rule's guard shows the way; what is returned has been tried on the program."""
    condition = jq.parse('select(.eventName == "A") | (.b | length) > 2')
    found = answer(condition, {"eventName": "B", "b": "long enough"})
    assert (found.matches, found.suffices, [c.after for c in found.nearest]) == (False, True, ["A"])
    found = answer(condition, {"eventName": "B", "b": ""})
    assert not found.suffices or condition.matches({"eventName": "A", "b": found.nearest[-1].after})


def test_failures_and_limits_of_programs_are_part_of_the_answer() -> None:
    condition = python_expression.parse('event["eventName"].split("-")[1] == "b"')
    found = answer(condition, {"eventName": "a"})
    assert found.failure.startswith("IndexError")
    assert (found.matches, found.undecided, found.computes) == (False, "", True)


@pytest.mark.parametrize("size", [1, 2000])
def test_long_events_and_wide_trees_are_bounded(size: int) -> None:
    condition = event_pattern.parse('{"l": {"k": ["nope"], "v": [{"numeric": [">", 3]}]}}')
    found = answer(condition, {"l": [{"k": str(i), "v": i} for i in range(size)]})
    assert len(found.nearest) <= 2
    assert found.suffices
