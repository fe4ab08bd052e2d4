"""A rule's own tests: each says of one event whether the rule must match it.

The rule is asked alone, in the way that Lambda asks it; ignores and routes have no say. A program that fails or cannot
decide fails the test whatever was expected: nobody wants to be told of that in production.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.printer import show
from pipeline.rules.explain import Answer, Explanation, answer
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import Rule, RuleSet, RuleTest

Outcome = Literal["passed", "failed", "error"]


@dataclass(frozen=True, slots=True)
class RuleTestResult:
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


def run_tests(rule: Rule) -> Iterator[RuleTestResult]:
    """Yield the result of each of a rule's own tests, in their order."""
    matcher = Matcher(RuleSet((rule,)))
    for number, test in enumerate(rule.tests, start=1):
        yield _run(matcher, rule, test, test.name or f"test {number}")


def _run(matcher: Matcher, rule: Rule, test: RuleTest, name: str) -> RuleTestResult:
    verdicts = matcher.evaluate(test.event)
    if verdicts.failures:
        return RuleTestResult(rule, test, name, "error", None, f"the rule failed: {verdicts.failures[0].reason}")
    got = bool(verdicts.matches)
    if got and verdicts.matches[0].undecided:
        return RuleTestResult(rule, test, name, "error", None, f"could not be decided: {verdicts.matches[0].undecided}")
    if got is test.matches:
        return RuleTestResult(rule, test, name, "passed", got)
    return RuleTestResult(rule, test, name, "failed", got, f"expected {_word(test.matches)}, got {_word(got)}")


def _word(matches: bool) -> str:
    return "a match" if matches else "no match"


def explained(result: RuleTestResult) -> Answer:
    """Say why the rule says what it says about a test's event."""
    return answer(result.rule.condition, result.test.event)


def said(leaf: Explanation) -> str:
    """Say whether a leaf holds: `holds: eventName is "StopLogging"`."""
    return f"{'holds' if leaf.verdict else 'does not hold'}: {show(leaf.node)}"
