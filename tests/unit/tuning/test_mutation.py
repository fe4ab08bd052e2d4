"""Mutants, their witnesses and scores, and the snippets that are pasted."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from pipeline.checks import Cidr, Contains, Glob, InRange, OneOf, Prefix, Suffix, one_of
from pipeline.languages import event_names, event_pattern, filter_pattern, jq
from pipeline.languages.condition import Condition
from pipeline.predicate import All, AnyOf, Node, Not, Same
from pipeline.predicate import Test as Leaf
from pipeline.rules.rule import Rule, RuleFacts, RuleTest
from pipeline.tuning.mutation import mutants
from pipeline.tuning.mutation_score import RuleScore, rule_score
from pipeline.tuning.snippet import rule_test
from pipeline.tuning.witness import find_witness

A, B = Leaf(("a",), one_of("x")), Leaf(("b",), one_of("y"))


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (A, []),
        (All((A, B)), ['without the condition: a is "x"', 'without the condition: b is "y"',
                       '"or" instead of "and" in: a is "x" and b is "y"']),
        (AnyOf((A, B)), ['without the alternative: a is "x"', 'without the alternative: b is "y"',
                         '"and" instead of "or" in: a is "x" or b is "y"']),
        (Not(A), ['without the "not" before (a is "x")']),
        (Leaf(("a",), one_of("x", "y")), ['a no longer is "x"', 'a no longer is "y"']),
        (Leaf(("eventName",), one_of("x")), ['eventName begins with "x" instead of is "x"']),
        (Leaf(("a",), Prefix(text="x")), ['a contains "x" instead of begins with "x"']),
        (Leaf(("a",), Contains(text="x", fold=True)), ['a contains "x" instead of contains "x" (any case)']),
        (Leaf(("a",), Suffix(text="x")), ['a contains "x" instead of ends with "x"']),
        (Leaf(("a",), Contains(text="x")), []),
        (Leaf(("a",), Glob(pieces=("x", "y"))), ['a is like "*x*y" instead of is like "x*y"',
                                                 'a is like "x*y*" instead of is like "x*y"']),
        (Leaf(("a",), InRange(low=None, high=None)), []),
        (Leaf(("a",), Cidr(network="10.0.0.0/8")),
         ["a is an address in 10.0.0.0/7 instead of is an address in 10.0.0.0/8"]),
        (Same(("a",), ("b",)), ["contains instead of equals: a equals field b"]),
    ],
)  # fmt: skip
def test_mutants_in_words(tree: Node, expected: list[str]) -> None:
    assert [mutant.what for mutant in mutants(tree)] == expected


def test_bounds_are_let_in_and_out_and_shifted_but_not_those_of_all_numbers() -> None:
    condition = event_pattern.parse('{"a": [{"numeric": [">", 3]}]}')
    assert [mutant.what.split(" instead")[0] for mutant in mutants(condition.tree)] == [
        "a[] is a number >= 3 and <= 5000000000",
        "a[] is a number > 4 and <= 5000000000",
    ]


@pytest.mark.parametrize(
    "condition",
    [
        event_pattern.parse('{"eventName": ["A", "B"], "x": {"y": [{"prefix": "p"}], "z": [{"anything-but": ["q"]}]}}'),
        filter_pattern.parse('{ ($.a = "x*") && ($.b != 3 || $.c NOT EXISTS) && $.d[0].e > 7 }'),
        filter_pattern.parse("ERROR -quiet"),
        event_names.parse(["A", "B*", "*C", "*D*", "E*F"]),
    ],
    ids=str,
)
def test_every_mutant_that_can_be_told_apart_has_a_witness(condition: Condition) -> None:
    """From nothing at all, a witness is found for each; the lowering of `anything-but` alone leaves some the same."""
    found = [find_witness(condition.tree, mutant, [], tries=120) for mutant in mutants(condition.tree)]
    assert sum(witness is None for witness in found) <= (11 if "anything" in str(condition.tree) else 2)
    assert any(witness is not None for witness in found)


def rule(condition: Condition, *tests: tuple[dict[str, Any], bool]) -> Rule:
    return Rule(
        RuleFacts("r"), condition, "event_pattern", "", "f:1",
        tests=tuple(RuleTest(event, matches, "", "f:2") for event, matches in tests),
    )  # fmt: skip


def counts(score: RuleScore) -> tuple[int, int, int]:
    return score.count("noticed"), score.count("survived"), score.count("equivalent")


def test_a_score_counts_what_tests_notice() -> None:
    both = Condition(All((A, B)))
    one = rule_score(rule(both, ({"a": "x", "b": "y"}, True)))
    assert (counts(one), one.score) == ((0, 3, 0), 0)
    two = rule_score(rule(both, ({"a": "x", "b": "y"}, True), ({"a": "x"}, False)))
    assert (counts(two), two.score) == ((2, 1, 0), 2 / 3)
    assert [judged.noticed_by for judged in two.judged] == ["", "test 2", "test 2"]
    assert [judged.witness for judged in two.judged if judged.outcome == "survived"] == [{"a": "xX", "b": "y"}]
    three = rule_score(rule(both, ({"a": "x", "b": "y"}, True), ({"a": "x"}, False), ({"b": "y"}, False)))
    assert (counts(three), three.score) == ((3, 0, 0), 1)


def test_mutants_that_are_the_same_are_not_counted() -> None:
    twice = Condition(AnyOf((A, A)))
    score = rule_score(rule(twice, ({"a": "x"}, True)))
    assert counts(score) == (0, 0, 3)
    assert score.score is None


@pytest.mark.parametrize(
    ("tested", "why"),
    [
        (rule(jq.parse(".a"), ({"a": 1}, True)), "it computes"),
        (rule(Condition(A)), "it has no tests"),
        (rule(Condition(A), ({"a": "x"}, False)), "its tests fail"),
    ],
)
def test_what_is_not_mutated_says_why(tested: Rule, why: str) -> None:
    score = rule_score(tested)
    assert (score.skipped, score.judged) == (why, ())


def test_large_rules_are_judged_in_part() -> None:
    wide = event_names.parse([f"*Name{i}*" for i in range(2000)])
    score = rule_score(rule(wide, ({"eventName": "Name7"}, True)))
    assert 0 < len(score.judged) < 100
    assert score.left_out > 1000
    listed = Leaf(("a",), OneOf(texts=frozenset(map(str, range(5000)))))
    score = rule_score(rule(Condition(listed), ({"a": "7"}, True)))
    assert len(score.judged) == 40
    assert all(judged.witness in (None, {"a": judged.what.split('"')[1]}) for judged in score.judged)


# ---- snippets ----


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"a": 1, "b": [True, 1.5, "x"], "c": {"d e": {"é": []}}},
        {"a": 'quote " and \\ and \n and \x00 \x7f \x9b \u202e \U000e0001'},
        {"": {}, "x.y": 10**30},
        {"a": [[], [{}], {"b": [1, "x"]}]},
    ],
)
def test_a_snippet_reads_as_the_same_event(event: dict[str, Any]) -> None:
    text = rule_test('a "name"\n', event, matches=True)
    (test,) = tomllib.loads(text)["rule"]["test"]
    assert test == {"name": 'a "name"\n', "matches": True, "event": event}
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("event", [{"a": None}, {"a": "\ud800"}, {"a": [float("nan")]}, {"\ud800": 1}])
def test_what_toml_cannot_hold_is_written_as_json(event: dict[str, Any]) -> None:
    text = rule_test("n\ud800", event, matches=False)
    (test,) = tomllib.loads(text)["rule"]["test"]
    assert test == {"name": "n\ufffd", "matches": False, "event": "event.json"}
    assert "Save this as event.json" in text
