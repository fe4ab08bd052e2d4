"""Every state store does what the protocol says: in this process's memory and in DynamoDB alike.

What DynamoDB is asked on the way goes through the guard of its documented grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from expression_grammar import check_request
from mocked_account import TABLE, make_table, mocked_account, watch
from msgspec.structs import replace

from pipeline.aws.dynamodb import DynamoState
from pipeline.state.counting import WINDOWS_KEPT
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    OVERDUE_MS,
    Claim,
    ClaimState,
    Group,
    GroupState,
    Standing,
    Then,
    classify,
    standing,
)
from pipeline.state.memory import MemoryState
from pipeline.state.protocol import MAX_SAMPLE, Joining, State

NOW = 1_767_268_800_000
LATER = NOW + 1_000
EARLIER = NOW - 1_000
CLAIMS = [
    None,
    *(
        Claim(state, owner, until_ms)
        for state in ClaimState
        for owner in ("me", "you")
        for until_ms in (EARLIER, NOW, LATER, NOW - OVERDUE_MS, NOW - OVERDUE_MS - 1)
    ),
]
OPENING = Group(
    state=GroupState.OPENING,
    opener="you",
    lease_until_ms=LATER,
    window_until_ms=LATER,
    count=3,
    first_ms=NOW - 30,
    last_ms=NOW - 10,
    sources=("192.0.2.1", "192.0.2.2"),
    lead='{"key":"k"}',
)
GROUPS = [
    None,
    *(
        replace(OPENING, state=state, opener=opener, lease_until_ms=lease_ms, window_until_ms=window_ms)
        for state in GroupState
        for opener in ("me", "you")
        for lease_ms in (EARLIER, NOW, LATER)
        for window_ms in (EARLIER, NOW, LATER)
    ),
]
HOSTILE = (
    "\ud800lone",
    "\x00\x1b",
    "\u202eright to left",
    "emoji \U0001f600",
    "\uffff",
    '"quoted"',
    "x" * 300,
    "#a = :b OR :c",
)


@pytest.fixture(scope="module")
def table() -> Iterator[str]:
    with mocked_account():
        make_table()
        watch("dynamodb", check_request)
        yield TABLE


@pytest.fixture(params=["memory", "dynamodb"])
def state(request: pytest.FixtureRequest, table: str) -> State:
    """A store; tests use names of their own, for the table stays."""
    return MemoryState() if request.param == "memory" else DynamoState(table)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def put_group(state: State, key: str, group: Group | None) -> None:
    """Store a group as it is, by the ways there are."""
    if group is None:
        return
    assert state.open_group(key, replace(group, state=GroupState.OPENING), now_ms=NOW) == (True, None)
    if group.state is not GroupState.OPENING:
        state.posted_group(key, group.opener, channel=group.channel, message=group.message, told=group.told)
    if group.state is GroupState.CLOSED:
        assert state.close_group(key, group.opener, count=group.count) is not None


def sorted_samples(group: Group | None) -> Group | None:
    if group is None:
        return None
    return replace(group, sources=tuple(sorted(group.sources)), targets=tuple(sorted(group.targets)))


# ---- claims ----


@pytest.mark.parametrize("from_outbox", [False, True])
def test_a_claim_is_taken_exactly_where_the_table_says_so(state: State, key: str, from_outbox: bool) -> None:
    wanted = Claim(ClaimState.CLAIMED, "me", LATER)
    table = FROM_OUTBOX if from_outbox else FROM_STREAM
    for number, claim in enumerate(CLAIMS):
        name = f"{key}-{number}"
        if claim is not None:
            state.write_claims({name: claim})
        in_the_way = state.take_claim(name, wanted, now_ms=NOW, from_outbox=from_outbox)
        takes = table[classify(claim, "me", NOW)] is Then.TAKE
        assert in_the_way == (None if takes else claim), claim
        assert state.read_claims([name]) == {name: wanted if takes else claim}, claim


def test_claims_are_read_and_written_in_bulk(state: State, key: str) -> None:
    claims = {f"{key}-{n}": Claim(ClaimState.TOLD, f"shard:{n}", LATER) for n in range(230)}
    state.write_claims(claims)
    assert state.read_claims([*claims, "absent", *claims]) == claims


def test_nothing_asked_is_nothing_done(state: State) -> None:
    state.write_claims({})
    assert [dict(state.read_claims([])), dict(state.read_groups([])), dict(state.read_blocks([]))] == [{}, {}, {}]


def test_marks_replace_whatever_is_there(state: State, key: str) -> None:
    for claim in (claim for claim in CLAIMS if claim is not None):
        state.write_claims({key: claim})
        assert state.read_claims([key]) == {key: claim}


def test_of_racing_claims_one_wins(state: State, key: str) -> None:
    owners = [f"owner-{n}" for n in range(8)]

    def take(owner: str) -> Claim | None:
        return state.take_claim(key, Claim(ClaimState.CLAIMED, owner, LATER), now_ms=NOW, from_outbox=False)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, owners))
    winners = [owner for owner, answer in zip(owners, answers, strict=True) if answer is None]
    (winner,) = winners
    assert {answer.owner for answer in answers if answer is not None} == {winner}


# ---- groups ----


def test_a_group_is_opened_where_none_is_open(state: State, key: str) -> None:
    mine = replace(OPENING, opener="me", lease_until_ms=LATER + 5, sources=("198.51.100.1",), targets=("bucket",))
    for number, group in enumerate(GROUPS):
        name = f"{key}-{number}"
        put_group(state, name, group)
        opened, found = state.open_group(name, mine, now_ms=NOW, ended=group)
        assert opened is (standing(group, "me", NOW) is Standing.NONE), group
        assert sorted_samples(found) == (None if opened else group), group
        assert sorted_samples(state.read_groups([name])[name]) == (mine if opened else group), group


@pytest.mark.parametrize("seen", [None, replace(OPENING, count=OPENING.count - 1), replace(OPENING, opener="me")])
def test_a_group_that_is_over_is_replaced_only_as_it_was_seen(state: State, key: str, seen: Group | None) -> None:
    over = replace(OPENING, state=GroupState.OPEN, window_until_ms=NOW - 1)
    put_group(state, key, over)
    assert state.open_group(key, replace(OPENING, opener="new"), now_ms=NOW, ended=seen) == (False, over)
    assert state.open_group(key, replace(OPENING, opener="new"), now_ms=NOW, ended=over) == (True, None)


def test_an_opening_whose_answer_got_lost_is_answered_again(state: State, key: str) -> None:
    assert state.open_group(key, OPENING, now_ms=NOW) == (True, None)
    assert state.open_group(key, OPENING, now_ms=NOW) == (True, None)
    late = replace(OPENING, lease_until_ms=LATER + 1)
    assert state.open_group(key, late, now_ms=NOW)[0] is False


def test_a_group_is_taken_over_from_the_dead_and_from_oneself(state: State, key: str) -> None:
    for number, group in enumerate(GROUPS):
        name = f"{key}-{number}"
        put_group(state, name, group)
        taken = state.take_over_group(name, "me", lease_until_ms=LATER + 5, now_ms=NOW)
        if group is not None and standing(group, "me", NOW) is Standing.ABANDONED:
            assert sorted_samples(taken) == replace(group, opener="me", lease_until_ms=LATER + 5), group
        else:
            assert taken is None, group


def test_a_group_is_joined_until_it_ends(state: State, key: str) -> None:
    joining = Joining(4, NOW - 20, NOW, sources=("192.0.2.2", "192.0.2.3"), targets=("bucket",))
    for number, group in enumerate(GROUPS):
        name = f"{key}-{number}"
        put_group(state, name, group)
        joined = state.join_group(name, joining, now_ms=NOW)
        if group is None or standing(group, "", NOW) is Standing.NONE:
            assert joined is None, group
            continue
        expected = replace(
            group,
            count=7,
            last_ms=NOW,
            sources=("192.0.2.1", "192.0.2.2", "192.0.2.3"),
            targets=("bucket",),
        )
        assert sorted_samples(joined) == expected, group


@pytest.mark.parametrize(
    ("first_ms", "last_ms", "expected"),
    [
        (NOW - 30, NOW - 10, (NOW - 30, NOW - 10)),
        (NOW - 20, NOW - 15, (NOW - 30, NOW - 10)),
        (NOW - 99, NOW - 15, (NOW - 99, NOW - 10)),
        (NOW - 99, NOW, (NOW - 99, NOW)),
        (NOW - 20, NOW, (NOW - 30, NOW)),
        (NOW + 50, NOW + 60, (NOW - 30, NOW + 60)),
    ],
)
def test_first_and_last_time_are_those_of_all_members(
    state: State, key: str, first_ms: int, last_ms: int, expected: tuple[int, int]
) -> None:
    put_group(state, key, OPENING)
    joined = state.join_group(key, Joining(1, first_ms, last_ms), now_ms=NOW)
    assert joined is not None
    assert (joined.first_ms, joined.last_ms) == expected


def test_samples_grow_to_their_limit_and_stay_there(state: State, key: str) -> None:
    put_group(state, key, OPENING)
    seen, joined = list(OPENING.sources), None
    for batch in range(6):
        more = tuple(f"2001:db8::{batch}:{n}" for n in range(7))
        joined = state.join_group(key, Joining(7, NOW, NOW, sources=(*seen[:2], *more), targets=more), now_ms=NOW)
        seen = [*seen, *more][:MAX_SAMPLE]
        assert joined is not None
        assert set(joined.sources) == set(seen)
        assert len(joined.targets) == min(MAX_SAMPLE, 7 * (batch + 1))
    assert joined is not None
    assert joined.count == 3 + 6 * 7


def test_a_joining_with_more_samples_than_there_is_room_for_loses_only_samples(state: State, key: str) -> None:
    put_group(state, key, OPENING)
    many = tuple(f"target-{n}" for n in range(100))
    joined = state.join_group(key, Joining(100, NOW, NOW, targets=many), now_ms=NOW)
    assert joined is not None
    assert (joined.count, set(joined.targets)) == (103, set(many[:MAX_SAMPLE]))


def test_hostile_samples_and_names_are_stored_as_text(state: State, key: str) -> None:
    put_group(state, key, OPENING)
    joined = state.join_group(key, Joining(1, NOW, NOW, sources=HOSTILE, targets=HOSTILE), now_ms=NOW)
    assert joined is not None
    assert len(joined.targets) == len(HOSTILE)
    for name in HOSTILE:
        assert state.take_turn(name + key, until_ms=LATER, now_ms=NOW)
        assert not state.take_turn(name + key, until_ms=LATER, now_ms=NOW)
        state.block(name + key, until_ms=LATER)
        assert state.read_blocks([name + key]) == {name + key: LATER}


def test_counts_of_racing_joins_are_exact(state: State, key: str) -> None:
    put_group(state, key, replace(OPENING, sources=()))

    def join(number: int) -> Group | None:
        at_ms = NOW + (number * 7) % 11
        return state.join_group(key, Joining(2, at_ms, at_ms, sources=(f"192.0.2.{number}",)), now_ms=NOW)

    with ThreadPoolExecutor(8) as pool:
        joined = list(pool.map(join, range(40)))
    assert None not in joined
    group = state.read_groups([key])[key]
    assert group.count == 3 + 2 * 40
    assert len(group.sources) <= MAX_SAMPLE


def test_of_two_openers_one_opens_and_the_other_joins(state: State, key: str) -> None:
    openers = [replace(OPENING, opener=f"shard:{n}", count=1) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda group: state.open_group(key, group, now_ms=NOW), openers))
    winners = [group for group, (opened, _) in zip(openers, answers, strict=True) if opened]
    (winner,) = winners
    assert {found.opener for opened, found in answers if not opened and found} == {winner.opener}


@pytest.mark.parametrize("state_before", list(GroupState))
@pytest.mark.parametrize("opener", ["you", "me"])
def test_a_message_is_recorded_by_its_opener_until_the_group_is_closed(
    state: State, key: str, state_before: GroupState, opener: str
) -> None:
    put_group(state, key, replace(OPENING, state=state_before))
    posted = state.posted_group(key, opener, channel="C1", message="1.2", told=3)
    if opener == "me" or state_before is GroupState.CLOSED:
        assert posted is None
        return
    assert posted == replace(OPENING, state=GroupState.OPEN, channel="C1", message="1.2", told=3)
    again = state.posted_group(key, opener, channel="C2", message="1.3", told=2)
    assert again == replace(posted, channel="C2", message="1.3"), "what readers were shown never becomes less"
    assert state.posted_group("absent" + key, opener, channel="", message="", told=0) is None


def test_a_group_is_closed_once_and_by_its_opener(state: State, key: str) -> None:
    put_group(state, key, replace(OPENING, state=GroupState.OPEN))
    count = OPENING.count
    assert state.close_group(key, "me", count=count) is None
    assert state.close_group(key, "you", count=count - 1) is None, "it has grown, and nobody has said so"
    assert state.close_group(key, "you", count=count) == replace(OPENING, state=GroupState.CLOSED)
    assert state.close_group(key, "you", count=count) is None
    assert state.join_group(key, Joining(1, NOW, NOW), now_ms=NOW) is None
    assert state.close_group("absent" + key, "you", count=count) is None


def test_many_groups_are_read_at_once(state: State, key: str) -> None:
    names = [f"{key}-{n}" for n in range(3)]
    for name in names:
        put_group(state, name, OPENING)
    assert state.read_groups([*names, "absent"]) == dict.fromkeys(names, OPENING)


# ---- turns ----


def test_a_burst_is_let_through_and_then_one_an_interval(state: State, key: str) -> None:
    def take(now_ms: int) -> int:
        return state.take_token(key, interval_ms=1_000, burst=4, now_ms=now_ms)

    assert [take(NOW) for _ in range(6)] == [0, 0, 0, 0, 1_000, 1_000]
    assert take(NOW + 999) == 1
    assert [take(NOW + 1_000), take(NOW + 1_000)] == [0, 1_000]
    assert [take(NOW + 60_000) for _ in range(5)] == [0, 0, 0, 0, 1_000]


def test_racing_takers_never_get_more_than_the_rate(state: State, key: str) -> None:
    def take(number: int) -> tuple[int, int]:
        now_ms = NOW + number * 10
        return now_ms, state.take_token(key, interval_ms=100, burst=3, now_ms=now_ms)

    with ThreadPoolExecutor(8) as pool:
        admitted = sorted(now_ms for now_ms, wait_ms in pool.map(take, range(60)) if wait_ms == 0)
    for index, at_ms in enumerate(admitted):
        within = [other for other in admitted[index:] if other < at_ms + 300]
        assert len(within) <= 3 + 3, "a burst, and one for each interval that passed"
    assert 3 <= len(admitted) <= 3 + 6


def test_a_turn_is_had_once_until_it_is_over(state: State, key: str) -> None:
    assert state.take_turn(key, until_ms=LATER, now_ms=NOW)
    assert not state.take_turn(key, until_ms=LATER + 5_000, now_ms=LATER - 1)
    assert state.take_turn(key, until_ms=LATER + 5_000, now_ms=LATER)
    assert not state.take_turn(key, until_ms=LATER + 9_000, now_ms=LATER + 1)


def test_one_of_many_gets_a_turn(state: State, key: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _: state.take_turn(key, until_ms=LATER, now_ms=NOW), range(16)))
    assert sum(turns) == 1


def test_a_block_is_never_shortened(state: State, key: str) -> None:
    for until_ms, expected in ((LATER, LATER), (EARLIER, LATER), (LATER, LATER), (LATER + 1, LATER + 1)):
        state.block(key, until_ms=until_ms)
        assert state.read_blocks([key, "absent"]) == {key: expected}


# ---- counters ----


def test_a_counter_sums_the_fullest_window_around_a_bucket(state: State, key: str) -> None:
    def count(bucket: int, added: int) -> int:
        return state.count(key, bucket, added, buckets=3, expires_ms=LATER)

    assert count(100, 5) == 5
    assert count(101, 1) == 6
    assert count(102, 1) == 7
    assert count(103, 1) == 3, "the first bucket is too old"
    assert count(99, 1) == 7, "late, and counted with what came before it"
    assert count(98, 1) == 7
    assert count(97, 1) == 3
    assert count(102 + WINDOWS_KEPT * 3, 2) == 2
    assert count(101, 1) == 2, "all but what came last was ten windows old, and is forgotten"
    assert count(100, 1) == 2


def test_a_day_adds_up_and_keeps_its_slowest(state: State) -> None:
    day = 20_454
    assert state.read_day(day - 1) == {}
    state.add_to_day(day, {"events": 3, "told": 0}, slowest_ms=40, expires_ms=LATER)
    state.add_to_day(day, {"events": 4, "told": 1}, slowest_ms=20, expires_ms=LATER)
    state.add_to_day(day, {}, slowest_ms=0, expires_ms=LATER)
    figures = state.read_day(day)
    assert {name: figures.get(name, 0) for name in ("events", "told", "slowest_ms")} == {
        "events": 7,
        "told": 1,
        "slowest_ms": 40,
    }


def test_a_counter_of_racing_adders_is_exact(state: State, key: str) -> None:
    def count(number: int) -> int:
        return state.count(key, 100 + number % 2, 1, buckets=5, expires_ms=LATER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(40)))
    assert state.count(key, 101, 0, buckets=5, expires_ms=LATER) == 40


def test_bad_arguments_of_the_guard_would_be_seen(table: str) -> None:
    """The guard is really there: a request outside the grammar fails in this very account."""
    request: dict[str, Any] = {"UpdateExpression": "SET #a = #a + :b - :b", "ReturnValues": "NONE"}
    with pytest.raises(AssertionError):
        DynamoState(table)._table._call("update_item", TableName=table, Key={"pk": {"S": "x"}}, **request)
