"""Replay: undelivered things sent through the same matching and telling again.

What was told stays told, because alerts have the same keys and the state knows them. A thing is done with only if all
of it went through: every alert told, counted, in the outbox or known already, every part read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec

from pipeline.alerts.candidate import Candidate, digest, from_alert
from pipeline.alerts.drain import Drain
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.ticket import Arrived, Kind, Ticket
from pipeline.aws.clients import error_code, failures
from pipeline.aws.objects import MAX_UNDELIVERED, fetched
from pipeline.aws.quarantine import Quarantine
from pipeline.aws.reread import Span, reread
from pipeline.decode import cloudwatch_logs, kinesis
from pipeline.decode.again import read_again
from pipeline.decode.decoded import Decoded, Source, Stage, Undecodable
from pipeline.decode.json_text import loads
from pipeline.decode.notifications import StoredObject, read_notification
from pipeline.errors import DecodeError
from pipeline.runtime.arrivals import Arrivals, Owned
from pipeline.runtime.invocation import Invocation, owner_of
from pipeline.runtime.service import Running, Service
from pipeline.runtime.undelivered import Batch, Notices, Piece
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    TOLD_MS,
    Claim,
    ClaimState,
    Found,
    Then,
    classify,
)

MAX_ATTEMPTS: Final = 1_000
"""Attempts at one thing, each of which told something: without an outbox one tells what a minute's rate allows."""


class Status(StrEnum):
    """What became of a thing."""

    REPLAYED = "replayed"
    """All of it went through."""
    READY = "ready"
    """All of it could be read, in a dry run."""
    UNDECODABLE = "undecodable"
    """Some of it still cannot be read; what could be read went through."""
    FAILED = "failed"
    """Some of it could not be fetched or told."""


@dataclass(slots=True)
class Outcome:
    """What became of one thing."""

    status: Status
    reason: str
    """Why it is not replayed; empty where it is."""
    ledger: Ledger = field(default_factory=Ledger)
    state_failure: str = ""
    """Why the state store was not asked any more; empty where it was."""
    to_tell: Counter[str] = field(default_factory=Counter)
    """In a dry run: alerts that would be told, by rule."""


class StaysWhereItIs:
    """The quarantine of things that are kept already, by whoever holds them: takes nothing."""

    problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """See `Quarantine`."""
        return [False] * len(parts)


