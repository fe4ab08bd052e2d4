"""Inflating gzip: every member, never more than a bound, and whatever follows the last one handed back.

isal's igzip is about twice as fast as zlib and checks each member's length and CRC. It is fed in chunks so that a
payload of very many tiny members costs linear time.
"""

from __future__ import annotations

import msgspec
from isal import igzip_lib

from pipeline.errors import DecodeError

MAGIC = b"\x1f\x8b"
PAYLOAD_LIMIT = 64 * 1024 * 1024
"""Bytes one payload may expand to. A Lambda invocation carries at most 6 MB, so 4.5 MB of data behind base64;
CloudTrail envelopes shrink up to 11.6 times (measured), which makes 52 MB the most that is honest. A default stream's
records (1 MiB) end at 12 MB."""
_CHUNK = 64 * 1024
_PIECE = 256 * 1024
"""Bytes taken out at a time. igzip prepares a buffer of the size it is allowed, so asking for the whole bound at once
takes twice as long for payloads of ordinary size (measured)."""


class Inflated(msgspec.Struct, frozen=True):
    """The contents of all complete members, and the bytes after them that are none."""

    data: bytes
    trailing: bytes = b""


def is_gzip(data: bytes) -> bool:
    """Tell whether data begins as gzip does. JSON and the KPL's aggregates begin otherwise."""
    return data.startswith(MAGIC)


def inflate(data: bytes, limit: int = PAYLOAD_LIMIT) -> Inflated:
    """Inflate all gzip members of data, in order.

    Zero bytes after a member are padding, as gzip has it. Anything else that is no complete member comes back as
    `trailing`, unless nothing came before it.

    Raises DecodeError: "corrupt gzip", "truncated gzip", or "too large" if more than `limit` bytes would come out, in
    which case hardly more than that was ever held.
    """
    pieces: list[bytes] = []
    view = memoryview(data)
    position = 0
    while position < len(data):
        try:
            member, end = _member(view[position:], limit)
        except DecodeError as error:
            if not position or error.reason == "too large":
                raise
            return Inflated(b"".join(pieces), data[position:])
        pieces += member
        limit -= sum(map(len, member))
        position = _past_padding(view, position + end)
    return Inflated(pieces[0] if len(pieces) == 1 else b"".join(pieces))


def _member(data: memoryview, limit: int) -> tuple[list[bytes], int]:
    """Inflate the first member of data; also return where it ends."""
    stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    pieces: list[bytes] = []
    fed = 0
    while not stream.eof:
        chunk = data[fed : fed + _CHUNK] if stream.needs_input else b""
        if stream.needs_input and not chunk:
            raise DecodeError("truncated gzip")
        try:
            piece = stream.decompress(chunk, _PIECE)
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # isal's stub declares the class as an instance
            raise DecodeError("corrupt gzip", str(error)) from error
        fed += len(chunk)
        limit -= len(piece)
        if limit < 0:
            raise DecodeError("too large")
        pieces.append(piece)
    return pieces, fed - len(stream.unused_data)


def _past_padding(data: memoryview, position: int) -> int:
    """Find the next byte that is not zero, a chunk at a time."""
    while position < len(data) and not data[position]:
        chunk = bytes(data[position : position + _CHUNK])
        position += len(chunk) - len(chunk.lstrip(b"\0"))
    return position
