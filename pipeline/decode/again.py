"""Reading again what could not be read: through the stage that it failed at, its place kept.

Whoever mends the cause (a newer version, a repaired log group) replays what is in quarantine; the same bytes then take
the same way as they would have taken from the stream.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pybase64

from pipeline.decode import cloudwatch_logs, kinesis, s3
from pipeline.decode.decoded import Decoded, LogEvent, Source, Stage, Undecodable
from pipeline.decode.json_text import dumps, loads
from pipeline.errors import DecodeError

FILE_SCHEME = "s3://"
"""How the `stream` of a source begins that is an object: `s3://bucket/key`."""


def read_again(part: Undecodable) -> list[Decoded]:
    """Decode what was quarantined. Never raises; what is still undecodable is in the result, as it was or further on.

    A message (stage `event`) comes out as a log event: whether it is one now, whoever matches it finds out.
    """
    match part.stage:
        case Stage.BATCH | Stage.RECORD:
            return _of_json(part)
        case Stage.BASE64:
            return kinesis.read(_record(part.source, _text(part.data)))
        case Stage.AGGREGATE:
            return kinesis.read(_record(part.source, pybase64.b64encode(part.data).decode()))
        case Stage.GZIP | Stage.ENVELOPE:
            return [_payload(part.data, part.source)]
        case Stage.LOG_EVENT:
            return [_entry(part)]
        case Stage.EVENT:
            return [Decoded(part.source, [LogEvent(_text(part.data), part.source.id)])]


def _of_json(part: Undecodable) -> list[Decoded]:
    """Read what Lambda handed over, or one record of it, as it was written down."""
    try:
        value = loads(_text(part.data))
    except DecodeError:
        return [_still(part)]
    if part.stage is Stage.RECORD:
        return kinesis.read(value)
    if isinstance(value, dict) and "awslogs" in value:
        return [cloudwatch_logs.read_invocation(value)]
    return list(kinesis.decode_batch(value))


def _payload(data: bytes, source: Source) -> Decoded:
    if not source.stream.startswith(FILE_SCHEME):
        return cloudwatch_logs.read(data, source)
    items = list(s3.read(data, source))
    kept = [item for item in items if isinstance(item, LogEvent)]
    return Decoded(source, kept, [item for item in items if isinstance(item, Undecodable)])


def _entry(part: Undecodable) -> Decoded:
    """Put one entry into an envelope of its own."""
    try:
        entry = loads(_text(part.data))
    except DecodeError:
        return _still(part)
    source = msgspec.structs.replace(part.source, id="")
    envelope = {"logGroup": part.source.log_group, "logEvents": [entry]}
    return cloudwatch_logs.read(dumps(envelope).encode(), source)


def _record(source: Source, data_b64: str) -> dict[str, Any]:
    """Build the record around data as Lambda would hand it over, as far as its place is known."""
    return {
        "eventID": f"{source.shard}:{source.sequence}",
        "eventSourceARN": f":stream/{source.stream}",
        "kinesis": {"sequenceNumber": source.sequence, "data": data_b64},
    }


def _still(part: Undecodable) -> Decoded:
    return Decoded(part.source, undecodable=[part])


def _text(data: bytes) -> str:
    """Undo `message_bytes`, whatever has happened to the bytes meanwhile."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")
