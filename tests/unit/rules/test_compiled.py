"""The compiled rule set."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from pipeline.checks import one_of
from pipeline.errors import ConfigError
from pipeline.languages.condition import Condition
from pipeline.predicate import Test as Leaf
from pipeline.rules import compiled
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import DestinationConfig, Ignore, Route, Rule, RuleFacts, RuleSet, RuleTest, Severity

TREE = Leaf(("eventName",), one_of("StopLogging"))
RULE = Rule(RuleFacts("stop", Severity.CRITICAL), Condition(TREE), "filter_pattern", "...", "a.toml:3")


def test_everything_but_tests_comes_back() -> None:
    """A whole configuration survives, its rules' own tests apart."""
    whole = RuleSet(
        rules=(RULE,),
        ignores=(
            Ignore("planned", Condition(TREE), "event_names", "StopLogging", "a.toml:9", until=dt.date(2030, 1, 31)),
        ),
        routes=(Route(("security",), "a.toml:12", severities=(Severity.HIGH,)),),
        destinations=(
            DestinationConfig("security", "slack", {"channel": "C1", "nested": {"x": [1, None]}}, "a.toml:15"),
        ),
    )
    tested = RuleSet(
        (
            Rule(
                RULE.facts,
                RULE.condition,
                "filter_pattern",
                "...",
                "a.toml:3",
                tests=(RuleTest({}, True, "t", "a.toml:4"),),
            ),
        ),
        whole.ignores,
        whole.routes,
        whole.destinations,
    )
    assert compiled.load(compiled.dump(tested)) == whole


def test_equal_rule_sets_are_equal_bytes() -> None:
    """Sets inside checks are written in order, so that a compiled file changes only when its rules do."""
    names = [f"Name{i}" for i in range(50)]
    one = RuleSet((Rule(RULE.facts, Condition(Leaf(("a",), one_of(*names))), "l", "s", "w"),))
    other = RuleSet((Rule(RULE.facts, Condition(Leaf(("a",), one_of(*reversed(names)))), "l", "s", "w"),))
    assert compiled.dump(one) == compiled.dump(other)


def test_a_lone_surrogate_in_a_rule_survives() -> None:
    """A rule may look for what no UTF-8 can carry."""
    odd = RuleSet((Rule(RULE.facts, Condition(Leaf(("a", "k\udc00"), one_of("\ud800"))), "l", "\ud800", "w"),))
    loaded = compiled.load(compiled.dump(odd))
    assert loaded == odd
    assert Matcher(loaded).match({"a": {"k\udc00": "\ud800"}})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a compiled rule set"),
        (b"[]", "not a compiled rule set"),
        (b"{}", "trailwire"),
        (b'{"trailwire": "1"}', "trailwire"),
        (b'{"trailwire": 2, "ruleset": {"rules": "of tomorrow"}}', "form 2"),
        (b'{"trailwire": 1}', "ruleset"),
        (b'{"trailwire": 1, "ruleset": {"rules": [{}]}}', "rules"),
        (b"\xff{", "not a compiled rule set"),
        (b'{"trailwire": 1, "ruleset": ' + b"[" * 100_000, "not a compiled rule set"),
    ],
)
def test_what_is_no_compiled_rule_set_is_refused_with_its_reason(data: bytes, says: str) -> None:
    """The author learns what is wrong and what to do, whatever the file holds."""
    with pytest.raises(ConfigError, match="trailwire compile") as caught:
        compiled.load(data)
    assert says in str(caught.value)


@pytest.mark.parametrize("language", ["os", "..errors", "sigma", ""])
def test_only_languages_with_programs_are_imported(language: str) -> None:
    """A file from a bucket cannot have any module imported."""
    file = json.loads(compiled.dump(RuleSet((RULE,))))
    file["rule_programs"] = {"0": [language, "x"]}
    with pytest.raises(ConfigError, match="has programs"):
        compiled.load(json.dumps(file).encode())


def test_rules_without_programs_import_no_language() -> None:
    """Loading and matching a declarative rule set leaves every parser, and google-re2, out of the process."""
    code = (
        "import sys; from pipeline.rules import compiled; from pipeline.rules.matcher import Matcher;"
        "data = sys.stdin.buffer.read(); assert Matcher(compiled.load(data)).match({'eventName': 'StopLogging'});"
        "print([m for m in sys.modules if m.startswith('pipeline.languages.') or m in ('re2', 'jq', 'yaml', 'sigma')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=compiled.dump(RuleSet((RULE,))), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "['pipeline.languages.condition']"


def test_a_compiled_file_is_told_from_a_configuration() -> None:
    """Where either form may stand, the first character tells."""
    assert compiled.is_compiled(compiled.dump(RuleSet()))
    assert not compiled.is_compiled(b'packs = ["baseline"]')
