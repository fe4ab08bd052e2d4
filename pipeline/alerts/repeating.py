"""Repeating: what happens again is counted at once, and shown soon."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from pipeline.alerts.alert import Alert, Repeats
from pipeline.alerts.candidate import Candidate, digest, from_alert, readdressed
from pipeline.alerts.content import One, Reply
from pipeline.alerts.group import Join, Opening, joining_of, lead_of, repeats_of, settle
from pipeline.alerts.ledger import Entry, Fate
from pipeline.alerts.ports import Destination, Posted
from pipeline.alerts.rejecting import announce_rejection, others_to_tell
from pipeline.alerts.scheduling import schedule
from pipeline.alerts.telling import DOWN_MS, Telling, can_edit, message_id
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.state.lifecycle import Claim, Group, GroupState

LAST_EDIT_MS = 10_000
"""How long before the end of its window a group is shown last; one request takes 5 s at most."""


class Later(NamedTuple):
    """What is left of an attempt to show something."""

    wait_ms: int
    """How long to wait before the next one; 0: it is done, or refused for good."""
    may_repeat: bool = False
    """What the next one posts may have arrived already."""
    queues: bool = False
    """Nothing failed: it waits for its turn among others."""


DONE = Later(0)


class Showing(NamedTuple):
    """A group's count, to be shown where its message is."""

    alert: Alert
    repeats: Repeats
    posted: Posted
    told: int
    """How much of the count readers know."""
    owner: str
    """Who shows it: the unit of delivery that comes back if it must."""
    may_repeat: bool = False


def join_all(telling: Telling, joins: list[Join]) -> list[Opening]:
    """Add alerts to groups, and see that their messages say so; returns what must be opened, for its group has ended.

    Counted first, marked second: a crash in between may overstate a count, never understate it.
    """
    if not telling.has_outbox:
        return [opening for join in joins if (opening := _show_and_join(telling, join)) is not None]
    ended: list[Opening] = []
    joined: list[tuple[Join, Group]] = []
    for join in joins:
        group = _join(telling, join)
        if group is None:
            ended.append(_opening(telling, join))
        else:
            joined.append((join, group))
    count_as_told(telling, [member for join, _ in joined for member in join.members])
    for join, group in joined:
        schedule(telling, join.key, group)
    return ended


def count_as_told(telling: Telling, members: list[Candidate]) -> None:
    """Mark alerts that a group, or a threshold, has counted."""
    mark_as_told(telling, members)
    telling.ledger.decide(Fate.GROUPED, len(members))


def mark_as_told(telling: Telling, members: list[Candidate]) -> None:
    """Write down that these have been told."""
    marks: dict[str, Claim] = {}
    settle(members, telling.now_ms, marks)
    telling.mark(marks)


def show(telling: Telling, showing: Showing) -> Later:
    """Show a group's count: edit its message, answer it, or where neither can be, say it anew."""
    destination = telling.chain.destinations.get(showing.alert.destination)
    if destination is None:
        return DONE
    edits = can_edit(destination, showing.alert, showing.posted)
    wait_ms = _turn_ms(telling, destination, edits=edits)
    if wait_ms:
        return Later(wait_ms, queues=not telling.is_down(destination))
    try:
        if edits:
            telling.edit(destination, showing.posted, One(showing.alert, showing.repeats))
        else:
            _reply(telling, destination, showing)
    except RateLimited as limited:
        _enter(telling, showing, limited)
        return Later(telling.hold(destination, limited, edits=edits))
    except Unavailable as outage:
        _enter(telling, showing, outage)
        return Later(telling.hold(destination, outage), may_repeat=outage.ambiguous and not edits)
    except Rejected as rejection:
        _enter(telling, showing, rejection)
        return _refused(telling, destination, showing, rejection)
    return DONE


def _enter(telling: Telling, showing: Showing, failure: DeliveryError) -> None:
    alert = showing.alert
    entry = Entry("count not shown", alert.destination, alert.rule.name, showing.owner, alert.event.id, str(failure))
    telling.ledger.enter(entry)


def _turn_ms(telling: Telling, destination: Destination, *, edits: bool) -> int:
    wait_ms = telling.wait_ms(destination, edits=edits)
    if wait_ms:
        return wait_ms
    admit = telling.pace.admit_edit if edits else telling.pace.admit_reply
    return admit(destination, telling.now_ms)


