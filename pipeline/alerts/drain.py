"""Draining the outbox: tickets whose time has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.candidate import Candidate, from_alert
from pipeline.alerts.chain import Chain
from pipeline.alerts.group import Opening, lead_of, repeats_of
from pipeline.alerts.ledger import Ledger
from pipeline.alerts.ports import Posted
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import MAX_AGE_MS, Kind, Ticket, backoff_s, delay_s
from pipeline.state.lifecycle import LEASE_MS, GroupState


class Arrived(NamedTuple):
    """A ticket, and the queue message that brought it."""

    ticket: Ticket
    message: str
    """Queue message id: the owner of whatever is told because of it."""


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
        alerts: list[Candidate] = []
        openings: list[Opening] = []
        for ticket, message in arrived:
            if self._is_too_old(ticket):
                self._bury(ticket, telling)
                continue
            match ticket.kind:
                case Kind.ALERT if ticket.alert is not None:
                    alerts.append(_candidate(ticket, ticket.alert, message))
                case Kind.GROUP if ticket.alert is not None:
                    self._group(ticket, ticket.alert, message, alerts, openings)
                case Kind.EDIT if ticket.alert is not None:
                    self._edit(ticket, ticket.alert, message)
                case Kind.NOTICE if ticket.notice is not None:
                    telling.say(ticket.destination, ticket.notice, attempts=ticket.attempts, born_ms=ticket.born_ms)
                case _:
                    self._bury(ticket, telling)
        self.ledger.deferred_in += len(alerts) + len(openings)
        openings.sort(key=lambda opening: opening.lead.order)
        telling.open(openings)
        self.chain.deliver(alerts, self.ledger, from_outbox=True)

    def _is_too_old(self, ticket: Ticket) -> bool:
        return self.chain.clock.now_ms() - ticket.born_ms > MAX_AGE_MS

    def _bury(self, ticket: Ticket, telling: Telling) -> None:
        self.bury(ticket)
        name = ticket.alert.rule.name if ticket.alert else ticket.destination
        text = (
            f'A {ticket.kind} ticket of "{name}" could not be delivered for three days. '
            "It is in the dead-letter queue; `trailwire replay` sends it again."
        )
        if ticket.kind is not Kind.NOTICE:
            telling.notify(Notice(cause="ticket too old", text=text, severity="error"))

    # ---- groups ----

    def _group(
        self, ticket: Ticket, alert: Alert, message: str, alerts: list[Candidate], openings: list[Opening]
    ) -> None:
        """Post a group that nobody posted; keep the ticket for the end of its window; then say the last word."""
        now_ms = self.chain.clock.now_ms()
        group = self.chain.state.read_groups([alert.group]).get(alert.group)
        if group is None or group.opener != ticket.opener:
            # Its opener died before it stored the group, or a later group has taken the place: if nobody has told
            # the alert, it joins or opens what is there now.
            alerts.append(_candidate(ticket, alert, message))
        elif group.state is GroupState.OPENING:
            self._post(ticket, alert, message, alerts, openings)
        elif group.state is GroupState.OPEN and now_ms < group.window_until_ms:
            self._requeue(ticket, message, group.window_until_ms - now_ms)
        else:
            self._close(ticket, alert, message)

    def _post(
        self,
        ticket: Ticket,
        alert: Alert,
        message: str,
        alerts: list[Candidate],
        openings: list[Opening],
    ) -> None:
        now_ms = self.chain.clock.now_ms()
        candidate = _candidate(ticket, alert, message)
        taken = self.chain.state.take_over_group(
            alert.group, ticket.opener, lease_until_ms=now_ms + LEASE_MS, now_ms=now_ms
        )
        if taken is None:
            alerts.append(candidate)
        else:
            openings.append(Opening(alert.group, [candidate], taken, stored=True))

    def _close(self, ticket: Ticket, alert: Alert, message: str) -> None:
        ended = self.chain.state.close_group(alert.group, ticket.opener)
        if ended is None or ended.count <= ended.told:
            return
        posted = Posted(ended.channel, ended.message)
        shown = lead_of(ended) or alert
        self._show(ticket, shown, repeats_of(ended, closed=True), posted, message)

    # ---- edits ----

    def _edit(self, ticket: Ticket, alert: Alert, message: str) -> None:
        if ticket.repeats is not None:
            self._show(ticket, alert, ticket.repeats, Posted(ticket.channel, ticket.message), message)
            return
        group = self.chain.state.read_groups([alert.group]).get(alert.group)
        if group is None or group.opener != ticket.opener or group.state is not GroupState.OPEN:
            return  # whoever ended the group has said, or will say, its last word
        if group.count > group.told:
            self._show(ticket, alert, repeats_of(group), Posted(group.channel, group.message), message)

    def _show(self, ticket: Ticket, alert: Alert, repeats: Repeats, posted: Posted, message: str) -> None:
        destination = self.chain.destinations.get(alert.destination)
        if destination is None:
            return
        telling = Telling(self.chain, self.ledger, from_outbox=True)
        wait_ms = telling.show(destination, alert, repeats, posted)
        if wait_ms:
            again = Ticket(
                Kind.EDIT,
                alert=alert,
                opener=ticket.opener,
                repeats=repeats if repeats.closed else None,
                channel=posted.channel,
                message=posted.message,
                attempts=ticket.attempts + 1,
                born_ms=ticket.born_ms,
            )
            self._requeue(again, message, max(wait_ms, backoff_s(ticket.attempts) * 1000))
        elif not repeats.closed:
            self.chain.state.posted_group(
                alert.group, ticket.opener, channel=posted.channel, message=posted.message, told=repeats.count
            )

    # ---- the queue ----

    def _requeue(self, ticket: Ticket, message: str, delay_ms: int) -> None:
        """Write a new ticket; if the queue refuses, the message that brought this one comes back by itself."""
        if self.chain.outbox is None or not all(self.chain.outbox.put([(ticket, delay_s(delay_ms))])):
            self.ledger.unsafe_owners.add(message)


def _candidate(ticket: Ticket, alert: Alert, message: str) -> Candidate:
    return from_alert(alert, message, may_repeat=ticket.may_repeat, attempts=ticket.attempts, born_ms=ticket.born_ms)
