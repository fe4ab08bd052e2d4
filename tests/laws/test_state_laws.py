"""Laws of the state stores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from msgspec.structs import replace

from pipeline.aws.clients import client, forget_clients
from pipeline.aws.dynamodb import DynamoState
from pipeline.state.lifecycle import OVERDUE_MS, Claim, ClaimState, Group, GroupState
from pipeline.state.memory import MemoryState
from pipeline.state.protocol import Joining, State

TABLE = "state"
START_MS = 1_767_268_800_000
KEYS = st.sampled_from(["k1", "k2"])
OWNERS = st.sampled_from(["me", "you"])
SAMPLES = st.lists(st.sampled_from([f"192.0.2.{n}" for n in range(30)]), max_size=12, unique=True).map(tuple)
JUMPS_MS = st.sampled_from([-50, 0, 1, 400, 1_000, 90_000, OVERDUE_MS + 1_001])
SPANS_MS = st.sampled_from([-1, 0, 1, 1_000, 90_000])


class Call(NamedTuple):
    """One call of one method, at a time relative to the last one."""

    jump_ms: int
    make: Callable[[State, str, int], Any]
    said: str


def call(name: str, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    """Draw a call: what is given as `*_in` becomes a time from now on."""

    def build(jump_ms: int, arguments: dict[str, Any]) -> Call:
        return Call(
            jump_ms, lambda state, prefix, now_ms: CALLS[name](state, prefix, now_ms, **arguments), f"{name}{arguments}"
        )

    return st.builds(build, JUMPS_MS, st.fixed_dictionaries(given))


def _group(now_ms: int, opener: str, lease_in: int, window_in: int, samples: tuple[str, ...]) -> Group:
    return Group(
        state=GroupState.OPENING,
        opener=opener,
        lease_until_ms=now_ms + lease_in,
        window_until_ms=now_ms + window_in,
        count=1 + len(samples),
        first_ms=now_ms,
        last_ms=now_ms,
        sources=samples,
        lead="{}",
    )


def _take_claim(state: State, prefix: str, now_ms: int, *, key: str, owner: str, lease_in: int, outbox: bool) -> Any:
    wanted = Claim(ClaimState.CLAIMED, owner, now_ms + lease_in)
    return state.take_claim(prefix + key, wanted, now_ms=now_ms, from_outbox=outbox)


def _write_claims(
    state: State, prefix: str, now_ms: int, *, keys: list[str], owner: str, kind: ClaimState, due: int
) -> Any:
    return state.write_claims({prefix + key: Claim(kind, owner, now_ms + due) for key in keys})


def _open_group(state: State, prefix: str, now_ms: int, *, key: str, looks: bool, **group: Any) -> Any:
    ended = state.read_groups([prefix + key]).get(prefix + key) if looks else None
    return state.open_group(prefix + key, _group(now_ms, **group), now_ms=now_ms, ended=ended)


def _join(state: State, prefix: str, now_ms: int, *, key: str, count: int, since: int, samples: tuple[str, ...]) -> Any:
    joining = Joining(count, now_ms - since, now_ms, sources=samples, targets=samples[:2])
    return state.join_group(prefix + key, joining, now_ms=now_ms)


CALLS: dict[str, Callable[..., Any]] = {
    "take_claim": _take_claim,
    "write_claims": _write_claims,
    "read_claims": lambda state, prefix, _, keys: _read(state.read_claims, prefix, keys),
    "open_group": _open_group,
    "join_group": _join,
    "read_groups": lambda state, prefix, _, keys: _read(state.read_groups, prefix, keys),
    "take_over": lambda state, prefix, now_ms, key, opener, lease_in: state.take_over_group(
        prefix + key, opener, lease_until_ms=now_ms + lease_in, now_ms=now_ms
    ),
    "posted": lambda state, prefix, _, key, opener, told: state.posted_group(
        prefix + key, opener, channel="C1", message="1.2", told=told
    ),
    "close": lambda state, prefix, _, key, opener, count: state.close_group(prefix + key, opener, count=count),
    "take_token": lambda state, prefix, now_ms, key, interval, burst: state.take_token(
        prefix + key, interval_ms=interval, burst=burst, now_ms=now_ms
    ),
    "take_turn": lambda state, prefix, now_ms, key, until_in: state.take_turn(
        prefix + key, until_ms=now_ms + until_in, now_ms=now_ms
    ),
    "block": lambda state, prefix, now_ms, key, until_in: state.block(prefix + key, until_ms=now_ms + until_in),
    "read_blocks": lambda state, prefix, _, keys: _read(state.read_blocks, prefix, keys),
    "count": lambda state, prefix, now_ms, key, added, buckets: state.count(
        prefix + key, now_ms // 500, added, buckets=buckets, expires_ms=now_ms
    ),
}


def _read(read: Callable[[Collection[str]], Any], prefix: str, keys: list[str]) -> dict[str, Any]:
    return {name.removeprefix(prefix): found for name, found in read([prefix + key for key in keys]).items()}


LISTS = st.lists(KEYS, max_size=3)
CLAIM_CALLS = (
    call("take_claim", key=KEYS, owner=OWNERS, lease_in=SPANS_MS, outbox=st.booleans()),
    call("write_claims", keys=LISTS, owner=OWNERS, kind=st.sampled_from(ClaimState), due=SPANS_MS),
    call("read_claims", keys=LISTS),
)
GROUP_CALLS = (
    call(
        "open_group",
        key=KEYS,
        looks=st.booleans(),
        opener=OWNERS,
        lease_in=SPANS_MS,
        window_in=SPANS_MS,
        samples=SAMPLES,
    ),
    call("join_group", key=KEYS, count=st.integers(1, 9), since=st.integers(0, 2_000), samples=SAMPLES),
    call("take_over", key=KEYS, opener=OWNERS, lease_in=SPANS_MS),
    call("posted", key=KEYS, opener=OWNERS, told=st.integers(0, 9)),
    call("close", key=KEYS, opener=OWNERS, count=st.integers(1, 3)),
    call("read_groups", keys=LISTS),
)
TURN_CALLS = (
    call("take_token", key=KEYS, interval=st.sampled_from([1, 400, 1_000]), burst=st.integers(1, 4)),
    call("take_turn", key=KEYS, until_in=SPANS_MS),
    call("block", key=KEYS, until_in=SPANS_MS),
    call("read_blocks", keys=LISTS),
    call("count", key=KEYS, added=st.integers(0, 9), buckets=st.integers(1, 4)),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[State]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        forget_clients()
        client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        yield DynamoState(TABLE)
    forget_clients()


def unordered(answer: Any) -> Any:
    """Sort samples: their order means nothing."""
    if isinstance(answer, Group):
        return replace(answer, sources=tuple(sorted(answer.sources)), targets=tuple(sorted(answer.targets)))
    if isinstance(answer, dict):
        return {name: unordered(found) for name, found in answer.items()}
    if isinstance(answer, tuple) and not isinstance(answer, Claim):
        return tuple(map(unordered, answer))
    return answer


EXAMPLES = itertools.count()


def agree(shared: State, calls: list[Call]) -> None:
    memory, prefix, now_ms = MemoryState(), f"{next(EXAMPLES)}-", START_MS
    for made in calls:
        now_ms += made.jump_ms
        expected = unordered(made.make(memory, prefix, now_ms))
        assert unordered(made.make(shared, prefix, now_ms)) == expected, made.said


@settings(deadline=None, max_examples=80)
@given(st.lists(st.one_of(CLAIM_CALLS), min_size=1, max_size=15))
def test_claims_read_the_same_from_both_stores(shared: State, calls: list[Call]) -> None:
    """Memory and DynamoDB give the same answers to the same calls about claims."""
    agree(shared, calls)


@settings(deadline=None, max_examples=120)
@given(st.lists(st.one_of(GROUP_CALLS), min_size=1, max_size=15))
def test_groups_read_the_same_from_both_stores(shared: State, calls: list[Call]) -> None:
    """Memory and DynamoDB give the same answers to the same calls about groups."""
    agree(shared, calls)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.one_of(TURN_CALLS), min_size=1, max_size=15))
def test_turns_and_counters_read_the_same_from_both_stores(shared: State, calls: list[Call]) -> None:
    """Memory and DynamoDB give the same answers to the same calls about rates, turns, blocks and counters."""
    agree(shared, calls)


@given(
    st.lists(st.integers(0, 700), min_size=1, max_size=60),
    st.integers(1, 2_000),
    st.integers(1, 6),
)
def test_no_window_holds_more_tokens_than_the_rate_and_one_burst(
    gaps_ms: list[int], interval_ms: int, burst: int
) -> None:
    """In any span of time at most a burst is let through, and one more for each interval in it."""
    state, now_ms, admitted = MemoryState(), START_MS, []
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        wait_ms = state.take_token("bucket", interval_ms=interval_ms, burst=burst, now_ms=now_ms)
        if wait_ms == 0:
            admitted.append(now_ms)
        else:
            assert state.take_token("bucket", interval_ms=interval_ms, burst=burst, now_ms=now_ms + wait_ms - 1) > 0
    for first, last in itertools.combinations_with_replacement(range(len(admitted)), 2):
        span_ms = admitted[last] - admitted[first]
        assert last - first + 1 <= burst + span_ms // interval_ms
