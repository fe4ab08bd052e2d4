"""Kinesis batches as Lambda hands them over, record by record, to log events.

    {"Records": [{"eventID": "shardId-000000000006:4959...", "eventSourceARN": "arn:aws:kinesis:...:stream/NAME",
                  "kinesis": {"sequenceNumber": "4959...", "approximateArrivalTimestamp": 1700000000.123,
                              "data": base64, ...}, ...}]}

Every record is decoded by itself, so a damaged one never changes the fate of its neighbours (law test), and no record,
however odd, makes anything here raise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pybase64

from pipeline.decode import aggregate, cloudwatch_logs
from pipeline.decode.decoded import LATEST_MS, Decoded, Source, Stage, Undecodable, bounded, lost, message_bytes
from pipeline.errors import DecodeError


def decode_batch(event: Any) -> Iterator[Decoded]:
    """Yield what each record of a batch holds, in order; one record may yield several (its aggregated payloads).

    The final invocation of a tumbling window has an empty `Records` and yields nothing.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        lost_batch = Undecodable("not a Kinesis batch", Stage.BATCH, cloudwatch_logs.whole(event), Source())
        yield Decoded(Source(), undecodable=[lost_batch])
        return
    for record in records:
        yield from read(record)


def read(record: Any) -> list[Decoded]:
    """Decode one record: one result, or one for each payload of an aggregated record. Never raises."""
    fields = record if isinstance(record, dict) else {}
    kinesis = fields.get("kinesis")
    kinesis = kinesis if isinstance(kinesis, dict) else {}
    source, arrived_ms = _source(fields, kinesis), _arrived_ms(kinesis)
    text = kinesis.get("data")
    if not isinstance(text, str):
        missing = Undecodable("no data", Stage.RECORD, cloudwatch_logs.whole(record), source)
        return [Decoded(source, undecodable=[missing], arrived_ms=arrived_ms)]
    try:
        data = pybase64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one
        damaged = Undecodable("bad base64", Stage.BASE64, message_bytes(text), source)
        return [Decoded(source, undecodable=[damaged], arrived_ms=arrived_ms)]
    if aggregate.is_aggregate(data):
        return _aggregated(data, source, arrived_ms)
    return [cloudwatch_logs.read(data, source, arrived_ms)]


def _aggregated(data: bytes, source: Source, arrived_ms: int | None) -> list[Decoded]:
    """Decode every payload of an aggregated record; a damaged aggregate is undecodable whole."""
    try:
        payloads = aggregate.split(data)
    except DecodeError as error:
        return [Decoded(source, undecodable=[lost(source, data, error, Stage.AGGREGATE)], arrived_ms=arrived_ms)]
    return [
        cloudwatch_logs.read(payload, msgspec.structs.replace(source, id=f"kpl:{index}"), arrived_ms)
        for index, payload in enumerate(payloads)
    ]


def _source(fields: dict[str, Any], kinesis: dict[str, Any]) -> Source:
    """Where a record stands, as far as it says. Under enhanced fan-out the ARN goes on: `stream/NAME/consumer/...`."""
    shard, _, sequence = bounded(fields.get("eventID")).partition(":")
    name = bounded(fields.get("eventSourceARN")).partition(":stream/")[2].partition("/")[0]
    return Source(stream=name, shard=shard, sequence=bounded(kinesis.get("sequenceNumber")) or sequence)


def _arrived_ms(kinesis: dict[str, Any]) -> int | None:
    """When the record arrived in the stream; the wire has seconds as a float."""
    seconds = kinesis.get("approximateArrivalTimestamp")
    if not isinstance(seconds, int | float) or not 0 < seconds < LATEST_MS / 1000:
        return None
    return math.floor(seconds * 1000 + 0.5)
