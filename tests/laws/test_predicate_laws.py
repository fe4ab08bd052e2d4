"""The laws of predicate trees, which optimisers of every kind rely on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_strategies import checks, events, keyed_paths, trees, values

from pipeline.checks import AnyCheck
from pipeline.predicate import (
    SPREAD,
    All,
    AnyOf,
    Node,
    Not,
    Path,
    Some,
    all_of,
    any_listed,
    any_of,
    holds,
    negate,
    some_at,
)
from pipeline.predicate import Test as Leaf
from pipeline.printer import show
from pipeline.text_pairs import FEW, related


@settings(max_examples=300, deadline=None)
@given(checks, values)
def test_no_check_raises_whatever_the_value(check: AnyCheck, value: Any) -> None:
    """For any check and value the answer is a boolean."""
    assert check.passes(value) in (True, False)


@settings(max_examples=300, deadline=None)
@given(st.lists(trees, max_size=3), events)
def test_building_keeps_the_meaning(found: list[Node], event: dict[str, Any]) -> None:
    """`all_of`, `any_of`, `any_listed` and `negate` mean what the bare nodes mean."""
    assert holds(all_of(*found), event, "raw") == holds(All(tuple(found)), event, "raw")
    assert holds(any_of(*found), event, "raw") == holds(AnyOf(tuple(found)), event, "raw")
    assert holds(any_listed(*found), event, "raw") == holds(AnyOf(tuple(found)), event, "raw")
    for tree in found:
        assert holds(negate(tree), event, "raw") == holds(Not(tree), event, "raw")


@settings(max_examples=200, deadline=None)
@given(keyed_paths, keyed_paths, checks, events)
def test_some_with_one_test_is_a_longer_path(left: Path, right: Path, check: AnyCheck, event: dict[str, Any]) -> None:
    """`Some(p, Test(q, c))` is `Test(p + q, c)`: what the index relies on to look through `Some`."""
    assert holds(Some(left, Leaf(right, check)), event) == holds(Leaf(left + right, check), event)


@settings(max_examples=200, deadline=None)
@given(keyed_paths, trees, events)
def test_some_said_plainly_means_the_same(path: Path, tree: Node, event: dict[str, Any]) -> None:
    """`some_at(p, t)` means what `Some(p, t)` means, whatever the tree."""
    assert holds(some_at(path, tree), event, "raw") == holds(Some(path, tree), event, "raw")


@settings(max_examples=200, deadline=None)
@given(keyed_paths, checks, events)
def test_what_holds_somewhere_holds_when_spread(path: Path, check: AnyCheck, event: dict[str, Any]) -> None:
    """Spreading the values at a path loses none that is not an array."""
    found = holds(Leaf((*path, SPREAD), check), event)
    inner = holds(Some(path, Leaf((SPREAD,), check)), event)
    assert found == inner


@settings(max_examples=200, deadline=None)
@given(trees)
def test_every_tree_prints_on_one_line(tree: Node) -> None:
    """However odd its texts, a tree prints without a line break."""
    assert len(show(tree).splitlines()) <= 1


some_texts = st.sets(st.text("ab\0", max_size=4), max_size=5)


@pytest.mark.parametrize("few", [0, FEW])
@settings(max_examples=300, deadline=None)
@given(lefts=some_texts, rights=some_texts)
def test_containing_is_what_python_says(few: int, lefts: set[str], rights: set[str]) -> None:
    """`related` says of the sets what `in` says of some pair."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.text_pairs.FEW", few)
        found = related(lefts, rights, "contains")
    assert found is any(right in left for left in lefts for right in rights)
