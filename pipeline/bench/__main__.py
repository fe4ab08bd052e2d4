"""`make bench`: measure matching against the decode floor, and keep the figures in docs/benchmarks.md.

    python -m pipeline.bench [--quick] [--output FILE]

Exits with 1 if a ratio that the product promises is not kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
from functools import partial
from pathlib import Path

import msgspec

from pipeline.bench import candidates, traffic
from pipeline.bench.clock import Candidate, alternate, ratio
from pipeline.bench.rules import rule_set
from pipeline.bench.startup import Times, startup_seconds
from pipeline.rules.matcher import Matcher

COUNTS = (10, 100, 500, 1_000, 5_000)


class Effort(msgspec.Struct, frozen=True):
    """How much is measured."""

    events: int
    rounds: int
    starts: int
    peers: tuple[int, ...]
    memory_batches: int
    tolerance: float
    """How far a measured ratio may be above its promise before the exit code says so."""


FULL = Effort(events=65 * 60, rounds=7, starts=15, peers=(100, 500), memory_batches=60, tolerance=1.0)
QUICK = Effort(events=65 * 12, rounds=3, starts=5, peers=(100,), memory_batches=10, tolerance=1.5)


class Promise(msgspec.Struct, frozen=True):
    """A ratio that the product promises to keep."""

    says: str
    most: float
    measured: float

    def __str__(self) -> str:
        """One line of the report."""
        verdict = "kept" if self.measured <= self.most else "BROKEN"
        return f"| {self.says} | {self.most:.2f} | {self.measured:.2f} | {verdict} |"


def main(arguments: list[str]) -> int:
    """Measure, print, write the report; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute's worth, for CI: wider noise, same checks")
    parser.add_argument("--output", type=Path, help="write the report here too")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else FULL
    report, promises = measured(effort)
    print(report)
    if options.output:
        options.output.write_text(report + "\n")
    return 1 if any(promise.measured > promise.most * effort.tolerance for promise in promises) else 0


def measured(effort: Effort) -> tuple[str, list[Promise]]:
    """Return the whole report and the promises in it."""
    matchers = {count: Matcher(rule_set(count)) for count in COUNTS}
    seconds = {
        (kind, unique): _traffic_seconds(matchers, kind, effort, unique=unique)
        for kind in traffic.SHARES
        for unique in (False, True)
    }
    if traffic.real_messages(1):
        seconds["real", False] = _traffic_seconds(matchers, "real", effort, unique=False)
    starts = startup_seconds(500, effort.starts)
    promises = [*_traffic_promises(seconds), *_start_promises(starts)]
    parts = [
        _HEAD.format(python=platform.python_version(), cores=os.cpu_count(), rounds=effort.rounds),
        "\n".join(["| promise | at most | measured | |", "|---|---|---|---|", *map(str, promises)]),
        _traffic_table(seconds, effort),
        _peer_table(matchers, effort),
        _start_table(starts),
        _memory_line(matchers[500], effort),
    ]
    return "\n\n".join(parts), promises


def _nothing() -> None:
    """Leave what is remembered."""


Rounds = dict[str, list[float]]
Seconds = dict[tuple[str, bool], Rounds]


def _traffic_seconds(
    matchers: dict[int, Matcher], kind: str, effort: Effort, *, unique: bool
) -> dict[str, list[float]]:
    """Time everything on one kind of traffic. Unique values stay new: nothing is remembered from round to round."""
    messages = (
        traffic.real_messages(effort.events) if kind == "real" else traffic.messages(kind, effort.events, unique=unique)
    )
    records = traffic.records(messages)
    ours = [
        Candidate(
            str(count),
            partial(candidates.trailwire, matcher, records),
            matcher.index.memory.forget if unique else _nothing,
        )
        for count, matcher in matchers.items()
    ]
    floor = Candidate("floor", lambda: candidates.floor(records))
    decoding = Candidate("decoding", lambda: candidates.decoded_only(records))
    return alternate([floor, decoding, *ours], effort.rounds)


def _traffic_promises(seconds: Seconds) -> list[Promise]:
    cool, hot, unique = seconds["cool", False], seconds["hot", False], seconds["cool", True]
    return [
        Promise("500 rules, cool / decode floor", 1.0, ratio(cool["500"], cool["floor"])),
        Promise("500 rules, hot / decode floor", 1.0, ratio(hot["500"], hot["floor"])),
        Promise("5,000 rules / 100 rules, cool", 1.6, ratio(cool["5000"], cool["100"])),
        Promise("5,000 rules, all values unique / repeated", 2.0, ratio(unique["5000"], cool["5000"])),
        Promise("500 rules, all values unique / repeated", 2.0, ratio(unique["500"], cool["500"])),
    ]


