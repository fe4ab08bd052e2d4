"""Notices: what somebody should know about Trailwire itself, told to the error destinations."""

from __future__ import annotations

from pipeline.alerts.alert import Notice
from pipeline.alerts.content import About
from pipeline.alerts.ports import Destination
from pipeline.alerts.telling import Telling, message_id
from pipeline.alerts.ticket import Kind, Ticket, backoff_ms
from pipeline.errors import RateLimited, Rejected, Unavailable

NOTICE_WINDOW_MS = 3_600_000
PATIENCE_MS = 5_000
"""How long a notice waits for its turn where there is no outbox to wait in: longer than a burst takes to be saved."""


def notify(telling: Telling, notice: Notice, window_ms: int = NOTICE_WINDOW_MS) -> None:
    """Tell the error destinations something, once per cause and window."""
    now_ms = telling.now_ms
    for name in telling.settings.errors_to:
        turn = message_id(name, notice.cause)
        if telling.state.take_turn(f"notice:{turn}", until_ms=now_ms + window_ms, now_ms=now_ms):
            say(telling, Ticket(Kind.NOTICE, notice=notice, destination=name, born_ms=now_ms))


def say(telling: Telling, ticket: Ticket) -> bool:
    """Post a notice, or put it in the outbox; tells whether it is told or in safe hands.

    A notice that cannot be told at all is in the metrics and the log.
    """
    destination = telling.chain.destinations.get(ticket.destination)
    if destination is None or ticket.notice is None:
        return True
    wait_ms = _turn_ms(telling, destination)
    if 0 < wait_ms <= PATIENCE_MS and telling.slept(wait_ms):
        wait_ms = _turn_ms(telling, destination)
    attempts = ticket.attempts
    try:
        if not wait_ms:
            dedupe_id = message_id(ticket.destination, ticket.notice.cause, str(ticket.born_ms))
            telling.post(destination, About(ticket.notice), dedupe_id=dedupe_id)
            return True
    except RateLimited as limited:
        wait_ms = telling.hold(destination, limited)
    except Unavailable as outage:
        wait_ms = max(telling.hold(destination, outage), backoff_ms(attempts))
        attempts += 1
    except Rejected as rejection:
        telling.ledger.rejections[rejection.reason] += 1
        return True
    again = Ticket(
        Kind.NOTICE, notice=ticket.notice, destination=ticket.destination, attempts=attempts, born_ms=ticket.born_ms
    )
    return all(telling.queue([(again, wait_ms)]))


def _turn_ms(telling: Telling, destination: Destination) -> int:
    """Take a turn; returns 0, or how many ms to wait instead."""
    return telling.wait_ms(destination) or telling.pace.admit_reply(destination, telling.now_ms)
