"""Laws of decoding."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipeline.decode import aggregate, kinesis
from pipeline.decode.cloudwatch_logs import read
from pipeline.decode.decoded import LogEvent, Source, Stage, Undecodable
from pipeline.decode.documents import read as read_documents
from pipeline.decode.envelope import read_leniently, read_strictly
from pipeline.decode.inflate import inflate
from pipeline.decode.json_text import compact, dumps, loads
from pipeline.decode.quarantined import SMALLEST_PART, join, split
from pipeline.decode.s3 import read as read_file
from pipeline.errors import DecodeError
from pipeline.testing import aggregated, control_envelope, envelope, event, kinesis_batch, kinesis_record, payload

ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
"""Lone surrogates included."""
NUMBERS = st.integers() | st.floats() | st.integers(min_value=2**62, max_value=2**80) | st.just(float("inf"))
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
NUMERALS = st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
NEAR_JSON = st.text('{}[]",:\\ \n\t01.eEu-tfn', max_size=20)
BYTES = st.binary(max_size=100)
RECORDS: list[bytes | dict[str, Any]] = [
    envelope([event(1), event(2)]),
    aggregated([payload(envelope([event(3)])), payload(envelope([event(4)]))]),
    control_envelope(),
    envelope(["no JSON", event(5, userAgent="\ud800")]),
    json.dumps(event(6)).encode(),
]
BATCH = kinesis_batch(RECORDS)
SOUND = [kinesis.read(record) for record in BATCH["Records"]]
SIZES = [len(base64.b64decode(record["kinesis"]["data"])) for record in BATCH["Records"]]


def outcome(text: str) -> str:
    """What the standard library makes of a text, types told apart."""
    try:
        return repr(json.loads(text))
    except (ValueError, RecursionError):
        return "not JSON"


def own_outcome(text: str) -> str:
    """What Trailwire makes of it."""
    try:
        return repr(loads(text))
    except DecodeError as error:
        return error.reason


@given(st.data())
def test_a_corrupted_record_never_changes_the_fate_of_its_neighbours(data: st.DataObject) -> None:
    """Whatever happens to the bytes of one record, every other record decodes to what it decoded to before."""
    number = data.draw(st.integers(0, len(RECORDS) - 1))
    position = data.draw(st.integers(0, SIZES[number] - 1))
    damage = data.draw(st.binary(max_size=3))
    records = json.loads(json.dumps(BATCH))["Records"]
    whole = base64.b64decode(records[number]["kinesis"]["data"])
    records[number]["kinesis"]["data"] = base64.b64encode(whole[:position] + damage + whole[position + 1 :]).decode()
    decoded = list(kinesis.decode_batch({"Records": records}))
    before = [part for parts in SOUND[:number] for part in parts]
    after = [part for parts in SOUND[number + 1 :] for part in parts]
    assert decoded[: len(before)] == before
    assert decoded[len(decoded) - len(after) :] == after


@given(JSON_VALUES, st.integers(0, len(RECORDS)))
def test_an_odd_record_never_changes_the_fate_of_its_neighbours(record: Any, position: int) -> None:
    """Any JSON value may stand where a record should."""
    records = BATCH["Records"]
    decoded = list(kinesis.decode_batch({"Records": [*records[:position], record, *records[position:]]}))
    parts = [part for parts in SOUND for part in parts]
    before = sum(map(len, SOUND[:position]))
    assert decoded[:before] + decoded[before + 1 :] == parts


@given(JSON_VALUES)
def test_no_batch_raises(value: Any) -> None:
    """Whatever Lambda hands over, decoding ends in events and undecodable parts."""
    list(kinesis.decode_batch(value))
    list(kinesis.decode_batch({"Records": [{"kinesis": value}, {"kinesis": {"data": value}}, value]}))


@given(BYTES | BYTES.map(gzip.compress) | BYTES.map(lambda data: aggregate.MAGIC + data))
@example(gzip.compress(b"{}") + b"{}")
def test_no_byte_of_a_record_is_dropped_silently(data: bytes) -> None:
    """A record yields log events, or is a probe, or is undecodable; never nothing at all, and it never raises."""
    (first, *_) = kinesis.read(kinesis_record(data))
    empty_list = data.strip() in (b"[]", b'{"Records":[]}')
    assert first.log_events or first.undecodable or first.is_control or empty_list


@given(JSON_VALUES)
def test_the_choice_of_parser_never_decides(value: Any) -> None:
    """What `loads` reads is what the standard library reads, value by value and type by type."""
    text = json.dumps(value)
    assert own_outcome(text) == outcome(text)
    text = json.dumps(value, ensure_ascii=False)
    assert own_outcome(text) == outcome(text)


@given(NUMERALS | NUMERALS.map(lambda numeral: f'{{"a":[{numeral}]}}') | NEAR_JSON)
def test_numbers_and_near_json_are_read_as_the_standard_library_reads_them(text: str) -> None:
    """To the last digit, and refused where it refuses."""
    assert own_outcome(text) == outcome(text)


@given(JSON_VALUES, st.sampled_from([None, 1, "\t"]))
def test_compacting_keeps_every_value_and_is_done_once(value: Any, indent: Any) -> None:
    """The compacted text reads as the loose one, and compacting it again changes nothing."""
    tight = compact(json.dumps(value, indent=indent))
    assert repr(loads(tight)) == repr(json.loads(json.dumps(value)))
    assert compact(tight) == tight
    assert len(tight) <= len(json.dumps(value, indent=indent))


@given(JSON_VALUES)
def test_what_is_written_can_be_encoded_and_read_back(value: Any) -> None:
    """Lone surrogates included."""
    assert outcome(dumps(value).encode().decode()) == outcome(json.dumps(value))


@given(st.lists(st.tuples(ANY_TEXT, st.integers(0, 10**13), ANY_TEXT), max_size=4), ANY_TEXT, ANY_TEXT)
def test_both_readings_of_an_envelope_are_equal(entries: list[tuple[str, int, str]], owner: str, group: str) -> None:
    """Where the strict reading succeeds, the lenient one says the same and finds nothing undecodable."""
    log_events = [{"id": name, "timestamp": at_ms, "message": text} for name, at_ms, text in entries]
    document = envelope([], owner=owner, logGroup=group, logEvents=log_events, subscriptionFilters=[])
    strict = read_strictly(json.dumps(document))
    lenient, undecodable = read_leniently(document, Source())
    assume(strict is not None)
    assert (strict, []) == (lenient, undecodable)


@given(st.lists(ANY_TEXT, max_size=5))
def test_every_message_survives_the_envelope(messages: list[str]) -> None:
    """Whatever the strings in it are."""
    decoded = read(payload(envelope(messages)), Source())
    assert [entry.message for entry in decoded.log_events] == messages
    assert not decoded.undecodable


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(0, 9), st.booleans())
def test_every_gzip_member_is_inflated(parts: list[bytes], level: int, padded: bool) -> None:
    """As `gzip.decompress` does it, and nothing is left over."""
    data = b"".join(gzip.compress(part, level) + b"\0" * padded for part in parts)
    inflated = inflate(data)
    assert inflated.data == gzip.decompress(data) == b"".join(parts)
    assert not inflated.trailing


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_all_bytes_behind_a_member_come_back(text: bytes, junk: bytes) -> None:
    """Either they inflate, or they are padding, or they are handed back."""
    inflated = inflate(gzip.compress(text) + junk)
    assert inflated.data.startswith(text)
    if inflated.data == text:
        assert inflated.trailing == junk.lstrip(b"\0")


@given(st.binary(max_size=300))
def test_what_zlib_inflates_is_inflated_and_nothing_else_comes_out(body: bytes) -> None:
    """On arbitrary bytes behind a header, both agree wherever zlib has an answer."""
    data = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + body
    reference = zlib.decompressobj(31)
    try:
        expected = reference.decompress(data)
        is_whole = reference.eof
    except zlib.error:
        is_whole = False
    try:
        inflated = inflate(data).data
    except DecodeError:
        assert not is_whole
    else:
        assert is_whole
        assert inflated.startswith(expected)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6))
def test_an_aggregate_gives_back_what_was_packed(payloads: list[bytes]) -> None:
    """In order, byte for byte."""
    assert aggregate.split(aggregate.join(payloads)) == payloads


@given(st.lists(st.dictionaries(ANY_TEXT, JSON_VALUES, max_size=3), min_size=1, max_size=4), st.sampled_from([None, 2]))
def test_every_shape_of_file_holds_the_same_events(events: list[dict[str, Any]], indent: int | None) -> None:
    """Records, an array, lines and concatenation: the messages say what was written, each once, in order."""
    assume(not any({"Records", "logEvents", "messageType", "detail", "logFiles"} & set(found) for found in events))
    expected = [repr(json.loads(json.dumps(found))) for found in events]
    lines = [json.dumps(found) for found in events]
    shapes = [
        json.dumps({"Records": events}, indent=indent),
        json.dumps(events, indent=indent),
        "\n".join(lines),
        "".join(lines),
    ]
    for text in shapes:
        for data in (text.encode(), gzip.compress(text.encode())):
            items = list(read_file(data, Source()))
            assert [repr(loads(item.message)) for item in items if isinstance(item, LogEvent)] == expected


@given(st.text('{}[]",:\\ \nRecords01', max_size=60) | ANY_TEXT)
@settings(max_examples=300)
def test_no_text_raises(text: str) -> None:
    """Whatever a file holds, reading it ends."""
    list(read_documents(text, Source()))


SOURCES = st.builds(Source, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)


@given(
    st.binary(max_size=3 * SMALLEST_PART),
    SOURCES,
    ANY_TEXT,
    st.sampled_from(Stage),
    st.integers(SMALLEST_PART, 2 * SMALLEST_PART),
    st.randoms(use_true_random=False),
)
def test_joining_the_parts_gives_back_what_was_quarantined(
    data: bytes, source: Source, reason: str, stage: Stage, max_bytes: int, chance: Any
) -> None:
    """In any order, byte for byte, and no part is larger than allowed or anything but ASCII."""
    lost = Undecodable(reason, stage, data, source)
    parts = split(lost, max_bytes)
    assert all(part.isascii() and len(part) <= max_bytes for part in parts)
    chance.shuffle(parts)
    assert join(parts) == lost
