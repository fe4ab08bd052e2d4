"""Incidents: what delivery does in each, in figures.

`python -m pipeline.local.simulation.incidents docs/reliability.md` writes them there, and those of `flood` and
`outage`, too; without a file it prints them.

Each lasts five minutes in ten minutes of traffic, if its row says nothing else: two shards, a record every fifteen
seconds, three people denied again and again, one stopped trail, and something unreadable now and then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple

from pipeline.local.simulation import flood, outage
from pipeline.local.simulation.example import rules
from pipeline.local.simulation.reckoning import Traffic, happening, missing, told_first
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.taps import Call, Port, Trouble
from pipeline.local.slack_faults import FOREVER, Fault, api_error, ratelimited, server_error, unanswered

MINUTE_MS = 60_000
Strike = Callable[[Simulation, int], None]
"""Lets an incident happen, from now until then (epoch milliseconds)."""


class Incident(NamedTuple):
    """Something that goes wrong."""

    name: str
    strike: Strike
    errors_to: bool = False
    forgets: bool = False
    """Something may be told or counted twice: functions die, answers are lost, or the state is out."""
    stops_stream: bool = False
    """Records are handed back until it is over."""


class Figures(NamedTuple):
    """What came of it."""

    alerts: int
    lost: int
    told_twice: int
    critical_s: float
    """From the stopped trail's arrival to its message, in seconds."""
    last_s: float
    """From the end of the incident until nothing of it was left untold, in seconds."""
    posts: int
    """Messages that Slack took."""
    edits: int
    refused: int
    """Requests that Slack did not answer as was hoped."""
    tickets: int
    """Tickets that were ever queued."""
    handed_back: int
    """Batches of which something went back to the stream."""
    dead_letters: int


def happens(incident: Incident, seed: int = 1) -> tuple[Figures, Simulation]:
    """Simulate an incident, and what is left of it until nothing is."""
    with Simulation(rules(errors_to=incident.errors_to), Setup(seed=seed, shards=2)) as simulation:
        traffic, began_ms = Traffic(simulation), simulation.timeline.now_ms
        incident.strike(simulation, began_ms + 5 * MINUTE_MS)
        number = 0
        for step in range(40):
            for shard in range(2):
                events = [happening(number + i, "Denied", f"person{(number + i) % 3}") for i in range(5)]
                number += 5
                if (step, shard) == (4, 1):
                    events.append(happening(10**9, "StopLogging", "mallory"))
                traffic.put(events, shard, ["not an event"] if step % 8 == 0 else [])
            simulation.run(15)
        simulation.run(12 * 3_600)
        return _figures(simulation, traffic, began_ms), simulation


def _figures(simulation: Simulation, traffic: Traffic, began_ms: int) -> Figures:
    requests = simulation.witness.requests
    messages = simulation.witness.messages.values()
    firsts = told_first(messages)
    critical = [s.at_ms for s in messages for said in s.said if said.alert.rule.name == "Trail stopped"]
    until_ms = began_ms + 5 * MINUTE_MS
    firsts_ms = [shown[0].at_ms for shown in firsts.values()]
    return Figures(
        alerts=traffic.expected.total(),
        lost=missing(simulation, traffic).total(),
        told_twice=sum(len(shown) > 1 for shown in firsts.values()),
        critical_s=(min(critical) - began_ms - MINUTE_MS) / 1000,
        last_s=max([0, *(at_ms - until_ms for at_ms in firsts_ms if at_ms < until_ms + 10 * MINUTE_MS)]) / 1000,
        posts=len(messages),
        edits=sum(asked.method == "chat.update" and bool(asked.ts) for asked in requests),
        refused=sum(asked.status != 200 or bool(asked.error) for asked in requests),  # noqa: PLR2004 - HTTP's number
        tickets=simulation.queue.sent,
        handed_back=sum(shard.unsafe for shard in simulation.shards),
        dead_letters=len(simulation.queue.dead),
    )


# ---- what goes wrong


def _nothing(_simulation: Simulation, _until_ms: int) -> None:
    pass


def _slack(fault: Fault, channel: str = "") -> Strike:
    def strike(simulation: Simulation, until_ms: int) -> None:
        where = simulation.channels[channel] if channel else None
        simulation.slack.faults.script(fault, times=FOREVER, until=until_ms / 1000, channel=where)

    return strike


