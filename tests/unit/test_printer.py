"""How trees print."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.checks import (
    AnyCheck,
    Contains,
    Exists,
    Glob,
    InRange,
    Is,
    IsType,
    Prefix,
    Suffix,
    cidr,
    equals_number,
    one_of,
    regex,
)
from pipeline.predicate import CHILD, FALSE, RAW, SPREAD, TRUE, All, AnyOf, Node, Not, Path, Same, Some, exists
from pipeline.printer import show, show_check, show_path

A, B, C = exists("a"), exists("b"), exists("c")


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ((), "it"),
        (("a", "b-c"), "a.b-c"),
        (("a", 3, CHILD, "b", SPREAD), "a[3][*].b[]"),
        (("k.x", 'say "hi"'), '["k.x"]["say \\"hi\\""]'),
        (("é", "1a", "-a", "_a"), '["\\u00e9"]["1a"]["-a"]._a'),
        (RAW, "raw"),
    ],
)
def test_a_path_prints_as_people_write_it(path: Path, printed: str) -> None:
    """Keys that are no plain words stand in brackets."""
    assert show_path(path) == printed


@pytest.mark.parametrize(
    ("tree", "printed"),
    [
        (TRUE, "always"),
        (FALSE, "never"),
        (All((A, AnyOf((B, Not(C))))), "a exists and (b exists or not (c exists))"),
        (Some(("i", SPREAD), A), "some i[] with (a exists)"),
        (Some(("i",), All((A, B))), "some i with (a exists and b exists)"),
        (AnyOf((All((A,)), B)), "a exists or b exists"),
        (Same(("a",), ("b",), "startswith"), "a startswith field b"),
        (Same(("a",), RAW, fold=True), "a equals field raw (any case)"),
    ],
)
def test_a_tree_prints_as_a_sentence(tree: Node, printed: str) -> None:
    """What `why`, `check` and the debugging print show."""
    assert show(tree) == printed


@pytest.mark.parametrize(
    ("check", "printed"),
    [
        (Exists(), "exists"),
        (Is(None), "is null"),
        (Is(value=True), "is true"),
        (IsType(frozenset({"string", "null"})), "is of type null or string"),
        (IsType(frozenset({"string", "number", "boolean", "null"})), "is a plain value"),
        (one_of("x"), 'is "x"'),
        (one_of("y", "x", fold=True), 'is one of "x", "y" (any case)'),
        (Prefix(text="é"), 'begins with "é"'),
        (Suffix(text='"', fold=True), 'ends with "\\"" (any case)'),
        (Contains(text="x"), 'contains "x"'),
        (Glob(pieces=("a", "", "b")), 'is like "a**b"'),
        (regex("^a"), "matches /^a/"),
        (regex("^a", fold=True), "matches /^a/ (any case)"),
        (cidr("10.1.2.3/8"), "is an address in 10.0.0.0/8"),
        (equals_number(5), "is the number 5"),
        (InRange(), "is a number"),
        (InRange(low=Decimal(1)), "is a number >= 1"),
        (InRange(high=Decimal(2), high_open=True), "is a number < 2"),
        (InRange(low=Decimal(1), high=Decimal(2), low_open=True), "is a number > 1 and <= 2"),
    ],
)
def test_a_check_prints_as_the_predicate_of_a_sentence(check: AnyCheck, printed: str) -> None:
    """After the path that it looks at."""
    assert show_check(check) == printed
