"""Plain text for people's mailboxes and terminals, JSON for machines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.event.summary import summarize
from pipeline.render import Context, document, plain
from pipeline.rules.rule import RuleFacts, Severity

CONTEXT = Context(accounts={"111122223333": "production"})
AT_MS = 1_782_914_531_000
REPEATS = Repeats(3, AT_MS, AT_MS + 1000, ("192.0.2.1",), ("trail main",))


def make(rule: str = "Trail tampering", **event: Any) -> Alert:
    """Build an alert on a stopped trail."""
    base = {
        "eventName": "StopLogging",
        "eventSource": "cloudtrail.amazonaws.com",
        "recipientAccountId": "111122223333",
        "requestParameters": {"name": "main"},
        "userIdentity": {"type": "IAMUser", "userName": "alice"},
    }
    facts = RuleFacts(rule, Severity.HIGH, runbook="https://wiki.example.com/x")
    return Alert("k", "g", "d", facts, summarize({**base, **event}), AT_MS, {"n": 1}, "here", "")


def test_a_mail_says_the_same_as_slack() -> None:
    message = plain.alert(make(), CONTEXT, REPEATS, may_repeat=True)
    assert message.subject == "HIGH Trail tampering: alice called StopLogging on trail main"
    assert message.body.startswith(
        "HIGH Trail tampering\nalice called StopLogging on trail main\n\nSeen 3 times so far: "
    )
    for line in (
        "Outcome  Succeeded",
        "Account  production (111122223333)",
        "Runbook  https://wiki.example.com/x",
        '{"n": 1}',
    ):
        assert line in message.body.split("\n")
    assert "may repeat" in message.body
    assert message.body.endswith("\n")


@pytest.mark.parametrize("name", ["é" * 300, "a\r\nBcc: mallory@evil.example", "\U0001f600", "x" * 300, "…"])
def test_a_subject_is_one_short_ascii_line(name: str) -> None:
    """SNS refuses anything else, and a line break would begin another mail header."""
    subject = plain.alert(make(name, eventName=name), CONTEXT).subject
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) <= plain.SUBJECT_AT_MOST


def test_a_digest_and_a_closing_are_short() -> None:
    body = plain.digest([make(), make(), make("Other")], CONTEXT, total=10).body
    assert body.startswith(
        "10 alerts, told together\n\nHIGH Trail tampering x2: alice called StopLogging on trail main in "
    )
    assert body.endswith("and 7 more\n")
    assert "Seen 3 times so far" in plain.thread_reply(make(), CONTEXT, REPEATS).body
    assert plain.closing(make(), CONTEXT, REPEATS).body.startswith("Over for now: HIGH Trail tampering\n")


def test_a_notice_says_what_where_and_what_to_do() -> None:
    message = plain.notice(Notice("rule failed", "Rule x failed. See http://evil.example", "error", 3), CONTEXT)
    assert message.body == "Trailwire error: rule failed (3 times)\n\nRule x failed. See http[:]//evil.example\n"


def test_a_document_holds_values_as_they_are_and_names_the_account() -> None:
    value = document.alert(make(sourceIPAddress="<b>&"), CONTEXT, REPEATS)
    assert (value["v"], value["kind"], value["may_repeat"]) == (1, "alert", False)
    assert value["text"] == "HIGH Trail tampering: alice called StopLogging on trail main"
    assert value["alert"]["event"]["origin"] == "<b>&"
    assert value["alert"]["event"]["account_name"] == "production"
    assert value["alert"]["annotation"] == {"n": 1}
    assert value["repeats"]["count"] == 3


@pytest.mark.parametrize(
    "annotation", [float("nan"), float("-inf"), 10**400, 2**60, "\ud800", [[[[[[[[["deep"]]]]]]]]]]
)
def test_a_document_is_json_that_every_reader_takes(annotation: Any) -> None:
    alert = Alert("k", "g", "d", RuleFacts("r\ud800"), summarize({}), AT_MS, annotation)
    text = json.dumps(document.alert(alert, CONTEXT), allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(text)["alert"]["rule"]["name"] == "r\ufffd"


def test_a_document_of_many_alerts_is_bounded() -> None:
    value = document.digest([make(f"rule {n}") for n in range(300)], CONTEXT)
    assert (value["total"], len(value["alerts"]), len(value["lines"])) == (300, 100, 100)
    kinds = [
        document.thread_reply(make(), CONTEXT, REPEATS)["kind"],
        document.closing(make(), CONTEXT, REPEATS)["kind"],
    ]
    assert kinds == ["repeat", "closing"]
    assert document.notice(Notice("a", "b"), CONTEXT)["details"] == "b"
