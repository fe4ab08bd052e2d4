"""What was quarantined is read again through the stage it failed at, and keeps its place."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from pipeline.decode import kinesis
from pipeline.decode.again import read_again
from pipeline.decode.decoded import LogEvent, Source, Stage, Undecodable
from pipeline.testing import aggregated, envelope, event, invocation, kinesis_batch, kinesis_record, payload

PLACE = Source("trailwire", "shardId-000000000000", "4959")
DATA = payload(envelope([event(1), event(2)]))
TEXTS = [entry["message"] for entry in envelope([event(1), event(2)])["logEvents"]]
FILE = gzip.compress(json.dumps({"Records": [event(1), event(2)]}).encode())


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("stage", "data", "source"),
    [
        (Stage.BATCH, text(kinesis_batch([DATA])), Source()),
        (Stage.BATCH, text(invocation(envelope([event(1), event(2)]))), Source()),
        (Stage.RECORD, text(kinesis_record(DATA)), PLACE),
        (Stage.BASE64, base64.b64encode(DATA), PLACE),
        (Stage.AGGREGATE, aggregated([DATA]), PLACE),
        (Stage.GZIP, DATA, PLACE),
        (Stage.ENVELOPE, DATA, PLACE),
        (Stage.GZIP, FILE, Source(stream="s3://trail/key.json.gz")),
    ],
)
def test_every_stage_goes_on_to_the_log_events(stage: Stage, data: bytes, source: Source) -> None:
    decoded = read_again(Undecodable("x", stage, data, source))
    assert [log_event.message for one in decoded for log_event in one.log_events] == TEXTS
    assert [one.undecodable for one in decoded] == [[]]
    if source.sequence and stage is not Stage.RECORD:
        assert decoded[0].source.sequence == "4959"
        assert decoded[0].source.stream == "trailwire"


def test_a_message_comes_out_as_it_was_with_its_id() -> None:
    part = Undecodable("not JSON", Stage.EVENT, b"\xed\xa0\x80 and more", Source("trailwire", "s", "1", "group", "7"))
    (decoded,) = read_again(part)
    assert decoded.log_events == [LogEvent("\ud800 and more", "7")]
    assert decoded.source == part.source


def test_an_entry_is_read_in_an_envelope_of_its_own() -> None:
    entry = {"id": "7", "timestamp": 1, "message": "{}"}
    (decoded,) = read_again(Undecodable("no message", Stage.LOG_EVENT, text(entry), Source(log_group="group", id="7")))
    assert decoded.log_events == [LogEvent("{}", "7", 1)]
    assert decoded.source.log_group == "group"


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{}", b"null", b"\x1f\x8b", b"\xf3\x89\x9a\xc2", b"[" * 9999])
def test_what_still_cannot_be_read_is_still_there_and_nothing_raises(stage: Stage, data: bytes) -> None:
    decoded = read_again(Undecodable("x", stage, data, PLACE))
    assert decoded
    for one in decoded:
        assert one.undecodable or one.log_events


@pytest.mark.parametrize("data", [b"\x1f\x8bdamaged", b"not JSON", aggregated([DATA])[:-1]])
def test_what_decoding_could_not_read_comes_back_the_same(data: bytes) -> None:
    """Decoding again is decoding: the same part, for the same reason, at the same place."""
    (decoded,) = kinesis.read(kinesis_record(data))
    (part,) = decoded.undecodable
    assert [again for one in read_again(part) for again in one.undecodable] == [part]
