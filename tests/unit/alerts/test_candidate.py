"""What makes two matches the same alert, and what makes them members of one group."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from sightings import HOSTILE, OTHER, candidate, rule, sighting, user

from pipeline.alerts.alert import Repeats
from pipeline.alerts.candidate import Candidate, Sighting, digest, from_alert, from_sighting, group_key, readdressed
from pipeline.languages.condition import Condition
from pipeline.predicate import TRUE
from pipeline.rules import ruleset
from pipeline.rules.matcher import Match
from pipeline.rules.rule import GroupField, Rule, RuleFacts, Severity
from pipeline.testing import NOON_MS, event

EVENT_TIME_MS = NOON_MS - 300_000
"""When `event()` happened."""


def sighted(identity: str, of: Rule | None = None) -> Sighting:
    return Sighting(Match(of or rule(), event()), identity, "shard:1", NOON_MS)


def key(identity: str = "id", name: str = "rule", destination: str = "security") -> str:
    return from_sighting(sighted(identity, rule(name)), destination).key


def test_the_same_event_is_the_same_alert_however_often_it_comes() -> None:
    first = candidate(1, seen_ms=1, owner="shard:1")
    again = candidate(1, seen_ms=2, owner=OTHER, sourceIPAddress="198.51.100.9", of=rule(severity=Severity.LOW))
    assert first.key == again.key
    assert first.key != candidate(2).key


KEYS: list[tuple[str, str, str]] = [
    ("id", "rule", "security"),
    ("id2", "rule", "security"),
    ("id", "rule2", "security"),
    ("id", "rule", "security2"),
    ("", "", ""),
    # the same letters, shared out differently
    ("ida", "rule", "security"),
    ("id", "rulea", "security"),
    ("id", "rule", "securitya"),
    ("4:rule", "rule", "security"),
    ("rule", "id", "security"),
    ("security", "rule", "id"),
    *(("id", text, "security") for text in HOSTILE),
    *((text, "rule", "security") for text in HOSTILE),
]


def test_destination_rule_and_event_each_make_another_alert() -> None:
    found = [key(*row) for row in KEYS]
    assert len(set(found)) == len(KEYS)
    assert all(len(one) == 64 and one.isascii() for one in found)


def test_the_name_of_an_alert_does_not_change_from_release_to_release() -> None:
    """Told alerts are remembered for 15 days, so a new release must call them what the old one did."""
    assert digest("alert", "security", "Trail tampering", "id") == (
        "62d565d59818d0b8813176fbce32b4b20bc5f3622d62eb27fa68d2256cb078ee"
    )


AMBIGUOUS = [
    (("a", "b"), ("ab", "")),
    (("a", "b"), ("a:b",)),
    (("a", "b"), ("1:a1:b",)),
    (("a1:b",), ("a", "b")),
    ((), ("",)),
    (("",), ("", "")),
    (("\ud800",), ("\\ud800",)),
    (("\ud83d", "\ude00"), ("\U0001f600",)),
    (("\ud83d\ude00",), ("\U0001f600",)),
]


@pytest.mark.parametrize(("one", "other"), AMBIGUOUS)
def test_no_two_lists_of_texts_have_the_same_hash(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert digest(*one) != digest(*other)


# ---- groups ----

CHANGES: dict[GroupField, tuple[dict[str, Any], dict[str, Any]]] = {
    # by this field: a change that makes another group, and one that does not
    "account": ({"recipientAccountId": "444455556666"}, {"awsRegion": "us-east-1"}),
    "actor": ({"userIdentity": user("bob")}, {"sourceIPAddress": "198.51.100.9"}),
    "eventName": ({"eventName": "DescribeVpcs"}, {"userIdentity": user("bob")}),
    "region": ({"awsRegion": "us-east-1"}, {"eventName": "DescribeVpcs"}),
    "sourceIPAddress": ({"sourceIPAddress": "198.51.100.9"}, {"awsRegion": "us-east-1"}),
    "resource": ({"requestParameters": {"name": "x"}, "eventSource": "cloudtrail.amazonaws.com"}, {"awsRegion": "x"}),
    "rule": ({}, {"eventName": "DescribeVpcs", "userIdentity": user("bob"), "awsRegion": "us-east-1"}),
}


def grouped(by: tuple[GroupField, ...], name: str = "rule", to: str = "security", **fields: Any) -> str:
    return group_key(to, RuleFacts(name, group_by=by), event(**fields))


def test_every_field_one_can_group_by_has_its_row() -> None:
    assert set(CHANGES) == set(get_args(GroupField))


@pytest.mark.parametrize("field", CHANGES)
def test_grouping_by_a_field_tells_apart_what_differs_in_it_and_nothing_else(field: GroupField) -> None:
    other, same = CHANGES[field]
    by = (field,)
    assert grouped(by) == grouped(by, **same)
    assert (grouped(by) != grouped(by, **other)) is bool(other)
    assert (grouped(by) == grouped(by, "another rule")) is (field != "rule")


def test_a_group_is_of_one_destination_whatever_it_is_grouped_by() -> None:
    assert grouped(()) != grouped((), to="ops")
    assert grouped(()) == grouped((), "another rule", eventName="DescribeVpcs")


def test_fields_that_swap_their_values_make_another_group() -> None:
    by: tuple[GroupField, ...] = ("eventName", "region")
    assert grouped(by, eventName="a", awsRegion="b") != grouped(by, eventName="b", awsRegion="a")
    assert grouped(("eventName",), eventName="a") != grouped(("region",), awsRegion="a")


def test_a_threshold_may_count_by_other_fields_than_the_group() -> None:
    facts = RuleFacts("rule")
    assert group_key("security", facts, event()) == group_key("security", facts, event(), facts.group_by)
    assert group_key("security", facts, event()) != group_key("security", facts, event(), ("actor",))


@pytest.mark.parametrize("odd", [None, [], {}, 5, 1.5, True, [["x"]], {"a": "b"}, *HOSTILE])
def test_whatever_stands_where_a_text_should_it_has_a_group(odd: Any) -> None:
    everything: tuple[GroupField, ...] = get_args(GroupField)
    fields = ("eventName", "awsRegion", "sourceIPAddress", "recipientAccountId", "userIdentity", "requestParameters")
    found = grouped(everything, **dict.fromkeys(fields, odd))
    assert len(found) == 64
    assert found == grouped(everything, **dict.fromkeys(fields, odd))


def test_people_behind_one_role_are_told_apart_and_its_machines_are_not() -> None:
    def by_session(name: str) -> str:
        identity = {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE:{name}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/ops/{name}",
            "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/ops", "userName": "ops"}},
        }
        return grouped(("actor",), userIdentity=identity)

    assert by_session("alice@example.com") != by_session("bob@example.com")
    assert by_session("i-0123456789abcdef0") == by_session("i-0fedcba9876543210")


@pytest.mark.parametrize(
    ("severity", "written", "expected"),
    [
        ("low", "", ("rule", "account", "actor")),
        ("medium", "", ("rule", "account", "actor")),
        ("high", "", ("rule", "account", "actor")),
        ("critical", "", ("rule", "account", "actor", "eventName")),
        ("critical", 'group_by = ["rule"]', ("rule",)),
        ("low", 'group_by = ["actor", "region"]', ("actor", "region")),
    ],
)
def test_critical_rules_group_by_the_events_name_too(severity: str, written: str, expected: tuple[str, ...]) -> None:
    text = f"""
