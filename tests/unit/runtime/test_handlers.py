"""What the handlers answer Lambda: which records come again, and when the whole invocation must."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from service_at_hand import CONFIG, AtHand, at_hand, books, configured

from pipeline.errors import ConfigError, Fault, Rejected, Unavailable
from pipeline.runtime import handlers
from pipeline.runtime.invocation import DEFAULT_BUDGET_MS, InvocationClock
from pipeline.testing import (
    FakeClock,
    LambdaContext,
    aggregated,
    control_envelope,
    envelope,
    event,
    invocation,
    kinesis_batch,
    kinesis_record,
    payload,
)

STOPPED = event(1, eventName="StopLogging")


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AtHand:
    configured(monkeypatch, tmp_path)
    return at_hand(monkeypatch)


def record(sequence: Any, data: bytes | dict[str, Any] | None = None, *, in_id: bool = False) -> dict[str, Any]:
    """Build a record of this sequence number, undecodable unless it is given data."""
    built = kinesis_record(data or b"no gzip, no JSON")
    built["kinesis"]["sequenceNumber"] = None if in_id else sequence
    built["eventID"] = f"shardId-000000000000:{sequence if in_id else ''}"
    return built


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


def failures(*sequences: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in sequences]}


def refuse(hand: AtHand, *sequences: str) -> None:
    """Have the quarantine refuse what stands in these records."""
    hand.shelf.refuses = lambda part: part.source.sequence in sequences


# ---- kinesis ----

QUIET: list[tuple[dict[str, Any], int, int]] = [
    # batch: events, quarantined
    ({"Records": []}, 0, 0),
    (kinesis_batch([control_envelope()]), 0, 0),
    (kinesis_batch([envelope([event()])]), 1, 0),
    (kinesis_batch([envelope([STOPPED, event(2)]), envelope([STOPPED])]), 3, 0),
    (kinesis_batch([aggregated([payload(envelope([event(3)])), payload(envelope([event(4)]))])]), 2, 0),
    (batch(record("7")), 0, 1),
    (batch(record("7"), record("8", envelope([event()]))), 1, 1),
    (kinesis_batch([envelope(["not json", event()])]), 1, 1),
]


@pytest.mark.parametrize(("given", "events", "quarantined"), QUIET)
def test_what_is_told_quarantined_or_not_for_telling_does_not_come_again(
    given: dict[str, Any], events: int, quarantined: int, hand: AtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handlers.kinesis(given, None) == failures()
    [line] = books(capsys)
    assert (line["Handler"], line["Events"], line["Quarantined"]) == ("kinesis", events, quarantined)
    assert len(hand.shelf.kept) == quarantined


def test_a_match_is_told_with_no_context_at_all(hand: AtHand, capsys: pytest.CaptureFixture[str]) -> None:
    given = kinesis_batch([envelope([STOPPED, event(2)])])
    assert handlers.kinesis(given, None) == failures()
    assert len(hand.security.said) == 1
    [line] = books(capsys)
    assert (line["Alerts"], line["Sent"], line["Matched"], line["Unmatched"]) == (1, 1, 1, 1)
    assert handlers.kinesis(given, None) == failures()
    assert len(hand.security.said) == 1
    assert books(capsys)[0]["Duplicate"] == 1


UNSAFE = [
    # records as they come, which of them cannot be kept: the one that comes again, and all after it
    (["1"], ["1"], "1"),
    (["9", "10"], ["9", "10"], "9"),  # by number: as texts "10" would come first, and 9 be lost
    (["10", "9"], ["9", "10"], "9"),
    (["9", "10", "11"], ["10", "11"], "10"),
    (["8", "9", "10"], ["10"], "10"),
    (["99", "100", "101"], ["101", "100"], "100"),
    (["007", "8"], ["007", "8"], "007"),  # named as Lambda named it
    (["49590338271490256608559692538361571095921575989136588898", "9"], ["9"], "9"),
]


@pytest.mark.parametrize(("sequences", "unsafe", "expected"), UNSAFE)
def test_the_lowest_unsafe_sequence_number_comes_again(
    sequences: list[str], unsafe: list[str], expected: str, hand: AtHand
) -> None:
    refuse(hand, *unsafe)
    assert handlers.kinesis(batch(*map(record, sequences)), None) == failures(expected)
    assert sorted(part.source.sequence for part in hand.shelf.kept) == sorted(set(sequences) - set(unsafe))


def test_an_alert_that_is_in_nobodys_hands_comes_again(hand: AtHand, capsys: pytest.CaptureFixture[str]) -> None:
    hand.security.raises = Unavailable("down")
    given = batch(record("9", envelope([event()])), record("10", envelope([STOPPED])), record("11"))
    assert handlers.kinesis(given, None) == failures("10")
    [line] = books(capsys)
    assert (line["Alerts"], line["Unsafe"], line["Quarantined"]) == (1, 1, 1)
    hand.security.raises = None
    hand.clock.advance(10)
    assert handlers.kinesis(given, None) == failures()
    assert len(hand.security.said) == 1


def test_one_unsafe_part_of_a_record_brings_all_of_it_again(hand: AtHand) -> None:
    hand.shelf.refuses = lambda part: part.data == b"damaged"
    whole = aggregated([payload(envelope([STOPPED])), b"damaged"])
    assert handlers.kinesis(batch(record("10", whole)), None) == failures("10")
    assert len(hand.security.said) == 1, "what could be read is told at once"


def test_a_sequence_number_that_stands_in_the_id_alone_is_found_there(hand: AtHand) -> None:
    refuse(hand, "10")
    assert handlers.kinesis(batch(record("10", in_id=True)), None) == failures("10")


@pytest.mark.parametrize("sequence", ["", None, "abc", "-5", "1.5", " 7", "0x10", [], {}])
def test_an_unsafe_record_without_a_sequence_number_brings_the_batch_again(sequence: Any, hand: AtHand) -> None:
    hand.shelf.refuses = lambda _: True
    with pytest.raises(RuntimeError, match="sequence number"):
        handlers.kinesis(batch(record("9"), record(sequence)), None)


@pytest.mark.parametrize("sequence", ["", None, "abc", []])
def test_a_record_without_a_sequence_number_that_is_kept_spoils_nothing(sequence: Any, hand: AtHand) -> None:
    refuse(hand, "9")
    assert handlers.kinesis(batch(record(sequence), record("9")), None) == failures("9")


ODD: list[Any] = [
    None,
    {},
    [],
    "x",
    5,
    {"Records": None},
    {"Records": {"a": 1}},
    {"Records": [None, 5, "x", [], {}]},
    {"Records": [{"kinesis": []}]},
    {"Records": [{"kinesis": {"data": 5}}]},
    {"Records": [{"kinesis": {"data": "%%%"}, "eventID": ["x"], "eventSourceARN": 5}]},
    {"Records": [{"kinesis": {"data": "", "approximateArrivalTimestamp": "soon"}}]},
]


@pytest.mark.parametrize("given", ODD, ids=lambda given: repr(given)[:50])
def test_what_is_no_batch_is_kept_and_does_not_come_again(
    given: Any, hand: AtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handlers.kinesis(given, None) == failures()
    assert hand.shelf.kept
    assert books(capsys)[0]["Quarantined"] == len(hand.shelf.kept)


@pytest.mark.parametrize("given", ODD, ids=lambda given: repr(given)[:50])
def test_what_is_no_batch_and_cannot_be_kept_comes_again(given: Any, hand: AtHand) -> None:
    hand.shelf.refuses = lambda _: True
    with pytest.raises(RuntimeError):
        handlers.kinesis(given, None)


def test_a_destination_that_takes_nothing_is_told_to_others(hand: AtHand, capsys: pytest.CaptureFixture[str]) -> None:
    hand.security.raises = Rejected("channel_not_found", Fault.DESTINATION)
    assert handlers.kinesis(kinesis_batch([envelope([STOPPED])]), None) == failures()
    [line] = books(capsys)
    assert (line["Alerts"], line["Rejected"], line["Sent"]) == (2, 1, 1)
    assert line["Rejections"] == {"channel_not_found": 1}
    assert hand.ops.notices == ["security: channel_not_found"]
    assert len(hand.ops.said) == 2


def test_a_match_that_no_route_takes_is_counted_and_told_as_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    route = '[[route]]\nseverity = ["critical"]\ndestinations = ["security"]\n'
    configured(monkeypatch, tmp_path, CONFIG.replace('destinations = ["security"]', "") + route)
    hand = at_hand(monkeypatch)
    assert handlers.kinesis(kinesis_batch([envelope([STOPPED])]), None) == failures()
    [line] = books(capsys)
    assert (line["Alerts"], line["Rejected"], line["Rejections"]) == (1, 1, {"unrouted": 1})
    assert (hand.security.said, hand.ops.notices) == ([], ["unrouted alerts"])


def test_nothing_is_answered_without_a_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path, "not toml [")
    with pytest.raises(ConfigError):
        handlers.kinesis({"Records": []}, None)


# ---- cloudwatch_logs ----


@pytest.mark.parametrize("context", [None, LambdaContext(), SimpleNamespace()])
def test_a_subscription_straight_to_lambda_is_told(
    context: Any, hand: AtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handlers.cloudwatch_logs(invocation(envelope([STOPPED, event(2)])), context) == {}
    assert len(hand.security.said) == 1
    assert books(capsys)[0]["Handler"] == "cloudwatch_logs"


def test_lambda_invokes_again_where_an_alert_is_in_nobodys_hands(
    hand: AtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    hand.security.raises = Unavailable("down", ambiguous=True)
    given = invocation(envelope([STOPPED]))
    with pytest.raises(RuntimeError, match="invoke again"):
        handlers.cloudwatch_logs(given, LambdaContext())
    assert books(capsys)[0]["Unsafe"] == 1, "the books are written all the same"
    hand.security.raises = None
    hand.clock.advance(10)
    assert handlers.cloudwatch_logs(given, LambdaContext()) == {}
    [said] = hand.security.said
    assert getattr(said, "may_repeat", False)


@pytest.mark.parametrize("given", [None, {}, [], {"awslogs": None}, {"awslogs": {"data": "%"}}, {"awslogs": {}}, 5])
def test_what_is_no_invocation_is_kept_or_comes_again(given: Any, hand: AtHand) -> None:
    assert handlers.cloudwatch_logs(given, None) == {}
    assert len(hand.shelf.kept) == 1
    hand.shelf.refuses = lambda _: True
    with pytest.raises(RuntimeError, match="invoke again"):
        handlers.cloudwatch_logs(given, None)


# ---- the rest ----


def test_the_daily_line_is_asked_for_by_the_schedule(hand: AtHand, capsys: pytest.CaptureFixture[str]) -> None:
    assert handlers.outbox({"trailwire": "daily"}, None) == {}
    assert hand.ops.notices == ["daily report for 2025-12-31"]
    assert books(capsys)[0]["Handler"] == "daily"


@pytest.mark.parametrize(
    ("name", "quiet"),
    [("kinesis", {"Records": []}), ("sqs", {"Records": []}), ("outbox", {"Records": []})],
)
def test_an_empty_batch_is_answered_and_booked(
    name: str, quiet: dict[str, Any], hand: AtHand, capsys: pytest.CaptureFixture[str]
) -> None:
    assert getattr(handlers, name)(quiet, None) == failures()
    assert [line["Handler"] for line in books(capsys)] == [name]
    assert hand.security.said == []


def test_without_a_context_an_invocation_has_some_time() -> None:
    clock = InvocationClock()
    assert 0 < clock.remaining_ms() <= DEFAULT_BUDGET_MS
    assert InvocationClock(LambdaContext(FakeClock(remaining_s=7))).remaining_ms() == 7_000


def test_what_is_said_about_a_failed_rule_shows_no_credential(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Engines quote the value they stumbled over, in the log and in the notice; a flood of failures is logged once."""
    number = "int(event['requestParameters.masterUserPassword']) > 0"
    failing = f'[[rule]]\nname = "Number"\npython = "{number}"\ndestinations = ["security"]\n'
    configured(monkeypatch, tmp_path, CONFIG + failing)
    hand = at_hand(monkeypatch)
    odd = event(1, eventID="E" * 5_000, requestParameters={"masterUserPassword": "hunter2hunter2"})
    assert handlers.kinesis(kinesis_batch([envelope([odd] * 100)]), None) == failures()
    assert hand.ops.notices == ["rule failed: Number"]
    written = capsys.readouterr().out
    assert [json.loads(line).get("RuleFailures") for line in written.splitlines()] == [None, 100]
    said = written + repr(hand.ops.said)
    assert "invalid literal" in said
    assert "hunter2" not in said
    assert "E" * 65 not in said
