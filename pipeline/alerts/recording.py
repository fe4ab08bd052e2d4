"""Recording: what has been told is written down, the group first, then the alerts."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.alerts.group import Opening, settle
from pipeline.alerts.ports import Posted
from pipeline.alerts.scheduling import schedule
from pipeline.alerts.storing import group_ticket
from pipeline.alerts.telling import Telling
from pipeline.state.lifecycle import Claim


def record(telling: Telling, told: list[Opening], posted: Posted) -> None:
    """Write down that these have been told, and where; a group that its ticket brought gets one for its end."""
    marks: dict[str, Claim] = {}
    for opening in told:
        if opening.is_stored or opening.ticket is not None:
            group = opening.group
            after = telling.state.posted_group(
                opening.key, group.opener, channel=posted.channel, message=posted.message, told=group.count
            )
            if after is not None and after.count > after.told:  # others joined while it was being posted
                schedule(telling, opening.key, after)
        settle(opening.members, telling.now_ms, marks)
    telling.mark(marks)
    _queue_endings(telling, [opening for opening in told if opening.ticket is not None])


def _queue_endings(telling: Telling, told: list[Opening]) -> None:
    tickets = [
        (replace(group_ticket(telling, opening), may_repeat=False), _window_ms(telling, opening)) for opening in told
    ]
    for opening, is_queued in zip(told, telling.queue(tickets), strict=True):
        if not is_queued:  # until there is a ticket for its end, the one that brought it stays
            telling.ledger.unsafe_owners.add(opening.lead.owner)


def _window_ms(telling: Telling, opening: Opening) -> int:
    return max(0, opening.group.window_until_ms - telling.now_ms)
