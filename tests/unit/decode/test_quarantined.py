"""The form in which undecodable input is kept."""

from __future__ import annotations

import base64
import json

import pytest

from pipeline.decode.decoded import LogEvent, Source, Stage, Undecodable, lost_message
from pipeline.decode.quarantined import SMALLEST_PART, join, split
from pipeline.errors import DecodeError

SOURCE = Source("trailwire", "shardId-000000000000", "4959", "group", "7")
LOST = Undecodable("corrupt gzip", Stage.GZIP, b"\x1f\x8bdata", SOURCE)
LONG = Undecodable("corrupt gzip", Stage.GZIP, bytes(range(256)) * 1000, SOURCE)


def test_the_form_is_the_documented_one() -> None:
    """One JSON object in ASCII with these keys and no others."""
    (text,) = split(LOST, 262_144)
    assert text.isascii()
    assert json.loads(text) == {
        "v": 1,
        "reason": "corrupt gzip",
        "stage": "gzip",
        "source": {
            "stream": "trailwire",
            "shard": "shardId-000000000000",
            "sequence": "4959",
            "log_group": "group",
            "id": "7",
        },
        "part": 1,
        "parts": 1,
        "data_b64": base64.b64encode(LOST.data).decode(),
    }


@pytest.mark.parametrize("max_bytes", [SMALLEST_PART, SMALLEST_PART + 1, 100_000, 262_144, 1_000_000])
def test_no_part_is_larger_than_the_store_takes(max_bytes: int) -> None:
    """And there are no more parts than it needs, but one."""
    parts = split(LONG, max_bytes)
    assert max(map(len, parts)) <= max_bytes
    assert len(parts) <= len(base64.b64encode(LONG.data)) // (max_bytes - 500) + 1
    assert join(parts) == LONG


def test_a_store_that_takes_less_than_a_header_is_a_mistake() -> None:
    """Whoever configures it hears so."""
    with pytest.raises(ValueError, match="at least"):
        split(LOST, SMALLEST_PART - 1)


@pytest.mark.parametrize("character", ["\ud800", "\U0001f600", "a"], ids=["surrogate", "astral", "ascii"])
def test_the_longest_texts_fit_the_smallest_part(character: str) -> None:
    """Though every character of them is escaped; what is longer is cut, the data never."""
    lost = Undecodable(character * 512, Stage.EVENT, b"data" * 99_999, Source(*[character * 512] * 5))
    longer = Undecodable(character * 9999, Stage.EVENT, b"data" * 99_999, Source(*[character * 9999] * 5))
    for whole in (lost, longer):
        parts = split(whole, SMALLEST_PART)
        assert max(map(len, parts)) <= SMALLEST_PART
        assert join(reversed(parts)) == lost


PARTS = split(LONG, 100_000)
OTHER = split(Undecodable("other", Stage.GZIP, LONG.data, SOURCE), 100_000)
BROKEN: dict[str, tuple[list[str], str]] = {
    "no parts": ([], "parts missing"),
    "a part missing": (PARTS[1:], "parts missing"),
    "the last part missing": (PARTS[:-1], "parts missing"),
    "a part of something else": ([*PARTS[1:], OTHER[0]], "parts do not belong together"),
    "no JSON": (["{"], "not quarantined"),
    "not an object": (["[]"], "not quarantined"),
    "another version": ([PARTS[0].replace('"v":1', '"v":2')], "not quarantined"),
    "a key missing": ([PARTS[0].replace('"reason"', '"raisin"')], "not quarantined"),
    "a wrong type": ([PARTS[0].replace('"part":1', '"part":"1"')], "not quarantined"),
    "an unknown stage": ([PARTS[0].replace('"gzip"', '"tar"')], "not quarantined"),
    "bad base64": ([PARTS[0].replace('"data_b64":"', '"data_b64":"*'), *PARTS[1:]], "not quarantined"),
    "a billion parts": ([PARTS[0].replace(f'"parts":{len(PARTS)}', '"parts":1000000000')], "parts missing"),
}


@pytest.mark.parametrize(("parts", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_complete_set_of_parts_is_refused(parts: list[str], reason: str) -> None:
    """Rather than joined to something else."""
    with pytest.raises(DecodeError) as caught:
        join(parts)
    assert caught.value.reason == reason


def test_parts_may_come_in_any_order_and_twice() -> None:
    """As queues deliver them."""
    assert join([*reversed(PARTS), PARTS[1], PARTS[0].encode()]) == LONG


def test_a_message_that_is_no_event_is_kept_with_its_place() -> None:
    """Its log event's id tells it from its neighbours."""
    lost = lost_message(SOURCE, LogEvent("\ud800", "8"), DecodeError("not JSON"))
    assert (lost.reason, lost.stage, lost.source.id) == ("not JSON", Stage.EVENT, "8")
    assert lost.data.decode("utf-8", "surrogatepass") == "\ud800"
