"""Trees: what they mean and how they are built."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.checks import Contains, Exists, equals_number, one_of
from pipeline.predicate import (
    CHILD,
    FALSE,
    RAW,
    SPREAD,
    TRUE,
    All,
    AnyOf,
    Node,
    Not,
    Path,
    Same,
    Some,
    all_of,
    any_listed,
    any_of,
    depth,
    exists,
    holds,
    negate,
    values_at,
    walk,
)
from pipeline.predicate import Test as Leaf

EVENT: dict[str, Any] = {
    "name": "Stop",
    "null": None,
    "list": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}, "x", [["deep"], []]],
    "object": {"p": {"v": "in p"}, "q": "flat"},
    "left": ["abc", 5],
    "right": "B",
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ((), [EVENT]),
        (("name",), ["Stop"]),
        (("null",), [None]),
        (("null", "x"), []),
        (("absent",), []),
        (("name", 0), []),
        (("list", 0, "k"), [1]),
        (("list", 9), []),
        (("list", -1), []),
        (("list", "k"), []),
        (("list", CHILD, "v"), ["a", "b"]),
        (("object", CHILD, "v"), ["in p"]),
        (("name", CHILD), []),
        (("name", SPREAD), ["Stop"]),
        (("list", SPREAD), [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}, "x", "deep"]),
        (("list", SPREAD, "k"), [1, 2]),
        (("absent", SPREAD), []),
        (RAW, ["the text"]),
        (("name", *RAW), []),
    ],
)
def test_a_path_selects_these_values_in_order(path: Path, values: list[Any]) -> None:
    """A missing step selects nothing and never raises."""
    assert list(values_at(path, EVENT, "the text")) == values


def test_arrays_of_any_depth_are_spread_without_recursion() -> None:
    """An event decides how deep its arrays nest."""
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert list(values_at(("a", SPREAD), {"a": deep})) == ["x"]


SOME_K1_VA = Some(("list", SPREAD), All((Leaf(("k",), equals_number(1)), Leaf(("v",), one_of("a")))))
SOME_K1_VB = Some(("list", SPREAD), All((Leaf(("k",), equals_number(1)), Leaf(("v",), one_of("b")))))


@pytest.mark.parametrize(
    ("tree", "answer"),
    [
        (TRUE, True),
        (FALSE, False),
        (exists("null"), True),
        (exists("absent"), False),
        (Not(exists("absent")), True),
        (Leaf(("absent",), one_of("")), False),
        (Not(Leaf(("absent",), one_of("x"))), True),
        (SOME_K1_VA, True),
        (SOME_K1_VB, False),
        (Some(("list",), Leaf(RAW, Contains(text="text"))), True),
        (Same(("left", SPREAD), ("right",), "contains", fold=True), True),
        (Same(("left", SPREAD), ("right",), "contains"), False),
        (Same(("absent",), ("absent",)), False),
        (Same(("name",), ("name",)), True),
        (Same(("left", SPREAD), ("name",), "endswith"), False),
        (Same(("list", 0, "k"), ("list", 0, "k")), False),
    ],
    ids=str,
)
def test_a_tree_means(tree: Node, answer: bool) -> None:
    """Missing means false, always; Some asks one and the same element; Same compares texts only."""
    assert holds(tree, EVENT, "the text") is answer


A, B, C = exists("a"), exists("b"), exists("c")


@pytest.mark.parametrize(
    ("built", "tree"),
    [
        (all_of(), TRUE),
        (any_of(), FALSE),
        (all_of(A), A),
        (all_of(A, All((B, C))), All((A, B, C))),
        (all_of(A, FALSE), FALSE),
        (all_of(A, TRUE), A),
        (any_of(A, AnyOf((B,)), C), AnyOf((A, B, C))),
        (any_of(A, TRUE), TRUE),
        (any_of(A, FALSE), A),
        (any_listed(), FALSE),
        (any_listed(A, TRUE), TRUE),
        (any_listed(B, A, B), AnyOf((B, A))),
        (
            any_listed(A, Leaf(("a",), one_of("x")), Leaf(("b",), one_of("x")), Leaf(("a",), one_of("y"))),
            AnyOf((Leaf(("a",), one_of("x", "y")), Leaf(("b",), one_of("x")), A)),
        ),
        (
            any_listed(Leaf(("a",), one_of("x")), Leaf(("a",), one_of("x", fold=True))),
            AnyOf((Leaf(("a",), one_of("x")), Leaf(("a",), one_of("x", fold=True)))),
        ),
        (negate(negate(A)), A),
        (negate(TRUE), FALSE),
        (negate(FALSE), TRUE),
    ],
)
def test_building_keeps_trees_small(built: Node, tree: Node) -> None:
    """Nobody has to simplify them later."""
    assert built == tree


def test_walking_visits_parents_first_and_depth_counts_levels() -> None:
    """Both without recursion, for nobody has checked the tree yet."""
    tree = All((Not(A), B))
    assert list(walk(tree)) == [tree, Not(A), A, B]
    assert depth(tree) == 3
    deep: Node = Leaf(("a",), Exists())
    for _ in range(50_000):
        deep = Not(deep)
    assert depth(deep) == 50_001
    while isinstance(deep, Not):  # taken apart level by level: Python frees nested values by recursion
        deep = deep.child
