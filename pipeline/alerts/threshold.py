"""Threshold: rules that speak only when something happens often enough, and are late by design."""

from __future__ import annotations

from collections import defaultdict

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
            reached = limit is None or self._count(key, members, limit, now_ms) >= limit.count
            (told if reached else below).extend(members)
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


def _is_counted(candidate: Candidate) -> bool:
    """Tell whether a threshold applies; an alert that comes back in a ticket has passed it already."""
    return candidate.rule.threshold is not None and candidate.sighting is not None


def _by_group(fresh: list[Candidate]) -> dict[str, list[Candidate]]:
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in fresh:
        threshold, sighting = candidate.rule.threshold, candidate.sighting
        if threshold is not None and sighting is not None:
            key = group_key(candidate.destination, candidate.rule, sighting.match.event, threshold.by)
            groups[key].append(candidate)
    return groups
