"""The envelope that CloudWatch Logs puts its log events in.

    {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": ..., "logStream": ...,
     "subscriptionFilters": [...], "logEvents": [{"id": ..., "timestamp": ..., "message": ...}, ...]}

Keys this module does not name are ignored at both levels: account-level policies add `policyLevel`, others will
follow. A typed decode reads what CloudWatch Logs really sends; anything odd in it is read again, leniently, entry by
entry. The law test: both readings of a well-formed envelope are equal.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.decode.decoded import LATEST_MS, LogEvent, Source, Stage, Undecodable, bounded
from pipeline.decode.json_text import dumps

DATA_MESSAGE = "DATA_MESSAGE"
CONTROL_MESSAGE = "CONTROL_MESSAGE"
"""The type of the probes that only check a destination's health; their one message is prose."""


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """A well-formed envelope."""

    log_events: list[LogEvent]
    message_type: str = DATA_MESSAGE
    owner: str = ""
    """The account the logs come from."""
    log_group: str = ""
    log_stream: str = ""
    subscription_filters: list[str] = []

    @property
    def is_control(self) -> bool:
        """Whether this is a probe, which carries nothing."""
        return self.message_type == CONTROL_MESSAGE


_decode = msgspec.json.Decoder(Envelope).decode


def read_strictly(text: bytes | str) -> Envelope | None:
    """Read a well-formed envelope; None where the text is anything else."""
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return None


def looks_like(value: dict[str, Any]) -> bool:
    """Tell whether a JSON object is an envelope, however odd, rather than an event."""
    return value.get("messageType") in (DATA_MESSAGE, CONTROL_MESSAGE) or isinstance(value.get("logEvents"), list)


def read_leniently(value: dict[str, Any], source: Source) -> tuple[Envelope, list[Undecodable]]:
    """Make an envelope of all that is readable in an odd one; entries without a text are undecodable, each alone.

    Without a list of entries the envelope itself is undecodable, unless it is a probe, which has none that count.
    An entry without a usable id or timestamp keeps its message: what it says matters more than where it was.
    """
    place = msgspec.structs.replace(source, log_group=bounded(value.get("logGroup")) or source.log_group)
    kept: list[LogEvent] = []
    undecodable: list[Undecodable] = []
    entries = [] if value.get("messageType") == CONTROL_MESSAGE else value.get("logEvents")
    if not isinstance(entries, list):
        undecodable.append(Undecodable("no log events", Stage.ENVELOPE, dumps(value).encode(), place))
        entries = []
    for entry in entries:
        read = _entry(entry, place)
        if isinstance(read, LogEvent):
            kept.append(read)
        else:
            undecodable.append(read)
    envelope = Envelope(
        log_events=kept,
        message_type=bounded(value.get("messageType")) or DATA_MESSAGE,
        owner=bounded(value.get("owner")),
        log_group=place.log_group,
        log_stream=bounded(value.get("logStream")),
    )
    return envelope, undecodable


def _entry(entry: Any, place: Source) -> LogEvent | Undecodable:
    """Read one entry as far as it goes."""
    fields = entry if isinstance(entry, dict) else {}
    message, identifier, timestamp = fields.get("message"), bounded(fields.get("id")), fields.get("timestamp")
    if not isinstance(message, str):
        reason = "message is not text" if "message" in fields else "no message"
        at = msgspec.structs.replace(place, id=identifier or place.id)
        return Undecodable(reason, Stage.LOG_EVENT, dumps(entry).encode(), at)
    return LogEvent(message, identifier, _millisecond(timestamp))


def _millisecond(value: Any) -> int:
    """A timestamp as a whole number, 0 if it is none."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= LATEST_MS else 0
