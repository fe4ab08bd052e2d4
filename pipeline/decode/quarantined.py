"""The form in which undecodable input is kept, and back.

One JSON object in ASCII, or several where the store takes less than the whole (an SQS message, a log line):

    {"v": 1, "reason": ..., "stage": ..., "source": {"stream", "shard", "sequence", "log_group", "id"},
     "part": 1, "parts": 3, "data_b64": ...}

The law test: joining the parts, in any order, gives back what was split, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
import pybase64

from pipeline.decode.decoded import Source, Stage, Undecodable, bounded
from pipeline.errors import DecodeError

VERSION = 1
SMALLEST_PART = 64 * 1024
"""Bytes that a store must take: more than a header of the longest texts, each character escaped to 12 bytes."""
_PARTS_DIGITS = 10
"""Room kept for each of `part` and `parts`."""


class Part(msgspec.Struct, frozen=True):
    """One part of what was quarantined."""

    v: int
    reason: str
    stage: Stage
    source: Source
    part: int
    """Counts from 1."""
    parts: int
    data_b64: str


def split(undecodable: Undecodable, max_bytes: int) -> list[str]:
    """Write what could not be decoded as JSON texts of at most `max_bytes` each (at least SMALLEST_PART), in order.

    Reason and source are cut to SOURCE_TEXT_LIMIT characters a text; no byte of the data is.

    Raises ValueError if `max_bytes` is less than that.
    """
    if max_bytes < SMALLEST_PART:
        raise ValueError(f"a part needs at least {SMALLEST_PART} bytes, not {max_bytes}")
    room = (max_bytes - len(_write(undecodable, b"", 0, 0)) - 2 * _PARTS_DIGITS) // 4 * 3
    chunks = [undecodable.data[start : start + room] for start in range(0, len(undecodable.data), room)] or [b""]
    return [_write(undecodable, chunk, number, len(chunks)) for number, chunk in enumerate(chunks, 1)]


def join(parts: Iterable[str | bytes]) -> Undecodable:
    """Put the parts of one quarantined thing together again, in whatever order and however often each comes.

    Raises DecodeError: "not quarantined" if a text is no such part, "parts do not belong together", "parts missing".
    """
    read = [_read(part) for part in parts]
    if len({(part.reason, part.stage, part.source, part.parts) for part in read}) != 1:
        raise DecodeError("parts do not belong together" if read else "parts missing")
    by_number = {part.part: part.data_b64 for part in read}
    first = read[0]
    if len(by_number) != first.parts or (min(by_number), max(by_number)) != (1, first.parts):
        raise DecodeError("parts missing", f"{len(by_number)} of {first.parts}")
    try:
        data = b"".join(pybase64.b64decode(by_number[number], validate=True) for number in sorted(by_number))
    except ValueError as error:
        raise DecodeError("not quarantined", "bad base64") from error
    return Undecodable(first.reason, first.stage, data, first.source)


def _write(undecodable: Undecodable, chunk: bytes, number: int, count: int) -> str:
    """Write one part; json escapes everything beyond ASCII, lone surrogates too."""
    return json.dumps(
        {
            "v": VERSION,
            "reason": bounded(undecodable.reason),
            "stage": undecodable.stage,
            "source": {name: bounded(text) for name, text in msgspec.structs.asdict(undecodable.source).items()},
            "part": number,
            "parts": count,
            "data_b64": pybase64.b64encode(chunk).decode(),
        },
        separators=(",", ":"),
    )


def _read(text: str | bytes) -> Part:
    """Read one part with the standard library, for a source may hold lone surrogates."""
    try:
        part = msgspec.convert(json.loads(text), Part)
    except (ValueError, RecursionError) as error:
        raise DecodeError("not quarantined", str(error)[:200]) from error
    if part.v != VERSION:
        raise DecodeError("not quarantined", f"version {part.v}")
    return part
