"""Retry-After in both of its forms, and in forms that it does not have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.destinations.retry_after import DEFAULT_RETRY_AFTER_S, MAX_RETRY_AFTER_S, retry_after_s

NOON_S = 1_767_268_800.0

CASES: list[tuple[str | None, float]] = [
    ("30", 30),
    (" 7 ", 7),
    ("1.5", 1.5),
    ("0", 1),
    ("-5", 1),
    ("86400", MAX_RETRY_AFTER_S),
    ("inf", MAX_RETRY_AFTER_S),
    ("1e999", MAX_RETRY_AFTER_S),
    ("Thu, 01 Jan 2026 12:01:30 GMT", 90),
    ("Thu, 01 Jan 2026 11:00:00 GMT", 1),
    ("Fri, 01 Jan 2027 12:00:00 GMT", MAX_RETRY_AFTER_S),
    (None, DEFAULT_RETRY_AFTER_S),
    ("", DEFAULT_RETRY_AFTER_S),
    ("nan", DEFAULT_RETRY_AFTER_S),
    ("soon", DEFAULT_RETRY_AFTER_S),
    ("Thu, 99 Foo 2026 12:00:00 GMT", DEFAULT_RETRY_AFTER_S),
    ("Thu, 01 Jan 99999 12:00:00 GMT", DEFAULT_RETRY_AFTER_S),
]


@pytest.mark.parametrize(("header", "seconds"), CASES)
def test_a_retry_after_is_read(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, NOON_S) == seconds


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [A-Z+0-9-]{1,6}"))
def test_every_header_means_a_time_between_a_second_and_an_hour(header: str) -> None:
    """Law: whatever the header says, the wait is finite, positive and bounded."""
    assert 1 <= retry_after_s(header) <= MAX_RETRY_AFTER_S
