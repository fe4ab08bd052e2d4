"""What turns a rule over does turn it over, and what is said to notice a mutant does notice it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from hypothesis import given, settings
from tree_strategies import events, trees

from pipeline.languages.condition import Condition, canonical
from pipeline.predicate import Node, Some, holds, walk
from pipeline.rules.edits import ABSENT, Edit, edited, places_at, value_at
from pipeline.rules.explain import answer, deciding
from pipeline.tuning.mutation import mutants
from pipeline.tuning.witness import disagree, find_witness


@settings(max_examples=400, deadline=None)
@given(trees, events)
def test_the_nearest_change_turns_the_verdict_over(tree: Node, event: dict[str, Any]) -> None:
    """The changes, made in the event, turn the verdict over, and no one of them can be left out."""
    condition = Condition(tree)
    matches = condition.matches(event)
    changes = answer(condition, event).nearest
    edits = tuple(change.edit for change in changes)
    assert not changes or condition.matches(edited(event, edits)) is not matches
    for edit in edits if len(edits) > 1 else ():
        fewer = tuple(other for other in edits if other is not edit)
        assert condition.matches(edited(event, fewer)) is matches


@settings(max_examples=400, deadline=None)
@given(trees, events)
def test_an_explanation_says_what_the_tree_says(tree: Node, event: dict[str, Any]) -> None:
    """The verdict of an explanation is that of the plain walk; outside of `Some` so is every leaf's that decides it."""
    raw = canonical(event)
    found = answer(Condition(tree), event)
    assert found.tree.verdict is found.matches is holds(tree, event, raw)
    if not any(isinstance(node, Some) for node in walk(tree)):
        assert all(leaf.verdict is holds(leaf.node, event, raw) for leaf in deciding(found.tree))


@settings(max_examples=100, deadline=None)
@given(trees, events)
def test_a_witness_tells_rule_and_mutant_apart(tree: Node, event: dict[str, Any]) -> None:
    """Every witness is an event about which the rule and its mutant disagree."""
    for mutant in islice(mutants(tree), 12):
        assert mutant.tree != tree
        witness = find_witness(tree, mutant, [event], tries=40)
        assert witness is None or disagree(tree, mutant.tree, witness)


@settings(max_examples=300, deadline=None)
@given(events, trees)
def test_edits_leave_the_event_alone(event: dict[str, Any], tree: Node) -> None:
    """Whatever is put or taken away, the event itself stays as it was, and the place holds what was put there."""
    before = repr(event)
    for place, _ in islice(places_at(("a",), event), 3):
        assert value_at(edited(event, (Edit(place, "new"),)), place) == "new"
        assert value_at(edited(event, (Edit(place, ABSENT),)), place) is ABSENT
    answer(Condition(tree), event)
    assert repr(event) == before
