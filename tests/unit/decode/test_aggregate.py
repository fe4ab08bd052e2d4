"""Taking the KPL's aggregated records apart."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from pipeline.decode.aggregate import MAGIC, is_aggregate, join, split
from pipeline.errors import DecodeError


def sealed(body: bytes) -> bytes:
    """An aggregate around a body, with the right checksum."""
    return MAGIC + body + hashlib.md5(body).digest()


RECORD_OF_A = bytes.fromhex("1a05" + "0800" + "1a0141")
"""records[0] = {partition_key_index: 0, data: "A"}, written by hand from the format."""
SOUND = {
    "written by hand": (sealed(b"\x0a\x03key" + RECORD_OF_A), [b"A"]),
    "two records": (sealed(b"\x0a\x03key" + RECORD_OF_A * 2), [b"A", b"A"]),
    "a partition key index beyond the table": (sealed(RECORD_OF_A), [b"A"]),
    "an unknown field": (sealed(b"\x0a\x03key" + RECORD_OF_A + bytes.fromhex("7a0142")), [b"A"]),
    "an empty payload": (join([b""]), [b""]),
    "binary payloads": (join([b"\x1f\x8b\x00", MAGIC, b"{}"]), [b"\x1f\x8b\x00", MAGIC, b"{}"]),
}


@pytest.mark.parametrize(("data", "payloads"), SOUND.values(), ids=SOUND)
def test_an_aggregate_yields_its_payloads_in_order(data: bytes, payloads: list[bytes]) -> None:
    """Whatever they hold, and whatever their partition keys are."""
    assert is_aggregate(data)
    assert split(data) == payloads


BROKEN = {
    "only the magic": (MAGIC, "truncated aggregate"),
    "shorter than a checksum": (MAGIC + b"0" * 15, "truncated aggregate"),
    "a wrong checksum": (sealed(RECORD_OF_A)[:-1] + b"\0", "aggregate checksum mismatch"),
    "a byte too many": (sealed(RECORD_OF_A) + b"\0", "aggregate checksum mismatch"),
    "a body that is no protobuf": (sealed(b"\xff\xff"), "corrupt aggregate"),
    "a record cut short": (sealed(RECORD_OF_A[:-1]), "corrupt aggregate"),
    "a record without data": (sealed(bytes.fromhex("1a020800")), "corrupt aggregate"),
    "a damaged record after a sound one": (sealed(RECORD_OF_A + bytes.fromhex("1a020800")), "corrupt aggregate"),
    "no records": (sealed(b""), "empty aggregate"),
    "only a partition key": (sealed(b"\x0a\x03key"), "empty aggregate"),
}


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_damaged_aggregate_is_refused_whole(data: bytes, reason: str) -> None:
    """Neither passed on as if it were a payload, nor read in part."""
    with pytest.raises(DecodeError) as caught:
        split(data)
    assert caught.value.reason == reason


def test_protobuf_is_imported_only_when_an_aggregate_comes() -> None:
    """Cold starts are billed, and most streams never carry one."""
    program = (
        "import sys; from pipeline.decode import kinesis; from pipeline.testing import *;"
        "batch = kinesis_batch([envelope([event()]), control_envelope()]);"
        "assert sum(len(part.log_events) for part in kinesis.decode_batch(batch)) == 1;"
        "sys.exit(any(name.startswith(('google.protobuf', 'aws_kinesis_agg')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
