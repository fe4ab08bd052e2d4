"""Group: one message for alerts of the same rule, account and actor; the repeats are counted, never dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.alerts.alert import Alert, Repeats
from pipeline.alerts.candidate import Candidate, group_key
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.ticket import decode_alert, encode_alert
from pipeline.rules.rule import Repeat, Settings, Threshold
from pipeline.state.lifecycle import (
    LEASE_MS,
    PARTS,
    TOLD_MS,
    Claim,
    ClaimState,
    Group,
    GroupState,
    Part,
    standing,
)
from pipeline.state.protocol import Joining, State

MAX_SAMPLE_PER_BATCH = 10
THRESHOLD_BUCKETS = 5
"""A threshold's window is counted in fifths, plus the one it begins in: at most a fifth too long, never too short."""


@dataclass(slots=True)
class Opening:
    """A message to be posted: the first alert of a group, and what came with it."""

    key: str
    members: list[Candidate]
    group: Group
    """The group as it is to be stored, or, where `stored`, as it stands."""
    stored: bool = False

    @property
    def lead(self) -> Candidate:
        """The alert the message shows."""
        return self.members[0]

    @property
    def is_single(self) -> bool:
        """The rule wants each alert told by itself."""
        return self.lead.rule.repeat is Repeat.EACH


class Update(NamedTuple):
    """A group whose message no longer shows the current count."""

    key: str
    destination: str
    group: Group


class Grouped(NamedTuple):
    """What a batch asks for: messages to post, messages to bring up to date."""

    openings: list[Opening]
    updates: list[Update]


@dataclass(frozen=True, slots=True)
class Batch:
    """What the alerts of one batch have in common."""

    now_ms: int
    ledger: Ledger
    marks: dict[str, Claim]
    """Who has been told by being counted; to be written before anything is sent."""


