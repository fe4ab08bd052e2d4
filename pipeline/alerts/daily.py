"""The daily line: that the pipeline is alive, and what it did. Silence would look the same as death."""

from __future__ import annotations

import datetime as dt

import msgspec

from pipeline.alerts.alert import Notice


class Tally(msgspec.Struct, frozen=True):
    """What happened on one day (UTC), added up over its invocations."""

    invocations: int = 0
    events: int = 0
    """CloudTrail events that were read."""
    matched: int = 0
    """Events that some rule matched."""
    alerts: int = 0
    """Alerts opened, those included that were grouped, suppressed or known already."""
    told: int = 0
    """Alerts that a message was sent for."""
    grouped: int = 0
    """Repeats that an earlier message told."""
    suppressed: int = 0
    deferred: int = 0
    """How often an alert was put in the outbox; one may be put there several times."""
    quarantined: int = 0
    rejected: int = 0
    """Alerts that their destination would not take, and that went to the error destinations."""
    failures: int = 0
    """How often a rule's program failed on an event."""
    slowest_ms: int = 0
    """Longest time from arrival in the stream to being told."""


def report(day: dt.date, tally: Tally) -> Notice:
    """Say in one paragraph what happened on this day: what is wrong first, then the figures.

    Its cause names the day, so that each day is told once, however many functions report it.
    """
    wrong = _wrong(tally)
    return Notice(
        cause=f"daily report for {day.isoformat()}",
        text=" ".join([*wrong, _alive(tally)]),
        severity="warning" if wrong else "info",
    )


def _wrong(tally: Tally) -> list[str]:
    """Return a sentence for each thing that somebody should look at, the gravest first."""
    found = []
    if not tally.events:
        found.append("No events at all: is the trail on, and does its subscription filter let anything through?")
    if tally.rejected:
        found.append(f"{_counted(tally.rejected, 'alert')} refused by a destination: look for its own notice.")
    if tally.quarantined:
        found.append(
            f"{_counted(tally.quarantined, 'input')} could not be read: `trailwire replay` sends what is kept."
        )
    if tally.failures:
        found.append(f"{_counted(tally.failures, 'rule failure')}: a rule that fails on an event does not match it.")
    return found


def _alive(tally: Tally) -> str:
    repeats = f" ({tally.told + tally.grouped:,} with repeats)" if tally.grouped else ""
    slowest = f"; slowest alert {_seconds(tally.slowest_ms)}" if tally.told else ""
    figures = [
        _counted(tally.events, "event"),
        f"{_counted(tally.told, 'alert')} told{repeats}",
        f"{tally.suppressed:,} suppressed",
        f"{tally.quarantined:,} quarantined",
    ]
    return f"Trailwire is alive: yesterday {', '.join(figures)}{slowest}."


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _seconds(ms: int) -> str:
    """Write a duration as people say it."""
    if ms < 60_000:  # noqa: PLR2004 - a minute
        return f"{ms / 1000:.1f} s"
    minutes = round(ms / 60_000)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - two hours
