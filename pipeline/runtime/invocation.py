"""One invocation: from log events to the books, whatever service brought them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pipeline.alerts.ledger import Ledger
from pipeline.decode.decoded import Decoded, LogEvent, Source, Undecodable, lost_message
from pipeline.decode.identity import event_identity
from pipeline.errors import DecodeError
from pipeline.rules.matcher import Failure, Match, Matcher, Verdicts
from pipeline.runtime import logs

if TYPE_CHECKING:
    from pipeline.alerts.alert import Notice
    from pipeline.alerts.candidate import Sighting
    from pipeline.alerts.chain import Chain
    from pipeline.alerts.ports import Clock
    from pipeline.aws.quarantine import Quarantine

DEFAULT_BUDGET_MS = 50_000
"""How long an invocation without a Lambda context may take: a command line's run has no deadline of its own."""


class InvocationClock:
    """The real time, and what Lambda says is left of it."""

    def __init__(self, context: Any = None) -> None:
        self._context = context
        self._end_ms = self.now_ms() + DEFAULT_BUDGET_MS

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def remaining_ms(self) -> int:
        """How long this invocation may still run."""
        if self._context is None:
            return self._end_ms - self.now_ms()
        return int(self._context.get_remaining_time_in_millis())

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class Invocation:
    """One batch on its way through: matched, told, quarantined, and its books closed.

    The chain is asked for only where there is something to tell, the quarantine where there is something to keep: most
    batches are quiet, a new function's first too.
    """

    def __init__(
        self, matcher: Matcher, chain: Callable[[], Chain], clock: Clock, quarantine: Callable[[], Quarantine]
    ) -> None:
        self._matcher = matcher
        self._chain = chain
        self._clock = clock
        self._quarantine = quarantine
        self._notices: dict[str, Notice] = {}
        self._undecodable: list[tuple[str, Undecodable]] = []
        self.ledger = Ledger()

    def take(self, decoded: Iterable[tuple[str, Decoded]]) -> Ledger:
        """Take payloads, each with its unit of delivery, all the way. The ledger names the units to hand back."""
        sightings = self.match(decoded)
        if sightings:
            self._chain().tell(sightings, self.ledger)
        self._quarantine_all()
        self.report()
        return self.ledger

    def match(self, decoded: Iterable[tuple[str, Decoded]]) -> list[Sighting]:
        """Return what the rules match in payloads, each with its unit of delivery; tells nobody."""
        sightings: list[Sighting] = []
        for owner, payload in decoded:
            self._undecodable += [(owner, part) for part in payload.undecodable]
            for log_event in payload.log_events:
                sightings += self._match(owner, payload, log_event)
        return sightings

    @property
    def undecodable(self) -> list[Undecodable]:
        """What could not be read, as far as anything was."""
        return [part for _, part in self._undecodable]

    def _match(self, owner: str, payload: Decoded, log_event: LogEvent) -> list[Sighting]:
        try:
            verdicts = self._matcher.match_message(log_event.message)
        except DecodeError as error:
            self._undecodable.append((owner, lost_message(payload.source, log_event, error)))
            return []
        self.ledger.events += 1
        if verdicts.failures:
            self._note_failures(verdicts)
        return self._sightings(owner, payload, log_event, verdicts.matches) if verdicts.matches else []

    def _sightings(
        self, owner: str, payload: Decoded, log_event: LogEvent, matches: tuple[Match, ...]
    ) -> list[Sighting]:
        from pipeline.alerts.candidate import Sighting

        self.ledger.matched += 1
        for match in matches:
            self.ledger.rules[match.rule.name] += 1
        identity = event_identity(matches[0].event, log_event.message)
        seen_ms = payload.arrived_ms or log_event.timestamp_ms or self._clock.now_ms()
        return [Sighting(match, identity, owner, seen_ms, log_event.message) for match in matches]

    def _note_failures(self, verdicts: Verdicts) -> None:
        """Count failures; each rule's first is logged and told, for a rule may fail on every event of a flood."""
        for failure in verdicts.failures:
            self.ledger.failures += 1
            cause = f"rule failed: {failure.rule.name}"
            if cause not in self._notices:
                self._note_failure(failure, cause)

    def _note_failure(self, failure: Failure, cause: str) -> None:
        from pipeline.event.fields import clean, text_at
        from pipeline.event.redaction import redact_computed

        name, event_id = failure.rule.name, clean(text_at(failure.event, "eventID"), 64) or "no eventID"
        reason = redact_computed(failure.reason, failure.event)
        logs.warning("rule failed", rule=name, eventID=event_id, reason=reason)
        text = (
            f'Rule "{name}" failed on event {event_id} and did not match it: {reason}. '
            f"It is told once an hour; `trailwire why` shows the rule at work on an event."
        )
        self.note(cause, text)

    def note(self, cause: str, text: str, severity: str = "warning") -> None:
        """Keep something for the error destinations, which hear it once per cause and window."""
        from pipeline.alerts.alert import Notice

        self._notices.setdefault(cause, Notice(cause, text, severity))

    def _quarantine_all(self) -> None:
        """Keep what could not be read; what cannot be kept goes back to the stream."""
        if not self._undecodable:
            return
        quarantine = self._quarantine()
        kept = quarantine.put([part for _, part in self._undecodable])
        if quarantine.problem:
            logs.error("quarantine failed", reason=quarantine.problem)
        for (owner, part), is_kept in zip(self._undecodable, kept, strict=True):
            if not is_kept:
                self.ledger.unsafe_owners.add(owner)
                continue
            self.ledger.quarantined += 1
            cause = f"quarantined: {part.reason}"
            if cause in self._notices:
                continue
            logs.warning("input quarantined", record=owner, stage=part.stage, reason=part.reason)
            where = part.source.log_group or part.source.stream or "its source"
            text = (
                f"Input from {where} could not be read ({part.reason}, at stage {part.stage}). It is kept whole in "
                f"{quarantine}; `trailwire replay` sends it through again once the cause is mended."
            )
            self.note(cause, text)

    def report(self) -> None:
        """Tell the error destinations what went wrong, once per cause and window."""
        if self.ledger.rejections["unrouted"]:
            text = (
                "Alerts matched that no rule's destinations and no route sends anywhere. `trailwire check` names them."
            )
            self.note("unrouted alerts", text, "error")
        if not self._notices:
            return
        from pipeline.alerts.notices import notify
        from pipeline.alerts.telling import Telling

        telling = Telling(self._chain(), self.ledger)
        for notice in self._notices.values():
            notify(telling, notice)


def owner_of(source: Source) -> str:
    """Name the unit that the stream delivers and takes back: a shard's record."""
    if source.sequence:
        return f"{source.shard}:{source.sequence}"
    import hashlib  # OpenSSL costs a cold start milliseconds, and records of a stream have names

    return hashlib.sha256(repr(source).encode("utf-8", "surrogatepass")).hexdigest()
