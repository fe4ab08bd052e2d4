"""Threshold: rules that speak only when something happens often enough, and are late by design."""

from __future__ import annotations

from collections import defaultdict

from pipeline.alerts.alert import Repeats
from pipeline.alerts.candidate import Candidate, group_key
from pipeline.rules.rule import Threshold as Limit
from pipeline.state.protocol import State

BUCKETS = 5
"""A window is counted in fifths, plus the one it begins in: at most a fifth too long, never too short."""


class Threshold:
    """Counts the alerts of rules that have a threshold, one write for each group of a batch."""

    name = "threshold"

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self, fresh: list[Candidate], now_ms: int) -> tuple[list[Candidate], list[Candidate]]:
        """Return what may be told, and what is only counted: its count is still below the threshold."""
        told = [candidate for candidate in fresh if not _is_counted(candidate)]
        below: list[Candidate] = []
        for key, members in _by_group(fresh).items():
            limit = members[0].rule.threshold
            if limit is None:
                continue
            total = self._count(key, members, limit, now_ms)
            if total >= limit.count:
                _take_along(members, limit, total - len(members))
            (told if total >= limit.count else below).extend(members)
        return told, below

    def __str__(self) -> str:
        """Say the setting in force."""
        return "each rule's own"

    def _count(self, key: str, members: list[Candidate], limit: Limit, now_ms: int) -> int:
        width_ms = max(1, limit.within_s * 1000 // BUCKETS)
        return self._state.count(
            key,
            max(member.seen_ms for member in members) // width_ms,
            len(members),
            buckets=BUCKETS + 1,
            expires_ms=now_ms + 2 * limit.within_s * 1000,
        )


def _take_along(members: list[Candidate], limit: Limit, earlier: int) -> None:
    """Let the first of these stand for what was counted before the threshold was reached, which nobody was told.

    Where an earlier attempt at it was counted, too, nobody knows whether they were: better too many than too few.
    """
    if earlier >= limit.count:
        earlier = limit.count - 1 if any(member.is_again for member in members) else 0
    if earlier:
        lead = min(members, key=lambda member: member.order)
        lead.stands_for = Repeats(1 + earlier, lead.happened_ms, lead.happened_ms)


def _is_counted(candidate: Candidate) -> bool:
    """Tell whether a threshold applies; an alert that comes back in a ticket has passed it already."""
    return candidate.rule.threshold is not None and candidate.sighting is not None


def _by_group(fresh: list[Candidate]) -> dict[str, list[Candidate]]:
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in fresh:
        threshold, sighting = candidate.rule.threshold, candidate.sighting
        if threshold is not None and sighting is not None:
            by = threshold.by if "rule" in threshold.by else ("rule", *threshold.by)  # a rule counts its own matches
            key = group_key(candidate.destination, candidate.rule, sighting.match.event, by)
            groups[key].append(candidate)
    return groups
