"""What decoding yields: log events, and what could not be read, each with the place it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline.errors import DecodeError

LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: later timestamps are nonsense, and datetime cannot hold them."""
SOURCE_TEXT_LIMIT = 512
"""Characters kept of each text of a Source. Real ones are shorter: log group names end at 512 (PutLogEvents)."""

Millisecond = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class Stage(StrEnum):
    """The step of decoding that something did not survive."""

    BATCH = "batch"  # what Lambda handed over is not a batch
    RECORD = "record"  # a record without readable data
    BASE64 = "base64"
    AGGREGATE = "aggregate"  # the KPL's packing of several payloads into one record
    GZIP = "gzip"
    ENVELOPE = "envelope"
    LOG_EVENT = "log event"  # one entry of an envelope
    EVENT = "event"  # the message of a log event


class Source(msgspec.Struct, frozen=True):
    """Where something came from, as far as it is known; empty texts where it is not."""

    stream: str = ""
    """The stream's name."""
    shard: str = ""
    """`shardId-000000000000`."""
    sequence: str = ""
    """The Kinesis record's sequence number, a decimal string: compare with int()."""
    log_group: str = ""
    id: str = ""
    """Inside the record: `kpl:3` for the fourth payload of an aggregate, else the log event's own id."""


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """One entry of a log group. Its message is text that nobody has parsed yet."""

    message: str
    id: str = ""
    """56 digits, stable for a stored entry; empty where the sender gave none."""
    timestamp_ms: Millisecond = msgspec.field(default=0, name="timestamp")
    """When it arrived in the log group, epoch milliseconds (not the event's own eventTime); 0 where unknown."""


class Undecodable(msgspec.Struct, frozen=True):
    """The smallest part that could not be read, whole, and why."""

    reason: str
    """A short stable phrase; metrics and notices count by it."""
    stage: Stage
    data: bytes
    source: Source


class Decoded(msgspec.Struct, frozen=True):
    """What one payload held: a Kinesis record, one child of an aggregated record, or a direct invocation."""

    source: Source
    log_events: list[LogEvent] = []
    undecodable: list[Undecodable] = []
    is_control: bool = False
    """CloudWatch Logs only checked that the destination is healthy."""
    arrived_ms: int | None = None
    """When the record arrived in the stream, epoch milliseconds."""


def lost(source: Source, data: bytes, error: DecodeError, stage: Stage) -> Undecodable:
    """Describe a part that raised while it was read."""
    return Undecodable(error.reason, stage, data, source)


def lost_message(source: Source, log_event: LogEvent, error: DecodeError) -> Undecodable:
    """Describe a log event whose message is no event, as `json_text.read_event` raised it."""
    place = msgspec.structs.replace(source, id=bounded(log_event.id))
    return Undecodable(error.reason, Stage.EVENT, message_bytes(log_event.message), place)


def message_bytes(message: str) -> bytes:
    """Encode a message whatever is in it: lone surrogates pass through, so the text can be had back."""
    return message.encode("utf-8", "surrogatepass")


def bounded(value: Any) -> str:
    """Make a source's text of a value that should be one: strings are cut, integers written, anything else is empty."""
    if isinstance(value, str):
        return value[:SOURCE_TEXT_LIMIT]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**SOURCE_TEXT_LIMIT:
        return str(value)
    return ""
