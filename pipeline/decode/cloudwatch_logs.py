"""Payloads that CloudWatch Logs sends, in a Kinesis record or straight to Lambda: gzip around an envelope.

A payload that is no gzip is taken for JSON if it looks like it: EventBridge rules and other producers may write to
the same stream, and an event that arrives is worth matching whoever brought it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pybase64

from pipeline.decode import documents
from pipeline.decode.decoded import Decoded, LogEvent, Source, Stage, Undecodable, lost, message_bytes
from pipeline.decode.envelope import Envelope, looks_like, read_leniently, read_strictly
from pipeline.decode.inflate import Inflated, inflate, is_gzip
from pipeline.decode.json_text import dumps, loads
from pipeline.errors import DecodeError


def read(payload: bytes, source: Source, arrived_ms: int | None = None) -> Decoded:
    """Decode one payload. Never raises: what cannot be read is in the result, with its reason.

    Bytes after the last complete gzip member are undecodable by themselves if what stands before them can be read; else
    the whole payload is.
    """
    stage = Stage.GZIP
    try:
        inflated = inflate(payload) if is_gzip(payload) else Inflated(payload)
        stage = Stage.ENVELOPE
        envelope = read_strictly(inflated.data)
        decoded = _regular(envelope, source) if envelope else _odd(inflated.data, source)
    except DecodeError as error:
        decoded = Decoded(source, undecodable=[lost(source, payload, error, stage)])
    else:
        if inflated.trailing:
            decoded.undecodable.append(Undecodable("trailing bytes", Stage.GZIP, inflated.trailing, decoded.source))
    return msgspec.structs.replace(decoded, arrived_ms=arrived_ms)


def read_invocation(event: Any) -> Decoded:
    """Decode what CloudWatch Logs hands to Lambda directly: `{"awslogs": {"data": base64}}`. Never raises."""
    try:
        payload = pybase64.b64decode(event["awslogs"]["data"], validate=True)
    except (TypeError, KeyError, ValueError, IndexError):
        return Decoded(Source(), undecodable=[Undecodable("no readable data", Stage.BATCH, whole(event), Source())])
    return read(payload, Source())


def whole(value: Any) -> bytes:
    """Write down what Lambda handed over, for the quarantine."""
    try:
        return message_bytes(dumps(value))
    except (TypeError, ValueError, RecursionError):
        return f"{type(value).__name__} that is no JSON".encode()


def _regular(envelope: Envelope, source: Source) -> Decoded:
    """What a well-formed envelope holds."""
    place = msgspec.structs.replace(source, log_group=envelope.log_group)
    if envelope.is_control:
        return Decoded(place, is_control=True)
    return Decoded(place, envelope.log_events)


def _odd(data: bytes, source: Source) -> Decoded:
    """What anything but a well-formed envelope holds; raises DecodeError if nothing of it can be read.

    Bytes that are no UTF-8 become lone surrogates, which every later step can bear, so they cost no event.
    """
    if data[:1] not in (b"{", b"[") and data.lstrip()[:1] not in (b"{", b"["):
        raise DecodeError("not JSON" if data else "empty payload")
    text = data.decode("utf-8", "surrogateescape")
    value = _value(text)
    if isinstance(value, dict) and looks_like(value):
        envelope, undecodable = read_leniently(value, source)
        return msgspec.structs.replace(_regular(envelope, source), undecodable=undecodable)
    items = list(documents.read(text, source))
    kept = [item for item in items if isinstance(item, LogEvent)]
    if value is None and len(items) == 1 and kept and kept[0].message == text:
        raise DecodeError("not JSON")
    return Decoded(source, kept, [item for item in items if isinstance(item, Undecodable)])


def _value(text: str) -> Any:
    """One JSON value, or None if text is not exactly that."""
    try:
        return loads(text)
    except DecodeError:
        return None