[[rule]]
name = "A"
severity = "{severity}"
event_names = ["*"]
destinations = ["log"]
{written}
[[destination]]
id = "log"
type = "stdout"
"""
    [found] = ruleset.parse(text, lambda path: path).rules
    assert found.facts.group_by == expected


# ---- what it says about itself ----


def test_it_is_summarised_once_and_says_what_its_match_said() -> None:
    match = Match(rule(), event(eventName="StopLogging"), {"password": "hunter2hunter2"}, "out of time")
    found = from_sighting(Sighting(match, "id", "shard:1", NOON_MS), "security", "here")
    alert = found.alert
    assert found.alert is alert
    assert (alert.key, alert.group, alert.destination, alert.mention) == (found.key, found.group, "security", "here")
    assert (alert.event.name, alert.undecided, alert.first_seen_ms) == ("StopLogging", "out of time", NOON_MS)
    assert alert.annotation == {"password": "[redacted]"}


ABOUT: list[tuple[dict[str, Any], int, str, str]] = [
    # event: when it happened, where from, and (as it begins) what to
    ({}, EVENT_TIME_MS, "192.0.2.10", ""),
    ({"eventTime": "2026-01-01T11:59:59Z"}, NOON_MS - 1000, "192.0.2.10", ""),
    ({"eventTime": "yesterday"}, NOON_MS, "192.0.2.10", ""),
    ({"eventTime": None}, NOON_MS, "192.0.2.10", ""),
    ({"eventTime": 5, "sourceIPAddress": None}, NOON_MS, "", ""),
    ({"sourceIPAddress": ["192.0.2.1"]}, EVENT_TIME_MS, "", ""),
    ({"sourceIPAddress": "\ud800"}, EVENT_TIME_MS, "\ufffd", ""),
    (
        {"eventSource": "cloudtrail.amazonaws.com", "requestParameters": {"name": "audit"}},
        EVENT_TIME_MS,
        "192.0.2.10",
        "trail audit",
    ),
]


@pytest.mark.parametrize(("fields", "happened_ms", "source", "target"), ABOUT)
def test_what_its_group_remembers_is_the_same_before_and_after_it_is_summarised(
    fields: dict[str, Any], happened_ms: int, source: str, target: str
) -> None:
    found = candidate(**fields)
    for _ in range(2):
        assert (found.happened_ms, found.source, found.target) == (happened_ms, source, target)
        assert found.alert


def test_what_its_group_remembers_is_bounded() -> None:
    found = candidate(requestParameters={"name": "x" * 9_000}, eventSource="cloudtrail.amazonaws.com")
    assert len(found.target) <= 256
    assert len(candidate(sourceIPAddress="x" * 9_000).source) <= 64


def test_the_severest_comes_first_then_the_oldest() -> None:
    wanted = [(Severity.CRITICAL, 2), (Severity.HIGH, 1), (Severity.HIGH, 3), (Severity.MEDIUM, 0), (Severity.LOW, 0)]
    batch = [candidate(of=rule(severity=severity), seen_ms=seen_ms) for severity, seen_ms in reversed(wanted)]
    batch.sort(key=lambda one: one.order)
    assert [(one.rule.severity, one.seen_ms) for one in batch] == wanted


def test_one_that_comes_back_is_the_same_alert_of_another_owner() -> None:
    first = candidate(of=rule(tags=("iam",)))
    back = from_alert(first.alert, "message-1")
    assert (back.key, back.group, back.rule, back.seen_ms) == (first.key, first.group, first.rule, first.seen_ms)
    assert (back.owner, back.alert, back.count) == ("message-1", first.alert, 1)
    assert from_alert(first.alert, "message-1", Repeats(7, 1, 2)).count == 7


def test_one_that_is_readdressed_is_another_alert_that_mentions_nobody() -> None:
    lead = from_sighting(sighting(), "security", "channel")
    moved = readdressed(lead, Repeats(3, 1, 2), "ops")
    assert (moved.destination, moved.mention, moved.alert.mention, moved.count) == ("ops", "", "", 3)
    assert moved.alert.event == lead.alert.event
    assert moved.alert.key == moved.key
    assert moved.alert.group == moved.group
    others = [readdressed(lead, Repeats(4, 1, 2), "ops"), readdressed(lead, Repeats(3, 1, 2), "b"), lead]
    assert len({moved.key, *(one.key for one in others)}) == 4
    assert readdressed(lead, Repeats(3, 5, 9), "ops").key == moved.key
    assert readdressed(lead, Repeats(9, 1, 2), "ops").group == moved.group


def test_one_of_nothing_is_a_bug() -> None:
    empty = Candidate("k", "g", "security", RuleFacts("rule"), "shard:1", NOON_MS)
    with pytest.raises(AssertionError):
        _ = empty.alert


def test_a_rules_condition_is_no_part_of_what_it_is() -> None:
    other = Rule(RuleFacts("Trail tampering"), Condition(TRUE), "jq_match", ".", "elsewhere.toml:9")
    assert candidate(of=other).key == candidate().key
