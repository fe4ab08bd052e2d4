"""Telling: the openings and updates of one batch, each sent, put in the outbox, or handed back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.candidate import Candidate, readdressed
from pipeline.alerts.content import About, Content, Many, One, Reply
from pipeline.alerts.group import Opening, Update, joining_of, lead_of, repeats_of, settle
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.ports import Destination, Posted
from pipeline.alerts.ticket import Kind, Ticket, backoff_s, delay_s
from pipeline.errors import Fault, RateLimited, Rejected, Unavailable
from pipeline.rules.rule import Repeat
from pipeline.state.lifecycle import LEASE_MS, LEASE_SLACK_MS, Claim, ClaimState, Group

if TYPE_CHECKING:
    from pipeline.alerts.chain import Chain

MIN_SEND_MS = 8_000
"""No send with less time left: one may take 5 s, and the last 3 s belong to handing over to the outbox."""
MAX_LISTED = 30
"""Alerts in one list. Each takes about 300 characters of Slack's 10,000."""
ATTEMPTS_OF_THE_REFUSED = 4
"""What is refused, with nobody else to tell, is tried again as if it had failed so often before: after 80 s and more."""
NOTICE_WINDOW_MS = 3_600_000
_IDS = uuid.UUID("6f3b0c9e-5d0a-5a53-9c0f-3f5f4d0a7b11")


