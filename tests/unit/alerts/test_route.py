"""A rule's own destinations win; else the first route that admits the match decides; else that is told as a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from sightings import HOSTILE, rule, sighting

from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.route import Route, first_route
from pipeline.rules.rule import Route as RouteRule
from pipeline.rules.rule import Rule, Severity
from pipeline.testing import ACCOUNT

HIGH, CRITICAL, LOW = Severity.HIGH, Severity.CRITICAL, Severity.LOW
ACCOUNTS = {ACCOUNT: "production", "444455556666": "sandbox"}


def route(to: str = "a", **fields: Any) -> RouteRule:
    return RouteRule((to,), "trailwire.toml:3", **fields)


def routed(routes: tuple[RouteRule, ...], of: Rule | None = None, **event: Any) -> list[tuple[str, str]]:
    """Return destination and mention of each alert; the books must balance."""
    ledger = Ledger()
    found = list(Route(routes, ACCOUNTS)([sighting(of=of, **event)], ledger))
    assert ledger.imbalance == len(found), "those that have a destination are yet to get their fate"
    return [(candidate.destination, candidate.mention) for candidate in found]


ADMITS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    # what the route asks for, what the rule is, and whether it takes its alerts
    ({}, {}, True),
    ({"accounts": (ACCOUNT,)}, {}, True),
    ({"accounts": ("production",)}, {}, True),
    ({"accounts": ("sandbox", "production")}, {}, True),
    ({"accounts": ("sandbox",)}, {}, False),
    ({"accounts": ("Production",)}, {}, False),
    ({"accounts": ("1111*",)}, {}, False),
    ({"severities": (HIGH, CRITICAL)}, {"severity": HIGH}, True),
    ({"severities": (HIGH, CRITICAL)}, {"severity": LOW}, False),
    ({"severities": (Severity.MEDIUM,)}, {}, True),
    ({"tags": ("iam",)}, {"tags": ("cloudtrail", "iam")}, True),
    ({"tags": ("s3", "iam")}, {"tags": ("iam",)}, True),
    ({"tags": ("iam",)}, {"tags": ("IAM",)}, False),
    ({"tags": ("iam",)}, {}, False),
    ({"rules": ("Trail tampering",)}, {}, True),
    ({"rules": ("Trail*",)}, {}, True),
    ({"rules": ("trail*",)}, {}, False),
    ({"rules": ("Trail tamperin?",)}, {}, True),
    ({"rules": ("*",)}, {}, True),
    ({"rules": ("Root*", "Trail*")}, {}, True),
    ({"rules": ("Trail",)}, {}, False),
    ({"rules": ("Trail [prod]",)}, {"name": "Trail [prod]"}, True),
    ({"rules": ("Trail [prod]",)}, {"name": "Trail p"}, True),  # as a glob it is a class of characters
    ({"rules": ("Trail [prod]",)}, {"name": "Trail x"}, False),
    ({"rules": ("Trail [[]prod]*",)}, {"name": "Trail [prod] stopped"}, True),
    ({"rules": ("Trail [",)}, {"name": "Trail ["}, True),
    ({"rules": ("Is it *?",)}, {"name": "Is it *?"}, True),
    # all fields together
    ({"severities": (HIGH,), "tags": ("iam",)}, {"severity": HIGH, "tags": ("iam",)}, True),
    ({"severities": (HIGH,), "tags": ("iam",)}, {"severity": HIGH}, False),
    ({"accounts": ("sandbox",), "rules": ("*",)}, {}, False),
]


@pytest.mark.parametrize(("asks", "facts", "expected"), ADMITS)
def test_a_route_admits_what_all_its_fields_admit(asks: dict[str, Any], facts: dict[str, Any], expected: bool) -> None:
    facts = dict(facts)
    found = routed((route(**asks),), rule(facts.pop("name", "Trail tampering"), **facts))
    assert found == ([("a", "")] if expected else [])


def test_the_first_route_that_admits_decides_and_the_last_is_the_default() -> None:
    routes = (route("a", severities=(CRITICAL,)), route("b", severities=(CRITICAL, HIGH)), route("default"))
    found = [routed(routes, rule(severity=severity))[0][0] for severity in (CRITICAL, HIGH, LOW)]
    assert found == ["a", "b", "default"]


ACCOUNT_EVENTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"recipientAccountId": "444455556666"}, False),  # who received it counts, not who called
    ({"recipientAccountId": None}, True),
    ({"recipientAccountId": ["x"]}, True),
    ({"recipientAccountId": None, "userIdentity": None}, False),
    ({"recipientAccountId": int(ACCOUNT)}, True),
    ({"recipientAccountId": "production"}, True),  # by a name that nobody has given
]


@pytest.mark.parametrize(("event", "expected"), ACCOUNT_EVENTS)
def test_the_account_is_the_one_that_received_the_event(event: dict[str, Any], expected: bool) -> None:
    asked = route(accounts=(ACCOUNT, "production"))
    assert bool(routed((asked,), **event)) is expected


def test_an_account_without_a_name_is_not_the_one_that_an_empty_name_would_mean() -> None:
    assert first_route([route(accounts=("",))], rule(), "999900001111") is None
    assert first_route([route(accounts=("",))], rule(), "") is None


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_in_an_event_chooses_a_mention_or_a_destination(text: str) -> None:
    found = routed((route("a", mention="here"),), recipientAccountId=text, userAgent=text, mention=text)
    assert found == [("a", "here")]


def test_a_rules_own_destinations_win_and_are_told_one_alert_each() -> None:
    own = rule(destinations=("x", "y"))
    assert routed((route("a"),), own) == [("x", ""), ("y", "")]
    assert routed((), own) == [("x", ""), ("y", "")]


@pytest.mark.parametrize("mention", ["", "here", "channel", "U0123456789", "S0123456789"])
def test_a_mention_comes_from_the_route_that_admits_the_match_alone(mention: str) -> None:
    routes = (route("a", severities=(CRITICAL,), mention="channel"), route("b", mention=mention))
    assert routed(routes) == [("b", mention)]
    assert routed(routes, rule(destinations=("x",))) == [("x", mention)]
    assert routed(routes[:1], rule(destinations=("x",))) == [("x", "")]


def test_what_nothing_sends_anywhere_is_counted_as_rejected() -> None:
    ledger = Ledger()
    sightings = [sighting(1), sighting(2, of=rule(destinations=("x", "y"))), sighting(3)]
    found = list(Route((route(severities=(CRITICAL,)),), {})(sightings, ledger))
    assert [candidate.destination for candidate in found] == ["x", "y"]
    assert (ledger.alerts, ledger.fates[Fate.REJECTED], ledger.rejections["unrouted"]) == (4, 2, 2)
    ledger.decide(Fate.SENT, 2)
    assert ledger.imbalance == 0


def test_the_setting_in_force_is_how_many_routes_there_are() -> None:
    assert str(Route((route(),), {})) == "1 route"