def _reply(telling: Telling, destination: Destination, showing: Showing) -> None:
    reply_id = message_id(showing.alert.key, str(showing.repeats.count), str(showing.repeats.closed))
    content = Reply(showing.alert, showing.repeats, showing.may_repeat)
    telling.post(destination, content, dedupe_id=reply_id, thread=showing.posted.message)


def _refused(telling: Telling, destination: Destination, showing: Showing, rejection: Rejected) -> Later:
    """Say it anew where the message cannot be edited any more, or to others where nothing can be said."""
    telling.ledger.rejections[rejection.reason] += 1
    if showing.repeats.count <= showing.told:  # but that there will be no more, which is no news for anybody else
        return DONE
    if can_edit(destination, showing.alert, showing.posted) and rejection.fault is Fault.MESSAGE:
        return show(telling, showing._replace(posted=Posted()))
    others = others_to_tell(telling, destination.id)
    if not others:
        return Later(telling.hold(destination, Unavailable(rejection.reason)))
    announce_rejection(telling, destination.id, rejection.reason)
    moved = [_remainder(showing, other) for other in others]
    telling.ledger.alerts += len(moved)
    telling.chain.deliver(moved, telling.ledger, from_outbox=telling.from_outbox)
    return Later(DOWN_MS) if any(one.key in telling.ledger.unsafe_alerts for one in moved) else DONE


def _remainder(showing: Showing, destination: str) -> Candidate:
    """Make what readers do not know yet an alert for another destination, grouped and paced there as any other."""
    count = showing.repeats.count
    alert = replace(showing.alert, key=digest("remainder", showing.alert.key, str(count)))
    lead = from_alert(alert, showing.owner)
    return readdressed(lead, replace(showing.repeats, count=count - showing.told, closed=False), destination)


# ---- groups that somebody else has opened ----


def _join(telling: Telling, join: Join) -> Group | None:
    """Add to a group; None where it has ended, or where the state fails and nobody else would see what was added."""
    joined = telling.state.join_group(join.key, joining_of(join.members, join.group), now_ms=telling.now_ms)
    return joined if telling.is_shared else None


def _opening(telling: Telling, join: Join) -> Opening:
    is_grouped = telling.is_shared
    return telling.chain.group.opening(join.key, join.members, telling.now_ms, join.group, is_grouped=is_grouped)


def _show_and_join(telling: Telling, join: Join) -> Opening | None:
    """Without an outbox nobody shows a count later: it is shown first and counted second. What cannot be goes back.

    Whoever joins last shows what all have added. Returns what must be opened, for its group has ended: a group that is
    about to end is waited for, lest it end between the two.
    """
    left_ms = join.group.window_until_ms - telling.now_ms
    if join.group.state is GroupState.OPEN and left_ms < LAST_EDIT_MS and telling.slept(max(0, left_ms)):
        return _opening(telling, join)
    added = sum(member.count for member in join.members)
    shown = _shown_at_once(telling, join, join.group, added) if join.group.state is GroupState.OPEN else 0
    if shown:
        joined = _join(telling, join)
        if joined is None:
            return _opening(telling, join)
        if joined.count <= shown or _shown_at_once(telling, join, joined):
            after = _record(telling, join, joined)
            if after is not None and after.told > joined.count:  # somebody showed more before we showed less
                _shown_at_once(telling, join, after)
            count_as_told(telling, join.members)
            return None
    for member in join.members:
        telling.ledger.unsafe(member.owner, member.key)
    return None


def _shown_at_once(telling: Telling, join: Join, group: Group, added: int = 0) -> int:
    """Show a group's count and what is added; returns what is shown then, 0 if it could not be.

    After each wait for a turn the group is looked at again: others may have shown more meanwhile.
    """
    lead, may_repeat = lead_of(group), False
    while lead is not None:
        repeats = replace(repeats_of(group), count=group.count + added)
        posted = Posted(group.channel, group.message)
        later = show(telling, Showing(lead, repeats, posted, group.told, join.members[0].owner, may_repeat))
        if not later.wait_ms:
            return repeats.count
        if not telling.slept(later.wait_ms):
            break
        may_repeat |= later.may_repeat
        found = telling.state.read_groups([join.key]).get(join.key)
        group = found if found is not None and found.opener == group.opener and found.count > group.count else group
    return 0


def _record(telling: Telling, join: Join, group: Group) -> Group | None:
    posted = Posted(group.channel, group.message)
    return telling.state.posted_group(join.key, group.opener, **posted._asdict(), told=group.count)
