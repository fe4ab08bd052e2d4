"""Draining the outbox: tickets whose time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.alerts.alert import Alert, Notice
from pipeline.alerts.candidate import Candidate, from_alert
from pipeline.alerts.chain import Chain
from pipeline.alerts.closing import close, edit, repeat_word
from pipeline.alerts.dedupe import is_early, look_again_ms, was_attempted
from pipeline.alerts.group import Opening, lead_of
from pipeline.alerts.ledger import Ledger
from pipeline.alerts.notices import notify, say
from pipeline.alerts.repeating import Later, count_as_told, mark_as_told
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import MAX_AGE_MS, Arrived, Kind, Ticket, backoff_ms
from pipeline.state.lifecycle import Claim, Found, Group, GroupState, classify


@dataclass(slots=True)
class Sorted:
    """What a batch of tickets asks for, in the order in which it is done."""

    alerts: list[Candidate] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    counted: list[Candidate] = field(default_factory=list)
    """Alerts that are counted in a group which somebody else has taken over."""
    told: list[Candidate] = field(default_factory=list)
    """Alerts that were posted by somebody who died before the mark."""
    again: list[tuple[Arrived, int]] = field(default_factory=list)
    """Tickets that must come again, and in how many ms."""
    closings: list[tuple[Arrived, Group]] = field(default_factory=list)
    edits: list[tuple[Arrived, Group | None]] = field(default_factory=list)
    notices: list[Arrived] = field(default_factory=list)


class Known(NamedTuple):
    """What the state knows about a batch's alerts and groups."""

    claims: Mapping[str, Claim]
    groups: Mapping[str, Group]
    now_ms: int


@dataclass(slots=True)
class Drain:
    """One batch of tickets, worked off through the same chain that queued them."""

    chain: Chain
    ledger: Ledger
    bury: Callable[[Ticket], None]
    """Puts a ticket that is too old in the dead-letter queue."""

    def __call__(self, arrived: Iterable[Arrived]) -> None:
        """Tell what is due. Messages that must come back are in the ledger's `unsafe_owners`."""
        telling = Telling(self.chain, self.ledger, from_outbox=True)
        in_time = [one for one in arrived if not self._buried(one.ticket, telling)]
        due = sort(in_time, self._known(in_time), is_shared=telling.is_shared)
        self.ledger.deferred_in += len(due.alerts) + len(due.openings) + len(due.counted)
        count_as_told(telling, due.counted)
        mark_as_told(telling, due.told)
        for one, wait_ms in due.again:
            self._again(telling, one, wait_ms)
        self.chain.deliver(due.alerts, self.ledger, from_outbox=True, openings=due.openings)
        for one, group in due.closings:
            self._later(telling, one, close(telling, one, group))
        for one, ended in due.edits:
            self._edit(telling, one, ended)
        for one in due.notices:
            if not say(telling, one.ticket):
                self.ledger.unsafe_owners.add(one.message)

    def _known(self, arrived: list[Arrived]) -> Known:
        """Read everything at once."""
        leads = [one.ticket.alert for one in arrived if one.ticket.kind is Kind.GROUP and one.ticket.alert is not None]
        edited = [one.ticket.alert for one in arrived if one.ticket.kind is Kind.EDIT and one.ticket.alert is not None]
        claims = self.chain.state.read_claims({lead.key for lead in leads}) if leads else {}
        groups = self.chain.state.read_groups({alert.group for alert in (*leads, *edited)}) if leads or edited else {}
        return Known(claims, groups, self.chain.clock.now_ms())

    def _edit(self, telling: Telling, one: Arrived, group: Group | None) -> None:
        if one.ticket.repeats is not None:
            self._later(telling, one, repeat_word(telling, one))
        elif group is not None:
            self._later(telling, one, edit(telling, one, group))

    def _later(self, telling: Telling, one: Arrived, later: Later) -> None:
        self._again(telling, one.tried(may_repeat=later.may_repeat), later.wait_ms)

    def _again(self, telling: Telling, one: Arrived, wait_ms: int) -> None:
        """Write a new ticket; if the queue refuses, the message that brought this one comes back by itself."""
        if not wait_ms:
            return
        if not all(telling.queue([(one.ticket, wait_ms)])):
            self.ledger.unsafe_owners.add(one.message)

    def _buried(self, ticket: Ticket, telling: Telling) -> bool:
        """Put what is too old, or of a kind that nobody knows, in the dead-letter queue, and say so."""
        known = (ticket.notice if ticket.kind is Kind.NOTICE else ticket.alert) is not None
        if known and telling.now_ms - ticket.born_ms <= MAX_AGE_MS:
            return False
        self.bury(ticket)
        name = ticket.alert.rule.name if ticket.alert else ticket.destination
        text = (
            f'A ticket of "{name}" ({ticket.kind}) could not be delivered for three days. '
            "It is in the dead-letter queue; `trailwire replay` sends it again."
        )
        if ticket.kind is not Kind.NOTICE:
            notify(telling, Notice(cause="ticket too old", text=text, severity="error"))
        return True


