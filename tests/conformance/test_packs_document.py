"""docs/packs.md says what the packs say, and the packs stay as quiet on real attacks as it promises."""

from __future__ import annotations

import re

import pytest
from packs_tables import ATTACKS, DOCUMENT, PACKS, SHARED, attack_events, attack_matches, filled, opened, tables

from pipeline.rules import ruleset
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import RuleSet, Severity

needs_attacks = pytest.mark.skipif(not SHARED.is_dir(), reason="the attack data is not here")


def test_the_documents_tables_are_what_the_packs_say() -> None:
    """`python tests/conformance/packs_tables.py` writes them anew."""
    document = DOCUMENT.read_text()
    assert filled(document) == document
    assert all(f"<!-- table: {name} -->" in document for name in tables())


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
def test_the_documents_examples_are_configurations(example: str) -> None:
    destination = '[[destination]]\nid = "security"\ntype = "stdout"\n[[route]]\ndestinations = ["security"]\n'
    ruleset.from_bytes((example + destination).encode(), name="example")


@needs_attacks
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_rule_fails_or_stays_undecided_on_real_events(attack: str) -> None:
    matcher = Matcher(RuleSet(rules=tuple(rule for pack in PACKS for rule in ruleset.read_pack(pack))))
    for event in attack_events(attack):
        verdicts = matcher.evaluate(event)
        assert not verdicts.failures
        assert not [match for match in verdicts.matches if match.undecided]


STEPS = [
    ("AddPermission20150331v2", "Function open to anyone"),
    ("AttachRolePolicy", "Administrator policy attached"),
    ("AttachUserPolicy", "Administrator policy attached"),
    ("AuthorizeSecurityGroupIngress", "Port opened to the world"),
    ("BatchGetSecretValue", "Many secrets read by a person"),
    ("ConsoleLogin", "Console sign-in without MFA"),
    ("CreateAccessKey", "Access key created"),
    ("CreateFoundationModelAgreement", "Bedrock opened up"),
    ("CreateLoginProfile", "Console password set"),
    ("CreateRole", "Role trusts another account"),
    ("CreateTrustAnchor", "Certificates give access"),
    ("CreateUser", "IAM user created"),
    ("DeleteFlowLogs", "Network logs deleted"),
    ("DeleteResolverQueryLogConfig", "Network logs deleted"),
    ("DeleteTrail", "Trail stopped or deleted"),
    ("DescribeInstanceAttribute", "Start scripts read and refused"),
    ("EnableSerialConsoleAccess", "Serial console used"),
    ("GetFederationToken", "Federation token taken"),
    ("GetPasswordData", "Windows password asked for"),
    ("GetSecretValue", "Many secrets read by a person"),
    ("LeaveOrganization", "Organization left or dissolved"),
    ("ModifyDBSnapshotAttribute", "Snapshot or image shared"),
    ("ModifyImageAttribute", "Snapshot or image shared"),
    ("ModifyInstanceAttribute", "Instance start script replaced"),
    ("ModifySnapshotAttribute", "Snapshot or image shared"),
    ("PutEventSelectors", "Trail narrowed"),
    ("SendCommand", "Shell on an instance"),
    ("SendSSHPublicKey", "Shell on an instance"),
    ("StartSession", "Shell on an instance"),
    ("StopLogging", "Trail stopped or deleted"),
    ("UpdateAssumeRolePolicy", "Role trusts another account"),
    ("UpdateFunctionCode20150331v2", "Function changed by hand"),
    ("UpdateFunctionConfiguration20150331v2", "Function changed by hand"),
    ("UpdateLoginProfile", "Console password set"),
]


@needs_attacks
@pytest.mark.parametrize(("call", "rule"), STEPS)
def test_the_baseline_tells_the_step_of_each_detonated_technique(call: str, rule: str) -> None:
    found = {(match.event["eventName"], match.rule.name) for match in attack_matches("baseline", "stratus_detonations")}
    assert (call, rule) in found


@needs_attacks
def test_an_attack_of_an_hour_makes_few_messages_and_wakes_nobody_twice_for_one_thing() -> None:
    matches = attack_matches("baseline", "attack_simulation")
    rules = {match.rule.name: match.rule for match in matches}
    messages = {name: opened([match for match in matches if match.rule.name == name]) for name in rules}
    assert sum(map(len, messages.values())) <= 15
    critical = [name for name in messages if rules[name].facts.severity is Severity.CRITICAL]
    assert sorted(critical) == ["Organization left or dissolved", "Trail stopped or deleted"]
    assert all(len(messages[name]) == 1 for name in critical)
