"""A rule's own tests."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ProgramUndecided
from pipeline.languages import event_names, python_expression
from pipeline.languages.condition import Condition, Verdict
from pipeline.predicate import TRUE
from pipeline.rules.rule import Rule, RuleFacts, RuleTest
from pipeline.rules.testing import run_tests


class Overloaded:
    """A program that never decides."""

    language = "jq"
    source = "."

    def run(self, event: dict[str, Any], raw: str) -> Verdict:
        """Give up."""
        raise ProgramUndecided(f"too much: {len(event)} {len(raw)}")


STOP = event_names.parse(["Stop*"])
FAILING = python_expression.parse('event["eventName"].split("-")[1] == "b"')
UNDECIDED = Condition(TRUE, Overloaded())


@pytest.mark.parametrize(
    ("condition", "name", "matches", "outcome", "got", "reason"),
    [
        (STOP, "StopLogging", True, "passed", True, ""),
        (STOP, "List", False, "passed", False, ""),
        (STOP, "List", True, "failed", False, "expected a match, got no match"),
        (STOP, "StopLogging", False, "failed", True, "expected no match, got a match"),
        (FAILING, "a", False, "error", None, "the rule failed: IndexError"),
        (UNDECIDED, "a", True, "error", None, "could not be decided: too much"),
    ],
)
def test_a_test_passes_where_the_rule_says_what_is_expected(
    condition: Condition, name: str, matches: bool, outcome: str, got: bool | None, reason: str
) -> None:
    test = RuleTest({"eventName": name}, matches, "", "f:1")
    result = next(run_tests(Rule(RuleFacts("r"), condition, "python", "", "f:1", tests=(test,))))
    assert (result.outcome, result.got, result.name) == (outcome, got, "test 1")
    assert result.reason.startswith(reason)
