"""Closing: bringing a group's message up to date, and saying the last word when its window is over."""

from __future__ import annotations

from pipeline.alerts.alert import Alert
from pipeline.alerts.group import lead_of, repeats_of
from pipeline.alerts.ports import Posted
from pipeline.alerts.repeating import Showing, edit_turn, show
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import Arrived, backoff_ms
from pipeline.state.lifecycle import Group, GroupState


def close(telling: Telling, one: Arrived, group: Group) -> int:
    """Say the last word on a group, then close it; returns 0, or in how many ms its ticket must come again.

    Shown first, closed second: a crash in between shows it twice, and an edit that is made twice is made once.
    """
    if group.count > group.told:
        wait_ms = show(telling, _showing(one, group, closed=True))
        if wait_ms:
            return max(wait_ms, backoff_ms(one.ticket.attempts))
        _record(telling, one, group)
    key = _alert(one, group).group
    closed = telling.state.close_group(key, one.ticket.opener)
    if closed is not None and closed.count > group.count:  # joined by somebody whose clock is late
        show(telling, _showing(one, closed, closed=True))
    return 0


def edit(telling: Telling, one: Arrived, group: Group) -> int:
    """Bring a group's message up to date; returns 0, or in how many ms the ticket must come again.

    Only one edit of a group waits in the outbox; and whoever has ended the group has said, or will say, its last word.
    """
    if group.state is not GroupState.OPEN or group.count <= group.told:
        return 0
    wait_ms = show(telling, _showing(one, group))
    if not wait_ms:
        after = _record(telling, one, group)
        if after is not None and after.told > group.count:  # somebody showed more before we showed less
            show(telling, _showing(one, after, closed=after.state is GroupState.CLOSED))
        return 0
    wait_ms = max(wait_ms, backoff_ms(one.ticket.attempts))
    turn, now_ms = edit_turn(_alert(one, group).group), telling.now_ms
    return wait_ms if telling.state.take_turn(turn, until_ms=now_ms + wait_ms, now_ms=now_ms) else 0


def repeat_word(telling: Telling, one: Arrived) -> int:
    """Say the last word on a group that has been replaced; returns 0, or in how many ms the ticket must come again."""
    ticket = one.ticket
    if ticket.alert is None or ticket.repeats is None:
        return 0
    posted = Posted(ticket.channel, ticket.message)
    showing = Showing(ticket.alert, ticket.repeats, posted, ticket.told, one.message, ticket.may_repeat)
    wait_ms = show(telling, showing)
    return max(wait_ms, backoff_ms(one.ticket.attempts)) if wait_ms else 0


def _showing(one: Arrived, group: Group, *, closed: bool = False) -> Showing:
    posted = Posted(group.channel, group.message)
    repeats = repeats_of(group, closed=closed)
    return Showing(_alert(one, group), repeats, posted, group.told, one.message, one.ticket.may_repeat)


def _record(telling: Telling, one: Arrived, group: Group) -> Group | None:
    """Write down what readers have been shown; returns the group as it stands now."""
    key = _alert(one, group).group
    after = telling.state.posted_group(
        key, one.ticket.opener, channel=group.channel, message=group.message, told=group.count
    )
    if after is not None:
        return after
    found = telling.state.read_groups([key]).get(key)
    return found if found is not None and found.opener == one.ticket.opener else None


def _alert(one: Arrived, group: Group) -> Alert:
    """Return the alert that the group's message shows."""
    alert = lead_of(group) or one.ticket.alert
    if alert is None:
        raise AssertionError("a group's ticket has an alert")
    return alert
