"""What becomes of a batch of stream records when the function has answered: pure decisions, no AWS, no clock.

The semantics are those recorded on AWS (LocalStack's snapshots of real runs; the Lambda developer guide):

| the function | then |
|---|---|
| returns None, "", [], {}, or no or an empty or null `batchItemFailures` | the batch is done |
| lists sequence numbers | everything before the lowest is done; the rest is a new batch with a fresh count |
| lists the first record, or anything that isn't one of the batch | the whole batch has failed |
| raises, times out, dies | the whole batch has failed, or is halved where the mapping bisects |
| fails more often than the retries allow | all of the batch is discarded together |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.local.event_source_mapping import Mapping

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record of a shard."""

    sequence_number: str
    """A decimal number; compare it as one."""
    partition_key: str
    data: bytes
    arrived_s: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The function answered with a JSON value."""

    payload: Any
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, timed out or died; the error is as Lambda writes it."""

    error: Any
    request_id: str = ""


Outcome = Returned | Failed


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an outcome is read."""

    first_failed: int | None
    """The index of the first record that isn't done; None where all are."""
    function_error: str | None = None


DONE = Verdict(None)
WHOLE_BATCH = Verdict(0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Records to be tried together, and how often they failed so far."""

    records: tuple[StreamRecord, ...]
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Discarded:
    """Records that Lambda gives up on, as the on-failure destination is told."""

    records: tuple[StreamRecord, ...]
    condition: str
    invocations: int
    function_error: str | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What follows from an attempt: attempts to make next, in order, and what is given up."""

    retries: tuple[Attempt, ...] = ()
    discarded: Discarded | None = None


def judge(outcome: Outcome, identifiers: Sequence[str], *, reports_item_failures: bool) -> Verdict:
    """Read the function's answer for a batch with these sequence numbers, which are in order."""
    if isinstance(outcome, Failed):
        return Verdict(0, "Unhandled")
    if not reports_item_failures:
        return DONE
    named = failed_items(outcome.payload, frozenset(identifiers))
    if named is None:
        return WHOLE_BATCH
    return Verdict(min(map(identifiers.index, named))) if named else DONE


def failed_items(payload: Any, identifiers: frozenset[str]) -> frozenset[str] | None:
    """Return the identifiers an answer lists as failed; None where the answer can't be read and so all have failed."""
    if payload is None or payload in ("", [], {}):
        return frozenset()
    if not isinstance(payload, dict):
        return None
    items = payload.get("batchItemFailures")
    if items is None:
        return frozenset()
    if not isinstance(items, list):
        return None
    named = {str(_identifier(item)) for item in items if _identifier(item) in identifiers}
    return frozenset(named) if all(_identifier(item) in named for item in items) else None


def _identifier(item: Any) -> str | None:
    name = item.get("itemIdentifier") if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def settle(mapping: Mapping, attempt: Attempt, verdict: Verdict, request_id: str = "") -> Settled:
    """Decide what follows from an attempt."""
    if verdict.first_failed is None:
        return Settled()
    if verdict.first_failed > 0:
        return Settled((Attempt(attempt.records[verdict.first_failed :]),))
    if mapping.bisects and verdict.function_error and len(attempt.records) > 1:
        # halving doesn't use up a retry
        middle = len(attempt.records) // 2
        return Settled(tuple(Attempt(half) for half in (attempt.records[:middle], attempt.records[middle:])))
    failures = attempt.failures + 1
    if 0 <= mapping.max_retry_attempts < failures:
        given_up = Discarded(attempt.records, RETRIES_EXHAUSTED, failures, verdict.function_error, request_id)
        return Settled(discarded=given_up)
    return Settled((Attempt(attempt.records, failures),))


def expire(mapping: Mapping, attempt: Attempt, now_s: float) -> Settled:
    """Give up on records that are too old, by themselves; the younger ones are still tried."""
    if mapping.max_record_age_s < 0:
        return Settled((attempt,))
    born_after = now_s - mapping.max_record_age_s
    old = tuple(record for record in attempt.records if record.arrived_s < born_after)
    if not old:
        return Settled((attempt,))
    young = tuple(record for record in attempt.records if record.arrived_s >= born_after)
    return Settled((Attempt(young),) if young else (), Discarded(old, TOO_OLD, attempt.failures))
