"""Closing: bringing a group's message up to date, and saying the last word when its window is over."""

from __future__ import annotations

from pipeline.alerts.alert import Alert
from pipeline.alerts.candidate import digest
from pipeline.alerts.dedupe import DOUBTFUL, RELEASED, look_again_ms
from pipeline.alerts.group import lead_of, repeats_of
from pipeline.alerts.ports import Posted
from pipeline.alerts.repeating import DONE, LAST_EDIT_MS, Later, Showing, show
from pipeline.alerts.scheduling import edit_turn
from pipeline.alerts.storing import owes_last_word
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import Arrived, backoff_ms
from pipeline.rules.rule import Repeat
from pipeline.state.lifecycle import LEASE_MS, TOLD_MS, Claim, ClaimState, Group, GroupState

GROWN_MS = 1_000
"""How soon to look again at a group that could not be closed: it has grown, or somebody else has replaced it."""


def close(telling: Telling, one: Arrived, group: Group) -> Later:
    """Say the last word on a group, then close it; returns when its ticket must come again, if it must.

    Shown first, closed second: a crash in between shows it twice, and an edit that is made twice is made once.
    """
    if owes_last_word(telling, _alert(one, group), group):
        later = _say_last_word(telling, one, _showing(one, group, closed=True))
        if later.wait_ms:
            return later
        _record(telling, one, group)
    key = _alert(one, group).group
    closed = telling.state.close_group(key, one.ticket.opener, count=group.count)
    # Somebody whose clock is late, or whose request took long, may have joined it since.
    return Later(GROWN_MS) if closed is None else DONE


def edit(telling: Telling, one: Arrived, group: Group) -> Later:
    """Bring a group's message up to date; returns when the ticket must come again, if it must.

    Only one edit of a group waits in the outbox; and whoever has ended the group has said, or will say, its last word.
    None is made so late that it could arrive after the last word, and say less.
    """
    is_late = telling.now_ms > group.window_until_ms - LAST_EDIT_MS
    if group.state is not GroupState.OPEN or group.count <= group.told or is_late:
        return DONE
    later = _say_so_far(telling, one, _showing(one, group))
    if not later.wait_ms:
        after = _record(telling, one, group)
        if after is not None and after.told > group.count:  # somebody showed more before we showed less
            show(telling, _showing(one, after, closed=after.state is GroupState.CLOSED))
        return DONE
    turn, now_ms = edit_turn(_alert(one, group).group), telling.now_ms
    return later if telling.state.take_turn(turn, until_ms=now_ms + later.wait_ms, now_ms=now_ms) else DONE


def repeat_word(telling: Telling, one: Arrived) -> Later:
    """Say the last word on a group that has been replaced; returns when the ticket must come again, if it must."""
    ticket = one.ticket
    if ticket.alert is None or ticket.repeats is None:
        return DONE
    posted = Posted(ticket.channel, ticket.message)
    showing = Showing(ticket.alert, ticket.repeats, posted, ticket.told, one.message, ticket.may_repeat)
    return _say_last_word(telling, one, showing)


def _say_last_word(telling: Telling, one: Arrived, showing: Showing) -> Later:
    """Claim a last word, as alerts are claimed, and say it, unless as much has been said.

    The group's own ticket wants to say it, and so does everybody who opens the next group. They may have looked at
    different moments: less must not be said after more. So the mark names the count.
    """
    key = _word_key(one, showing)
    now_ms, count = telling.now_ms, showing.repeats.count
    wanted = Claim(ClaimState.CLAIMED, one.message, now_ms + LEASE_MS)
    standing = telling.state.take_claim(key, wanted, now_ms=now_ms, from_outbox=True)
    if standing is not None and standing.state is not ClaimState.TOLD:
        return Later(look_again_ms(standing, now_ms))
    said, in_doubt = _said(standing)
    if said >= count:
        return DONE
    later = _backed_off(one, show(telling, showing._replace(may_repeat=showing.may_repeat or in_doubt)))
    if not later.wait_ms:
        telling.mark({key: Claim(ClaimState.TOLD, str(count), telling.now_ms + TOLD_MS)})
    elif later.may_repeat:
        _leave_in_doubt(telling, key, said)
    elif standing is None:
        telling.mark({key: Claim(ClaimState.CLAIMED, one.message + RELEASED, telling.now_ms)})
    return later


def _say_so_far(telling: Telling, one: Arrived, showing: Showing) -> Later:
    """Show a count that may grow on; a reply says that it may repeat another ticket's."""
    key, in_doubt = _word_key(one, showing), False
    if showing.alert.rule.repeat is Repeat.THREAD:
        _, in_doubt = _said(telling.state.read_claims([key]).get(key))
    later = _backed_off(one, show(telling, showing._replace(may_repeat=showing.may_repeat or in_doubt)))
    if later.may_repeat:
        _leave_in_doubt(telling, key, 0)
    elif in_doubt and not later.wait_ms:
        telling.mark({key: Claim(ClaimState.TOLD, "0", telling.now_ms + TOLD_MS)})
    return later


def _word_key(one: Arrived, showing: Showing) -> str:
    """Name the claim under which replies about a group are remembered, whoever posts them."""
    return digest("last word", showing.alert.key, one.ticket.opener)


def _said(standing: Claim | None) -> tuple[int, bool]:
    """Tell what count a group's last word has said, 0 if none, and whether a reply since may have arrived."""
    owner = standing.owner if standing is not None and standing.state is ClaimState.TOLD else "0"
    return int(owner.removesuffix(DOUBTFUL)), owner.endswith(DOUBTFUL)


def _leave_in_doubt(telling: Telling, key: str, said: int) -> None:
    """Remember that a reply may have arrived, for another ticket may say the same."""
    telling.mark({key: Claim(ClaimState.TOLD, f"{said}{DOUBTFUL}", telling.now_ms + TOLD_MS)})


def _backed_off(one: Arrived, later: Later) -> Later:
    """Wait longer with each attempt. What waits for a turn is spread over that time, lest all come at once again."""
    if not later.wait_ms:
        return later
    least_ms = backoff_ms(one.ticket.attempts)
    if later.queues:
        return later._replace(wait_ms=later.wait_ms + int(digest(one.message)[:8], 16) % least_ms)
    return later._replace(wait_ms=max(later.wait_ms, least_ms))


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
