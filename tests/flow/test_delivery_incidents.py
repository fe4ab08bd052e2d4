"""Incidents, simulated whole: a flood that hides one event, and an hour without Slack.

In `make soak` (SOAK in the environment) the flood has 50,000 events, as docs/reliability.md reports it.
"""

from __future__ import annotations

import os

from pipeline.local.simulation.reckoning import Traffic, happening, missing, surplus, unbalanced
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.taps import Port
from pipeline.local.slack_faults import FOREVER, server_error
from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet

SHARDS = 20
EVENTS_A_RECORD = 100 if "SOAK" in os.environ else 10
SECONDS = 25
CONFIG = """
[[destination]]
id = "security"
type = "slack"
channel = "C0123456789"
token = "env:SLACK_BOT_TOKEN"

[[rule]]
name = "Denied"
event_names = ["Denied"]
destinations = ["security"]

[[rule]]
name = "Trail stopped"
severity = "critical"
event_names = ["StopLogging"]
destinations = ["security"]
"""


def rules() -> RuleSet:
    return ruleset.parse(CONFIG, lambda path: path)


def test_a_flood_of_denied_calls_hides_no_stopped_trail() -> None:
    """The one that matters is told within two seconds, the rest in a few messages, and every event is counted."""
    with Simulation(rules(), Setup(seed=1, shards=SHARDS)) as simulation:
        traffic, number, stopped_ms = Traffic(simulation), 0, 0
        for second in range(SECONDS):
            for shard in range(SHARDS):
                events = [happening(number + i, "Denied", f"role{(number + i) % 3}") for i in range(EVENTS_A_RECORD)]
                number += EVENTS_A_RECORD
                if (second, shard) == (12, 7):
                    events.append(happening(10**9, "StopLogging", "mallory"))
                    stopped_ms = simulation.timeline.now_ms
                traffic.put(events, shard)
            simulation.run(1)
        simulation.run()
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)
    assert not unbalanced(simulation)
    told_ms = min(
        shown.at_ms
        for shown in simulation.witness.messages.values()
        if any(said.alert.rule.name == "Trail stopped" for said in shown.said)
    )
    assert told_ms - stopped_ms <= 2_000
    totals = simulation.totals
    assert totals["Events"] == number + 1
    assert totals["Posts"] <= 10
    claims = simulation.taps.counts[Port.STATE, "take_claim"]
    assert claims <= 4 * (SHARDS + 1), "conditional writes follow the groups: each shard may try for each once"


def test_an_hour_without_slack_stops_no_stream_and_loses_no_alert() -> None:
    """The stream never waits, tickets do not multiply, and afterwards everything is told, the severest first."""
    with Simulation(rules(), Setup(seed=1, shards=2)) as simulation:
        traffic, number = Traffic(simulation), 0
        end_ms = simulation.timeline.now_ms + 3_600_000
        simulation.slack.faults.script(server_error(), times=FOREVER, until=end_ms / 1000)
        most_tickets = 0
        for minute in range(70):
            for shard in range(2):
                events = [happening(number + i, "Denied", f"user{(number + i) % 40}") for i in range(3)]
                number += 3
                if minute % 20 == 3 and shard:
                    number += 1
                    events.append(happening(10**9 + number, "StopLogging", f"mallory{minute}"))
                traffic.put(events, shard)
            simulation.run(60)
            most_tickets = max(most_tickets, len(simulation.queue.messages))
        simulation.run(7 * 3600)
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)
    assert not unbalanced(simulation)
    assert not simulation.queue.dead
    assert sum(shard.unsafe for shard in simulation.shards) == 0
    assert most_tickets <= 4 * 44, "a few tickets for each of the 44 groups, however long it takes"
    first: dict[str, int] = {}
    for shown in sorted(simulation.witness.messages.values(), key=lambda shown: shown.at_ms):
        for said in shown.said:
            if said.is_first and said.alert.first_seen_ms < end_ms:
                first.setdefault(said.alert.rule.name + said.alert.key, shown.at_ms)
    critical = [at_ms for name, at_ms in first.items() if name.startswith("Trail stopped")]
    others = [at_ms for name, at_ms in first.items() if name.startswith("Denied")]
    assert max(critical) - end_ms <= 90_000
    assert max(critical) < max(others)
