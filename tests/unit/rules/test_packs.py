"""The shipped packs: every rule keeps what its own tests promise, reads well, and can be tuned by name."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import testing
from pipeline.errors import ConfigError
from pipeline.predicate import TRUE, holds
from pipeline.rules import compiled, ruleset
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import Repeat, Rule, RuleSet, RuleTest, Severity, Threshold

PACKS = ["baseline", "baseline-classic", "cis"]
RULES = {name: ruleset.read_pack(name) for name in PACKS}
EVERY_RULE = [rule for name in PACKS for rule in RULES[name]]
EVERY_TEST = [(rule, test) for rule in EVERY_RULE for test in rule.tests]
FIXTURES = sorted((Path(__file__).parents[3] / "fixtures" / "events").glob("*.json"))

DESTINATION = '[[destination]]\nid = "out"\ntype = "stdout"\n[[route]]\ndestinations = ["out"]\n'


def _nothing_to_read(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


def _parse(text: str) -> RuleSet:
    return ruleset.parse(text + DESTINATION, _nothing_to_read)


def test_the_packs_that_ship_are_these() -> None:
    assert ruleset.pack_names() == PACKS


# ---- every rule ----


@pytest.mark.parametrize(
    ("rule", "case"), EVERY_TEST, ids=[f"{rule.name}: {case.name}".replace("::", ":") for rule, case in EVERY_TEST]
)
def test_a_rule_answers_its_own_tests_as_they_say(rule: Rule, case: RuleTest) -> None:
    assert rule.condition.decide(case.event, json.dumps(case.event)).matched is case.matches


@pytest.fixture(scope="module")
def everything() -> Matcher:
    return Matcher(RuleSet(rules=tuple(EVERY_RULE)))


def test_all_packs_in_one_matcher_answer_as_each_rule_alone(everything: Matcher) -> None:
    for rule, case in EVERY_TEST:
        assert (rule.name in {match.rule.name for match in everything.match(case.event)}) is case.matches, case.name


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.name)
def test_a_rule_says_why_what_to_do_and_when_it_speaks(rule: Rule) -> None:
    facts = rule.facts
    assert len(facts.description) > 20
    assert not facts.description.endswith(".")
    assert len(facts.runbook) > 20
    assert "\n" not in facts.description + facts.runbook
    assert facts.tags
    assert {test.matches for test in rule.tests} == {True, False}
    assert all(test.name for test in rule.tests)
    assert max(Counter((test.name, test.matches) for test in rule.tests).values()) == 1


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.name)
def test_a_rule_costs_nothing_on_everyday_events(rule: Rule) -> None:
    """Its tree refuses an ordinary call: no program runs on it, and a derived subscription pattern is narrow."""
    assert rule.condition.tree != TRUE
    assert not holds(rule.condition.tree, testing.event(), json.dumps(testing.event()))


@pytest.mark.parametrize(
    "rule", [rule for rule in EVERY_RULE if rule.pack != "baseline-classic"], ids=lambda rule: rule.name
)
def test_a_rule_is_quiet_about_what_aws_services_do_on_their_own(rule: Rule) -> None:
    """Of the classic pack nobody promises that: it tells what another tool would."""
    for case in rule.tests:
        service = {"type": "AWSService", "invokedBy": "example.amazonaws.com"}
        event = case.event | {"userIdentity": service, "sourceIPAddress": "example.amazonaws.com"}
        assert not rule.condition.matches(event), case.name


def test_names_are_unique_across_packs() -> None:
    assert max(Counter(rule.name for rule in EVERY_RULE).values()) == 1


def test_only_what_is_worth_waking_somebody_is_critical() -> None:
    assert sorted(rule.name for rule in EVERY_RULE if rule.facts.severity is Severity.CRITICAL) == [
        "GuardDuty switched off",
        "Organization left or dissolved",
        "Role open to anyone",
        "Root access key used",
        "Root password or address changed",
        "Root signed in without MFA",
        "Snapshot or image made public",
        "Trail stopped or deleted",
    ]


def test_every_control_of_the_cis_benchmarks_section_5_has_a_low_rule() -> None:
    assert [rule.name.split()[1] for rule in RULES["cis"]] == [f"5.{number}" for number in range(1, 16)]
    assert {rule.facts.severity for rule in RULES["cis"]} == {Severity.LOW}
    assert all(f"cis-{rule.name.split()[1]}" in rule.facts.tags for rule in RULES["cis"])


# ---- on whole events ----

TOLD_BY_BASELINE = {
    "attach_admin_policy": ["Administrator policy attached"],
    "console_login_failed": ["Many failed sign-ins"],
    "console_login_failed_hidden_user": ["Many failed sign-ins"],
    "console_login_root_with_mfa": ["Root signed in"],
    "console_login_root_without_mfa": ["Root signed in without MFA"],
    "console_login_user_without_mfa": ["Console sign-in without MFA"],
    "create_access_key": ["Access key created"],
    "create_login_profile": ["Console password set"],
    "create_user": ["IAM user created"],
    "deactivate_mfa_device": ["MFA device removed"],
    "delete_trail": ["Trail stopped or deleted"],
    "hostile_session_name": ["IAM user created"],
    "list_users_access_denied": ["Many calls refused"],
    "modify_snapshot_shared": ["Snapshot or image shared"],
    "open_security_group_to_the_world": ["Port opened to the world"],
    "put_bucket_policy_public": ["Bucket policy open to anyone"],
    "put_event_selectors": ["Trail narrowed"],
    "run_instances_unauthorized": ["Change refused to a person", "Many calls refused"],
    "schedule_key_deletion": ["Encryption key disabled or set for deletion"],
    "stop_logging": ["Trail stopped or deleted"],
    "update_assume_role_policy": ["Role trusts another account"],
}
"""What the baseline tells of the fixtures; about all others it is quiet."""


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_baseline_tells_of_the_fixtures_these_and_no_others(path: Path) -> None:
    verdicts = Matcher(RuleSet(rules=RULES["baseline"])).evaluate(json.loads(path.read_bytes()))
    assert [match.rule.name for match in verdicts.matches] == TOLD_BY_BASELINE.get(path.stem, [])
    assert not verdicts.failures


@pytest.mark.parametrize(
    ("fixture", "annotation"),
    [
        ("put_bucket_policy_public", "anyone may s3:GetObject"),
        ("put_event_selectors", "not all management events"),
        ("update_assume_role_policy", "trusts 123456789012"),
    ],
)
def test_rules_that_read_policies_say_what_they_found(everything: Matcher, fixture: str, annotation: str) -> None:
    event = json.loads((FIXTURES[0].parent / f"{fixture}.json").read_bytes())
    assert annotation in [match.annotation for match in everything.match(event)]


ODD: list[Any] = [None, 7, "text", True, [], ["text", 7, None], {}, {"add": 1}, {"Statement": [7, None, [[]]]}]


def _spoiled(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Put each odd value in place of each value of the two upper levels."""
    for key, value in event.items():
        for odd in ODD:
            yield {**event, key: odd}
            for inner in value if isinstance(value, dict) else ():
                whole = copy.deepcopy(event)
                whole[key][inner] = odd
                yield whole