def _every_other(fault: Fault) -> Strike:
    """Let every second call fail, as where blocks are refused and the same in plain text passes."""

    def strike(simulation: Simulation, until_ms: int) -> None:
        calls = 0

        def choose(_method: str, _channel: str, now: float) -> Fault | None:
            nonlocal calls
            calls += 1
            return fault if calls % 2 and now * 1000 < until_ms else None

        simulation.slack.faults.choose(choose)

    return strike


def _archived(simulation: Simulation, until_ms: int) -> None:
    channel = simulation.channels["security"]
    simulation.slack.archive(channel)
    simulation.timeline.at(until_ms, lambda: simulation.slack.archive(channel, archived=False))


def _unreachable(port: Port) -> Strike:
    def strike(simulation: Simulation, until_ms: int) -> None:
        def choose(call: Call) -> Trouble | None:
            return Trouble.FAILS if call.port is port and call.at_ms < until_ms else None

        simulation.taps.choose = choose

    return strike


def _throttled(simulation: Simulation, until_ms: int) -> None:
    chance = simulation.timeline.random

    def choose(call: Call) -> Trouble | None:
        is_struck = call.port is Port.STATE and call.at_ms < until_ms and chance.random() < 1 / 10
        return Trouble.FAILS_AFTER if is_struck else None

    simulation.taps.choose = choose


def _deadly(simulation: Simulation, until_ms: int) -> None:
    chance = simulation.timeline.random

    def choose(call: Call) -> Trouble | None:
        is_struck = call.at_ms < until_ms and chance.random() < 1 / 20
        return chance.choice([Trouble.DIES_BEFORE, Trouble.DIES_AFTER]) if is_struck else None

    simulation.taps.choose = choose


INCIDENTS = (
    Incident("nothing", _nothing),
    Incident("429 to every second request, Retry-After 30 s", _every_other(ratelimited(30))),
    Incident("503 to every request", _slack(server_error())),
    Incident("no answer, though the message was taken", _slack(unanswered(accepted=True)), forgets=True),
    Incident("token revoked, then mended", _slack(api_error("token_revoked"))),
    Incident("token revoked, others are told", _slack(api_error("token_revoked"), "security"), errors_to=True),
    Incident("channel archived, then brought back", _archived),
    Incident("channel archived, others are told", _archived, errors_to=True),
    Incident("blocks refused, plain text taken", _every_other(api_error("invalid_blocks"))),
    Incident("DynamoDB unreachable", _unreachable(Port.STATE), forgets=True),
    Incident("DynamoDB loses one answer in ten", _throttled, forgets=True),
    Incident("SQS unreachable", _unreachable(Port.OUTBOX)),
    Incident("the quarantine's S3 unreachable", _unreachable(Port.QUARANTINE), stops_stream=True),
    Incident("functions die at one call in twenty", _deadly, forgets=True, stops_stream=True),
)


COLUMNS = (
    "for five minutes",
    "alerts",
    "lost",
    "told twice",
    "stopped trail told after",
    "all told, after its end",
    "posts",
    "edits",
    "requests refused",
    "tickets",
    "batches handed back",
    "dead letters",
)


def table() -> str:
    """Write every incident's figures as a Markdown table."""
    rows = [row(incident.name, happens(incident)[0]) for incident in INCIDENTS]
    return "".join([_line(COLUMNS), _line(("---",) * len(COLUMNS)), *rows])


def row(name: str, figures: Figures) -> str:
    """Write one incident's figures as a line of the table."""
    return _line((name, *(f"{v:.1f} s" if isinstance(v, float) else str(v) for v in figures)))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"


def rewrite(path: Path) -> None:
    """Put the tables as they are now in place of those that a document has below their headings."""
    document = path.read_text("utf-8")
    for heading, written in tables().items():
        start = document.index("\n|", document.index(f"## {heading}\n")) + 1
        lines = document[start:].splitlines(keepends=True)
        document = document[:start] + written + "".join(dropwhile(lambda line: line.startswith("|"), lines))
    path.write_text(document, "utf-8")


def tables() -> dict[str, str]:
    """Write all tables, each by its heading in the document."""
    return {
        "A flood": flood.table(flood.rushes_in()[0]),
        "An hour without Slack": outage.table(outage.happens()[0]),
        "Fourteen kinds of trouble": table(),
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        rewrite(Path(sys.argv[1]))
    else:
        sys.stdout.write("".join(f"## {heading}\n\n{written}\n" for heading, written in tables().items()))
