"""What makes an event the same event."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from pipeline.decode.identity import event_identity

HASH = hashlib.sha256(b"message").hexdigest()
TABLE: list[tuple[dict[str, Any] | None, str]] = [
    ({"eventID": "a"}, "a"),
    ({"eventId": "b"}, "b"),
    ({"eventID": "a", "eventId": "b"}, "a"),
    ({"eventID": "", "eventId": "b"}, "b"),
    ({"eventID": 5}, HASH),
    ({"eventID": None, "eventId": []}, HASH),
    ({}, HASH),
    (None, HASH),
]


@pytest.mark.parametrize(("event", "expected"), TABLE, ids=str)
def test_an_event_goes_by_its_id_else_by_its_message(event: dict[str, Any] | None, expected: str) -> None:
    """Ids are texts; anything else there is as good as none."""
    assert event_identity(event, "message") == expected


def test_an_event_without_a_message_goes_by_what_it_says() -> None:
    """Two events that say the same are the same; a lone surrogate is no obstacle."""
    assert event_identity({"a": "\ud800"}) == event_identity({"a": "\ud800"})
    assert event_identity({"a": 1}) != event_identity({"a": 2})
    assert len(event_identity({}, "\ud800")) == 64
