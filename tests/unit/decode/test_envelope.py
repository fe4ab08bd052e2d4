"""Reading envelopes: what CloudWatch Logs sends, and what is odd."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.decode.decoded import LogEvent, Source, Stage
from pipeline.decode.envelope import looks_like, read_leniently, read_strictly
from pipeline.testing import NOON_MS, control_envelope, envelope

ENTRY: dict[str, Any] = {"id": "7", "timestamp": 5, "message": "{}"}


def test_a_regular_envelope_is_read_strictly() -> None:
    """Every field that matters is there; unknown ones at both levels are not in the way."""
    document = envelope(["{}"], policyLevel="ACCOUNT_LEVEL_POLICY", new={"a": [1]})
    document["logEvents"][0]["extractedFields"] = {"a": "b"}
    read = read_strictly(json.dumps(document))
    assert read is not None
    assert read.log_events == [LogEvent("{}", f"{0:056d}", NOON_MS)]
    assert (read.owner, read.log_group) == (document["owner"], document["logGroup"])
    assert (read.log_stream, read.subscription_filters) == (document["logStream"], ["trailwire"])
    assert not read.is_control


def test_a_probe_is_told_from_data() -> None:
    """Its message is prose that must not be read as an event."""
    read = read_strictly(json.dumps(control_envelope()))
    assert read is not None
    assert read.is_control


ODD: dict[str, tuple[Any, LogEvent]] = {
    "no id": ({"timestamp": 5, "message": "m"}, LogEvent("m", "", 5)),
    "a numeric id": ({**ENTRY, "id": 7}, LogEvent("{}", "7", 5)),
    "an id that is no text": ({**ENTRY, "id": ["7"]}, LogEvent("{}", "", 5)),
    "a boolean id": ({**ENTRY, "id": True}, LogEvent("{}", "", 5)),
    "a huge numeric id": ({**ENTRY, "id": 10**600}, LogEvent("{}", "", 5)),
    "an endless id": ({**ENTRY, "id": "7" * 9999}, LogEvent("{}", "7" * 512, 5)),
    "no timestamp": ({"id": "7", "message": "m"}, LogEvent("m", "7", 0)),
    "a fraction of a millisecond": ({**ENTRY, "timestamp": 5.7}, LogEvent("{}", "7", 5)),
    "a timestamp in text": ({**ENTRY, "timestamp": "5"}, LogEvent("{}", "7", 0)),
    "a negative timestamp": ({**ENTRY, "timestamp": -1}, LogEvent("{}", "7", 0)),
    "a timestamp beyond all time": ({**ENTRY, "timestamp": 10**30}, LogEvent("{}", "7", 0)),
    "an infinite timestamp": ({**ENTRY, "timestamp": float("inf")}, LogEvent("{}", "7", 0)),
    "a timestamp that is no number": ({**ENTRY, "timestamp": float("nan")}, LogEvent("{}", "7", 0)),
    "a lone surrogate": ({**ENTRY, "message": "\ud800"}, LogEvent("\ud800", "7", 5)),
}


@pytest.mark.parametrize(("entry", "expected"), ODD.values(), ids=ODD)
def test_an_odd_entry_keeps_its_message_and_its_neighbours(entry: Any, expected: LogEvent) -> None:
    """What the entry says matters more than its id or its time."""
    read, undecodable = read_leniently({"logEvents": [ENTRY, entry, ENTRY]}, Source())
    assert read.log_events == [LogEvent("{}", "7", 5), expected, LogEvent("{}", "7", 5)]
    assert not undecodable


TEXTLESS: dict[str, tuple[Any, str]] = {
    "no message": ({"id": "8", "timestamp": 5}, "no message"),
    "an object": ({"id": "8", "message": {"eventName": "StopLogging"}}, "message is not text"),
    "null": ({"id": "8", "message": None}, "message is not text"),
    "a number": ({"id": "8", "message": 5}, "message is not text"),
    "no object at all": ("8", "no message"),
    "null itself": (None, "no message"),
    "a list": ([], "no message"),
}


@pytest.mark.parametrize(("entry", "reason"), TEXTLESS.values(), ids=TEXTLESS)
def test_an_entry_without_a_text_is_undecodable_alone(entry: Any, reason: str) -> None:
    """It is kept whole, with its place; its neighbours are read."""
    read, undecodable = read_leniently({"logGroup": "g", "logEvents": [ENTRY, entry, ENTRY]}, Source(sequence="1"))
    assert len(read.log_events) == 2
    (lost,) = undecodable
    assert (lost.reason, json.loads(lost.data)) == (reason, entry)
    assert lost.source == Source(sequence="1", log_group="g", id="8" if isinstance(entry, dict) else "")


SHAPES: list[tuple[dict[str, Any], bool]] = [
    (envelope([]), True),
    (control_envelope(), True),
    ({"messageType": "CONTROL_MESSAGE"}, True),
    ({"logEvents": []}, True),
    ({"logEvents": "text"}, False),
    ({"eventName": "StopLogging"}, False),
    ({"messageType": "DATA_MESSAGE"}, True),
    ({"messageType": ["DATA_MESSAGE"]}, False),
    ({}, False),
]


@pytest.mark.parametrize(("value", "expected"), SHAPES, ids=str)
def test_an_envelope_is_told_from_an_event(value: dict[str, Any], expected: bool) -> None:
    """By its list of log events, or by the type it says it has."""
    assert looks_like(value) is expected


@pytest.mark.parametrize(
    "entries", [{}, {"logEvents": None}, {"logEvents": {"message": "{}"}}, {"logEvents": "\ud800"}]
)
def test_an_envelope_without_a_list_of_entries_is_undecodable_whole(entries: dict[str, Any]) -> None:
    """It is neither an event nor empty: what it held is unknown."""
    document = {"messageType": "DATA_MESSAGE", "logGroup": "g", **entries}
    read, (lost,) = read_leniently(document, Source(sequence="1"))
    assert read.log_events == []
    assert (lost.reason, lost.stage, lost.source) == ("no log events", Stage.ENVELOPE, Source("", "", "1", "g"))
    assert json.loads(lost.data) == document
    assert read_leniently({**document, "messageType": "CONTROL_MESSAGE"}, Source())[1] == []


@pytest.mark.parametrize("name", ["owner", "logGroup", "logStream", "messageType"])
@pytest.mark.parametrize("value", [None, 5, [], {}, "x" * 9999, "\ud800"])
def test_odd_facts_about_an_envelope_cost_no_entry(name: str, value: Any) -> None:
    """Whatever stands in the other fields, the log events are read."""
    document = {**envelope(["{}"]), name: value}
    assert [entry.message for entry in read_leniently(document, Source())[0].log_events] == ["{}"]
