"""Everything that goes wrong for a while, one thing at a time: the rows of docs/reliability.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.local.simulation.incidents import INCIDENTS, Incident, happens, row
from pipeline.local.simulation.reckoning import unbalanced

LONGEST_BACKOFF_S = 300
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture(params=INCIDENTS, ids=lambda incident: incident.name)
def incident(request: pytest.FixtureRequest) -> Incident:
    found: Incident = request.param
    return found


def test_nothing_is_lost_and_the_stream_goes_on(incident: Incident) -> None:
    """Whatever fails, everything is told in the end, and where the outbox can hold what waits, no record goes back.

    The figures are those of the document: `python -m pipeline.local.simulation.incidents docs/reliability.md`.
    """
    figures, simulation = happens(incident)
    assert figures.lost == 0
    assert figures.dead_letters == 0
    assert unbalanced(simulation) == []
    assert figures.told_twice == 0 or incident.forgets
    assert figures.handed_back == 0 or incident.stops_stream
    assert figures.last_s <= LONGEST_BACKOFF_S
    assert figures.critical_s <= 4 * 60 + 60, "four minutes until the incident is over, and its own backoff"
    assert row(incident.name, figures) in DOCUMENT.read_text("utf-8")


def test_what_cannot_be_told_goes_to_the_error_destination_at_once() -> None:
    """While a channel is archived, its alerts stand in the other one, seconds after they came."""
    (incident,) = [one for one in INCIDENTS if one.name == "channel archived, others are told"]
    figures, simulation = happens(incident)
    assert figures.critical_s < 5
    posts = simulation.slack.transcript(simulation.channels["errors"])
    assert any("Trail stopped" in post.all_text() for post in posts)
    assert any("does not take messages" in post.all_text() for post in posts)
