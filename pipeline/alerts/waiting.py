"""Waiting: who tells an alert, and what becomes of alerts that cannot be told now.

The order makes a crash at any moment harmless: claim the alert, put its ticket in the outbox, store its group, mark it.
What the outbox does not take goes back to where it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pipeline.alerts.candidate import Candidate
from pipeline.alerts.dedupe import DOUBTFUL, RELEASED, look_again_ms
from pipeline.alerts.group import Opening, settle
from pipeline.alerts.ledger import Fate
from pipeline.alerts.storing import FIRST_TICKET_MS, Place, announce, group_ticket, store
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import Kind, Ticket, backoff_ms, delay_ms
from pipeline.state.lifecycle import LEASE_MS, Claim, ClaimState

CHUNK = 100
"""So many groups are put in the outbox together: a function that runs out of time has done all but the last of them."""

# ---- claims ----


def claimed(telling: Telling, openings: Iterable[Opening]) -> list[Opening]:
    """Claim the first alert of each group; where somebody else has it, the next one leads."""
    return [opening for opening in openings if opening.is_claimed or _claim_lead(telling, opening)]


def look_again(telling: Telling, candidate: Candidate, wait_ms: int) -> None:
    """Leave an alert to whoever is telling it, and look again when that must be over."""
    ticket = Ticket(
        Kind.ALERT,
        alert=candidate.alert,
        repeats=candidate.stands_for,
        attempts=candidate.attempts,
        may_repeat=candidate.may_repeat,
        born_ms=candidate.born_ms or telling.now_ms,
    )
    if all(telling.queue([(ticket, wait_ms)])):
        telling.ledger.decide(Fate.DEFERRED)
    else:
        telling.ledger.unsafe(candidate.owner, candidate.key)


def _claim_lead(telling: Telling, opening: Opening) -> bool:
    lead = opening.lead
    while opening.members:
        standing = _take_claim(telling, opening.lead)
        if standing is None:
            opening.is_claimed = True
            if opening.lead is not lead:
                again = telling.chain.group.opening(opening.key, opening.members, telling.now_ms)
                opening.group = again.group
            return True
        if opening.ticket is not None:
            postpone(telling, opening, look_again_ms(standing, telling.now_ms))
            return False
        _left_to_others(telling, opening.members.pop(0), standing)
    return False


def _take_claim(telling: Telling, candidate: Candidate) -> Claim | None:
    now_ms = telling.now_ms
    wanted = Claim(ClaimState.CLAIMED, candidate.owner, now_ms + LEASE_MS)
    return telling.state.take_claim(candidate.key, wanted, now_ms=now_ms, from_outbox=telling.from_outbox)


def _left_to_others(telling: Telling, candidate: Candidate, standing: Claim) -> None:
    if standing.state is ClaimState.CLAIMED:
        look_again(telling, candidate, look_again_ms(standing, telling.now_ms))
    else:
        telling.ledger.decide(Fate.DUPLICATE)


# ---- what cannot go now ----


def failed(telling: Telling, openings: list[Opening], least_ms: int, *, ambiguous: bool = False) -> None:
    """The destination did not answer: each group tries again later, ever less often."""
    for opening in openings:
        opening.lead.attempts += 1
        opening.lead.may_repeat |= ambiguous
    defer(telling, openings, least_ms, backs_off=True)


def defer(telling: Telling, openings: list[Opening], least_ms: int, *, backs_off: bool = False) -> None:
    """Put groups in the outbox, or hand them back where it does not take them."""
    for chunk in _chunks(openings):
        ready = claimed(telling, chunk)
        announce(telling, ready, endings_only=True)
        tickets = [
            (
                replace(group_ticket(telling, opening), waits=True),
                delay_ms(max(least_ms, _backoff_ms(opening) if backs_off else 0)),
            )
            for opening in ready
        ]
        asked_ms = telling.now_ms  # no ticket comes before its delay from here is over, however slow the queue
        queued = telling.queue(tickets)
        marks: dict[str, Claim] = {}
        for opening, (_, wait_ms), is_queued in zip(ready, tickets, queued, strict=True):
            if is_queued or opening.is_ticketed:
                # A group's first ticket comes when it comes: its alert is due from now on.
                _deferred(telling, opening, asked_ms + (wait_ms if is_queued else 0), marks)
            else:
                hand_back(telling, opening)
        telling.mark(marks)


def postpone(telling: Telling, opening: Opening, wait_ms: int) -> None:
    """Let a group's ticket come again: somebody else is at it just now."""
    if opening.ticket is not None and all(telling.queue([(opening.ticket, wait_ms)])):
        telling.ledger.decide(Fate.DEFERRED)
    else:
        telling.ledger.unsafe(opening.lead.owner, opening.lead.key)


def hand_back(telling: Telling, opening: Opening) -> None:
    """Give alerts back. What no attempt can have delivered gives up its claim, so that nobody waits for it."""
    for member in opening.members:
        telling.ledger.unsafe(member.owner, member.key)
    if opening.is_stored and not telling.has_outbox:  # nobody joins a group that is not out yet, without an outbox
        telling.state.close_group(opening.key, opening.group.opener, count=opening.group.count)
    if opening.is_claimed and not opening.lead.may_repeat:
        released = Claim(ClaimState.CLAIMED, opening.lead.owner + RELEASED, telling.now_ms)
        telling.mark({opening.lead.key: released})


def _deferred(telling: Telling, opening: Opening, due_ms: int, marks: dict[str, Claim]) -> None:
    place = store(telling, opening, due_ms + FIRST_TICKET_MS + LEASE_MS)
    now_ms, count = telling.now_ms, len(opening.members)
    if place is Place.JOINED:
        settle(opening.members, now_ms, marks)
        telling.ledger.decide(Fate.GROUPED, count)
        return
    settle(opening.members[1:], now_ms, marks)
    owner = opening.lead.owner + (DOUBTFUL if opening.lead.may_repeat else "")
    marks[opening.lead.key] = Claim(ClaimState.DEFERRED, owner, due_ms)
    telling.ledger.decide(Fate.DEFERRED)
    telling.ledger.decide(Fate.GROUPED, count - 1)


def _backoff_ms(opening: Opening) -> int:
    return backoff_ms(opening.lead.attempts - 1, opening.lead.rule.severity)


def _chunks(openings: list[Opening]) -> Iterator[list[Opening]]:
    for start in range(0, len(openings), CHUNK):
        yield openings[start : start + CHUNK]
