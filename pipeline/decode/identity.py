"""What makes an event the same event when it comes again."""

from __future__ import annotations

from typing import Any

from pipeline.decode.decoded import message_bytes
from pipeline.decode.json_text import dumps


def event_identity(event: dict[str, Any] | None, message: str | None = None) -> str:
    """Name an event the same however often it is delivered: `eventID`, `eventId` of aggregated events, else a hash.

    The hash (sha256, hex) is over the message, or over the event written compactly where there is no message. An
    event that nobody could decode (None) goes by its message.
    """
    for key in ("eventID", "eventId"):
        value = event.get(key) if event else None
        if isinstance(value, str) and value:
            return value
    import hashlib  # OpenSSL costs a cold start milliseconds, and nearly every event has an id

    return hashlib.sha256(message_bytes(dumps(event) if message is None else message)).hexdigest()
