"""What silences an alert can be pasted as it is, and silences that action of that actor only."""

from __future__ import annotations

import json
import shlex
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.alert import Alert
from pipeline.event.summary import summarize
from pipeline.languages import event_pattern
from pipeline.render.silence import ignore_toml, why_command
from pipeline.rules.rule import RuleFacts

ID = "0c7f2a91-3b1d-4f6e-9a51-6d1f0b7e4c10"


def stop_logging(arn: Any = "arn:aws:iam::1:user/u", **more: Any) -> dict[str, Any]:
    """Build an event of a user who stops a trail."""
    identity = {"type": "IAMUser", "arn": arn}
    where = {"recipientAccountId": "1", "awsRegion": "us-east-1", "eventID": ID}
    return {"eventSource": "x.amazonaws.com", "eventName": "StopLogging", "userIdentity": identity, **where, **more}


def alert(event: dict[str, Any], rule: str = "Trail stopped", seen_ms: int = 1_782_914_561_000) -> Alert:
    return Alert("k", "g", "d", RuleFacts(rule), summarize(event), seen_ms)


HOSTILE = [
    "'",
    "'''",
    '"',
    "\\",
    "\\u0027",
    "`",
    "]]\n[[rule]]",
    "$(x)",
    "<!here>",
    "*",
    "\x7f",
    "\x01",
    "é",
    "\U0001f600",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_ignore_is_toml_that_matches_this_event_and_no_other(text: str) -> None:
    event = stop_logging(f"arn:{text}")
    toml = ignore_toml(alert(event))
    ignore = tomllib.loads(toml)["ignore"]
    assert len(ignore) == 1
    assert ignore[0].keys() == {"reason", "until", "event_pattern"}
    condition = event_pattern.parse(ignore[0]["event_pattern"])
    assert condition.matches(event)
    assert not condition.matches({**event, "eventName": "DeleteTrail"})
    assert not condition.matches(stop_logging(f"arn:{text}x"))
    assert toml.isascii()
    assert toml.replace("\n", "").isprintable()
    assert not set("`<>&") & set(toml)


@given(st.text(max_size=80), st.integers())
def test_whatever_the_names_are_the_ignore_is_valid_or_absent(name: str, seen_ms: int) -> None:
    """The snippet parses and its pattern holds exactly the event's strings, for any text."""
    toml = ignore_toml(alert(stop_logging(name), seen_ms=seen_ms))
    if toml:
        pattern = json.loads(tomllib.loads(toml)["ignore"][0]["event_pattern"])
        assert pattern["userIdentity"]["arn"] == [name]


@pytest.mark.parametrize("arn", [None, "x" * 400, "ghp_" + "a1B2" * 9, "\ud800"])
def test_an_actor_who_cannot_be_named_exactly_has_no_ignore(arn: Any) -> None:
    assert ignore_toml(alert(stop_logging(arn))) == ""


def test_an_ignore_ends_after_ninety_days() -> None:
    assert "until = 2026-09-29" in ignore_toml(alert(stop_logging()))


def test_the_command_fetches_the_event_and_asks_why() -> None:
    fetch, ask = why_command(alert(stop_logging())).split(" | ")
    assert shlex.split(fetch)[:3] == ["aws", "cloudtrail", "lookup-events"]
    assert f"AttributeKey=EventId,AttributeValue={ID}" in shlex.split(fetch)
    assert shlex.split(ask) == ["trailwire", "why", "-", "--rule", "Trail stopped"]


@pytest.mark.parametrize(
    "odd", [{"eventID": "$(reboot)"}, {"awsRegion": "; reboot"}, {"eventID": None}, {"eventCategory": "Data"}]
)
def test_an_event_that_cannot_be_fetched_is_a_file(odd: dict[str, Any]) -> None:
    assert why_command(alert(stop_logging(**odd))) == "trailwire why event.json --rule 'Trail stopped'"


@pytest.mark.parametrize("rule", ["it's", "a`b", "$(reboot)", "a\nb", "é", "x" * 200])
def test_a_rule_whose_name_a_shell_would_read_is_left_out(rule: str) -> None:
    assert why_command(alert({}, rule)) == "trailwire why event.json"
