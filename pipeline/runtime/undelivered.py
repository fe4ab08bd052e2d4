"""What an undelivered thing is, told by its shape: whoever put it there, Lambda, the outbox or quarantine.

    {"KinesisBatchInfo": {...}, "payload": {"Records": [...]} or the same as text, ...}    on-failure, in a bucket
    {"KinesisBatchInfo": {"streamArn", "shardId", "startSequenceNumber", ...}, ...}        on-failure, in a queue
    {"requestPayload": {...}, ...}                                                         on-failure, asynchronous
    {"v": 1, "reason": ..., "part": 1, "parts": 1, "data_b64": ...}                        quarantine, a line or more
    {"kind": "alert", "alert": {...}, ...}                                                 a ticket

Notifications as `handlers.sqs` takes them and batches as Lambda hands them over are taken, too, and what SNS wrapped.
(On-failure shapes: AWS Lambda developer guide, "Retaining discarded batches".)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipeline.alerts.ticket import Kind, Ticket
from pipeline.alerts.ticket import decode as read_ticket
from pipeline.aws.reread import Span
from pipeline.decode import s3
from pipeline.decode.decoded import Undecodable
from pipeline.decode.documents import VIA_CLOUDTRAIL
from pipeline.decode.inflate import inflate, is_gzip
from pipeline.decode.json_text import loads
from pipeline.decode.notifications import Noticed, read_notification
from pipeline.decode.parts import looks_like_part
from pipeline.errors import DecodeError

MAX_WRAPPINGS = 4
KINDS = frozenset(map(str, Kind))
STREAM_ARN = re.compile(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]+:stream/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Batch:
    """What Lambda handed to the stream's function, or to that of a log group."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PartText:
    """A part of something quarantined."""

    text: str


@dataclass(frozen=True, slots=True)
class Notices:
    """Objects to be read, and events that came along."""

    noticed: tuple[Noticed, ...]


class Recognised(NamedTuple):
    """What was found in one object, message or file."""

    pieces: list[Piece]
    other_lines: int = 0
    """Lines that are nothing of the kind: a log that was saved holds others, too."""


Piece = Batch | Span | PartText | Ticket | Notices | Undecodable


def recognise(data: bytes) -> Recognised:
    """Tell what is in an object, a message or a file, plain or gzip.

    Raises DecodeError: "nothing undelivered" where there is nothing, else as reading it does.
    """
    text = s3.text_of(inflate(data).data if is_gzip(data) else data)
    try:
        value = loads(text)
    except DecodeError:
        return _of_lines(text)
    return Recognised([_of_value(value, text, MAX_WRAPPINGS)])


def _of_lines(text: str) -> Recognised:
    pieces: list[Piece] = []
    others = 0
    for line in filter(str.strip, text.split("\n")):
        try:
            pieces.append(_of_value(loads(line), line, MAX_WRAPPINGS))
        except DecodeError:
            others += 1
    if not pieces:
        raise DecodeError("nothing undelivered")
    return Recognised(pieces, others)


def _of_value(value: Any, text: str, wrappings: int) -> Piece:
    if not isinstance(value, dict) or not wrappings:
        raise DecodeError("nothing undelivered")
    if looks_like_part(value):
        return PartText(text)
    if isinstance(kind := value.get("kind"), str) and kind in KINDS and value.keys() & {"alert", "notice"}:
        return read_ticket(text)
    if isinstance(info := value.get("KinesisBatchInfo"), dict):
        return _of_failure(value, info, wrappings)
    if isinstance(request := value.get("requestPayload"), dict):
        return _of_value(request, "", wrappings - 1)
    if value.get("Type") == "Notification" and isinstance(message := value.get("Message"), str):
        return _of_value(loads(message), message, wrappings - 1)
    return _of_event(value)


def _of_failure(value: dict[str, Any], info: dict[str, Any], wrappings: int) -> Piece:
    """Read the records that it holds; where it holds none that can be read, they are still in the stream."""
    payload = value.get("payload")
    try:
        return _of_value(loads(payload) if isinstance(payload, str) else payload, "", wrappings - 1)
    except DecodeError:
        return _span(info)


def _span(info: dict[str, Any]) -> Span:
    texts = [info.get(key) for key in ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")]
    known = [text for text in texts if isinstance(text, str)]
    if len(known) < len(texts) or not all(number.isascii() and number.isdigit() for number in known[2:]):
        raise DecodeError("nothing undelivered", "KinesisBatchInfo does not say where the records are")
    if not STREAM_ARN.fullmatch(known[0]):
        raise DecodeError("nothing undelivered", f"{known[0][:200]} is not a stream")
    return Span(*known)


def _of_event(value: dict[str, Any]) -> Piece:
    """Read what some function of ours was invoked with."""
    records = value.get("Records")
    of_stream = isinstance(records, list) and any(
        isinstance(record, dict) and "kinesis" in record for record in records
    )
    if of_stream or isinstance(value.get("awslogs"), dict):
        return Batch(value)
    noticed = tuple(read_notification(value))
    if any(isinstance(one, bytes) for one in noticed) and not _is_carried(value):
        raise DecodeError("nothing undelivered")
    return Notices(noticed)


def _is_carried(value: dict[str, Any]) -> bool:
    """Tell an event that EventBridge carries, and an envelope, from any other JSON."""
    kind = value.get("detail-type")
    return isinstance(value.get("logEvents"), list) or (isinstance(kind, str) and kind.endswith(VIA_CLOUDTRAIL))