class Telling:
    """One batch's sends. Lives as long as the batch."""

    def __init__(self, chain: Chain, ledger: Ledger, *, from_outbox: bool = False) -> None:
        self._chain = chain
        self._state = chain.state
        self._clock = chain.clock
        self._pace = chain.pace
        self._ledger = ledger
        self._from_outbox = from_outbox
        self._down: dict[str, int] = {}
        """Destinations that just failed, and for how many ms nothing more goes there."""

    # ---- first messages ----

    def open(self, openings: list[Opening]) -> None:
        """Post the first message of every group, severest first; what can't go now waits in the outbox."""
        by_destination: defaultdict[str, list[Opening]] = defaultdict(list)
        for opening in openings:
            by_destination[opening.lead.destination].append(opening)
        for name, queue in by_destination.items():
            destination = self._chain.destinations.get(name)
            if destination is None:
                self._reject(queue, f"no destination {name}")
            else:
                self._open_at(destination, queue)

    def _open_at(self, destination: Destination, queue: list[Opening]) -> None:
        posted = 0
        while queue:
            wait_ms = self._wait_ms(destination)
            if wait_ms and not self._sleep(wait_ms):
                self._defer(queue, wait_ms)
                return
            if wait_ms:
                continue
            size = 1 if posted < self._pace.singles else MAX_LISTED
            batch, queue = queue[:size], queue[size:]
            posted += 1
            refusal = self._post(destination, batch)
            if refusal:
                self._reject(queue, refusal)
                return

    def _wait_ms(self, destination: Destination) -> int:
        """How long before the next post may go: 0 means now, and the token is taken."""
        if destination.id in self._down:
            return self._down[destination.id]
        if self._clock.remaining_ms() < MIN_SEND_MS:
            return 1_000
        return self._pace.admit_post(destination, self._clock.now_ms())

    def _sleep(self, wait_ms: int) -> bool:
        """Wait here where there is no outbox to wait in, and there is time to."""
        has_time = self._clock.remaining_ms() - wait_ms >= MIN_SEND_MS
        if self._chain.outbox is not None or not has_time:
            return False
        self._clock.sleep(wait_ms / 1000)
        self._down.clear()
        return True

    def _post(self, destination: Destination, batch: list[Opening]) -> str:
        """Post one message. Returns why the destination takes nothing at all, or nothing."""
        ready = self._stored(self._claimed(batch))
        if not ready:
            return ""
        content = _content(ready)
        try:
            posted = self._send(destination, content, dedupe_id=message_id(ready[0].lead.key))
        except RateLimited as limited:
            self._defer(ready, self._hold(destination, limited))
        except Unavailable as outage:
            self._down[destination.id] = backoff_s(0) * 1000
            self._failed(ready, ambiguous=outage.ambiguous)
        except Rejected as rejection:
            self._reject(ready, rejection.reason)
            return "" if rejection.fault is Fault.MESSAGE else rejection.reason
        else:
            self._posted(ready, posted if len(ready) == 1 else Posted())
        return ""

    def _send(self, destination: Destination, content: Content, *, dedupe_id: str, thread: str = "") -> Posted:
        """Post; a message that is refused as it is goes once more as plain text, a refused secret is fetched once."""
        self._ledger.posts += 1
        try:
            return destination.post(content, dedupe_id=dedupe_id, thread=thread)
        except Rejected as rejection:
            if rejection.fault is Fault.DESTINATION:
                raise
            if rejection.fault is Fault.CREDENTIAL:
                destination.refresh()
            plain = rejection.fault is Fault.MESSAGE
            return destination.post(content, dedupe_id=dedupe_id, thread=thread, plain=plain)

    def _hold(self, destination: Destination, limited: RateLimited) -> int:
        self._pace.block(limited.scope or destination.post_scope, limited.retry_after_s, self._clock.now_ms())
        return int(limited.retry_after_s * 1000)

    def _claimed(self, batch: list[Opening]) -> list[Opening]:
        """Claim the first alert of each group; where somebody else has it, the next one leads."""
        ready = []
        for opening in batch:
            while opening.members and not self._claim(opening.lead):
                opening.members.pop(0)
            if opening.members:
                ready.append(opening)
        return ready

    def _claim(self, candidate: Candidate) -> bool:
        now_ms = self._clock.now_ms()
        wanted = Claim(ClaimState.CLAIMED, candidate.owner, now_ms + LEASE_MS)
        standing = self._state.take_claim(candidate.key, wanted, now_ms=now_ms, from_outbox=self._from_outbox)
        if standing is None:
            return True
        if standing.state is ClaimState.CLAIMED:
            self._look_again(candidate, standing)
        else:
            self._ledger.decide(Fate.DUPLICATE)
        return False

    def _look_again(self, candidate: Candidate, standing: Claim) -> None:
        delay_ms = max(0, standing.until_ms - self._clock.now_ms()) + LEASE_SLACK_MS
        ticket = Ticket(Kind.ALERT, alert=candidate.alert, born_ms=self._clock.now_ms())
        if all(self._queue([(ticket, delay_ms)])):
            self._ledger.decide(Fate.DEFERRED)
        else:
            self._ledger.unsafe(candidate.owner)

    def _stored(self, batch: list[Opening]) -> list[Opening]:
        """Queue each group's ticket, then store the group; where another opener was faster, join its group.

        What came from the outbox needs no ticket yet: until it is acknowledged, its own message comes back.
        """
        if not self._from_outbox:
            delay_ms = LEASE_MS + LEASE_SLACK_MS
            self._queue([(self._group_ticket(opening), delay_ms) for opening in batch if not opening.is_single])
        return [opening for opening in batch if opening.stored or opening.is_single or self._store(opening)]

    def _store(self, opening: Opening) -> bool:
        now_ms = self._clock.now_ms()
        opened, other = self._state.open_group(opening.key, opening.group, now_ms=now_ms)
        if opened:
            opening.stored = True
            if other is not None and other.count > other.told:
                self._last_word(opening, other)
            return True
        joined = self._state.join_group(opening.key, joining_of(opening.members, other), now_ms=now_ms)
        if joined is None:
            return True  # it ended this very moment: post it ungrouped rather than lose it
        marks: dict[str, Claim] = {}
        settle(opening.members, now_ms, marks)
        self._state.write_claims(marks)
        self._ledger.decide(Fate.GROUPED, len(opening.members))
        return False

    def _last_word(self, opening: Opening, ended: Group) -> None:
        """Close a group whose window ended before its own ticket came, and whose count was not yet shown."""
        ticket = Ticket(
            Kind.EDIT,
            alert=lead_of(ended) or opening.lead.alert,
            opener=ended.opener,
            repeats=repeats_of(ended, closed=True),
            channel=ended.channel,
            message=ended.message,
            born_ms=self._clock.now_ms(),
        )
        self._queue([(ticket, 0)])

    def _posted(self, batch: list[Opening], posted: Posted) -> None:
        now_ms = self._clock.now_ms()
        marks: dict[str, Claim] = {}
        for opening in batch:
            if not opening.is_single:
                opener, told = opening.group.opener, opening.group.count
                self._state.posted_group(opening.key, opener, channel=posted.channel, message=posted.message, told=told)
            settle(opening.members, now_ms, marks)
            self._ledger.decide(Fate.SENT)
            self._ledger.decide(Fate.GROUPED, len(opening.members) - 1)
            self._ledger.told(opening.lead.seen_ms, opening.lead.alert.event.time_ms, now_ms)
        self._state.write_claims(marks)
        if self._from_outbox:
            self._queue(
                [
                    (self._group_ticket(opening), max(0, opening.group.window_until_ms - now_ms))
                    for opening in batch
                    if not opening.is_single
                ]
            )

    # ---- what cannot go now ----

    def _failed(self, openings: list[Opening], *, ambiguous: bool) -> None:
        """The destination did not answer: each group tries again later, ever less often."""
        for opening in openings:
            opening.lead.attempts += 1
            opening.lead.may_repeat |= ambiguous
        self._defer(openings, backoff_s(0) * 1000, ambiguous=ambiguous)

    def _defer(self, openings: list[Opening], delay_ms: int, *, ambiguous: bool = False) -> None:
        """Put groups in the outbox, first the ticket, then the group, then the marks. Without one, hand them back."""
        tickets = [(self._waiting_ticket(opening), _delay_ms(opening, delay_ms)) for opening in openings]
        queued = self._queue(tickets)
        for opening, (_, waits_ms), is_queued in zip(openings, tickets, queued, strict=True):
            if is_queued:
                self._deferred(opening, waits_ms)
            else:
                self._hand_back(opening, ambiguous=ambiguous)

    def _deferred(self, opening: Opening, delay_ms: int) -> None:
        now_ms = self._clock.now_ms()
        due_ms = now_ms + delay_ms
        if not opening.is_single:
            self._keep(opening, due_ms + LEASE_MS, now_ms)
        marks: dict[str, Claim] = {}
        settle(opening.members[1:], now_ms, marks)
        marks[opening.lead.key] = Claim(ClaimState.DEFERRED, opening.lead.owner, due_ms)
        self._state.write_claims(marks)
        self._ledger.decide(Fate.DEFERRED)
        self._ledger.decide(Fate.GROUPED, len(opening.members) - 1)

    def _keep(self, opening: Opening, lease_until_ms: int, now_ms: int) -> None:
        """Store a group that waits for its ticket, so that what comes meanwhile joins it."""
        if opening.stored:
            opener = opening.group.opener
            self._state.take_over_group(opening.key, opener, lease_until_ms=lease_until_ms, now_ms=now_ms)
            return
        waiting = replace(opening.group, lease_until_ms=lease_until_ms)
        opened, other = self._state.open_group(opening.key, waiting, now_ms=now_ms)
        if not opened:
            self._state.join_group(opening.key, joining_of(opening.members, other), now_ms=now_ms)
        elif other is not None and other.count > other.told:
            self._last_word(opening, other)

    def _hand_back(self, opening: Opening, *, ambiguous: bool) -> None:
        """Give alerts back to the stream. What surely was not delivered gives up its claim, so nobody waits for it."""
        for member in opening.members:
            self._ledger.unsafe(member.owner)
        if not ambiguous:
            released = Claim(ClaimState.CLAIMED, opening.lead.owner + "-", self._clock.now_ms())
            self._state.write_claims({opening.lead.key: released})

    def _reject(self, openings: list[Opening], reason: str) -> None:
        """The destination will not take these: they go to the error destinations, or wait until somebody mends it."""
        if not openings:
            return
        failed, count = openings[0].lead.destination, sum(len(opening.members) for opening in openings)
        self._ledger.rejections[reason] += count
        errors_to = self._chain.ruleset.settings.errors_to
        if not errors_to or failed in errors_to:
            for opening in openings:
                opening.lead.attempts = max(opening.lead.attempts, ATTEMPTS_OF_THE_REFUSED)
            self._failed(openings, ambiguous=False)
            return
        text = f"{failed} does not take messages ({reason}). Its alerts come here until that is mended."
        self.notify(Notice(cause=f"{failed}: {reason}", text=text, severity="error"))
        now_ms = self._clock.now_ms()
        marks: dict[str, Claim] = {}
        for opening in openings:
            settle(opening.members, now_ms, marks)
            if opening.stored:
                self._state.close_group(opening.key, opening.group.opener)
        self._ledger.decide(Fate.REJECTED, count)
        self._tell_elsewhere([opening.lead for opening in openings], errors_to)
        self._state.write_claims(marks)

    def _tell_elsewhere(self, leads: list[Candidate], errors_to: tuple[str, ...]) -> None:
        moved = [readdressed(lead.alert, other, lead.owner) for lead in leads for other in errors_to]
        self._ledger.alerts += len(moved)
        self._chain.deliver(moved, self._ledger)

    # ---- repeats ----

    def update(self, updates: list[Update]) -> None:
        """Bring messages up to date: by a ticket at most once per group and interval, or without an outbox at once."""
        for update in updates:
            destination, lead = self._chain.destinations.get(update.destination), lead_of(update.group)
            if destination is not None and lead is not None and self._can_update(destination, update):
                self._schedule(destination, lead, update)

    def _can_update(self, destination: Destination, update: Update) -> bool:
        return bool(update.group.message) or (self._chain.outbox is None and not destination.edit_scope)

    def _schedule(self, destination: Destination, lead: Alert, update: Update) -> None:
        now_ms, group = self._clock.now_ms(), update.group
        if self._chain.outbox is None:
            self.show(destination, lead, repeats_of(group), Posted(group.channel, group.message))
            return
        interval_ms = self._chain.ruleset.settings.edit_interval_s * 1000
        if self._state.take_turn(f"edit:{update.key}", until_ms=now_ms + interval_ms, now_ms=now_ms):
            ticket = Ticket(Kind.EDIT, alert=lead, opener=group.opener, born_ms=now_ms)
            self._queue([(ticket, interval_ms)])

    def show(self, destination: Destination, alert: Alert, repeats: Repeats, posted: Posted) -> int:
        """Show a group's count: edit its message, answer it, or where neither can be, say it anew.

        Returns 0 when done or refused for good, else how many ms to wait before the next attempt.
        """
        edits = bool(posted.message) and bool(destination.edit_scope) and alert.rule.repeat is not Repeat.THREAD
        now_ms = self._clock.now_ms()
        wait_ms = self._pace.admit_edit(destination, now_ms) if edits else self._pace.admit_post(destination, now_ms)
        if wait_ms:
            return wait_ms
        try:
            if edits:
                self._ledger.edits += 1
                destination.edit(posted, One(alert, repeats))
            else:
                reply_id = message_id(alert.key, str(repeats.count))
                self._send(destination, Reply(alert, repeats), dedupe_id=reply_id, thread=posted.message)
        except RateLimited as limited:
            scope = limited.scope or (destination.edit_scope if edits else destination.post_scope)
            self._pace.block(scope, limited.retry_after_s, now_ms)
            return int(limited.retry_after_s * 1000)
        except Unavailable:
            return backoff_s(0) * 1000
        except Rejected as rejection:
            self._ledger.rejections[rejection.reason] += 1
        return 0

    # ---- about ourselves ----

    def notify(self, notice: Notice) -> None:
        """Tell the error destinations something, once per cause and window."""
        now_ms = self._clock.now_ms()
        for name in self._chain.ruleset.settings.errors_to:
            turn = message_id(name, notice.cause)
            if self._state.take_turn(f"notice:{turn}", until_ms=now_ms + NOTICE_WINDOW_MS, now_ms=now_ms):
                self.say(name, notice, attempts=0, born_ms=now_ms)

    def say(self, name: str, notice: Notice, *, attempts: int, born_ms: int) -> None:
        """Post a notice, or put it in the outbox; a notice that cannot be told is in the metrics and the log."""
        destination = self._chain.destinations.get(name)
        if destination is None:
            return
        wait_ms = self._wait_ms(destination)
        try:
            if not wait_ms:
                self._send(destination, About(notice), dedupe_id=message_id(name, notice.cause, str(born_ms)))
                return
        except RateLimited as limited:
            wait_ms = self._hold(destination, limited)
        except Unavailable:
            wait_ms = backoff_s(attempts) * 1000
        except Rejected as rejection:
            self._ledger.rejections[rejection.reason] += 1
            return
        ticket = Ticket(Kind.NOTICE, notice=notice, destination=name, attempts=attempts + 1, born_ms=born_ms)
        self._queue([(ticket, wait_ms)])

    # ---- tickets ----

    def _queue(self, tickets: list[tuple[Ticket, int]]) -> list[bool]:
        """Put tickets in the outbox, each with its delay in ms; tells for each whether the outbox has it."""
        if self._chain.outbox is None or not tickets:
            return [False] * len(tickets)
        return list(self._chain.outbox.put([(ticket, delay_s(delay_ms)) for ticket, delay_ms in tickets]))

    def _group_ticket(self, opening: Opening) -> Ticket:
        lead = opening.lead
        return Ticket(
            Kind.GROUP,
            alert=lead.alert,
            opener=opening.group.opener,
            may_repeat=lead.may_repeat,
            attempts=lead.attempts,
            born_ms=lead.born_ms or self._clock.now_ms(),
        )

    def _waiting_ticket(self, opening: Opening) -> Ticket:
        ticket = self._group_ticket(opening)
        return replace(ticket, kind=Kind.ALERT, opener="") if opening.is_single else ticket


def _delay_ms(opening: Opening, least_ms: int) -> int:
    attempts = opening.lead.attempts
    return max(least_ms, backoff_s(attempts - 1) * 1000) if attempts else least_ms


def message_id(*parts: str) -> str:
    """Name a message so that every attempt at it has the same `client_msg_id`."""
    return str(uuid.uuid5(_IDS, "\n".join(parts)))


def _content(batch: list[Opening]) -> Content:
    may_repeat = any(opening.lead.may_repeat for opening in batch)
    if len(batch) > 1:
        return Many(tuple(_shown(opening) for opening in batch), may_repeat)
    opening = batch[0]
    repeats = repeats_of(opening.group) if opening.group.count > 1 and not opening.is_single else None
    return One(_shown(opening), repeats, may_repeat)


def _shown(opening: Opening) -> Alert:
    """The alert a message shows: the group's first, also where a later one posts it in its opener's place."""
    return (lead_of(opening.group) if opening.stored else None) or opening.lead.alert
