"""The shapes that CloudTrail events come in, and how little an odd one costs its neighbours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.decode.decoded import LogEvent, Source, Undecodable
from pipeline.decode.documents import read
from pipeline.testing import control_envelope, envelope

A, B = '{"eventName":"A","n":1.0}', '{"eventName":"B","n":1e400}'
SURROGATE = '{"eventName":"S","userAgent":"\\ud800 }"}'
DEEP = '{"eventName":"D","x":' + "[" * 5000 + "]" * 5000 + "}"
DIGITS = '{"eventName":"N","x":' + "1" * 5000 + "}"
WRAPPED = {
    "version": "0",
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {"eventName": "A"},
}
DIGEST = {
    "digestS3Object": "k",
    "logFiles": [{"s3Object": "x"}],
    "previousDigestS3Object": None,
}


def messages(text: str) -> list[str]:
    """The messages of a text of which nothing is undecodable."""
    items = list(read(text, Source()))
    assert all(isinstance(item, LogEvent) for item in items)
    return [item.message for item in items if isinstance(item, LogEvent)]


def indented(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2)


SHAPES: dict[str, tuple[str, list[str]]] = {
    "one event": (A, [A]),
    "one event on a line of its own": (f"{A}\n", [A]),
    "one event, spaced": ('{"eventName": "A"}', ['{"eventName": "A"}']),
    "one event over many lines": (indented({"eventName": "A", "b": [1, 2]}), ['{"eventName":"A","b":[1,2]}']),
    "a CloudTrail file": (f'{{"Records":[{A},{B}]}}', [A, B]),
    "a CloudTrail file over many lines": (
        indented({"Records": [{"a": "b c"}, {"c": []}]}),
        ['{"a":"b c"}', '{"c":[]}'],
    ),
    "a CloudTrail file with more in it": (f'{{"v": 1, "Records": [{A}], "w": [2]}}', [A]),
    "no records": ('{"Records":[]}', []),
    "records that are no list": ('{"Records":5}', ['{"Records":5}']),
    "records that are no events": ('{"Records":[1, "a b", null, [ ]]}', ["1", '"a b"', "null", "[]"]),
    "an array": (f"[{A}, {B}]", [A, B]),
    "an empty array": ("[]", []),
    "an array over many lines": (indented([{"a": 1}, {"b": 2}]), ['{"a":1}', '{"b":2}']),
    "NDJSON": (f"{A}\n{B}\n", [A, B]),
    "NDJSON without a last newline, with CRLF and blank lines": (f"{A}\r\n\r\n \n{B}", [A, B]),
    "NDJSON is verbatim": ('{"a": 1}\n{"b":  2}\n', ['{"a": 1}', '{"b":  2}']),
    "NDJSON with line separators in strings": ('{"a":"\u2028\x85"}\n{"b":1}\n', ['{"a":"\u2028\x85"}', '{"b":1}']),
    "NDJSON of CloudTrail files": (f'{{"Records":[{A}]}}\n{{"Records":[{B}]}}', [A, B]),
    "documents with nothing between": (f"{A}{B}{A}", [A, B, A]),
    "documents over many lines, with nothing between": ('{\n"a": 1\n}{\n"b": 2\n}\n', ['{"a":1}', '{"b":2}']),
    "an envelope": (json.dumps(envelope([A, "no JSON"])), [A, "no JSON"]),
    "envelopes with nothing between": (json.dumps(envelope([A])) + json.dumps(envelope([B])), [A, B]),
    "an array of envelopes": (json.dumps([envelope([A]), envelope([B])]), [A, B]),
    "an odd envelope": (json.dumps(envelope([A, "\ud800"], owner=5)), [A, "\ud800"]),
    "a probe": (json.dumps(control_envelope()), []),
    "an odd probe": ('{"messageType": "CONTROL_MESSAGE", "logEvents": 5}', []),
    "an event with a messageType": (
        '{"messageType": "x", "eventName": "A"}',
        ['{"messageType": "x", "eventName": "A"}'],
    ),
    "wrapped by EventBridge": (json.dumps(WRAPPED), ['{"eventName":"A"}']),
    "an array wrapped by EventBridge": (json.dumps([WRAPPED, WRAPPED]), ['{"eventName":"A"}'] * 2),
    "an odd one wrapped by EventBridge": (json.dumps({**WRAPPED, "x": "\ud800"}), ['{"eventName":"A"}']),
    "another event of EventBridge": (
        '{"detail-type":"Other","detail":{}}',
        ['{"detail-type":"Other","detail":{}}'],
    ),
    "a digest": (json.dumps(DIGEST), []),
    "a digest over many lines": (indented(DIGEST), []),
    "an odd digest": (json.dumps({**DIGEST, "x": "\ud800"}), []),
    "plain text": ("first line\nsecond  line\n", ["first line", "second  line"]),
    "text with brackets": ("[INFO] one\n[WARN] two", ["[INFO] one", "[WARN] two"]),
    "text keeps its leading space": ("  one\n two", ["  one", " two"]),
    "nothing": ("", []),
    "blank lines": (" \n\t\r\n", []),
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES)
def test_every_shape_yields_its_messages_in_order(text: str, expected: list[str]) -> None:
    """A line is verbatim; elements of arrays and records are compacted, and otherwise as they are written."""
    assert messages(text) == expected


@pytest.mark.parametrize(
    "odd", [SURROGATE, B, DEEP, DIGITS, '{"a":"\ud800"}'], ids=["surrogate", "1e400", "deep", "digits", "raw"]
)
@pytest.mark.parametrize(
    "shape",
    [
        '{{"Records":[{0},{1},{0}]}}',
        ' {{ "Records" : [ {0} , {1} , {0} ] }} ',
        "[{0},{1},{0}]",
        "{0}\n{1}\n{0}\n",
        "{0}{1}{0}",
    ],
    ids=["records", "spaced records", "array", "lines", "concatenated"],
)
def test_an_event_that_the_fast_parser_refuses_is_one_message_among_others(shape: str, odd: str) -> None:
    """It comes out as it is written; whoever reads it decides what is wrong with it."""
    assert messages(shape.format(A, odd)) == [A, odd, A]


CUT: dict[str, tuple[str, list[str]]] = {
    "a CloudTrail file": (f'{{"Records":[{A},{A},{{"eventName":"cu', [A, A, '{"eventName":"cu']),
    "a CloudTrail file between records": (f'{{"Records":[{A},', [A]),
    "an array": (f"[{A},{A[:9]}", [A, A[:9]]),
    "NDJSON": (f"{A}\n{A[:9]}", [A, A[:9]]),
    "NDJSON at its beginning": (f"{A[9:]}\n{A}\n", [A[9:], A]),
    "one event": (A[:9], [A[:9]]),
    "one event over many lines": ('{\n"a": 1,\n"b"', ['{\n"a": 1,\n"b"']),
    "a broken line among good ones": (f'{A}\n{{"broken": \n{A}', [A, '{"broken": ', A]),
    "a broken first line": (f'{{"broken": \n{A}\n{A}', ['{"broken": ', A, A]),
    "a broken record among good ones": (f'{{"Records":[{A},{{"broken": tru}},{A}]}}', [A, '{"broken":tru}', A]),
}


@pytest.mark.parametrize(("text", "expected"), CUT.values(), ids=CUT)
def test_what_is_whole_in_a_broken_file_is_read_and_the_rest_comes_as_it_is(text: str, expected: list[str]) -> None:
    """One odd event never costs the rest of its file, and nothing is dropped."""
    assert messages(text) == expected


def test_an_entry_without_a_message_is_undecodable_alone() -> None:
    """Envelopes in files are read as those in streams are."""
    document = envelope([A])
    document["logEvents"].append({"id": "9"})
    kept, lost = read(json.dumps(document), Source(id="file"))
    assert isinstance(kept, LogEvent)
    assert isinstance(lost, Undecodable)
    assert (kept.message, lost.reason, lost.source.id) == (A, "no message", "9")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"' * 200_000,
        "{}" * 50_000,
        '"' * 200_001,
        '[{"' + '\\"' * 500_000,
        "]" * 200_000,
        "{]" * 99_999,
        "[,,,]",
    ],
)
def test_hostile_texts_are_scanned_once(text: str) -> None:
    """Deep, unbalanced and endless texts end in messages, soon."""
    assert len(messages(text)) <= 100_000
