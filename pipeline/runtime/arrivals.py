"""What notifications and queue messages bring: objects are read, payloads decoded, a thousand events at a time.

One object is in memory at a time. What cannot be fetched, or not in the time that is left, makes its owner unsafe, and
whoever delivered it delivers it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from pipeline.aws.clients import error_code, failures
from pipeline.aws.objects import fetched
from pipeline.decode import cloudwatch_logs, s3
from pipeline.decode.decoded import (
    LATEST_MS,
    Decoded,
    LogEvent,
    Source,
    Stage,
    Undecodable,
    bounded,
    message_bytes,
)
from pipeline.decode.documents import Item
from pipeline.decode.json_text import dumps
from pipeline.decode.notifications import Noticed, StoredObject, read_message, read_notification
from pipeline.errors import DecodeError

CHUNK_EVENTS: Final = 1_000
MIN_READ_MS: Final = 20_000
"""No further object is begun with less time left: reading may take some, and what matches is told afterwards."""

Owned = tuple[str, Decoded]


@dataclass(slots=True)
class Arrivals:
    """Turns what was noticed into decoded payloads, lazily."""

    remaining_ms: Callable[[], int]
    fetch: Callable[[StoredObject], bytes] = fetched
    problems: dict[str, str] = field(default_factory=dict)
    """Owners of which something could not be fetched, with the reason: they must come again."""
    _has_begun: bool = False

    def of_event(self, owner: str, event: Any) -> Iterator[Owned]:
        """Yield what an invocation's whole event is about, which all belongs to one owner."""
        try:
            noticed = list(read_notification(event))
        except DecodeError as error:
            yield owner, _lost(Source(), error, cloudwatch_logs.whole(event))
        else:
            yield from self.of(owner, noticed, Source())

    def of_message(self, message: QueueMessage) -> Iterator[Owned]:
        """Yield what one message of a queue is about."""
        try:
            noticed = list(message.noticed())
        except DecodeError as error:
            yield message.id, _lost(message.source, error, message_bytes(message.body))
        else:
            yield from self.of(message.id, noticed, message.source, message.sent_ms)

    def of(
        self, owner: str, noticed: Iterable[Noticed], source: Source, arrived_ms: int | None = None
    ) -> Iterator[Owned]:
        """Yield what these things hold."""
        for thing in noticed:
            if isinstance(thing, StoredObject):
                yield from ((owner, decoded) for decoded in self._file(owner, thing, arrived_ms))
            else:
                yield owner, cloudwatch_logs.read(thing, source, arrived_ms)

    def _file(self, owner: str, stored: StoredObject, arrived_ms: int | None) -> Iterator[Decoded]:
        if s3.is_digest_key(stored.key):
            return
        if self._has_begun and self.remaining_ms() < MIN_READ_MS:
            self.problems[owner] = f"{stored.url} was not begun: too little time is left"
            return
        self._has_begun = True
        source = Source(stream=bounded(stored.url))
        try:
            data = self.fetch(stored)
        except DecodeError as error:
            yield _lost(source, error, _reference(stored))
        except failures() as error:
            self.problems[owner] = f"{stored.url} cannot be read: {error_code(error)}"
        else:
            yield from _chunks(s3.read(data, source), source, arrived_ms)


class QueueMessage(NamedTuple):
    """One message of a queue."""

    id: str
    """Empty where Lambda handed over something that is no message."""
    body: str
    """What Lambda handed over, as JSON, where that is no message."""
    is_message: bool
    source: Source
    sent_ms: int | None
    """When it was sent, epoch milliseconds."""

    def noticed(self) -> Iterator[Noticed]:
        """Yield what it is about; raises DecodeError."""
        if not self.is_message:
            raise DecodeError("not a message")
        yield from read_message(self.body)


def messages_of(event: Any) -> list[QueueMessage]:
    """Read the messages of an SQS event source mapping's batch. Never raises."""
    records = event.get("Records") if isinstance(event, dict) else None
    return [_message(record) for record in (records if isinstance(records, list) else [event])]


def _message(record: Any) -> QueueMessage:
    fields = record if isinstance(record, dict) else {}
    identifier, body = bounded(fields.get("messageId")), fields.get("body")
    source = Source(stream=bounded(fields.get("eventSourceARN")).rpartition(":")[2], id=identifier)
    attributes = fields.get("attributes")
    sent = bounded(attributes.get("SentTimestamp")) if isinstance(attributes, dict) else ""
    sent_ms = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < len(str(LATEST_MS)) else None
    text = body if isinstance(body, str) else cloudwatch_logs.whole(record).decode("utf-8", "surrogatepass")
    return QueueMessage(identifier, text, isinstance(body, str), source, sent_ms)


def _lost(source: Source, error: DecodeError, data: bytes) -> Decoded:
    return Decoded(source, undecodable=[Undecodable(error.reason, Stage.BATCH, data, source)])


def _chunks(items: Iterator[Item], source: Source, arrived_ms: int | None) -> Iterator[Decoded]:
    while chunk := list(islice(items, CHUNK_EVENTS)):
        kept = [item for item in chunk if isinstance(item, LogEvent)]
        lost = [item for item in chunk if isinstance(item, Undecodable)]
        yield Decoded(source, kept, lost, arrived_ms=arrived_ms)


def _reference(stored: StoredObject) -> bytes:
    """Write down where an object is, as CloudTrail does: it is kept where it lies."""
    return dumps({"s3Bucket": stored.bucket, "s3ObjectKey": [stored.key]}).encode()
