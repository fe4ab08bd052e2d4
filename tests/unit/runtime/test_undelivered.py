"""Undelivered things are known by their shape, whoever left them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from pipeline.alerts.alert import Notice
from pipeline.alerts.ticket import Kind, Ticket, encode
from pipeline.aws.reread import Span
from pipeline.decode.decoded import Source, Stage, Undecodable
from pipeline.decode.notifications import StoredObject
from pipeline.decode.quarantined import split
from pipeline.errors import DecodeError
from pipeline.runtime.undelivered import Batch, Notices, PartText, Piece, recognise
from pipeline.testing import envelope, event, invocation, kinesis_batch

ARN = "arn:aws:kinesis:eu-west-1:111122223333:stream/trailwire"
INFO = {
    "shardId": "shardId-000000000000",
    "startSequenceNumber": "4959",
    "endSequenceNumber": "4960",
    "batchSize": 2,
    "streamArn": ARN,
}
METADATA = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "version": "1.0", "KinesisBatchInfo": INFO}
SPAN = Span(ARN, "shardId-000000000000", "4959", "4960")
BATCH = kinesis_batch([envelope([event()])])
DIRECT = invocation(envelope([event()]))
TICKET = Ticket(Kind.NOTICE, notice=Notice("cause", "text"), destination="ops")
(PART,) = split(Undecodable("x", Stage.EVENT, b"data", Source(id="\ud800")), 64 * 1024)

SHAPES: dict[str, tuple[Any, Piece]] = {
    "in a queue": (METADATA, SPAN),
    "in China": (
        {"KinesisBatchInfo": {**INFO, "streamArn": ARN.replace(":aws:", ":aws-cn:")}},
        SPAN._replace(stream_arn=ARN.replace(":aws:", ":aws-cn:")),
    ),
    "in a bucket, payload as text": ({**METADATA, "payload": json.dumps(BATCH)}, Batch(BATCH)),
    "in a bucket, payload as object": ({**METADATA, "payload": BATCH}, Batch(BATCH)),
    "in a bucket, no payload": ({**METADATA, "payload": None}, SPAN),
    "in a bucket, half a payload": ({**METADATA, "payload": json.dumps(BATCH)[:-1]}, SPAN),
    "through a topic": ({"Type": "Notification", "Message": json.dumps(METADATA)}, SPAN),
    "asynchronous": ({"version": "1.0", "requestPayload": DIRECT, "responsePayload": None}, Batch(DIRECT)),
    "a batch": (BATCH, Batch(BATCH)),
    "a log group's": (DIRECT, Batch(DIRECT)),
    "a ticket": (json.loads(encode(TICKET)), TICKET),
    "a notification": ({"s3Bucket": "b", "s3ObjectKey": ["k"]}, Notices((StoredObject("b", "k"),))),
}


@pytest.mark.parametrize(("value", "piece"), SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_is_known_plain_and_gzip(value: Any, piece: Piece) -> None:
    for data in (json.dumps(value).encode(), json.dumps(value, indent=2).encode() + b"\n"):
        assert recognise(data) == ([piece], 0)
        assert recognise(gzip.compress(data)) == ([piece], 0)


def test_lines_are_known_one_by_one_and_the_others_counted() -> None:
    text = "\n".join(["START", PART, "", encode(TICKET), '{"_aws": {}}', "\ud800"])
    found = recognise(text.encode("utf-8", "surrogatepass"))
    assert found.pieces == [PartText(PART), TICKET]
    assert found.other_lines == 3


def test_one_part_alone_is_one_too() -> None:
    assert recognise(PART.encode()) == ([PartText(PART)], 0)


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "text",
        [],
        [METADATA],
        {},
        event(),
        {"Records": [event()]},
        {"KinesisBatchInfo": {}},
        {"KinesisBatchInfo": {**INFO, "streamArn": "arn:aws:kinesis"}},
        {"KinesisBatchInfo": {**INFO, "streamArn": ARN.replace("kinesis", "kinesis.evil.example/")}},
        {"KinesisBatchInfo": {**INFO, "startSequenceNumber": 5}},
        {"KinesisBatchInfo": {**INFO, "endSequenceNumber": "x"}},
        {"KinesisBatchInfo": {}, "payload": None},
        {"KinesisBatchInfo": {}, "payload": "{"},
        {"kind": "alert", "alert": 5},
        {"kind": ["alert"], "alert": {}},
        {"Type": "Notification", "Message": "hello"},
        {"Records": [{"s3": {}}]},
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError):
        recognise(json.dumps(value).encode())


@pytest.mark.parametrize("data", [b"", b"\n", b"hello\nworld", b"\x1f\x8b", b"\xff\xfe\x00", b"[" * 99_999])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        recognise(data)
