"""Storing: how a group comes into being, so that nothing which joins it can be forgotten.

Before it is stored its ticket is in the outbox, and so is the last word on the group that it replaces. Of two openers
one wins; the other's alerts join.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from msgspec.structs import replace

from pipeline.alerts.alert import Alert
from pipeline.alerts.group import Opening, joining_of, lead_of, repeats_of
from pipeline.alerts.ports import Posted
from pipeline.alerts.scheduling import schedule
from pipeline.alerts.telling import Telling, can_edit
from pipeline.alerts.ticket import Kind, Ticket
from pipeline.state.lifecycle import LEASE_MS, LEASE_SLACK_MS, Group, GroupState, Standing, standing

FIRST_TICKET_MS = LEASE_MS + LEASE_SLACK_MS
"""A group's first ticket comes when whoever opens it has posted it, or is dead."""
TRIES = 3
"""Attempts at replacing a group that is over and still grows, before alerts are told by themselves."""


class Place(Enum):
    """What became of an opening's group."""

    OURS = auto()  # it is ours to post; or it is not grouped any more, and ours all the same
    JOINED = auto()  # somebody else was faster, and these alerts are counted there
    OTHERS = auto()  # somebody else was faster, and nothing is counted


def announce(telling: Telling, openings: Iterable[Opening], *, endings_only: bool = False) -> None:
    """Queue the tickets that must be in the outbox before these groups are stored.

    Where one is refused, the group is not stored, for nobody would close it. A group that its ticket brought needs no
    other yet: until it is acknowledged, its own message comes back.
    """
    wanted: list[tuple[Opening, Ticket, int]] = []
    for opening in openings:
        if not opening.is_grouped or opening.is_stored or opening.is_ticketed or not telling.has_outbox:
            continue
        if opening.ticket is None and not endings_only:
            wanted.append((opening, group_ticket(telling, opening), FIRST_TICKET_MS))
        ended = _last_word(telling, opening.found)
        if ended is not None:
            wanted.append((opening, ended, 0))
    queued = telling.queue([(ticket, wait_ms) for _, ticket, wait_ms in wanted])
    for (opening, ticket, _), is_queued in zip(wanted, queued, strict=True):
        opening.is_ticketed |= is_queued and ticket.kind is Kind.GROUP
        opening.is_grouped &= is_queued


def store(telling: Telling, opening: Opening, lease_until_ms: int) -> Place:
    """Store a group as opening, take over an abandoned one, or join the one that stands there by now.

    Where the state fails meanwhile, nobody else knows of the group: it stands for what came with it, and no more.
    """
    if not opening.is_grouped:
        return Place.OURS
    opening.group = replace(opening.group, lease_until_ms=lease_until_ms)
    place = _placed(telling, opening)
    if telling.is_shared or opening.ticket is not None:
        return place
    opening.is_grouped = opening.is_stored = False
    return Place.OURS


def _placed(telling: Telling, opening: Opening) -> Place:
    other = None
    if opening.is_stored or (opening.found is not None and opening.found.state is GroupState.OPENING):
        _take_over(telling, opening)
    else:
        other = _open(telling, opening)
    if opening.is_stored or not opening.is_grouped:
        return Place.OURS
    return Place.OTHERS if opening.ticket is not None else _join(telling, opening, other)


def owes_last_word(telling: Telling, lead: Alert, ended: Group) -> bool:
    """Tell whether readers miss something of a group that has ended: its count, or that a message says "so far"."""
    if ended.count > ended.told:
        return True
    destination = telling.chain.destinations.get(lead.destination)
    # An edit disturbs nobody; a reply or a digest that says nothing new would.
    posted = Posted(ended.channel, ended.message)
    return ended.count > 1 and destination is not None and can_edit(destination, lead, posted)


def group_ticket(telling: Telling, opening: Opening) -> Ticket:
    """Write an opening's ticket. It says what it stands for so far, should the group itself be lost."""
    lead, repeats = opening.lead, repeats_of(opening.group)
    return Ticket(
        Kind.GROUP if opening.is_grouped else Kind.ALERT,
        alert=lead.alert,
        opener=opening.group.opener if opening.is_grouped else "",
        repeats=repeats if repeats.count > 1 else None,
        may_repeat=lead.may_repeat,
        attempts=lead.attempts,
        born_ms=lead.born_ms or telling.now_ms,
    )


def _take_over(telling: Telling, opening: Opening) -> None:
    """Become the opener of a group that is not out yet; what comes with it is counted, unless its ticket brought it."""
    opener, lease_ms = opening.group.opener, opening.group.lease_until_ms
    now_ms = telling.now_ms
    taken = telling.state.take_over_group(opening.key, opener, lease_until_ms=lease_ms, now_ms=now_ms)
    if taken is None:
        return
    if opening.ticket is None and not opening.is_stored:
        joining = joining_of(opening.members, taken)
        taken = telling.state.join_group(opening.key, joining, now_ms=now_ms) or taken
        opening.lead.may_repeat = True  # its opener died, perhaps after posting
    opening.group, opening.is_stored = taken, True


def _open(telling: Telling, opening: Opening) -> Group | None:
    """Store a new group, in place of one whose last word is in the outbox; returns the one that stands in the way."""
    now_ms = telling.now_ms
    for _ in range(TRIES):
        opened, other = telling.state.open_group(opening.key, opening.group, now_ms=now_ms, ended=opening.found)
        if opened:
            opening.is_stored = True
            return None
        if standing(other, opening.group.opener, now_ms) is not Standing.NONE:
            return other
        # It was opened and ended, or grew, since we looked.
        ended, opening.found = _last_word(telling, other, opening.found), other
        if telling.has_outbox and ended is not None and not all(telling.queue([(ended, 0)])):
            break
    opening.is_grouped = False
    return None


def _join(telling: Telling, opening: Opening, other: Group | None) -> Place:
    """Join the group of whoever was faster. If that has ended this very moment, these are told ungrouped."""
    other = other or telling.state.read_groups([opening.key]).get(opening.key)
    if not telling.has_outbox:
        return Place.OTHERS  # nobody may count on a group that is not out yet, without an outbox
    joined = telling.state.join_group(opening.key, joining_of(opening.members, other), now_ms=telling.now_ms)
    if joined is None:
        opening.is_grouped = False
        return Place.OURS
    schedule(telling, opening.key, joined)
    return Place.JOINED


def _last_word(telling: Telling, ended: Group | None, announced: Group | None = None) -> Ticket | None:
    """Write the ticket that closes a group which is about to be replaced; None where readers know all of it."""
    if ended is None or ended.state is not GroupState.OPEN:
        return None
    known = announced.count if announced is not None and announced.opener == ended.opener else 0
    lead = lead_of(ended)
    if lead is None or ended.count <= known or not owes_last_word(telling, lead, ended):
        return None
    return Ticket(
        Kind.EDIT,
        alert=lead,
        opener=ended.opener,
        repeats=repeats_of(ended, closed=True),
        told=max(ended.told, known),
        channel=ended.channel,
        message=ended.message,
        born_ms=telling.now_ms,
    )