def test_odd_values_never_leave_a_rule_undecided(everything: Matcher) -> None:
    """Whatever stands where a rule looks, the answer is yes, no or an ordinary failure."""
    for _, case in EVERY_TEST:
        for event in _spoiled(case.event):
            assert not [match.rule.name for match in everything.match(event) if match.undecided]


# ---- tuning ----


def test_a_pack_is_taken_by_its_name_and_says_where_each_rule_is_from() -> None:
    rules = _parse('packs = ["cis", "baseline"]\n').rules
    assert rules == RULES["cis"] + RULES["baseline"]
    assert {rule.pack for rule in rules} == {"cis", "baseline"}
    assert rules[0].where == "cis.toml:10"


def test_disabled_rules_are_left_out() -> None:
    ruled = _parse('packs = ["cis"]\n[pack.cis]\ndisable = ["CIS 5.1 Unauthorized API calls"]\n')
    assert ruled.rules == RULES["cis"][1:]


def test_with_enable_only_those_named_are_in() -> None:
    ruled = _parse('packs = ["baseline"]\n[pack.baseline]\nenable = ["Root signed in", "Access key created"]\n')
    assert [rule.name for rule in ruled.rules] == ["Root signed in", "Access key created"]


def test_an_override_changes_the_fields_it_names_and_nothing_else() -> None:
    ruled = _parse(
        'packs = ["baseline"]\n[pack.baseline]\nenable = ["IAM user created", "Root signed in"]\n'
        '[pack.baseline.override."IAM user created"]\nseverity = "high"\nrepeat = "each"\nrunbook = "Call Erin."\n'
        'description = "Ours"\ntags = ["ours"]\ndestinations = ["out"]\ngroup_by = ["account"]\n'
        "threshold = { count = 3, within_s = 60 }\n"
    )
    root, user = ruled.rules
    shipped = {rule.name: rule for rule in RULES["baseline"]}
    assert root == shipped["Root signed in"]
    assert user.condition == shipped["IAM user created"].condition
    assert user.tests == shipped["IAM user created"].tests
    assert (user.facts.severity, user.facts.repeat) == (Severity.HIGH, Repeat.EACH)
    assert (user.facts.runbook, user.facts.description, user.facts.tags) == ("Call Erin.", "Ours", ("ours",))
    assert user.facts.group_by == ("account",)
    assert user.facts.threshold == Threshold(count=3, within_s=60)
    assert user.destinations == ("out",)
    assert user.where == "trailwire.toml:4"


def test_a_name_that_a_pack_has_taken_is_refused() -> None:
    taken = RULES["cis"][2]
    with pytest.raises(ConfigError, match=f'there is a rule "{taken.name}" already, at {taken.where}'):
        _parse(f'packs = ["cis"]\n[[rule]]\nname = "{taken.name}"\nevent_names = ["x"]\n')


def test_compiled_packs_match_as_before() -> None:
    before = RuleSet(rules=tuple(EVERY_RULE))
    after = compiled.load(compiled.dump(before))
    matcher = Matcher(after)
    assert [rule.facts for rule in after.rules] == [rule.facts for rule in before.rules]
    for rule, case in EVERY_TEST:
        assert (rule.name in {match.rule.name for match in matcher.match(case.event)}) is case.matches
