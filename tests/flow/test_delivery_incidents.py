"""Incidents, simulated whole: a flood that hides one event, and an hour without Slack, as docs/reliability.md tells."""

from __future__ import annotations

from pathlib import Path

from pipeline.local.simulation import flood, outage
from pipeline.local.simulation.reckoning import missing, surplus, unbalanced
from pipeline.rules.rule import Severity

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_a_flood_of_denied_calls_hides_no_stopped_trail() -> None:
    """The one that matters is told within two seconds, the rest in a few messages, and every event is counted."""
    figures, simulation, traffic = flood.rushes_in()
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)
    assert not unbalanced(simulation)
    assert figures.told_after_s <= 2
    assert simulation.totals["Events"] == figures.events
    assert simulation.totals["Posts"] == figures.posts <= 10
    assert figures.claims <= 4 * (flood.SHARDS + 1), "conditional writes follow the groups: each shard tries each once"
    assert flood.table(figures) in DOCUMENT.read_text("utf-8")


def test_an_hour_without_slack_stops_no_stream_and_loses_no_alert() -> None:
    """The stream never waits, tickets do not multiply, and afterwards everything is told, the severest first."""
    figures, simulation, traffic = outage.happens()
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)
    assert not unbalanced(simulation)
    assert not simulation.queue.messages
    assert (figures.handed_back, figures.dead_letters) == (0, 0)
    critical, medium, low = (figures.waits_s[each] for each in (Severity.CRITICAL, Severity.MEDIUM, Severity.LOW))
    assert figures.waiting <= 1.1 * len(critical + medium + low), "about one for each, however long it takes"
    assert critical[-1] <= 60
    assert critical[-1] < medium[-1] < low[-1]
    assert outage.table(figures) in DOCUMENT.read_text("utf-8")