class GroupStage:
    """Folds a batch by group before it costs anything: one write for each group, however many alerts."""

    name = "group"

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._window_ms = settings.group_window_s * 1000

    def __call__(self, fresh: list[Candidate], batch: Batch) -> Grouped:
        """Join what joins an open group, and say what is to be opened."""
        folds = _fold(self._over_threshold(fresh, batch))
        stored = self._state.read_groups([key for key, members in folds if not _is_each(members[0])])
        result = Grouped([], [])
        for key, members in folds:
            placed = self._place(key, members, stored.get(key), batch)
            if isinstance(placed, Opening):
                result.openings.append(placed)
            else:
                result.updates.append(placed)
        result.openings.sort(key=lambda opening: opening.lead.order)
        return result

    def __str__(self) -> str:
        """Say the setting in force."""
        return f"windows of {self._window_ms // 1000} s"

    def _place(self, key: str, members: list[Candidate], group: Group | None, batch: Batch) -> Opening | Update:
        owner = members[0].owner
        part = Part.OPEN_IT if _is_each(members[0]) else PARTS[standing(group, owner, batch.now_ms)]
        if part is Part.TAKE_IT_OVER and group is not None:
            taken = self._taken_over(key, members, group, batch)
            if taken is not None:
                return taken
            part = Part.JOIN_IT
        joined = self.join(key, members, group, batch) if part is Part.JOIN_IT else None
        return joined or Opening(key, members, self.new_group(members, batch.now_ms))

    def _taken_over(self, key: str, members: list[Candidate], group: Group, batch: Batch) -> Opening | None:
        owner, now_ms = members[0].owner, batch.now_ms
        taken = self._state.take_over_group(key, owner, lease_until_ms=now_ms + LEASE_MS, now_ms=now_ms)
        if taken is None:
            return None
        if group.opener != owner:  # one's own group come again counts these members already
            taken = self._state.join_group(key, joining_of(members, group), now_ms=now_ms) or taken
        return Opening(key, members, taken, stored=True)

    def join(self, key: str, members: list[Candidate], group: Group | None, batch: Batch) -> Update | None:
        """Add alerts to an open group: they count as told once its count is. None if its window is over by now."""
        joined = self._state.join_group(key, joining_of(members, group), now_ms=batch.now_ms)
        if joined is None:
            return None
        settle(members, batch.now_ms, batch.marks)
        batch.ledger.decide(Fate.GROUPED, len(members))
        return Update(key, members[0].destination, joined)

    def new_group(self, members: list[Candidate], now_ms: int) -> Group:
        """Describe the group that these alerts would open."""
        joining = joining_of(members, None)
        return Group(
            state=GroupState.OPENING,
            opener=members[0].owner,
            lease_until_ms=now_ms + LEASE_MS,
            window_until_ms=now_ms + self._window_ms,
            count=joining.count,
            first_ms=joining.first_ms,
            last_ms=joining.last_ms,
            sources=joining.sources,
            targets=joining.targets,
            lead="" if _is_each(members[0]) else encode_alert(members[0].alert),
        )

    def _over_threshold(self, fresh: list[Candidate], batch: Batch) -> list[Candidate]:
        """Hold back what is still below its rule's threshold; it is counted, and told when the threshold is reached."""
        passed = [candidate for candidate in fresh if not _is_counted(candidate)]
        for key, members in _by_threshold(fresh).items():
            threshold = members[0].rule.threshold or Threshold(count=1, within_s=1)
            width_ms = max(1, threshold.within_s * 1000 // THRESHOLD_BUCKETS)
            seen = self._state.count(
                key,
                members[-1].seen_ms // width_ms,
                len(members),
                buckets=THRESHOLD_BUCKETS + 1,
                expires_ms=batch.now_ms + 2 * threshold.within_s * 1000,
            )
            if seen >= threshold.count:
                passed += members
            else:
                settle(members, batch.now_ms, batch.marks)
                batch.ledger.decide(Fate.GROUPED, len(members))
        return passed


def settle(members: Iterable[Candidate], now_ms: int, marks: dict[str, Claim]) -> None:
    """Mark alerts as told."""
    for member in members:
        marks[member.key] = Claim(ClaimState.TOLD, member.owner, now_ms + TOLD_MS)


def repeats_of(group: Group, *, closed: bool = False) -> Repeats:
    """Describe a group to its readers."""
    return Repeats(
        count=group.count,
        first_ms=group.first_ms,
        last_ms=group.last_ms,
        sources=group.sources,
        targets=group.targets,
        closed=closed,
    )


def lead_of(group: Group) -> Alert | None:
    """Return the alert that a group's message shows; None for a group from before it was stored."""
    return decode_alert(group.lead) if group.lead else None


def joining_of(members: list[Candidate], group: Group | None) -> Joining:
    """Describe what alerts add to a group; no more samples once the group has enough."""
    enough = group is not None and len(group.sources) >= MAX_SAMPLE_PER_BATCH
    sample = [] if enough else members[: MAX_SAMPLE_PER_BATCH * 10]
    return Joining(
        count=len(members),
        first_ms=min(member.seen_ms for member in members),
        last_ms=max(member.seen_ms for member in members),
        sources=_distinct(member.source for member in sample),
        targets=_distinct(member.target for member in sample),
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))[:MAX_SAMPLE_PER_BATCH]


def _fold(candidates: list[Candidate]) -> list[tuple[str, list[Candidate]]]:
    folds: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda candidate: candidate.order):
        folds[candidate.key if _is_each(candidate) else candidate.group].append(candidate)
    return list(folds.items())


def _is_each(candidate: Candidate) -> bool:
    return candidate.rule.repeat is Repeat.EACH


def _is_counted(candidate: Candidate) -> bool:
    """Tell whether a threshold applies; an alert that comes back in a ticket has passed it already."""
    return candidate.rule.threshold is not None and candidate.sighting is not None


def _by_threshold(fresh: list[Candidate]) -> dict[str, list[Candidate]]:
    folds: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in fresh:
        if candidate.rule.threshold is not None and candidate.sighting is not None:
            event, by = candidate.sighting.match.event, candidate.rule.threshold.by
            folds[group_key(candidate.destination, candidate.rule, event, by)].append(candidate)
    return folds
