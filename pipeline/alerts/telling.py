"""Telling: what all sends of one invocation share, and how one message is sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.alerts.alert import Alert
from pipeline.alerts.content import Content
from pipeline.alerts.ledger import Ledger
from pipeline.alerts.ports import Destination, Posted
from pipeline.alerts.ticket import Ticket, delay_ms
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.rules.rule import Repeat, Severity
from pipeline.state.failover import Failover
from pipeline.state.lifecycle import Claim

if TYPE_CHECKING:
    from pipeline.alerts.chain import Chain

MIN_SEND_MS = 8_000
"""No send with less time left: one may take 5 s, and the last 3 s belong to handing over to the outbox."""
MIN_HAND_OVER_MS = 1_000
"""No ticket is written with less time left: what it stands for goes back instead."""
LAST_WAIT_MS = 1_000
DOWN_MS = 5_000
"""How long nothing more goes to a destination that did not answer."""
_IDS = uuid.UUID("6f3b0c9e-5d0a-5a53-9c0f-3f5f4d0a7b11")


class Telling:
    """One invocation's hand: its clock, its books, its turns at each destination, its way to the outbox."""

    def __init__(self, chain: Chain, ledger: Ledger, *, from_outbox: bool = False) -> None:
        self.chain = chain
        self.state = chain.state
        self.pace = chain.pace
        self.settings = chain.ruleset.settings
        self.ledger = ledger
        self.from_outbox = from_outbox

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.chain.clock.now_ms()

    @property
    def has_outbox(self) -> bool:
        """What cannot go now can wait in the outbox; if not, it is handed back."""
        return self.chain.outbox is not None

    @property
    def is_shared(self) -> bool:
        """What is stored is seen by all: the state has not failed. Else no group outlives its batch."""
        return not (isinstance(self.state, Failover) and self.state.failure is not None)

    # ---- turns ----

    def is_down(self, destination: Destination) -> bool:
        """It has just failed to answer."""
        return self.chain.down_until_ms.get(destination.id, 0) > self.now_ms

    def wait_ms(self, destination: Destination, *, edits: bool = False) -> int:
        """How long nothing may be sent there: it is down or blocked, or the time of this invocation is up. 0: now."""
        down_ms = self.chain.down_until_ms.get(destination.id, 0) - self.now_ms
        if down_ms > 0:
            return down_ms
        if self.chain.clock.remaining_ms() < MIN_SEND_MS:
            return LAST_WAIT_MS
        return self.pace.blocked_ms(destination, self.now_ms, edits=edits)

    def token_ms(self, destination: Destination, severity: Severity = Severity.CRITICAL) -> int:
        """Take a token for a first message; returns 0, or how many ms to wait instead."""
        return self.pace.admit_post(destination, self.now_ms, severity)

    def slept(self, wait_ms: int) -> bool:
        """Wait here where there is no outbox to wait in, if there is time to; tells whether it did."""
        if self.has_outbox or self.chain.clock.remaining_ms() - wait_ms < MIN_SEND_MS:
            return False
        self.chain.clock.sleep(wait_ms / 1000)
        return True

    def hold(self, destination: Destination, failure: DeliveryError, *, edits: bool = False) -> int:
        """Leave a destination alone after a failure that passes; returns for how many ms."""
        if isinstance(failure, RateLimited):
            scope = failure.scope or (destination.edit_scope if edits else destination.post_scope)
            self.pace.block(scope, failure.retry_after_s, self.now_ms)
            return int(failure.retry_after_s * 1000)
        self.chain.down_until_ms[destination.id] = self.now_ms + DOWN_MS
        return DOWN_MS

    # ---- sending ----

    def post(self, destination: Destination, content: Content, *, dedupe_id: str, thread: str = "") -> Posted:
        """Post; a message that is refused as it is goes once more as plain text, a refused secret is fetched once."""
        self.ledger.posts += 1
        try:
            return destination.post(content, dedupe_id=dedupe_id, thread=thread)
        except Rejected as rejection:
            if rejection.fault is Fault.DESTINATION:
                raise
            if rejection.fault is Fault.CREDENTIAL:
                destination.refresh()
            self._take_second_token(destination)
            self.ledger.posts += 1
            plain = rejection.fault is Fault.MESSAGE
            return destination.post(content, dedupe_id=dedupe_id, thread=thread, plain=plain)

    def edit(self, destination: Destination, posted: Posted, content: Content) -> None:
        """Edit; a refused secret is fetched once."""
        self.ledger.edits += 1
        try:
            destination.edit(posted, content)
        except Rejected as rejection:
            if rejection.fault is not Fault.CREDENTIAL:
                raise
            destination.refresh()
            self.ledger.edits += 1
            destination.edit(posted, content)

    def _take_second_token(self, destination: Destination) -> None:
        """Wait for the second attempt's own token, as long as one takes to come; raises DeliveryError if none does."""
        wait_ms = self.wait_ms(destination) or self.token_ms(destination)
        if wait_ms and wait_ms <= self.settings.channel_interval_ms:
            self.chain.clock.sleep(wait_ms / 1000)
            wait_ms = self.wait_ms(destination) or self.token_ms(destination)
        if wait_ms:
            raise Unavailable("no turn for a second attempt")

    # ---- what is written down ----

    def mark(self, marks: Mapping[str, Claim]) -> None:
        """Store what is known about alerts."""
        if marks:
            self.state.write_claims(marks)

    # ---- the outbox ----

    def queue(self, tickets: Sequence[tuple[Ticket, int]]) -> list[bool]:
        """Put tickets in the outbox, each with its delay in ms; tells for each whether the outbox has it."""
        if self.chain.outbox is None or not tickets or self.chain.clock.remaining_ms() < MIN_HAND_OVER_MS:
            return [False] * len(tickets)
        return list(self.chain.outbox.put([(ticket, delay_ms(wait_ms) // 1000) for ticket, wait_ms in tickets]))


def can_edit(destination: Destination, alert: Alert, posted: Posted) -> bool:
    """Tell whether the first message itself can say what happened again."""
    return bool(posted.message and destination.edit_scope) and alert.rule.repeat is not Repeat.THREAD


def message_id(*parts: str) -> str:
    """Name a message so that every attempt at it has the same `client_msg_id`."""
    return str(uuid.uuid5(_IDS, "\n".join(parts)))
