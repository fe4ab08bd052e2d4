"""The records that CloudWatch Logs puts into a Kinesis stream: gzip JSON, one log stream a record, at most 1 MiB.

Shapes: Amazon CloudWatch Logs user guide, "Log group-level subscription filters"; the text of the control message as
recorded by consumers of real streams.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# Kinesis' default maximum for data and partition key together
MAX_RECORD_BYTES = 1_048_576
MAX_PARTITION_KEY_BYTES = 256
# PutLogEvents takes at most so many events; no record was seen to carry more
MAX_EVENTS = 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where log events come from and which filter let them through."""

    owner: str
    """The account of the log group."""
    log_group: str
    log_stream: str
    filter_name: str


def control_message(now_ms: int) -> bytes:
    """Write the probe that CloudWatch Logs sends when a filter is put, and may send again at any time."""
    text = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
    return _pack(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [{"id": "", "timestamp": now_ms, "message": text}],
        }
    )


def envelopes(
    origin: Origin, events: Sequence[dict[str, Any]], max_bytes: int = MAX_RECORD_BYTES - MAX_PARTITION_KEY_BYTES
) -> Iterator[bytes]:
    """Write log events (`id`, `timestamp`, `message`) in as few records as the limits allow, in order.

    A single event that is too large for a record by itself can't be delivered and is left out with a warning.
    """
    if len(events) > MAX_EVENTS:
        yield from _halves(origin, events, max_bytes)
        return
    data = _pack(_envelope(origin, events))
    if len(data) <= max_bytes:
        yield data
    elif len(events) > 1:
        yield from _halves(origin, events, max_bytes)
    else:
        _log.warning("log event %s is too large for a Kinesis record: %d bytes", events[0]["id"], len(data))


def _halves(origin: Origin, events: Sequence[dict[str, Any]], max_bytes: int) -> Iterator[bytes]:
    middle = len(events) // 2
    yield from envelopes(origin, events[:middle], max_bytes)
    yield from envelopes(origin, events[middle:], max_bytes)


def _envelope(origin: Origin, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "messageType": "DATA_MESSAGE",
        "owner": origin.owner,
        "logGroup": origin.log_group,
        "logStream": origin.log_stream,
        "subscriptionFilters": [origin.filter_name],
        "logEvents": list(events),
    }


def _pack(envelope: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(envelope, separators=(",", ":")).encode(), compresslevel=6, mtime=0)