def _start_promises(starts: Times) -> list[Promise]:
    lambdas = starts["in Lambda"]
    return [
        Promise(f"{says} / boto3 and a client", 0.2, ratio(lambdas[name], lambdas["boto3"]))
        for name, says in _STARTS.items()
        if name != "boto3"
    ]


def _start_table(starts: Times) -> str:
    lines = [_START, "", f"| | {' | '.join(starts)} |", "|---" * (len(starts) + 1) + "|"]
    for name, says in _STARTS.items():
        cells = [
            f"{statistics.median(times[name]) * 1e3:.0f} ({ratio(times[name], times['boto3']):.2f})"
            for times in starts.values()
        ]
        lines.append(f"| {says} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _traffic_table(seconds: Seconds, effort: Effort) -> str:
    rows = [("floor", "decode floor"), ("decoding", "Trailwire, decoding only")]
    rows += [(str(count), f"Trailwire, {count:,} rules") for count in COUNTS]
    lines = ["## From base64 to matched rules", "", "Microseconds an event (times the floor's speed).", ""]
    lines += ["| | " + " | ".join(f"{kind}{', unique' * unique}" for kind, unique in seconds) + " |"]
    lines += ["|---" * (len(seconds) + 1) + "|"]
    for key, name in rows:
        cells = [
            f"{statistics.median(times[key]) / effort.events * 1e6:.1f} ({1 / ratio(times[key], times['floor']):.2f})"
            for times in seconds.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _peer_table(matchers: dict[int, Matcher], effort: Effort) -> str:
    """Time other ways on the same messages, and make sure that all say the same."""
    messages = traffic.messages("hot", 200)
    lines = ["## Other ways to match", "", "Microseconds a message, its JSON parse included, nothing inflated.", ""]
    lines += ["| | rules | us |", "|---|---|---|"]
    for count in effort.peers:
        ways = {
            "Trailwire": candidates.messages_only(matchers[count]),
            "a closure for each rule, asked one by one": candidates.closures(rule_set(count)),
            "`eval` for each rule over a flattened event": candidates.evaluated(rule_set(count)),
        }
        answers = {name: way(messages) for name, way in ways.items()}
        if len(set(answers.values())) != 1:
            raise SystemExit(f"they disagree: {answers}")
        timed = alternate([Candidate(name, partial(way, messages)) for name, way in ways.items()], effort.rounds)
        lines += [f"| {n} | {count} | {statistics.median(s) / len(messages) * 1e6:.1f} |" for n, s in timed.items()]
    return "\n".join(lines)


def _memory_line(matcher: Matcher, effort: Effort) -> str:
    """Match batch after batch of values never seen before, and say what the process grew by after the first third."""
    grown = []
    for batch in range(effort.memory_batches):
        for message in traffic.messages("hot", 1_000, unique=True, seed=1_000 + batch):
            matcher.match_message(message.replace("#", f"#{batch}."))
        grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    growth = grown[-1] - grown[len(grown) // 3]
    return (
        f"## Memory\n\nOver {effort.memory_batches} batches of 1,000 events whose values are all new, the process grew "
        f"by {growth / 1024:.1f} MiB after the first third of them."
    )


_STARTS = {
    "matcher": "reading and indexing 500 rules",
    "handler": "the whole handler with 500 rules",
    "boto3": "boto3 and a client",
}
_START = """## Start

Milliseconds (times what boto3 and one client take), imports included, medians of fresh processes that alternate. The
handler is whole when its first call, with an empty batch, has answered. *In Lambda*: what Lambda's own runtime imports
is there already, and nothing is installed that is not shipped. *In a bare Python* of a development environment msgspec
also imports typing_extensions and with it inspect, about 10 ms more."""

_HEAD = """# Benchmarks

Written by `make bench`; the figures are of one machine ({cores} cores, CPython {python}). Absolute times move with the
machine and its neighbours, ratios hardly: candidates alternate within one process, times are processor time, figures
are medians of {rounds} rounds, ratios are taken round by round.

Traffic is synthetic and seeded: 65 events of about 1.3 KB to a record. *cool*: 5 % of the events carry an event name
that some rule watches, an everyday trail; *hot*: 32 %, an attack. *unique*: every address, session, agent and resource
name is new, so that nothing remembered helps; *real*: published CloudTrail events, where they are at hand.

Rules are a hard mix: 80 % ask for event names and three further things, 15 % for a prefix, a suffix or a glob of other
fields, 5 % for what no exact value anchors. The decode floor is base64, zlib and orjson of the envelope and of every
message, matching nothing."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