def sort(arrived: Iterable[Arrived], known: Known, *, is_shared: bool) -> Sorted:
    """Say what each ticket asks for, the severest first. Of two tickets about the same group one is enough."""
    due = Sorted()
    seen: set[tuple[str, str]] = set()
    for one in sorted(arrived, key=lambda one: _order(one.ticket)):
        alert = one.ticket.alert
        if one.ticket.kind is Kind.NOTICE or alert is None:
            due.notices.append(one)
        elif one.ticket.kind is Kind.ALERT:
            due.alerts.append(_candidate(one, alert))
        elif one.ticket.kind is Kind.EDIT:
            due.edits.append((one, _same(known.groups.get(alert.group), one.ticket)))
        elif (alert.group, one.ticket.opener) not in seen:
            seen.add((alert.group, one.ticket.opener))
            if is_shared:
                _sort_group(due, one, alert, known)
            else:
                _sort_blindly(due, one, alert)
    return due


def _sort_group(due: Sorted, one: Arrived, alert: Alert, known: Known) -> None:
    """A group's ticket: post what nobody posted, wait for the end of the window, then say the last word."""
    group, claim = known.groups.get(alert.group), known.claims.get(alert.key)
    found = classify(claim, one.message, known.now_ms)
    is_its_own = group is not None and group.opener == one.ticket.opener
    if found is Found.OTHERS and not is_its_own:
        # Its opener is at work and has not stored it yet. Were this ticket given up, nobody would post or close it.
        due.again.append((one, look_again_ms(claim, known.now_ms)))
    elif group is None or not is_its_own:
        candidate = _candidate(one, alert)
        lead = lead_of(group) if group is not None else None
        is_counted = lead is not None and lead.key == alert.key and found is not Found.TOLD
        (due.counted if is_counted else due.alerts).append(candidate)
    elif group.state is not GroupState.OPENING:
        _sort_posted(due, one, group, known.now_ms)
        if found is not Found.TOLD:
            due.told.append(_candidate(one, alert))
    elif found is Found.OTHERS:
        due.again.append((one, look_again_ms(claim, known.now_ms)))
    elif not is_early(claim, known.now_ms):
        opening = _opening(one, alert, group)
        opening.lead.may_repeat |= was_attempted(claim, found) or found is Found.TOLD
        # Told and still opening: it was counted as another's repeat, and the group is yet to be told.
        opening.is_claimed = found is Found.TOLD
        due.openings.append(opening)


def _sort_posted(due: Sorted, one: Arrived, group: Group, now_ms: int) -> None:
    if group.state is GroupState.OPEN and now_ms < group.window_until_ms:
        posted = replace(one.ticket, waits=False, may_repeat=False)  # what it says from now on is another message
        due.again.append((one._replace(ticket=posted), group.window_until_ms - now_ms))
    elif group.state is GroupState.OPEN:
        due.closings.append((one, group))


def _sort_blindly(due: Sorted, one: Arrived, alert: Alert) -> None:
    """While the state is out nobody knows about groups: what nobody has posted is told once, and all come again."""
    ticket = one.ticket
    blindly = one._replace(ticket=replace(ticket, may_repeat=ticket.may_repeat or ticket.waits))
    due.again.append((blindly.tried(), backoff_ms(ticket.attempts)))
    if ticket.waits and not ticket.may_repeat:
        due.alerts.append(_candidate(one, alert))


def _opening(one: Arrived, alert: Alert, group: Group) -> Opening:
    candidate = _candidate(one, alert)
    candidate.stands_for = None  # the group itself knows
    return Opening(alert.group, [candidate], group, found=group, ticket=one.ticket)


def _candidate(one: Arrived, alert: Alert) -> Candidate:
    candidate = from_alert(alert, one.message, one.ticket.repeats)
    candidate.may_repeat = one.ticket.may_repeat
    candidate.attempts = one.ticket.attempts
    candidate.born_ms = one.ticket.born_ms
    return candidate


def _same(group: Group | None, ticket: Ticket) -> Group | None:
    return group if group is not None and group.opener == ticket.opener else None


def _order(ticket: Ticket) -> tuple[int, int]:
    return (-ticket.alert.rule.severity.rank if ticket.alert else 1), ticket.born_ms
