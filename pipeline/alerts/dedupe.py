"""Dedupe: each alert is told once, however often its event arrives and whoever else is at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.alerts.candidate import Candidate
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    LEASE_SLACK_MS,
    Claim,
    ClaimState,
    Found,
    Then,
    classify,
)
from pipeline.state.protocol import State


class Deduped(NamedTuple):
    """What is ours to tell, and what somebody else may be telling just now, with when to look again."""

    fresh: list[Candidate]
    waiting: list[tuple[Candidate, int]]


class Dedupe:
    """Looks up what is known about the alerts of a whole batch in one bulk read; writes nothing."""

    name = "dedupe"

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(
        self, candidates: Iterable[Candidate], now_ms: int, ledger: Ledger, *, from_outbox: bool = False
    ) -> Deduped:
        """Sort a batch by `lifecycle`'s tables; duplicates get their fate here."""
        unique = _first_of_each(candidates, ledger)
        claims = self._state.read_claims([candidate.key for candidate in unique]) if unique else {}
        table = FROM_OUTBOX if from_outbox else FROM_STREAM
        result = Deduped([], [])
        for candidate in unique:
            claim = claims.get(candidate.key)
            found = classify(claim, candidate.owner, now_ms)
            match table[found]:
                case _ if from_outbox and is_early(claim, now_ms):
                    ledger.decide(Fate.DUPLICATE)
                case Then.TAKE:
                    candidate.may_repeat |= was_attempted(claim, found)
                    candidate.is_again = claim is not None
                    result.fresh.append(candidate)
                case Then.WAIT:
                    result.waiting.append((candidate, look_again_ms(claim, now_ms)))
                case Then.DUPLICATE:
                    ledger.decide(Fate.DUPLICATE)
        return result

    def __str__(self) -> str:
        """Say the setting in force."""
        return "told alerts are remembered for 15 days"


RELEASED = "-"
"""Ends the owner of a claim that was given back, because what it was taken for surely was not delivered."""


DOUBTFUL = "?"
"""Ends the owner of a deferred alert's claim, where an attempt before may have been delivered."""


def was_attempted(claim: Claim | None, found: Found) -> bool:
    """Tell whether a message may have been posted under a claim.

    A claim that was neither given back nor followed by a mark says so, and a deferred alert's where it is marked so.
    """
    if claim is None:
        return False
    if found in {Found.OWN, Found.EXPIRED}:
        return not claim.owner.endswith(RELEASED)
    return found in {Found.DEFERRED, Found.OVERDUE} and claim.owner.endswith(DOUBTFUL)


def is_early(claim: Claim | None, now_ms: int) -> bool:
    """Tell whether a ticket comes before its alert is due: it is an earlier one, and the one that is due is to come.

    No ticket comes earlier than it was queued for, but clocks differ a little.
    """
    return claim is not None and claim.state is ClaimState.DEFERRED and claim.until_ms > now_ms + LEASE_SLACK_MS


def look_again_ms(claim: Claim | None, now_ms: int) -> int:
    """How long until a claim's lease is surely over."""
    return max(0, (claim.until_ms if claim else now_ms) - now_ms) + LEASE_SLACK_MS


def _first_of_each(candidates: Iterable[Candidate], ledger: Ledger) -> list[Candidate]:
    unique: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.key in unique:
            ledger.decide(Fate.DUPLICATE)
        else:
            unique[candidate.key] = candidate
    return list(unique.values())
