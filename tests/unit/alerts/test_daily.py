"""The daily line: calm when all is well, and what is wrong first when something is."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.alerts.daily import Tally, report

DAY = dt.date(2026, 11, 20)
FINE = Tally(
    invocations=1_440,
    events=48_112,
    matched=230,
    alerts=216,
    told=31,
    grouped=181,
    suppressed=4,
    slowest_ms=2_140,
)
CALM = (
    "Trailwire is alive: yesterday 48,112 events, 31 alerts told (212 with repeats), 4 suppressed, 0 quarantined; "
    "slowest alert 2.1 s."
)

LINES = [
    (FINE, CALM, "info"),
    (
        Tally(invocations=24, events=1, told=1, slowest_ms=90_000),
        "Trailwire is alive: yesterday 1 event, 1 alert told, 0 suppressed, 0 quarantined; slowest alert 2 min.",
        "info",
    ),
    (
        Tally(invocations=24, events=500),
        "Trailwire is alive: yesterday 500 events, 0 alerts told, 0 suppressed, 0 quarantined.",
        "info",
    ),
    (
        replace(FINE, told=1, grouped=0, slowest_ms=3 * 3_600_000),
        "Trailwire is alive: yesterday 48,112 events, 1 alert told, 4 suppressed, 0 quarantined; slowest alert 3.0 h.",
        "info",
    ),
    (
        Tally(),
        (
            "No events at all: is the trail on, and does its subscription filter let anything through? "
            "Trailwire is alive: yesterday 0 events, 0 alerts told, 0 suppressed, 0 quarantined."
        ),
        "warning",
    ),
    (
        replace(FINE, rejected=2, quarantined=1, failures=3),
        "2 alerts refused by a destination: look for its own notice. "
        "1 input could not be read: `trailwire replay` sends what is kept. "
        "3 rule failures: a rule that fails on an event does not match it. "
        + CALM.replace("0 quarantined", "1 quarantined"),
        "warning",
    ),
]


@pytest.mark.parametrize(("tally", "text", "severity"), LINES)
def test_a_day_is_told_in_one_paragraph(tally: Tally, text: str, severity: str) -> None:
    notice = report(DAY, tally)
    assert (notice.text, notice.severity) == (text, severity)


def test_each_day_has_a_cause_of_its_own_that_does_not_depend_on_the_figures() -> None:
    assert report(DAY, FINE).cause == report(DAY, Tally()).cause == "daily report for 2026-11-20"
    assert report(DAY + dt.timedelta(days=1), FINE).cause != report(DAY, FINE).cause


numbers = st.integers(0, 10**12)


@given(st.builds(Tally, *[numbers] * 12))
def test_every_day_fits_into_one_short_paragraph(tally: Tally) -> None:
    """Law: whatever the figures, the line is one printable paragraph that ends with being alive."""
    notice = report(DAY, tally)
    assert notice.text.isprintable()
    assert len(notice.text) < 700
    assert "Trailwire is alive: yesterday" in notice.text
    assert (notice.severity == "info") == (
        bool(tally.events) and not (tally.rejected or tally.quarantined or tally.failures)
    )
