"""Payloads of CloudWatch Logs: whole, damaged byte by byte, with trailing junk."""

from __future__ import annotations

import gzip
import itertools
import json
from typing import Any

import pytest

from pipeline.decode.cloudwatch_logs import read, read_invocation
from pipeline.decode.decoded import Decoded, LogEvent, Source, Stage
from pipeline.testing import LOG_GROUP, NOON_MS, control_envelope, envelope, event, invocation, kinesis_batch, payload

HERE = Source(stream="s", shard="shardId-000000000000", sequence="1")
PLACE = Source(stream="s", shard="shardId-000000000000", sequence="1", log_group=LOG_GROUP)
MESSAGES = ["{}", '{"eventName":"A"}', "no JSON"]
ENTRIES = [LogEvent(text, f"{number:056d}", NOON_MS + number) for number, text in enumerate(MESSAGES)]
DATA = payload(envelope(MESSAGES))
PLAIN = json.dumps(envelope(MESSAGES)).encode()
HALVES = gzip.compress(PLAIN[:99], mtime=0) + gzip.compress(PLAIN[99:], mtime=0)
TWO = gzip.compress(PLAIN, mtime=0) + gzip.compress(PLAIN, mtime=0)

WHOLE: dict[str, tuple[bytes, Decoded]] = {
    "an envelope": (DATA, Decoded(PLACE, ENTRIES)),
    "an envelope in two members": (HALVES, Decoded(PLACE, ENTRIES)),
    "an envelope with padding": (DATA + b"\0" * 9, Decoded(PLACE, ENTRIES)),
    "two envelopes in two members": (TWO, Decoded(HERE, ENTRIES * 2)),
    "an envelope without gzip": (PLAIN, Decoded(PLACE, ENTRIES)),
    "an envelope after whitespace": (b" \n" + PLAIN, Decoded(PLACE, ENTRIES)),
    "a probe": (payload(control_envelope()), Decoded(HERE, is_control=True)),
    "an odd probe": (payload({**control_envelope(), "owner": None}), Decoded(HERE, is_control=True)),
    "an odd envelope": (payload(envelope(MESSAGES, owner=None)), Decoded(PLACE, ENTRIES)),
    "an envelope without log events": (payload(envelope([])), Decoded(PLACE)),
    "an event": (b'{"eventName":"A"}', Decoded(HERE, [LogEvent('{"eventName":"A"}')])),
    "events, a line each": (b'{"a":1}\n{"b":2}\n', Decoded(HERE, [LogEvent('{"a":1}'), LogEvent('{"b":2}')])),
    "a gzipped event": (gzip.compress(b'{"a":1}'), Decoded(HERE, [LogEvent('{"a":1}')])),
    "an event that is no UTF-8": (b'{"a":"\xff"}', Decoded(HERE, [LogEvent('{"a":"\udcff"}')])),
}


@pytest.mark.parametrize(("data", "expected"), WHOLE.values(), ids=WHOLE)
def test_a_sound_payload_yields_its_log_events(data: bytes, expected: Decoded) -> None:
    """In order, with their ids and times, and nothing undecodable."""
    assert read(data, HERE) == expected


DAMAGED: dict[str, tuple[bytes, str, Stage]] = {
    "nothing": (b"", "empty payload", Stage.ENVELOPE),
    "gzip around nothing": (gzip.compress(b""), "empty payload", Stage.ENVELOPE),
    "binary": (b"\x00\x01\x02", "not JSON", Stage.ENVELOPE),
    "text": (b"hello", "not JSON", Stage.ENVELOPE),
    "gzip around text": (gzip.compress(b"hello"), "not JSON", Stage.ENVELOPE),
    "gzip around half an envelope": (gzip.compress(PLAIN[:99]), "not JSON", Stage.ENVELOPE),
    "half an envelope": (PLAIN[:99], "not JSON", Stage.ENVELOPE),
    "half a gzip": (DATA[:99], "truncated gzip", Stage.GZIP),
    "gzip in gzip": (gzip.compress(DATA), "not JSON", Stage.ENVELOPE),
    "half an envelope and a broken member": (HALVES[:-9], "not JSON", Stage.ENVELOPE),
    "a bomb": (gzip.compress(b" " * (65 << 20), 1), "too large", Stage.GZIP),
}


