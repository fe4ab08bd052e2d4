"""A ticket survives the queue whole, whatever attackers wrote into it, and nothing else is taken for one."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from msgspec.structs import replace
from sightings import HOSTILE, candidate, rule

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.ticket import (
    LEFT_OUT,
    MAX_ANNOTATION_BYTES,
    MAX_BACKOFF_MS,
    Arrived,
    Kind,
    Ticket,
    backoff_ms,
    bounded,
    decode,
    decode_alert,
    delay_ms,
    encode,
    encode_alert,
)
from pipeline.aws.queue import BATCH_BYTES
from pipeline.errors import DecodeError
from pipeline.rules.rule import Severity
from pipeline.testing import NOON_MS

ALERT = candidate(of=rule("Trail tampering", severity=Severity.CRITICAL, runbook="https://example.com")).alert
REPEATS = Repeats(7, NOON_MS, NOON_MS + 1, ("192.0.2.1",), ("trail a",), closed=True)

TICKETS = [
    Ticket(Kind.ALERT, alert=ALERT),
    Ticket(Kind.ALERT, alert=ALERT, repeats=REPEATS, attempts=3, may_repeat=True, born_ms=NOON_MS),
    Ticket(Kind.GROUP, alert=ALERT, opener="shard:1", waits=True),
    Ticket(Kind.EDIT, alert=ALERT, opener="shard:1", repeats=REPEATS, told=3, channel="C1", message="1.2"),
    Ticket(Kind.NOTICE, notice=Notice("cause", "text", "error", 3), destination="ops", attempts=10**40),
    Ticket(Kind.ALERT, alert=replace(ALERT, annotation={"a": [1, 2.5, None, True, "x", {"b": []}]})),
    Ticket(Kind.ALERT, alert=replace(ALERT, undecided="out of time", mention="here")),
]


@pytest.mark.parametrize("ticket", TICKETS)
def test_a_ticket_comes_back_as_it_was(ticket: Ticket) -> None:
    text = encode(ticket)
    assert decode(text) == ticket
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_ticket_full_of_hostile_text_is_ascii_and_comes_back_as_it_was(text: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(
        ["eventName", "eventSource", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "awsRegion"], text
    )
    parameters = {"name": text, text: text}
    hostile = candidate(
        userIdentity={"type": text, "userName": text, "arn": text}, requestParameters=parameters, **fields
    )
    facts = replace(ALERT.rule, name=text, description=text, runbook=text, tags=(text,))
    alert = replace(hostile.alert, annotation={text: text}, mention=text, rule=facts, undecided=text)
    ticket = Ticket(
        Kind.ALERT,
        alert=alert,
        opener=text,
        repeats=replace(REPEATS, sources=(text,) * 20, targets=(text,) * 20),
        channel=text,
        message=text,
        notice=Notice(text, text),
        destination=text,
    )
    written = encode(ticket)
    assert written.isascii()
    assert len(encode(Ticket(Kind.ALERT, alert=alert))) < BATCH_BYTES / 2
    assert decode(written) == replace(ticket, alert=bounded(alert))
    assert decode_alert(encode_alert(alert)) == bounded(alert)


# ---- annotations ----

KEPT: list[Any] = [
    None,
    "",
    0,
    "x" * (MAX_ANNOTATION_BYTES - 2),
    ["x"] * 100,
    {"a": {"b": {"c": None}}},
    10**4000,
    -(2**70),
    1e308,
    "\ud800",
]
NO_JSON: list[Any] = [b"x", {1, 2}, object(), dt.date(2026, 1, 1), {(1, 2): 3}, 10**5000, [b"x"]]
CHANGED: list[tuple[Any, Any]] = [
    ((1, 2), [1, 2]),
    ({1: 2}, {"1": 2}),
    ({None: 1, True: 2}, {"null": 1, "true": 2}),
]


@pytest.mark.parametrize("annotation", KEPT)
def test_a_short_annotation_is_kept_as_it_is(annotation: Any) -> None:
    assert decode_alert(encode_alert(replace(ALERT, annotation=annotation))).annotation == annotation


@pytest.mark.parametrize(("annotation", "expected"), CHANGED)
def test_an_annotation_becomes_what_json_makes_of_it(annotation: Any, expected: Any) -> None:
    assert decode_alert(encode_alert(replace(ALERT, annotation=annotation))).annotation == expected


@pytest.mark.parametrize("annotation", NO_JSON, ids=lambda value: type(value).__name__)
def test_an_annotation_that_is_no_json_holds_no_alert_back(annotation: Any) -> None:
    found = decode_alert(encode_alert(replace(ALERT, annotation=annotation)))
    assert found == replace(ALERT, annotation="(an annotation that is no JSON value)")


def test_an_annotation_nested_without_end_holds_no_alert_back() -> None:
    annotation: list[Any] = []
    for _ in range(100_000):
        annotation = [annotation]
    assert bounded(replace(ALERT, annotation=annotation)).annotation == "(an annotation that is no JSON value)"


LONG: list[Any] = ["x" * (MAX_ANNOTATION_BYTES - 1), "x" * 10**6, "é" * 1_000, "\\" * 3_000, 10**4200]
SHAPED: list[tuple[Any, Any]] = [
    ({"a": 1, "b": "x" * MAX_ANNOTATION_BYTES, "c": [2]}, {"a": 1, "b": LEFT_OUT, "c": [2]}),
    (["y", ["x"] * MAX_ANNOTATION_BYTES], ["y", LEFT_OUT]),
    (["x" * 1_500] * 4, ["x" * 1_500] * 2 + [LEFT_OUT] * 2),
]


@pytest.mark.parametrize("annotation", LONG, ids=lambda value: type(value).__name__)
def test_a_long_annotation_is_shortened_and_says_so(annotation: Any) -> None:
    found = bounded(replace(ALERT, annotation=annotation)).annotation
    assert found == json.dumps(annotation)[:MAX_ANNOTATION_BYTES] + "... (shortened)"
    assert decode_alert(encode_alert(replace(ALERT, annotation=annotation))).annotation == found


@pytest.mark.parametrize(("annotation", "expected"), SHAPED)
def test_a_long_object_keeps_its_shape_and_what_fits(annotation: Any, expected: Any) -> None:
    """Messages show an object's members line by line: half a line of JSON would tell nobody anything."""
    assert bounded(replace(ALERT, annotation=annotation)).annotation == expected


