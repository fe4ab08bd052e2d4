"""The tables of states are whole, and say what DELIVERY promises."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.alerts.ticket import MAX_AGE_MS
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    FUNCTION_TIMEOUT_S,
    GROUP_KEPT_MS,
    KEPT_MS,
    LEASE_MS,
    MAX_QUEUE_DELAY_S,
    OVERDUE_MS,
    PARTS,
    TOLD_MS,
    Claim,
    ClaimState,
    Found,
    Group,
    GroupState,
    Part,
    Standing,
    Then,
    classify,
    is_same_opening,
    standing,
)

NOW = 1_767_268_800_000
CLAIMS = [
    # state, holder, until, seen by "me": found
    (ClaimState.CLAIMED, "me", NOW + 1, Found.OWN),
    (ClaimState.CLAIMED, "me", NOW - LEASE_MS, Found.OWN),
    (ClaimState.CLAIMED, "you", NOW + 1, Found.OTHERS),
    (ClaimState.CLAIMED, "you", NOW, Found.EXPIRED),
    (ClaimState.CLAIMED, "you", NOW - 1, Found.EXPIRED),
    (ClaimState.DEFERRED, "me", NOW + 1, Found.DEFERRED),
    (ClaimState.DEFERRED, "you", NOW - OVERDUE_MS, Found.DEFERRED),
    (ClaimState.DEFERRED, "you", NOW - OVERDUE_MS - 1, Found.OVERDUE),
    (ClaimState.DEFERRED, "me", NOW - OVERDUE_MS - 1, Found.OVERDUE),
    (ClaimState.TOLD, "you", NOW + 1, Found.TOLD),
    (ClaimState.TOLD, "me", NOW + 1, Found.TOLD),
    (ClaimState.TOLD, "you", NOW, Found.NOTHING),
]
GROUP = Group(
    state=GroupState.OPENING,
    opener="you",
    lease_until_ms=NOW + 1,
    window_until_ms=NOW + 1,
    count=1,
    first_ms=NOW,
    last_ms=NOW,
)
GROUPS = [
    # state, opener, lease, window, seen by "me": standing
    (GroupState.OPENING, "you", NOW + 1, NOW + 1, Standing.OPENING),
    (GroupState.OPENING, "you", NOW + 1, NOW - 1, Standing.OPENING),  # its message is not out: it does not end
    (GroupState.OPENING, "you", NOW, NOW + 1, Standing.ABANDONED),
    (GroupState.OPENING, "you", NOW - 1, NOW - 1, Standing.ABANDONED),
    (GroupState.OPENING, "me", NOW + 1, NOW + 1, Standing.ABANDONED),
    (GroupState.OPEN, "you", NOW - 1, NOW + 1, Standing.OPEN),
    (GroupState.OPEN, "me", NOW - 1, NOW + 1, Standing.OPEN),
    (GroupState.OPEN, "you", NOW + 1, NOW, Standing.NONE),
    (GroupState.CLOSED, "you", NOW + 1, NOW + 1, Standing.NONE),
    (GroupState.CLOSED, "me", NOW - 1, NOW + 1, Standing.NONE),
]


@pytest.mark.parametrize(("state", "holder", "until_ms", "found"), CLAIMS)
def test_a_claim_means_to_me_what_the_table_says(state: ClaimState, holder: str, until_ms: int, found: Found) -> None:
    assert classify(Claim(state, holder, until_ms), "me", NOW) is found


def test_no_claim_means_nothing() -> None:
    assert classify(None, "me", NOW) is Found.NOTHING


def test_every_state_of_a_claim_and_everything_found_has_its_row() -> None:
    assert {state for state, *_ in CLAIMS} == set(ClaimState) == set(KEPT_MS)
    assert {found for *_, found in CLAIMS} == set(Found) == set(FROM_STREAM) == set(FROM_OUTBOX)
    assert {*FROM_STREAM.values(), *FROM_OUTBOX.values()} == set(Then)


def test_the_outbox_differs_from_the_stream_only_in_telling_what_waits_for_it() -> None:
    assert {found for found in Found if FROM_STREAM[found] is not FROM_OUTBOX[found]} == {Found.DEFERRED}
    assert FROM_OUTBOX[Found.DEFERRED] is Then.TAKE


def test_an_unknown_state_is_a_bug_and_not_silence() -> None:
    with pytest.raises(AssertionError):
        classify(Claim("sleeping", "me", NOW), "me", NOW)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(("state", "opener", "lease_until_ms", "window_until_ms", "found"), GROUPS)
def test_a_group_is_to_me_what_the_table_says(
    state: GroupState, opener: str, lease_until_ms: int, window_until_ms: int, found: Standing
) -> None:
    group = replace(GROUP, state=state, opener=opener, lease_until_ms=lease_until_ms, window_until_ms=window_until_ms)
    assert standing(group, "me", NOW) is found


def test_every_state_of_a_group_and_every_standing_has_its_row() -> None:
    assert {state for state, *_ in GROUPS} == set(GroupState)
    assert {found for *_, found in GROUPS} == set(Standing) == set(PARTS)
    assert set(PARTS.values()) == set(Part)
    assert standing(None, "me", NOW) is Standing.NONE


def test_a_claim_may_be_deleted_only_once_its_absence_means_the_same() -> None:
    """Whoever finds nothing takes it, so that is what the table must say about every claim past its keeping."""
    for state in ClaimState:
        claim = Claim(state, "you", NOW - KEPT_MS[state] - 1)
        assert FROM_STREAM[classify(claim, "me", NOW)] is Then.TAKE, state


def test_times_fit_together() -> None:
    assert FUNCTION_TIMEOUT_S * 1000 < LEASE_MS < MAX_QUEUE_DELAY_S * 1000
    assert TOLD_MS > 14 * 86_400_000  # CloudWatch Logs takes events this old
    assert GROUP_KEPT_MS > MAX_AGE_MS  # a ticket must find its group


def test_an_opening_is_known_by_its_opener_and_its_times() -> None:
    assert is_same_opening(replace(GROUP, count=9, sources=("192.0.2.1",)), GROUP)
    assert not is_same_opening(None, GROUP)
    for change in ({"opener": "me"}, {"lease_until_ms": 1}, {"window_until_ms": 1}, {"state": GroupState.OPEN}):
        assert not is_same_opening(replace(GROUP, **change), GROUP)
