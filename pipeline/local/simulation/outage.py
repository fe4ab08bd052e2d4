"""An hour without Slack: what piles up meanwhile, and how fast and in which order it is told afterwards."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from pipeline.alerts.content import Many
from pipeline.local.simulation.example import rules
from pipeline.local.simulation.reckoning import Traffic, happening, missing, told_first
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.slack_faults import FOREVER, server_error
from pipeline.rules.rule import Severity

MINUTE_MS = 60_000
SHARDS = 4
OUTAGE_MIN, TRAFFIC_MIN = 60, 90
CRITICAL_EVERY_MIN = 10
USERS, WRITERS = 200, 50
LONG_MIN = 20
"""How long after Slack's return messages are counted."""


class OutageFigures(NamedTuple):
    """What came of it."""

    events: int
    handed_back: int
    dead_letters: int
    lost: int
    waiting: int
    """Tickets in the queue at the end of the hour."""
    waits_s: dict[Severity, list[float]]
    """How long after Slack's return each alert of the hour was told, in seconds, in ascending order."""
    posts: int
    """Messages within `LONG_MIN` minutes of its return."""
    lists: int
    """Those of them that list many alerts."""


def happens() -> tuple[OutageFigures, Simulation, Traffic]:
    """Simulate it, and what is left of it until nothing is."""
    with Simulation(rules(), Setup(seed=1, shards=SHARDS)) as simulation:
        traffic, end_ms, waiting = Traffic(simulation), simulation.timeline.now_ms + OUTAGE_MIN * MINUTE_MS, 0
        simulation.slack.faults.script(server_error(), times=FOREVER, until=end_ms / 1000)
        for minute in range(TRAFFIC_MIN):
            for shard in range(SHARDS):
                _put(traffic, minute, shard)
            simulation.run(60)
            waiting = len(simulation.queue.messages) if minute + 1 == OUTAGE_MIN else waiting
        simulation.run(3 * 3_600)
        return _figures(simulation, traffic, end_ms, waiting), simulation, traffic


def _put(traffic: Traffic, minute: int, shard: int) -> None:
    """Put one minute's record: five denied calls, an object written and, now and then, a trail stopped."""
    number = minute * SHARDS + shard
    events = [happening(n, "Denied", f"user{n % USERS}") for n in range(5 * number, 5 * number + 5)]
    events.append(happening(10**6 + number, "PutObject", f"writer{number % WRITERS}"))
    if minute % CRITICAL_EVERY_MIN == CRITICAL_EVERY_MIN // 2 and shard == 0:
        events.append(happening(10**9 + minute, "StopLogging", f"mallory{minute}"))
    traffic.put(events, shard)


def _figures(simulation: Simulation, traffic: Traffic, end_ms: int, waiting: int) -> OutageFigures:
    messages = simulation.witness.messages.values()
    waits: dict[Severity, list[float]] = {severity: [] for severity in Severity}
    for key, shown in told_first(messages).items():
        alert = next(said.alert for said in shown[0].said if said.alert.key == key)
        if alert.first_seen_ms < end_ms:
            waits[alert.rule.severity].append((shown[0].at_ms - end_ms) / 1000)
    soon = [message for message in messages if 0 <= message.at_ms - end_ms <= LONG_MIN * MINUTE_MS]
    return OutageFigures(
        events=traffic.expected.total(),
        handed_back=sum(shard.unsafe for shard in simulation.shards),
        dead_letters=len(simulation.queue.dead),
        lost=missing(simulation, traffic).total(),
        waiting=waiting,
        waits_s={severity: sorted(each) for severity, each in waits.items()},
        posts=len(soon),
        lists=sum(isinstance(message.contents[0], Many) for message in soon),
    )


def table(figures: OutageFigures) -> str:
    """Write the figures as lines of a Markdown table."""
    f = figures
    critical, medium, low = (f.waits_s[severity] for severity in (Severity.CRITICAL, Severity.MEDIUM, Severity.LOW))
    lines = (
        ("handed back to the stream, dead-lettered, lost", f"{f.handed_back}, {f.dead_letters}, {f.lost}"),
        ("tickets waiting at the end of the hour", f"{f.waiting}, about one for each group and single alert"),
        ("critical alerts told after", _waits(critical)),
        ("medium ones", _waits(medium)),
        ("low ones, each by itself", _waits(low)),
        (
            f"messages within {LONG_MIN} minutes",
            f"{f.posts}, of them {f.lists} lists of what came together",
        ),
    )
    return "| | |\n|---|---|\n" + "".join(f"| {what} | {figure} |\n" for what, figure in lines)


def _waits(waits_s: list[float]) -> str:
    """Describe waits that are in ascending order."""
    return f"median {median(waits_s):.0f} s, the last after {waits_s[-1]:.0f} s ({len(waits_s)})"
