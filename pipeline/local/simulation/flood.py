"""A flood: tens of thousands of denied calls in half a minute, and one stopped trail among them."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.local.simulation.example import rules
from pipeline.local.simulation.reckoning import Traffic, counted, happening
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.taps import Port

SHARDS = 20
SECONDS = 25
ROLES = 3
STOPPED_AT = (12, 7)
"""Second and shard of the stopped trail."""
EVENTS_A_RECORD = 100
"""50,000 in all."""


class FloodFigures(NamedTuple):
    """What came of it."""

    told_after_s: float
    """From the stopped trail's arrival in the stream to its message, in seconds."""
    posts: int
    edits: int
    counted: int
    """Events that the messages count."""
    events: int
    invocations: int
    claims: int
    """Conditional writes for alerts."""
    openings: int
    """Conditional writes for groups."""
    tickets: int
    handed_back: int
    dead_letters: int


def rushes_in(events_a_record: int = EVENTS_A_RECORD) -> tuple[FloodFigures, Simulation, Traffic]:
    """Simulate a flood with a record a second and shard, until nothing is left of it."""
    with Simulation(rules(), Setup(seed=1, shards=SHARDS)) as simulation:
        traffic, number, stopped_ms = Traffic(simulation), 0, 0
        for second in range(SECONDS):
            for shard in range(SHARDS):
                numbers = range(number, number + events_a_record)
                events = [happening(n, "Denied", f"role{n % ROLES}") for n in numbers]
                number += events_a_record
                if (second, shard) == STOPPED_AT:
                    events.append(happening(10**9, "StopLogging", "mallory"))
                    stopped_ms = simulation.timeline.now_ms
                traffic.put(events, shard)
            simulation.run(1)
        simulation.run()
        return _figures(simulation, traffic, stopped_ms), simulation, traffic


def _figures(simulation: Simulation, traffic: Traffic, stopped_ms: int) -> FloodFigures:
    messages, calls = simulation.witness.messages.values(), simulation.taps.counts
    stopped = [m.at_ms for m in messages for said in m.said if said.alert.rule.name == "Trail stopped"]
    return FloodFigures(
        told_after_s=(min(stopped) - stopped_ms) / 1000,
        posts=len(messages),
        edits=sum(asked.method == "chat.update" for asked in simulation.witness.requests),
        counted=counted(messages).total(),
        events=traffic.expected.total(),
        invocations=sum(shard.invocations for shard in simulation.shards),
        claims=calls[Port.STATE, "take_claim"],
        openings=calls[Port.STATE, "open_group"],
        tickets=simulation.queue.sent,
        handed_back=sum(shard.unsafe for shard in simulation.shards),
        dead_letters=len(simulation.queue.dead),
    )


def table(figures: FloodFigures) -> str:
    """Write the figures as lines of a Markdown table."""
    f = figures
    lines = (
        ("the `StopLogging` is told after", f"{f.told_after_s:.1f} s of stream time"),
        ("posts, edits", f"{f.posts}, {f.edits}"),
        ("events counted in the messages", f"{f.counted:,} of {f.events:,}"),
        ("invocations that read the stream", f"{f.invocations}"),
        (
            "conditional claims and group openings",
            f"{f.claims} and {f.openings}: they follow the groups ({SHARDS} shards meet {ROLES}), not the alerts",
        ),
        ("tickets sent", f"{f.tickets}"),
        ("handed back to the stream, dead-lettered", f"{f.handed_back}, {f.dead_letters}"),
    )
    return "| | |\n|---|---|\n" + "".join(f"| {what} | {figure} |\n" for what, figure in lines)
