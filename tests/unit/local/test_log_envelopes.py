"""Log events travel in as few records as the limits allow, and none is lost, doubled or moved."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.log_delivery import LogDelivery, Route
from pipeline.local.log_envelopes import Origin, control_message, envelopes

ORIGIN = Origin("123456789012", "group", "stream", "filter")
ROUTE = Route(ORIGIN, "arn:aws:kinesis:us-east-1:123456789012:stream/s")


def event(number: int, message: str = "m") -> dict[str, Any]:
    return {"id": f"{number:056d}", "timestamp": 1, "message": message}


def opened(data: bytes) -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(data)))


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=30), st.integers(200, 600))
def test_splitting_keeps_every_event_in_order_and_every_record_small(messages: list[str], max_bytes: int) -> None:
    """The records' events are the events, and no record with more than one event is above the limit."""
    events = [event(number, message) for number, message in enumerate(messages)]
    records = list(envelopes(ORIGIN, events, max_bytes))
    assert all(len(record) <= max_bytes for record in records)
    kept = [e for record in records for e in opened(record)["logEvents"]]
    assert kept == [e for e in events if list(envelopes(ORIGIN, [e], max_bytes))]


def test_a_record_takes_at_most_ten_thousand_events() -> None:
    sizes = [len(opened(record)["logEvents"]) for record in envelopes(ORIGIN, [event(n) for n in range(10_001)])]
    assert sizes == [5000, 5001]


def test_an_event_too_large_for_a_record_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    records = list(envelopes(ORIGIN, [event(1), event(2), event(3)], 150))
    assert records == []
    assert "too large for a Kinesis record" in caplog.text


def test_a_probe_says_nothing_of_any_log() -> None:
    probe = opened(control_message(5))
    assert probe["messageType"] == "CONTROL_MESSAGE"
    assert (probe["logGroup"], probe["logStream"], probe["subscriptionFilters"]) == ("", "", [])
    assert probe["logEvents"][0]["id"] == ""


def test_what_is_added_before_a_flush_shares_a_record() -> None:
    put: list[tuple[str, str, bytes]] = []
    delivery = LogDelivery(lambda *record: put.append(record), linger_s=600)
    delivery.add(ROUTE, [event(1)])
    delivery.add(ROUTE, [event(2)])
    delivery.flush()
    delivery.flush()
    ((stream, _, data),) = put
    assert stream == ROUTE.stream_arn
    assert [e["id"] for e in opened(data)["logEvents"]] == [event(1)["id"], event(2)["id"]]


def test_what_waits_is_sent_when_the_delivery_stops() -> None:
    put: list[bytes] = []
    delivery = LogDelivery(lambda _stream, _key, data: put.append(data), linger_s=600)
    delivery.start()
    delivery.add(ROUTE, [event(1)])
    delivery.stop()
    assert len(put) == 1


def test_a_destination_that_is_gone_costs_its_own_events_only() -> None:
    put: list[str] = []

    def refuse(stream_arn: str, _key: str, _data: bytes) -> None:
        if stream_arn == "gone":
            raise LookupError("no such stream")
        put.append(stream_arn)

    delivery = LogDelivery(refuse, linger_s=600)
    delivery.add(Route(ORIGIN, "gone"), [event(1), event(2)])
    delivery.add(ROUTE, [event(3)])
    delivery.flush()
    assert put == [ROUTE.stream_arn]
    assert delivery.undeliverable == 2
