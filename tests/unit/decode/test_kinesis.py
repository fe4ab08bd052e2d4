"""Kinesis batches, record by record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.decode.decoded import Decoded, Source, Stage
from pipeline.decode.kinesis import decode_batch, read
from pipeline.testing import (
    NOON_MS,
    STREAM,
    aggregated,
    control_envelope,
    envelope,
    event,
    kinesis_batch,
    kinesis_record,
    payload,
)

FIXTURES = Path(__file__).parents[3] / "fixtures"
SHARD = "shardId-000000000000"


def names(decoded: Decoded) -> list[str]:
    """The event names in one result; messages that are no events are shown as they are."""
    return [
        json.loads(entry.message).get("eventName", "?") if entry.message.startswith("{") else entry.message
        for entry in decoded.log_events
    ]


def fixture(name: str) -> list[Decoded]:
    """Decode one of the shared batches."""
    return list(decode_batch(json.loads((FIXTURES / "batches" / f"{name}.json").read_text(encoding="utf-8"))))


ATTACK = ["StopLogging", "DescribeInstances", "CreateAccessKey"]
QUIET = ["DescribeInstances", "Decrypt", "CreateLogStream", "ListBuckets", "AssumeRole", "DescribeStackEvents"]
BATCHES: dict[str, list[list[str]]] = {
    "control": [[]],
    "quiet": [QUIET],
    "mixed": [QUIET, [], ATTACK],
    "aggregated": [ATTACK, [], ["Decrypt"]],
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_sound_batch_yields_its_events_in_order(name: str) -> None:
    """Probes yield nothing and are counted as probes."""
    decoded = fixture(name)
    assert [names(part) for part in decoded] == BATCHES[name]
    assert [part.is_control for part in decoded] == [not part.log_events for part in decoded]
    assert not [part for part in decoded if part.undecodable]


POISON: list[tuple[list[str], list[tuple[Stage, str]]]] = [
    (["StopLogging"], []),
    ([], [(Stage.GZIP, "truncated gzip")]),
    ([], [(Stage.GZIP, "corrupt gzip")]),
    (["StopLogging"], [(Stage.GZIP, "trailing bytes")]),
    (["?"], []),
    ([], [(Stage.ENVELOPE, "empty payload")]),
    ([], [(Stage.ENVELOPE, "not JSON")]),
    ([], [(Stage.AGGREGATE, "aggregate checksum mismatch")]),
    (["this is no JSON", "[1, 2]", "StopLogging"], [(Stage.LOG_EVENT, "no message")]),
    ([], [(Stage.BASE64, "bad base64")]),
    ([], [(Stage.RECORD, "no data")]),
    (["DeleteTrail"], []),
]


def test_every_kind_of_damage_is_named_and_harms_nobody_else() -> None:
    """The poison batch, record by record."""
    decoded = fixture("poison")
    assert [(names(part), [(lost.stage, lost.reason) for lost in part.undecodable]) for part in decoded] == POISON


def test_a_record_knows_where_it_stands() -> None:
    """Stream, shard, sequence number and time of arrival."""
    record = kinesis_record(control_envelope(), 7, shard=3)
    (decoded,) = read(record)
    sequence = record["kinesis"]["sequenceNumber"]
    assert decoded.source == Source(STREAM, "shardId-000000000003", sequence)
    assert decoded.arrived_ms == NOON_MS + 7


def test_under_enhanced_fan_out_the_stream_is_still_named() -> None:
    """The ARN goes on with the consumer's name."""
    record = kinesis_record(control_envelope())
    record["eventSourceARN"] += "/consumer/fast:1700000000"
    assert read(record)[0].source.stream == STREAM


def test_the_payloads_of_an_aggregate_are_told_apart() -> None:
    """They share a sequence number; each has its index, and a damaged one costs only itself."""
    parts = [payload(envelope([event(1)])), b"damaged", payload(envelope([event(2)]))]
    decoded = read(kinesis_record(aggregated(parts)))
    assert [part.source.id for part in decoded] == ["kpl:0", "kpl:1", "kpl:2"]
    assert len({part.source.sequence for part in decoded}) == 1
    assert [len(part.log_events) for part in decoded] == [1, 0, 1]
    assert [(lost.data, lost.source.id) for lost in decoded[1].undecodable] == [(b"damaged", "kpl:1")]


