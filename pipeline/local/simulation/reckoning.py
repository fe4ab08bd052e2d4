"""What should have been told, and what readers were told: counted from the messages alone, not from any memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.alerts.alert import Alert
from pipeline.local.simulation.simulation import Simulation
from pipeline.local.simulation.witness import Said, Shown
from pipeline.testing import envelope, event, payload


class Subject(NamedTuple):
    """What alerts are counted by: everything of one rule and one actor."""

    rule: str
    actor: str


def happening(number: int, name: str, actor: str = "alice", **fields: Any) -> dict[str, Any]:
    """Build an event that a rule on `eventName` matches."""
    identity = {"type": "IAMUser", "userName": actor, "accountId": "111122223333", "principalId": actor}
    return event(number, eventName=name, userIdentity=identity, **fields)


class Traffic:
    """Puts events into a simulation's stream, and knows what should be told of them."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._seen: set[tuple[str, str]] = set()
        self.expected: Counter[Subject] = Counter()

    def put(self, events: Iterable[dict[str, Any]], shard: int = 0, extra: Iterable[str] = ()) -> None:
        """Put one record of these events, and of texts that are none, into a shard now."""
        messages: list[str | dict[str, Any]] = []
        for happened in events:
            messages.append(happened)
            self._expect(happened)
        self._simulation.shards[shard].put(payload(envelope([*messages, *extra])))

    def _expect(self, happened: dict[str, Any]) -> None:
        for match in self._simulation.matcher.match(happened):
            if (match.rule.name, happened["eventID"]) not in self._seen:
                self._seen.add((match.rule.name, happened["eventID"]))
                self.expected[Subject(match.rule.name, happened["userIdentity"]["userName"])] += 1


def subject_of(alert: Alert) -> Subject:
    """Return what an alert counts for."""
    return Subject(alert.rule.name, alert.event.actor.name)


def counted(messages: Iterable[Shown]) -> Counter[Subject]:
    """Count what these messages tell: for each group the highest count that any message ever showed."""
    return _counted(said for shown in messages for said in shown.said)


def _counted(everything: Iterable[Said]) -> Counter[Subject]:
    highest: dict[Subject, dict[tuple[str, int], int]] = defaultdict(dict)
    for said in everything:
        groups, group = highest[subject_of(said.alert)], (said.alert.key, said.window)
        groups[group] = max(groups.get(group, 0), said.times)
    return Counter({subject: sum(groups.values()) for subject, groups in highest.items()})


def told_first(messages: Iterable[Shown]) -> dict[str, list[Shown]]:
    """Return, for each alert that a message shows as such, the messages that first say it."""
    where: defaultdict[str, list[Shown]] = defaultdict(list)
    for shown in messages:
        for key in {said.alert.key for said in shown.said if said.is_first}:
            where[key].append(shown)
    return dict(where)


def missing(simulation: Simulation, traffic: Traffic) -> Counter[Subject]:
    """Return what was told too seldom: nothing, if nothing was lost."""
    return traffic.expected - counted(simulation.witness.messages.values())


def unread(simulation: Simulation, traffic: Traffic) -> Counter[Subject]:
    """Return what the messages as they stand say too seldom, whatever they said before they were edited."""
    return traffic.expected - _counted(said for shown in simulation.witness.messages.values() for said in shown.stands)


def surplus(simulation: Simulation, traffic: Traffic) -> Counter[Subject]:
    """Return what was counted too often."""
    return counted(simulation.witness.messages.values()) - traffic.expected


FATES = ("Sent", "Grouped", "Deferred", "Suppressed", "Duplicate", "Rejected", "Unsafe")


def unbalanced(simulation: Simulation) -> list[dict[str, Any]]:
    """Return the metrics lines whose books do not balance."""
    return [
        line
        for line in simulation.metrics
        if line["Alerts"] + line["DeferredIn"] != sum(line[fate] for fate in FATES)
        or line["Imbalance"]
        or line["Events"] != line["Matched"] + line["Unmatched"]
    ]
