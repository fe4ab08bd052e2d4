"""Dedupe tells an alert once, whoever else is at it, as the tables of `lifecycle` say."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from sightings import OTHER, OWNER, candidate, returned

from pipeline.alerts.candidate import Candidate
from pipeline.alerts.dedupe import RELEASED, Dedupe, look_again_ms
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    LEASE_MS,
    LEASE_SLACK_MS,
    OVERDUE_MS,
    Claim,
    ClaimState,
    Found,
    classify,
)
from pipeline.state.memory import MemoryState
from pipeline.testing import NOON_MS as NOW

CLAIMED, DEFERRED, TOLD = ClaimState
FRESH, MAY_REPEAT, WAITING, DUPLICATE = "fresh", "fresh, may repeat", "waiting", "duplicate"


class Counted(MemoryState):
    """A state that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[list[str]] = []
        self.writes = 0

    def read_claims(self, keys: Collection[str]) -> Mapping[str, Claim]:
        self.reads.append(list(keys))
        return super().read_claims(keys)

    def take_claim(self, key: str, wanted: Claim, *, now_ms: int, from_outbox: bool) -> Claim | None:
        self.writes += 1
        return super().take_claim(key, wanted, now_ms=now_ms, from_outbox=from_outbox)


def outcome(claim: Claim | None, alert: Candidate, *, from_outbox: bool = False) -> str:
    """Put one alert through, and say what became of it; the books must balance."""
    state, ledger = MemoryState(), Ledger(alerts=1)
    if claim is not None:
        state.write_claims({alert.key: claim})
    fresh, waiting = Dedupe(state)([alert], NOW, ledger, from_outbox=from_outbox)
    assert ledger.imbalance == len(fresh) + len(waiting)
    assert len(fresh) + len(waiting) + ledger.fates[Fate.DUPLICATE] == 1
    if waiting:
        return WAITING
    if fresh:
        return MAY_REPEAT if fresh[0].may_repeat else FRESH
    return DUPLICATE


# claim, found by OWNER | from the stream | from the outbox
ROWS = [
    (None, Found.NOTHING, FRESH, FRESH),
    (Claim(TOLD, OTHER, NOW), Found.NOTHING, FRESH, FRESH),
    (Claim(CLAIMED, OTHER, NOW), Found.EXPIRED, MAY_REPEAT, MAY_REPEAT),
    (Claim(CLAIMED, OTHER + RELEASED, NOW), Found.EXPIRED, FRESH, FRESH),
    (Claim(CLAIMED, OWNER + RELEASED, NOW), Found.EXPIRED, FRESH, FRESH),
    (Claim(CLAIMED, OWNER, NOW + LEASE_MS), Found.OWN, MAY_REPEAT, MAY_REPEAT),
    (Claim(CLAIMED, OWNER, NOW - 86_400_000), Found.OWN, MAY_REPEAT, MAY_REPEAT),
    (Claim(CLAIMED, OTHER, NOW + 1), Found.OTHERS, WAITING, WAITING),
    (Claim(CLAIMED, OTHER, NOW + LEASE_MS), Found.OTHERS, WAITING, WAITING),
    (Claim(DEFERRED, OTHER, NOW), Found.DEFERRED, DUPLICATE, FRESH),
    (Claim(DEFERRED, OWNER, NOW), Found.DEFERRED, DUPLICATE, FRESH),
    (Claim(DEFERRED, OTHER, NOW + LEASE_SLACK_MS), Found.DEFERRED, DUPLICATE, FRESH),  # clocks differ a little
    (Claim(DEFERRED, OTHER, NOW + LEASE_SLACK_MS + 1), Found.DEFERRED, DUPLICATE, DUPLICATE),  # an earlier ticket
    (Claim(DEFERRED, OTHER, NOW - OVERDUE_MS), Found.DEFERRED, DUPLICATE, FRESH),
    (Claim(DEFERRED, OTHER, NOW - OVERDUE_MS - 1), Found.OVERDUE, FRESH, FRESH),
    (Claim(TOLD, OTHER, NOW + 1), Found.TOLD, DUPLICATE, DUPLICATE),
    (Claim(TOLD, OWNER, NOW + 1), Found.TOLD, DUPLICATE, DUPLICATE),
]