@pytest.mark.parametrize(
    "data",
    [aggregated([payload(envelope([event(1)]))])[:-1], b"\xf3\x89\x9a\xc2"],
    ids=["cut", "only the magic"],
)
def test_a_damaged_aggregate_is_undecodable_whole(data: bytes) -> None:
    """With all its bytes, as one part."""
    (decoded,) = read(kinesis_record(data))
    (lost,) = decoded.undecodable
    assert (lost.data, lost.stage, decoded.log_events) == (data, Stage.AGGREGATE, [])


def test_an_aggregate_in_an_aggregate_is_not_opened() -> None:
    """The KPL does not nest."""
    (decoded,) = read(kinesis_record(aggregated([aggregated([b"{}"])])))
    assert [lost.reason for lost in decoded.undecodable] == ["not JSON"]


@pytest.mark.parametrize("text", ["H4sI*", "H4sIAAAA\n", "é", "\ud800", "A", "AA=", "-_-_", "===="], ids=ascii)
def test_base64_with_a_bad_character_is_undecodable(text: str) -> None:
    """The standard library would drop the character and go on."""
    record = kinesis_record(b"")
    record["kinesis"]["data"] = text
    (decoded,) = read(record)
    (lost,) = decoded.undecodable
    assert (lost.reason, lost.data) == ("bad base64", text.encode("utf-8", "surrogatepass"))


ODD_RECORDS: list[Any] = [
    None,
    5,
    "text",
    [],
    {},
    {"kinesis": None},
    {"kinesis": []},
    {"kinesis": {}},
    {"kinesis": {"data": None}},
    {"kinesis": {"data": 5}},
    {"kinesis": {"data": ["e30="]}},
    {"kinesis": {"data": b"e30="}},
    pytest.param(object(), id="an object"),
]


@pytest.mark.parametrize("record", ODD_RECORDS, ids=lambda record: repr(record)[:30])
def test_a_record_without_data_is_undecodable_whole(record: Any) -> None:
    """And its neighbours are read."""
    before, odd, after = decode_batch(
        {"Records": [kinesis_record(envelope(["{}"]), 1), record, kinesis_record(envelope(["{}"]), 2)]}
    )
    assert len(before.log_events) == len(after.log_events) == 1
    assert [(lost.reason, lost.stage) for lost in odd.undecodable] == [("no data", Stage.RECORD)]
    assert odd.undecodable[0].data


@pytest.mark.parametrize(
    "value", [None, 5, "", "x", [], {}, True, "9" * 9999, 10**700, float("nan"), "\ud800", 1e300, -1.0]
)
@pytest.mark.parametrize(
    "name", ["eventID", "eventSourceARN", "sequenceNumber", "approximateArrivalTimestamp", "partitionKey"]
)
def test_an_odd_wrapper_costs_no_event(name: str, value: Any) -> None:
    """Where a record stands may be unknown; what it says is read all the same."""
    record = kinesis_record(envelope(["{}"]))
    for place in (record, record["kinesis"]):
        if name in place:
            place[name] = value
    (decoded,) = read(record)
    assert [entry.message for entry in decoded.log_events] == ["{}"]
    assert decoded.arrived_ms is None or decoded.arrived_ms > 0
    assert all(len(text) <= 512 for text in (decoded.source.stream, decoded.source.shard, decoded.source.sequence))


def test_a_missing_sequence_number_is_taken_from_the_event_id() -> None:
    """Lambda writes it twice."""
    record = kinesis_record(envelope(["{}"]))
    sequence = record["kinesis"].pop("sequenceNumber")
    assert read(record)[0].source == Source(STREAM, SHARD, sequence, read(record)[0].source.log_group)


@pytest.mark.parametrize(
    "batch",
    [
        None,
        {},
        [],
        "text",
        {"Records": None},
        {"Records": {}},
        {"Records": "abc"},
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_what_is_no_batch_is_undecodable_whole(batch: Any) -> None:
    """It is kept, and nothing raises."""
    (decoded,) = decode_batch(batch)
    assert [(lost.reason, lost.stage) for lost in decoded.undecodable] == [("not a Kinesis batch", Stage.BATCH)]


def test_an_empty_batch_yields_nothing() -> None:
    """The last invocation of a tumbling window is one."""
    assert not list(decode_batch(kinesis_batch([])))