class Replay:
    """A service that is sent things by hand."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._promised: set[str] = set()
        """In a dry run: keys of the alerts that the things so far would tell."""

    def state_problem(self) -> str:
        """Say why the state store cannot be used; empty where it can. Asks it."""
        running = self._service.begin(None)
        running.state.view.read_claims(["replay"])
        return str(running.state.failure or "")

    def send(self, where: str, pieces: Sequence[Piece]) -> Outcome:
        """Send a thing through, as often as it takes while each attempt tells something."""
        for _ in range(MAX_ATTEMPTS):
            running = self._service.begin(None)
            outcome = _Attempt(running, self._quarantine(pieces), where).send(pieces)
            if outcome.status is not Status.FAILED or not outcome.ledger.fates[Fate.SENT] or outcome.state_failure:
                break
        return outcome

    def look(self, where: str, pieces: Sequence[Piece]) -> Outcome:
        """Find out what would be told of a thing; sends nothing, writes nothing."""
        return _Attempt(self._service.begin(None), StaysWhereItIs(), where).look(pieces, self._promised)

    def _quarantine(self, pieces: Sequence[Piece]) -> Quarantine:
        """What was quarantined stays where it is; so does everything where quarantine would be this terminal."""
        if not self._service.environment.quarantine or any(isinstance(piece, Undecodable) for piece in pieces):
            return StaysWhereItIs()
        return self._service.quarantine


class _Attempt:
    """One invocation's worth of work on one thing."""

    def __init__(self, running: Running, quarantine: Quarantine, where: str) -> None:
        self._running = running
        self._owner = digest("replay", where)
        self._keeps = isinstance(quarantine, StaysWhereItIs)
        self._invocation = Invocation(running.service.matcher, lambda: running.chain, running.clock, lambda: quarantine)
        self._arrivals = Arrivals(running.clock.remaining_ms, _fetched)
        self._problems: list[str] = []

    def send(self, pieces: Sequence[Piece]) -> Outcome:
        self._drain([ticket for ticket in pieces if isinstance(ticket, Ticket)])
        ledger = self._invocation.take(self._payloads(pieces))
        if ledger.fates[Fate.UNSAFE] or self._owner in ledger.unsafe_owners:
            self._problems.append(_why_unsafe(ledger, self._running))
        return self._outcome()

    def look(self, pieces: Sequence[Piece], promised: set[str]) -> Outcome:
        chain, ledger = self._running.chain, self._invocation.ledger
        sightings = self._invocation.match(self._payloads(pieces))
        matched = chain.route(chain.suppress(sightings, chain.clock.now_ms(), ledger), ledger)
        outcome = self._outcome()
        outcome.status = Status.READY if outcome.status is Status.REPLAYED else outcome.status
        outcome.to_tell = self._unknown(list(matched), FROM_STREAM, promised)
        alerts = [piece.alert for piece in pieces if isinstance(piece, Ticket) and piece.kind is not Kind.EDIT]
        waiting = [from_alert(alert, self._owner) for alert in alerts if alert is not None]
        ledger.deferred_in += len(waiting)
        outcome.to_tell += self._unknown(waiting, FROM_OUTBOX, promised)
        return outcome

    # ---- events ----

    def _payloads(self, pieces: Sequence[Piece]) -> Iterator[Owned]:
        for piece in pieces:
            match piece:
                case Batch():
                    yield from _owned(_of_batch(piece.event))
                case Span():
                    yield from _owned(self._of_span(piece))
                case Notices():
                    yield from self._arrivals.of(self._owner, piece.noticed, Source())
                case Undecodable():
                    yield from self._again(piece)

    def _of_span(self, span: Span) -> Iterator[Decoded]:
        try:
            found = reread(span)
        except failures() as error:
            self._problems.append(f"the records {span} cannot be read: {error_code(error)}")
            return
        if found.problem:
            self._problems.append(found.problem)
        for record in found.records:
            yield from kinesis.read(record)

    def _again(self, part: Undecodable) -> Iterator[Owned]:
        """Read what was quarantined; a notification may name objects that can be read by now."""
        noticed = _noticed(part) if part.stage is Stage.BATCH else ()
        if noticed:
            yield from self._arrivals.of(self._owner, noticed, part.source)
        else:
            yield from _owned(read_again(part))

    # ---- tickets ----

    def _drain(self, tickets: Sequence[Ticket]) -> None:
        """Send tickets through the outbox's own way, as if they had just been written."""
        if not tickets:
            return
        state, now_ms = self._running.chain.state, self._running.clock.now_ms()
        told = state.read_claims([_notice_key(ticket) for ticket in tickets])
        fresh = [ticket for ticket in tickets if _notice_key(ticket) not in told]
        renewed = [msgspec.structs.replace(ticket, born_ms=now_ms, attempts=0) for ticket in fresh]
        ledger = self._invocation.ledger
        drain = Drain(self._running.chain, ledger, lambda _: ledger.unsafe_owners.add(self._owner))
        drain(Arrived(ticket, self._owner) for ticket in renewed)
        if self._owner not in ledger.unsafe_owners:
            mark = Claim(ClaimState.TOLD, self._owner, now_ms + TOLD_MS)
            state.write_claims({_notice_key(ticket): mark for ticket in fresh if ticket.kind is Kind.NOTICE})

    # ---- what became of it ----

    def _unknown(
        self, candidates: Sequence[Candidate], table: Mapping[Found, Then], promised: set[str]
    ) -> Counter[str]:
        """Count the alerts that nobody has told, by rule; the others, and those of earlier things, are duplicates."""
        unique = {candidate.key: candidate for candidate in candidates}
        now_ms = self._running.clock.now_ms()
        claims = self._running.chain.state.read_claims(list(unique))
        fresh = [
            candidate
            for key, candidate in unique.items()
            if key not in promised and table[classify(claims.get(key), candidate.owner, now_ms)] is not Then.DUPLICATE
        ]
        promised.update(candidate.key for candidate in fresh)
        self._invocation.ledger.decide(Fate.DUPLICATE, len(candidates) - len(fresh))
        return Counter(candidate.rule.name for candidate in fresh)

    def _outcome(self) -> Outcome:
        outcome = self._judged()
        outcome.state_failure = str(self._running.state.failure or "")
        return outcome

    def _judged(self) -> Outcome:
        ledger = self._invocation.ledger
        problems = [*self._problems, *self._arrivals.problems.values()]
        if problems:
            return Outcome(Status.FAILED, "; ".join(problems), ledger)
        lost = self._invocation.undecodable
        if lost and (self._keeps or ledger.quarantined < len(lost)):
            reasons = ", ".join(f"{n} x {reason}" for reason, n in Counter(part.reason for part in lost).most_common(3))
            return Outcome(Status.UNDECODABLE, reasons, ledger)
        return Outcome(Status.REPLAYED, "", ledger)


def _of_batch(event: dict[str, Any]) -> Iterator[Decoded]:
    if "awslogs" in event:
        yield cloudwatch_logs.read_invocation(event)
    else:
        yield from kinesis.decode_batch(event)


def _owned(payloads: Iterable[Decoded]) -> Iterator[Owned]:
    """Name each record's owner as the stream does: whoever had it in hand when it broke off may take it up again."""
    return ((owner_of(payload.source), payload) for payload in payloads)


def _noticed(part: Undecodable) -> tuple[StoredObject, ...]:
    try:
        value = loads(part.data.decode("utf-8", "replace"))
        found = list(read_notification(value))
    except DecodeError:
        return ()
    return tuple(one for one in found if isinstance(one, StoredObject))


def _fetched(stored: StoredObject) -> bytes:
    """Fetch an object; here is more room than in Lambda."""
    return fetched(stored, MAX_UNDELIVERED)


def _notice_key(ticket: Ticket) -> str:
    """Name the ticket of a notice, for which no alert's claim can speak; other tickets are never claimed by it."""
    notice = ticket.notice
    if ticket.kind is not Kind.NOTICE or notice is None:
        return digest("no notice")
    return digest("replayed notice", ticket.destination, notice.cause, notice.text, str(ticket.born_ms))


def _why_unsafe(ledger: Ledger, running: Running) -> str:
    count = ledger.fates[Fate.UNSAFE]
    what = f"{count} alerts could not be told" if count else "a ticket could not be sent"
    if ledger.rejections:
        return f"{what}: {', '.join(ledger.rejections)}"
    outbox = running.service.outbox
    return what + (" and the outbox does not take them" if outbox else "; without TRAILWIRE_OUTBOX nothing can wait")