@pytest.mark.parametrize(("claim", "found", "from_stream", "from_outbox"), ROWS)
def test_what_is_found_decides_what_becomes_of_an_alert(
    claim: Claim | None, found: Found, from_stream: str, from_outbox: str
) -> None:
    assert classify(claim, OWNER, NOW) is found
    assert outcome(claim, candidate()) == from_stream
    assert outcome(claim, returned(owner=OWNER), from_outbox=True) == from_outbox


def test_every_row_of_both_tables_is_walked() -> None:
    assert {found for _, found, *_ in ROWS} == set(FROM_STREAM) == set(FROM_OUTBOX)


@pytest.mark.parametrize(("claim", "found", "from_stream", "_from_outbox"), ROWS)
def test_what_may_repeat_once_may_repeat_for_ever(
    claim: Claim | None, found: Found, from_stream: str, _from_outbox: str
) -> None:
    alert = candidate()
    alert.may_repeat = True
    assert outcome(claim, alert) == (MAY_REPEAT if from_stream == FRESH else from_stream), found


@pytest.mark.parametrize(
    ("claim", "wait_ms"),
    [
        (None, LEASE_SLACK_MS),
        (Claim(CLAIMED, OTHER, NOW), LEASE_SLACK_MS),
        (Claim(CLAIMED, OTHER, NOW - 10**9), LEASE_SLACK_MS),
        (Claim(CLAIMED, OTHER, NOW + 1), 1 + LEASE_SLACK_MS),
        (Claim(CLAIMED, OTHER, NOW + LEASE_MS), 95_000),
    ],
)
def test_somebody_elses_lease_is_waited_out_and_five_seconds_more(claim: Claim | None, wait_ms: int) -> None:
    assert look_again_ms(claim, NOW) == wait_ms


def test_an_alert_that_waits_is_told_when_to_look_again() -> None:
    state, alert = MemoryState(), candidate()
    state.write_claims({alert.key: Claim(CLAIMED, OTHER, NOW + 30_000)})
    result = Dedupe(state)([alert], NOW, Ledger())
    assert result == ([], [(alert, 35_000)])


def test_of_the_same_alert_in_a_batch_the_first_counts_and_the_others_are_duplicates() -> None:
    ledger = Ledger(alerts=5)
    batch = [candidate(1), candidate(2), candidate(1, owner=OTHER), candidate(1, destination="ops"), candidate(1)]
    fresh, waiting = Dedupe(MemoryState())(batch, NOW, ledger)
    assert fresh == [batch[0], batch[1], batch[3]]
    assert waiting == []
    assert (ledger.fates, ledger.imbalance) == ({Fate.DUPLICATE: 2}, 3)


def test_duplicates_in_a_batch_of_a_told_alert_each_have_one_fate() -> None:
    state, ledger = MemoryState(), Ledger(alerts=3)
    state.write_claims({candidate().key: Claim(TOLD, OTHER, NOW + 1)})
    assert Dedupe(state)([candidate(), candidate(), candidate()], NOW, ledger) == ([], [])
    assert (ledger.fates, ledger.imbalance) == ({Fate.DUPLICATE: 3}, 0)


def test_a_batch_costs_one_read_and_no_write_and_an_empty_one_nothing() -> None:
    state = Counted()
    batch = [candidate(number % 40) for number in range(200)]
    Dedupe(state)(batch, NOW, Ledger())
    assert [len(keys) for keys in state.reads] == [40]
    assert state.writes == 0
    Dedupe(state)([], NOW, Ledger())
    assert len(state.reads) == 1
