"""Inflating gzip: every member, bounded, nothing dropped silently."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from pipeline.decode.inflate import PAYLOAD_LIMIT, Inflated, inflate, is_gzip
from pipeline.errors import DecodeError

ONE = gzip.compress(b'{"one": 1}', mtime=0)
TWO = gzip.compress(b'{"two": 2}', mtime=0)
EMPTY = gzip.compress(b"", mtime=0)
LARGE = bytes(range(256)) * 8192
"""2 MiB: more than is fed, and more than is taken out, at a time."""


def with_name(data: bytes) -> bytes:
    """Gzip with a file name, a comment and an extra field in its header, as command-line tools write them."""
    body = zlib.compress(data, wbits=-15)
    header = b"\x1f\x8b\x08\x1c" + b"\0" * 6 + b"\x04\x00abcd" + b"name.json\0" + b"a comment\0"
    return header + body + zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")


SOUND = {
    "one member": (ONE, b'{"one": 1}', b""),
    "two members": (ONE + TWO, b'{"one": 1}{"two": 2}', b""),
    "an empty member": (EMPTY, b"", b""),
    "an empty member between": (ONE + EMPTY + TWO, b'{"one": 1}{"two": 2}', b""),
    "zero padding": (ONE + b"\0" * 100, b'{"one": 1}', b""),
    "zero padding between members": (ONE + b"\0" * 100 + TWO, b'{"one": 1}{"two": 2}', b""),
    "long zero padding": (ONE + b"\0" * 200_000, b'{"one": 1}', b""),
    "header fields": (with_name(b"text"), b"text", b""),
    "a large member": (gzip.compress(LARGE), LARGE, b""),
    "a large stored member": (gzip.compress(LARGE, 0), LARGE, b""),
    "large members": (gzip.compress(LARGE, 0) + gzip.compress(LARGE), LARGE + LARGE, b""),
    "trailing junk": (ONE + b"junk", b'{"one": 1}', b"junk"),
    "trailing junk after padding": (ONE + b"\0\0junk\0", b'{"one": 1}', b"junk\0"),
    "a broken second member": (ONE + TWO[:-3], b'{"one": 1}', TWO[:-3]),
    "a second member's first byte": (ONE + TWO[:1], b'{"one": 1}', TWO[:1]),
    "nothing at all": (b"", b"", b""),
}


@pytest.mark.parametrize(("data", "text", "trailing"), SOUND.values(), ids=SOUND)
def test_everything_that_is_gzip_comes_out_and_the_rest_comes_back(data: bytes, text: bytes, trailing: bytes) -> None:
    """Complete members are inflated in order; what follows them is handed back, zero padding apart."""
    assert inflate(data) == Inflated(text, trailing)


BROKEN = {
    "cut in the header": (ONE[:5], "truncated gzip"),
    "only the magic": (ONE[:2], "truncated gzip"),
    "cut in the data": (ONE[:14], "truncated gzip"),
    "cut in the checksum": (ONE[:-5], "truncated gzip"),
    "cut in the length": (ONE[:-1], "truncated gzip"),
    "a wrong checksum": (ONE[:-8] + b"\0\0\0\0" + ONE[-4:], "corrupt gzip"),
    "a wrong length": (ONE[:-4] + b"\xff\0\0\0", "corrupt gzip"),
    "a damaged body": (ONE[:10] + b"\xff" + ONE[11:], "corrupt gzip"),
    "another method": (b"\x1f\x8b\x07" + ONE[3:], "corrupt gzip"),
    "no gzip": (b"plain text", "corrupt gzip"),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_payload_without_one_complete_member_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    """The reason says whether bytes are missing or wrong."""
    with pytest.raises(DecodeError) as caught:
        inflate(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("limit", [0, 1, 9, 10, 19, 20])
def test_the_bound_counts_what_all_members_hold_together(limit: int) -> None:
    """Exactly the bound still passes; one byte more does not."""
    if limit >= 20:
        assert len(inflate(ONE + TWO, limit).data) == 20
    else:
        with pytest.raises(DecodeError, match="too large"):
            inflate(ONE + TWO, limit)


def test_a_bomb_is_refused_without_being_held() -> None:
    """A megabyte that would become a gigabyte costs no more memory than the bound and a little."""
    bomb = gzip.compress(b"\0" * 16 * 1024 * 1024, 9) * 64
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="too large"):
            inflate(bomb)
        assert tracemalloc.get_traced_memory()[1] < PAYLOAD_LIMIT * 1.1
    finally:
        tracemalloc.stop()


def test_many_tiny_members_are_read() -> None:
    """A hundred thousand members are no more than their sum."""
    assert len(inflate(gzip.compress(b"x", mtime=0) * 100_000).data) == 100_000


def test_gzip_is_told_by_its_magic() -> None:
    """Two bytes decide."""
    assert is_gzip(ONE)
    assert not is_gzip(b"\x1f")
    assert not is_gzip(b"{}")
