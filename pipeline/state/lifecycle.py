"""The lives of an alert's claim and of a group, as data.

Rules for editing this file:
1. A state is added here first, with its row in every table below; `tests/unit/state` walks them and fails on a gap.
2. The tables decide; code only looks up. If code needs an `if` on a state that is not here, the table is missing a row.
3. Times are epoch milliseconds. A stored time-to-live is never trusted to delete: every lookup compares times itself
   (DynamoDB deletes expired items up to days late).
4. When in doubt a row errs towards telling: better twice than never.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

FUNCTION_TIMEOUT_S = 60
LEASE_MS = 90_000
"""How long a claim holds without being renewed: longer than any invocation may run."""
LEASE_SLACK_MS = 5_000
"""A ticket that waits for somebody else's lease comes back this long after it ended."""
TOLD_MS = 15 * 86_400_000
"""How long an alert stays told: longer than CloudWatch Logs accepts old events (14 days) and streams are re-read."""
OVERDUE_MS = 3_600_000
"""How late a deferred alert's ticket may be before the stream stops waiting for it."""
MAX_QUEUE_DELAY_S = 900
"""Longest DelaySeconds of SQS."""
DAY_MS = 86_400_000
GROUP_KEPT_MS = 7 * DAY_MS
"""How long a group stays after its window: a ticket may still come for it for three days, and it must find it."""


class ClaimState(StrEnum):
    """What is stored about an alert."""

    CLAIMED = "claimed"
    DEFERRED = "deferred"
    TOLD = "told"


class Claim(NamedTuple):
    """Who is telling an alert.

    `until_ms`: the end of the lease; when a deferred alert is due; when a told one is forgotten.
    """

    state: ClaimState
    owner: str
    until_ms: int


KEPT_MS = {
    ClaimState.CLAIMED: DAY_MS,  # whoever comes again must know that it tried before, and that it may have arrived
    ClaimState.DEFERRED: OVERDUE_MS + DAY_MS,
    ClaimState.TOLD: 0,
}
"""How long after its `until_ms` a claim may be deleted: not before its absence means the same as its presence."""


class Found(StrEnum):
    """What somebody who wants to tell an alert finds."""

    NOTHING = "nothing"
    EXPIRED = "expired"
    OWN = "own"
    OTHERS = "others"
    DEFERRED = "deferred"
    OVERDUE = "overdue"
    TOLD = "told"


class Then(StrEnum):
    """What follows from what was found."""

    TAKE = "take"
    WAIT = "wait"
    DUPLICATE = "duplicate"


FROM_STREAM = {
    Found.NOTHING: Then.TAKE,
    Found.EXPIRED: Then.TAKE,
    Found.OWN: Then.TAKE,  # the stream redelivers at once after a crash
    Found.OTHERS: Then.WAIT,
    Found.DEFERRED: Then.DUPLICATE,  # the outbox owns it
    Found.OVERDUE: Then.TAKE,  # its ticket is lost
    Found.TOLD: Then.DUPLICATE,
}
FROM_OUTBOX = {
    **FROM_STREAM,
    Found.DEFERRED: Then.TAKE,  # whoever holds the ticket tells it
}


def classify(claim: Claim | None, owner: str, now_ms: int) -> Found:
    """Name what a claim means to `owner` at this moment."""
    match claim:
        case None:
            return Found.NOTHING
        case Claim(ClaimState.CLAIMED, holder, until_ms):
            if holder == owner:
                return Found.OWN
            return Found.OTHERS if now_ms < until_ms else Found.EXPIRED
        case Claim(ClaimState.DEFERRED, _, due_ms):
            return Found.OVERDUE if now_ms > due_ms + OVERDUE_MS else Found.DEFERRED
        case Claim(ClaimState.TOLD, _, until_ms):
            return Found.TOLD if now_ms < until_ms else Found.NOTHING
        case _:
            raise AssertionError(claim)


class GroupState(StrEnum):
    """What is stored about a group."""

    OPENING = "opening"  # somebody is about to post its first message
    OPEN = "open"  # its first message is out
    CLOSED = "closed"  # its last word is out


class Group(msgspec.Struct, frozen=True):
    """A group of repeats, from its first alert to the end of its window."""

    state: GroupState
    opener: str
    """Owner of the alert that opened it; tells this window's group from the next one's."""
    lease_until_ms: int
    window_until_ms: int
    count: int
    first_ms: int
    last_ms: int
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    channel: str = ""
    message: str = ""
    """The destination's id of the first message; empty where it cannot be edited or answered."""
    told: int = 0
    """The count that readers have been shown."""
    lead: str = ""
    """The alert its message shows, as JSON: edits say the same again with a new count."""


class Standing(StrEnum):
    """What an alert finds when it looks for its group."""

    NONE = "none"
    OPENING = "opening"
    ABANDONED = "abandoned"
    OPEN = "open"


class Part(StrEnum):
    """What the alert then does."""

    OPEN_IT = "open it"
    TAKE_IT_OVER = "take it over"
    JOIN_IT = "join it"


PARTS = {
    Standing.NONE: Part.OPEN_IT,
    Standing.OPENING: Part.JOIN_IT,
    Standing.ABANDONED: Part.TAKE_IT_OVER,  # its opener died, or is this very owner come again
    Standing.OPEN: Part.JOIN_IT,
}


def standing(group: Group | None, owner: str, now_ms: int) -> Standing:
    """Name what a group is to an alert of `owner` at this moment.

    A group whose message is not out yet does not end with its window: its repeats would be lost with it.
    """
    match group:
        case None:
            return Standing.NONE
        case Group(state=GroupState.OPENING):
            return Standing.ABANDONED if group.opener == owner or now_ms >= group.lease_until_ms else Standing.OPENING
        case Group(state=GroupState.OPEN) if now_ms < group.window_until_ms:
            return Standing.OPEN
        case _:
            return Standing.NONE


def is_same_opening(group: Group | None, opening: Group) -> bool:
    """Tell whether a stored group is this very opening: a store's answer may be lost, and the request repeated."""
    return group is not None and _name_of_opening(group) == _name_of_opening(opening)


def is_still(group: Group, seen: Group | None) -> bool:
    """Tell whether a group is the one that somebody has seen, and has not grown since."""
    return seen is not None and (group.opener, group.count) == (seen.opener, seen.count)


def _name_of_opening(group: Group) -> tuple[GroupState, str, int, int]:
    return group.state, group.opener, group.lease_until_ms, group.window_until_ms
