"""Group: one message for alerts of the same rule, account and actor; the repeats are counted, never dropped.

A batch is folded before it costs anything: whatever follows, it is one write for each group, however many alerts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pipeline.alerts.alert import Alert, Repeats
from pipeline.alerts.candidate import Candidate
from pipeline.alerts.ticket import Ticket, decode_alert, encode_alert
from pipeline.errors import DecodeError
from pipeline.rules.rule import Repeat, Settings
from pipeline.state.lifecycle import LEASE_MS, PARTS, TOLD_MS, Claim, ClaimState, Group, GroupState, Part, standing
from pipeline.state.protocol import Joining, State

MAX_SAMPLE_PER_BATCH = 10


class Opening(msgspec.Struct):
    """A message to be posted: the first alert of a group, and what came with it."""

    key: str
    members: list[Candidate]
    group: Group
    """The group as it is to be stored, or, where `is_stored`, as it stands."""
    is_grouped: bool = True
    """It is kept in the state, so that what comes later can join it. If not, it stands for what came with it."""
    found: Group | None = None
    """What stands in its place so far: a group that has ended, or one whose opener died."""
    ticket: Ticket | None = None
    """The group's ticket that brought it; None where alerts did."""
    is_claimed: bool = False
    is_ticketed: bool = False
    """A ticket is in the outbox: the group is posted and closed even if nobody does more about it."""
    is_stored: bool = False

    @property
    def lead(self) -> Candidate:
        """The alert that leads it: claimed before anything is posted, marked last."""
        return self.members[0]

    @property
    def shown(self) -> Alert:
        """The alert its message shows: the group's first, also where a later one posts it in its opener's place."""
        return (lead_of(self.group) if self.is_stored else None) or self.lead.alert


class Join(NamedTuple):
    """Alerts that add to a group that somebody has opened."""

    key: str
    members: list[Candidate]
    group: Group


class Grouped(NamedTuple):
    """What a batch asks for: messages to post, and groups to add to."""

    openings: list[Opening]
    joins: list[Join]


class GroupStage:
    """Folds a batch by group and looks up, in one bulk read, where each fold belongs; writes nothing."""

    name = "group"

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._window_ms = settings.group_window_s * 1000

    def __call__(self, fresh: list[Candidate], now_ms: int, *, is_shared: bool) -> Grouped:
        """Say what is to be opened, severest first, and what joins. Without a shared state nothing can be joined."""
        folds = _fold(fresh)
        keys = [key for key, members in folds if is_shared and not _is_each(members[0])]
        stored = self._state.read_groups(keys) if keys else {}
        grouped = frozenset(keys)
        result = Grouped([], [])
        for key, members in folds:
            group = stored.get(key)
            part = PARTS[standing(group, members[0].owner, now_ms)]
            if key in grouped and group is not None and part is Part.JOIN_IT:
                result.joins.append(Join(key, members, group))
            else:
                result.openings.append(self.opening(key, members, now_ms, group, is_grouped=key in grouped))
        return result

    def opening(
        self, key: str, members: list[Candidate], now_ms: int, found: Group | None = None, *, is_grouped: bool = True
    ) -> Opening:
        """Describe the group that these alerts would open."""
        joining = joining_of(members, None)
        group = Group(
            state=GroupState.OPENING,
            opener=members[0].owner,
            lease_until_ms=now_ms + LEASE_MS,
            window_until_ms=now_ms + self._window_ms,
            count=joining.count,
            first_ms=joining.first_ms,
            last_ms=joining.last_ms,
            sources=joining.sources,
            targets=joining.targets,
            lead=encode_alert(members[0].alert) if is_grouped else "",
        )
        return Opening(key, members, group, is_grouped, found)

    def __str__(self) -> str:
        """Say the setting in force."""
        return f"windows of {self._window_ms // 1000} s"


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
    """Return the alert that a group's message shows; None where the store could not keep it."""
    try:
        return decode_alert(group.lead) if group.lead else None
    except DecodeError:  # another version's
        return None


def joining_of(members: list[Candidate], group: Group | None) -> Joining:
    """Describe what alerts add to a group, by their events' own times; no more samples once the group has enough."""
    enough = group is not None and len(group.sources) >= MAX_SAMPLE_PER_BATCH
    sample = [] if enough else members[: MAX_SAMPLE_PER_BATCH * 10]
    folded = [member.stands_for for member in members if member.stands_for is not None]
    times = [member.happened_ms for member in members]
    return Joining(
        count=sum(member.count for member in members),
        first_ms=min([*times, *(repeats.first_ms for repeats in folded)]),
        last_ms=max([*times, *(repeats.last_ms for repeats in folded)]),
        sources=_distinct([source for r in folded for source in r.sources] + [member.source for member in sample]),
        targets=_distinct([target for r in folded for target in r.targets] + [member.target for member in sample]),
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