@pytest.mark.parametrize("annotation", [list(range(5_000)), {str(n): n for n in range(5_000)}, [["x" * 5_000]] * 900])
def test_what_is_left_out_is_counted(annotation: Any) -> None:
    found = bounded(replace(ALERT, annotation=annotation)).annotation
    last = found["..."] if isinstance(found, dict) else found[-1]
    assert last == f"{len(annotation) - len(found) + 1} more left out"
    assert len(json.dumps(found)) <= MAX_ANNOTATION_BYTES + 100


def test_shortening_twice_does_not_grow() -> None:
    once = bounded(replace(ALERT, annotation="x" * 10_000))
    assert len(json.dumps(bounded(once).annotation)) <= MAX_ANNOTATION_BYTES + 100


# ---- what is no ticket ----

_GOOD: dict[str, Any] = json.loads(encode(TICKETS[0]))
NONSENSE = [
    "",
    " ",
    "x",
    "null",
    "1",
    "[]",
    "{}",
    '"alert"',
    '{"v":1}',
    '{"kind":"other"}',
    '{"kind":["alert"]}',
    '{"kind":"alert","alert":{}}',
    '{"kind":"alert","alert":[]}',
    '{"kind":"alert","attempts":"3"}',
    '{"kind":"alert","born_ms":1e400}',
    '{"kind":"alert","born_ms":NaN}',
    '{"kind":"alert","v":2}',
    '{"kind":"alert","v":0}',
    '{"kind":"alert","v":"1"}',
    '{"kind":"alert","v":true}',
    '{"kind":"alert","v":null}',
    '{"kind":"\\ud800"}',
    '{"\ud800":1,"kind":"alert"}',
    "\ud800",
    '{"kind":"alert"',
    '{"kind":"alert"} {"kind":"alert"}',
    "[" * 100_000,
    '{"a":' * 100_000,
    "9" * 5_000,
    json.dumps({**_GOOD, "alert": {**_GOOD["alert"], "rule": {"name": "x", "severity": "worst"}}}),
    json.dumps({**_GOOD, "alert": {**_GOOD["alert"], "first_seen_ms": "soon"}}),
]


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: ascii(body[:40]))
def test_what_is_no_ticket_is_refused_in_a_few_words(body: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        decode(body)
    assert refusal.value.reason == "not a ticket"
    assert len(refusal.value.detail) <= 200


@pytest.mark.parametrize("body", NONSENSE, ids=lambda body: ascii(body[:40]))
def test_nothing_of_that_is_taken_for_an_alert_either(body: str) -> None:
    with pytest.raises(DecodeError):
        decode_alert(body)


def test_a_key_that_a_later_release_may_add_does_not_spoil_a_ticket() -> None:
    later = {**_GOOD, "later": {"a": 1}, "alert": {**_GOOD["alert"], "later": 1}}
    assert decode(json.dumps(later)) == TICKETS[0]


def test_a_ticket_outlives_its_rule() -> None:
    found = decode(encode(TICKETS[0])).alert
    assert isinstance(found, Alert)
    assert (found.rule.name, found.rule.severity, found.rule.runbook) == (
        "Trail tampering",
        Severity.CRITICAL,
        "https://example.com",
    )


# ---- when it comes again ----

BACKOFF = [
    # attempts: low, medium, high, critical, in seconds
    (0, 5, 5, 5, 5),
    (1, 10, 10, 10, 10),
    (2, 20, 20, 20, 20),
    (3, 40, 40, 40, 40),
    (4, 80, 80, 80, 60),
    (5, 160, 160, 120, 60),
    (6, 320, 300, 120, 60),
    (7, 640, 300, 120, 60),
    (8, 900, 300, 120, 60),
    (10**40, 900, 300, 120, 60),
]


@pytest.mark.parametrize(("attempts", "low", "medium", "high", "critical"), BACKOFF)
def test_each_attempt_waits_longer_and_the_severest_wait_least(
    attempts: int, low: int, medium: int, high: int, critical: int
) -> None:
    wanted = dict(zip(Severity, (low, medium, high, critical), strict=True))
    assert {severity: backoff_ms(attempts, severity) / 1000 for severity in Severity} == wanted
    assert backoff_ms(attempts) == low * 1000


def test_every_severity_has_its_longest_wait() -> None:
    assert set(MAX_BACKOFF_MS) == set(Severity)


@pytest.mark.parametrize(
    ("least_ms", "expected_ms"),
    [
        (-1, 0),
        (0, 0),
        (1, 1000),
        (999, 1000),
        (1000, 1000),
        (1001, 2000),
        (95_000, 95_000),
        (899_001, 900_000),
        (900_000, 900_000),
        (900_001, 900_000),
        (10**12, 900_000),
    ],
)
def test_a_delay_is_rounded_up_to_what_the_queue_takes(least_ms: int, expected_ms: int) -> None:
    assert delay_ms(least_ms) == expected_ms


def test_trying_a_ticket_changes_its_attempts_alone() -> None:
    arrived = Arrived(TICKETS[1], "message-1")
    assert arrived.tried() == Arrived(replace(TICKETS[1], attempts=4), "message-1")
    assert arrived.ticket.attempts == 3
