"""A rule's own tests: each says of one event whether the rule must match it.

The rule is asked alone, in the way that Lambda asks it; ignores and routes have no say. A program that fails or cannot
decide fails the test whatever was expected: nobody wants to be told of that in production.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.predicate import show
from pipeline.rules.explain import Explanation, answer, deciding
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import Rule, RuleSet, RuleTest

Outcome = Literal["passed", "failed", "error"]
MOST_REASONS = 5
"""Leaves that are named where a test fails."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test."""

    rule: Rule
    test: RuleTest
    name: str
    """Its own name, or `test 2`, counted from 1."""
    outcome: Outcome
    """failed: the rule says otherwise; error: its program could not say."""
    got: bool | None
    """Whether the rule matches; None where its program could not say."""
    reason: str = ""
    """What went wrong; empty for a test that passed."""


def run_tests(rule: Rule) -> Iterator[TestResult]:
    """Yield the result of each of a rule's own tests, in their order."""
    matcher = Matcher(RuleSet((rule,)))
    for number, test in enumerate(rule.tests, start=1):
        yield _run(matcher, rule, test, test.name or f"test {number}")


def _run(matcher: Matcher, rule: Rule, test: RuleTest, name: str) -> TestResult:
    verdicts = matcher.evaluate(test.event)
    if verdicts.failures:
        return TestResult(rule, test, name, "error", None, f"the rule failed: {verdicts.failures[0].reason}")
    got = bool(verdicts.matches)
    if got and verdicts.matches[0].undecided:
        return TestResult(rule, test, name, "error", None, f"could not be decided: {verdicts.matches[0].undecided}")
    if got is test.matches:
        return TestResult(rule, test, name, "passed", got)
    return TestResult(rule, test, name, "failed", got, f"expected {_word(test.matches)}, got {_word(got)}")


def _word(matches: bool) -> str:
    return "a match" if matches else "no match"


def leaves_that_decided(result: TestResult) -> tuple[list[Explanation], int]:
    """Return the leaves by which the rule says what it says about a test's event, and how many more there are."""
    leaves = list(deciding(answer(result.rule.condition, result.test.event).tree))
    return leaves[:MOST_REASONS], max(0, len(leaves) - MOST_REASONS)


def said(leaf: Explanation) -> str:
    """Say whether a leaf holds: `holds: eventName is "StopLogging"`."""
    return f"{'holds' if leaf.verdict else 'does not hold'}: {show(leaf.node)}"