@pytest.mark.parametrize(("data", "reason", "stage"), DAMAGED.values(), ids=DAMAGED)
def test_a_payload_of_which_nothing_can_be_read_is_undecodable_whole(data: bytes, reason: str, stage: Stage) -> None:
    """With its reason, its stage, its place and every byte of it."""
    decoded = read(data, HERE, arrived_ms=5)
    (lost,) = decoded.undecodable
    assert (lost.reason, lost.stage, lost.data, lost.source) == (reason, stage, data, HERE)
    assert not decoded.log_events
    assert decoded.arrived_ms == 5


@pytest.mark.parametrize("junk", [b"x", b"\x1f", b"\x1f\x8b", DATA[:50], b"\0\0" + DATA[:-1], b"{}"], ids=repr)
def test_junk_behind_a_sound_payload_is_undecodable_and_costs_nothing(junk: bytes) -> None:
    """The log events are read; the junk is reported, zero padding apart."""
    decoded = read(DATA + junk, HERE)
    assert decoded.log_events == ENTRIES
    (lost,) = decoded.undecodable
    assert (lost.reason, lost.data, lost.source) == ("trailing bytes", junk.lstrip(b"\0"), PLACE)


def test_a_damaged_byte_yields_the_log_events_or_the_whole_payload() -> None:
    """Never other log events, never fewer, never an exception; every bit of every byte."""
    for position, bit in itertools.product(range(len(DATA)), range(8)):
        damaged = bytearray(DATA)
        damaged[position] ^= 1 << bit
        decoded = read(bytes(damaged), HERE)
        if decoded.undecodable:
            assert [(lost.data, lost.source) for lost in decoded.undecodable] == [(bytes(damaged), HERE)]
            assert not decoded.log_events
        else:
            assert decoded.log_events == ENTRIES


def test_a_payload_cut_anywhere_is_undecodable_whole() -> None:
    """No part of it is taken for the whole."""
    for length in range(len(DATA)):
        decoded = read(DATA[:length], HERE)
        assert not decoded.log_events
        assert [lost.data for lost in decoded.undecodable] == [DATA[:length]]


def test_a_lone_surrogate_in_a_message_blinds_nobody() -> None:
    """Escaped twice it is text; escaped once it is a character that no fast parser takes."""
    hostile = '{"eventName":"StopLogging","userAgent":"\\ud800"}'
    twice, once = envelope([hostile, "{}"]), envelope(["\ud800", "{}"])
    assert [entry.message for entry in read(payload(twice), HERE).log_events] == [hostile, "{}"]
    assert [entry.message for entry in read(payload(once), HERE).log_events] == ["\ud800", "{}"]


def test_a_direct_invocation_is_one_payload() -> None:
    """As CloudWatch Logs hands it to Lambda without a stream."""
    document = envelope([event()])
    decoded = read_invocation(invocation(document))
    assert [entry.message for entry in decoded.log_events] == [document["logEvents"][0]["message"]]
    assert decoded.source == Source(log_group=LOG_GROUP)


@pytest.mark.parametrize(
    "odd",
    [None, {}, [], "text", {"awslogs": None}, {"awslogs": {}}, {"awslogs": {"data": None}}, {"awslogs": {"data": 5}},
     {"awslogs": {"data": "*"}}, {"awslogs": {"data": "é"}}, {"awslogs": {"data": "\ud800"}}, {"awslogs": {"data": []}},
     {"awslogs": {"data": {}}}, {"awslogs": "data"}, kinesis_batch([]), pytest.param(object(), id="an object")],
    ids=repr,
)  # fmt: skip
def test_an_odd_invocation_is_undecodable_whole(odd: Any) -> None:
    """Nothing that Lambda could hand over makes decoding raise."""
    (lost,) = read_invocation(odd).undecodable
    assert lost.stage is Stage.BATCH
    assert lost.data
