"""What is particular to DynamoDB: its failures, its bulk calls, lost answers, housekeeping, and what a call costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from expression_grammar import check_condition, check_request, check_update
from mocked_account import TABLE, Refusals, error, lose_first_answers, make_table, mocked_account, watch
from msgspec.structs import replace

from pipeline.aws import dynamodb_expressions as ex
from pipeline.aws.clients import client
from pipeline.aws.dynamodb import MAX_LEAD, TRIES, DynamoState
from pipeline.aws.dynamodb_table import PAUSES_S, Table
from pipeline.errors import StateError
from pipeline.state.lifecycle import GROUP_KEPT_MS, KEPT_MS, Claim, ClaimState, Group, GroupState
from pipeline.state.protocol import Joining

NOW = 1_767_268_800_000
LATER = NOW + 90_000
GROUP = Group(
    state=GroupState.OPENING,
    opener="shard:1",
    lease_until_ms=LATER,
    window_until_ms=NOW + 900_000,
    count=1,
    first_ms=NOW,
    last_ms=NOW,
    lead="{}",
)
CLAIM = Claim(ClaimState.CLAIMED, "shard:1", LATER)
CALLS: dict[str, Callable[[DynamoState], Any]] = {
    "read_claims": lambda state: state.read_claims(["a"]),
    "take_claim": lambda state: state.take_claim("a", CLAIM, now_ms=NOW, from_outbox=False),
    "write_claims": lambda state: state.write_claims({"a": CLAIM}),
    "read_groups": lambda state: state.read_groups(["g"]),
    "open_group": lambda state: state.open_group("g", GROUP, now_ms=NOW),
    "take_over_group": lambda state: state.take_over_group("g", "me", lease_until_ms=LATER, now_ms=NOW),
    "join_group": lambda state: state.join_group("g", Joining(1, NOW, NOW), now_ms=NOW),
    "posted_group": lambda state: state.posted_group("g", "shard:1", channel="", message="", told=1),
    "close_group": lambda state: state.close_group("g", "shard:1", count=1),
    "take_token": lambda state: state.take_token("p", interval_ms=1_000, burst=4, now_ms=NOW),
    "take_turn": lambda state: state.take_turn("t", until_ms=LATER, now_ms=NOW),
    "block": lambda state: state.block("b", until_ms=LATER),
    "read_blocks": lambda state: state.read_blocks(["b"]),
    "count": lambda state: state.count("c", 1, 1, buckets=2, expires_ms=LATER),
}
OPERATIONS = ("BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem")


@pytest.fixture
def state() -> Iterator[DynamoState]:
    with mocked_account():
        make_table()
        watch("dynamodb", check_request)
        yield DynamoState(TABLE)


def stored(pk: str) -> dict[str, Any]:
    item: dict[str, Any] = client("dynamodb").get_item(TableName=TABLE, Key={"pk": {"S": pk}}).get("Item", {})
    return item


def expiry(pk: str) -> int:
    return int(stored(pk)["expires_at"]["N"])


@pytest.fixture
def requests(state: DynamoState) -> Counter[str]:
    """How often each operation was asked for."""
    assert state.read_claims([]) == {}
    counted: Counter[str] = Counter()
    watch("dynamodb", lambda name, _: counted.update([name]))
    return counted


# ---- failures ----


REFUSALS = (
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ResourceNotFoundException",
    "AccessDeniedException",
    "ValidationException",
)
FAILURES = (
    ConnectTimeoutError(endpoint_url="https://dynamodb"),
    ReadTimeoutError(endpoint_url="https://dynamodb"),
    EndpointConnectionError(endpoint_url="https://dynamodb"),
    NoCredentialsError(),
    ValueError("Invalid endpoint"),
)


@pytest.mark.parametrize("name", CALLS)
def test_whatever_the_service_refuses_with_is_a_state_error(state: DynamoState, name: str) -> None:
    refusals = [Refusals("dynamodb", operation) for operation in OPERATIONS]
    for code in REFUSALS:
        for refusal in refusals:
            refusal.answers = [error(code)]
        with pytest.raises(StateError, match=code):
            CALLS[name](state)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_network_that_fails_is_a_state_error(state: DynamoState, failure: Exception) -> None:
    def fail(**_: Any) -> None:
        raise failure

    client("dynamodb").meta.events.register_first("before-call.dynamodb", fail)
    for call in CALLS.values():
        with pytest.raises(StateError, match=type(failure).__name__):
            call(state)


def test_a_table_that_is_not_there_is_a_state_error() -> None:
    with mocked_account(), pytest.raises(StateError, match="ResourceNotFoundException"):
        DynamoState("other").read_claims(["a"])


def test_without_a_region_there_is_a_state_error_and_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with mocked_account():
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        with pytest.raises(StateError, match="NoRegionError"):
            DynamoState(TABLE).read_claims(["a"])


@pytest.mark.parametrize(
    ("pk", "item", "name"),
    [
        ("a#a", {}, "read_claims"),
        ("a#a", {"state": {"S": "asleep"}, "owner": {"S": "x"}, "until_ms": {"N": "1"}}, "read_claims"),
        ("a#a", {"state": {"S": "told"}, "owner": {"S": "x"}, "until_ms": {"S": "1"}}, "read_claims"),
        ("a#a", {"state": {"S": "claimed"}, "owner": {"N": "1"}, "until_ms": {"N": "1"}}, "read_claims"),
        ("g#g", {"state": {"S": "open"}}, "read_groups"),
        ("g#g", {"state": {"L": []}}, "read_groups"),
        ("g#g", {"state": {"S": "asleep"}}, "open_group"),
        ("b#b", {"until_ms": {"N": "1.5"}}, "read_blocks"),
        ("c#c", {"nought": {"N": "1"}}, "count"),
    ],
)
def test_an_item_that_somebody_damaged_is_a_state_error(
    state: DynamoState, pk: str, item: dict[str, Any], name: str
) -> None:
    client("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": pk}, **item})
    with pytest.raises(StateError):
        CALLS[name](state)


# ---- bulk calls ----


def unprocessed_keys(*names: str) -> dict[str, Any]:
    keys = [{"pk": {"S": f"a#{name}"}} for name in names]
    return {"Responses": {TABLE: []}, "UnprocessedKeys": {TABLE: {"Keys": keys, "ConsistentRead": True}}}


def unprocessed_puts(*names: str) -> dict[str, Any]:
    item = {"state": {"S": "told"}, "owner": {"S": "o"}, "until_ms": {"N": str(LATER)}}
    puts = [{"PutRequest": {"Item": {"pk": {"S": f"a#{name}"}, **item}}} for name in names]
    return {"UnprocessedItems": {TABLE: puts}}


@pytest.fixture
def pauses(state: DynamoState) -> list[float]:
    """Every pause asked for; none is taken."""
    taken: list[float] = []
    state._table = Table(TABLE, sleep=taken.append)
    return taken


def test_keys_left_unprocessed_are_asked_for_again(state: DynamoState, pauses: list[float]) -> None:
    told = Claim(ClaimState.TOLD, "o", LATER)
    state.write_claims({"x": told, "y": told, "z": told})
    reads = Refusals("dynamodb", "BatchGetItem")
    reads.answers = [unprocessed_keys("x", "y", "z"), unprocessed_keys("x", "y", "z")]
    assert state.read_claims(["x", "y", "z"]) == {"x": told, "y": told, "z": told}
    assert pauses == list(PAUSES_S[:2])


def test_items_left_unprocessed_are_written_again(state: DynamoState, pauses: list[float]) -> None:
    writes = Refusals("dynamodb", "BatchWriteItem")
    writes.answers = [unprocessed_puts("x", "y"), unprocessed_puts("y"), unprocessed_puts("y")]
    state.write_claims({name: Claim(ClaimState.TOLD, "o", LATER) for name in "xyz"})
    assert set(state.read_claims(["x", "y", "z"])) == {"y"}, "the scripted answers claimed to have done the others"
    assert writes.requests == 4
    assert pauses == [PAUSES_S[0], PAUSES_S[0], PAUSES_S[1]], "what moves starts anew"


@pytest.mark.parametrize(
    ("operation", "answer", "call"),
    [
        ("BatchGetItem", unprocessed_keys("a"), CALLS["read_claims"]),
        ("BatchWriteItem", unprocessed_puts("a"), CALLS["write_claims"]),
    ],
)
def test_a_bulk_call_that_never_gets_done_is_a_state_error_within_two_seconds(
    state: DynamoState,
    pauses: list[float],
    operation: str,
    answer: dict[str, Any],
    call: Callable[[DynamoState], Any],
) -> None:
    calls = Refusals("dynamodb", operation)
    calls.answers = [answer] * 100
    with pytest.raises(StateError, match="undone"):
        call(state)
    assert sum(pauses) < 2
    assert calls.requests == len(PAUSES_S) + 1


def test_one_failure_among_many_chunks_is_a_state_error(state: DynamoState) -> None:
    Refusals("dynamodb", "BatchWriteItem").answers = [None, None, error("ThrottlingException")]
    with pytest.raises(StateError, match="Throttling"):
        state.write_claims({str(n): CLAIM for n in range(400)})


def test_bulk_calls_are_as_few_as_the_service_allows(state: DynamoState, requests: Counter[str]) -> None:
    state.write_claims({str(n): CLAIM for n in range(101)})
    state.read_claims([str(n) for n in range(101)] * 2)
    assert requests == {"BatchWriteItem": 5, "BatchGetItem": 2}


def test_every_read_is_consistent(state: DynamoState) -> None:
    seen: list[bool] = []

    def look(name: str, request: dict[str, Any]) -> None:
        if name == "BatchGetItem":
            seen.append(request["RequestItems"][TABLE]["ConsistentRead"])

    watch("dynamodb", look)
    for name in ("read_claims", "read_groups", "read_blocks"):
        CALLS[name](state)
    assert seen == [True] * 3


# ---- lost answers ----


@pytest.fixture
def lossy(state: DynamoState) -> DynamoState:
    """Every write reaches the service twice, and its first answer nobody."""
    for operation in OPERATIONS:
        lose_first_answers("dynamodb", operation)
    return state


def test_whoever_claimed_hears_so_although_the_first_answer_was_lost(lossy: DynamoState) -> None:
    assert lossy.take_claim("a", CLAIM, now_ms=NOW, from_outbox=False) is None
    assert lossy.take_claim("a", CLAIM._replace(owner="shard:2"), now_ms=NOW, from_outbox=False) == CLAIM


def test_whoever_got_the_turn_hears_so_although_the_first_answer_was_lost(lossy: DynamoState) -> None:
    assert lossy.take_turn("t", until_ms=LATER, now_ms=NOW)
    assert not lossy.take_turn("t", until_ms=LATER, now_ms=NOW)


def test_a_group_is_opened_posted_and_closed_although_first_answers_are_lost(lossy: DynamoState) -> None:
    assert lossy.open_group("g", GROUP, now_ms=NOW) == (True, None)
    assert lossy.take_over_group("g", "me", lease_until_ms=LATER, now_ms=LATER) == replace(GROUP, opener="me")
    posted = lossy.posted_group("g", "me", channel="C1", message="1.2", told=1)
    assert posted is not None
    assert (posted.state, posted.message) == (GroupState.OPEN, "1.2")
    closed = lossy.close_group("g", "me", count=posted.count)
    assert closed == replace(posted, state=GroupState.CLOSED)
    assert lossy.close_group("g", "me", count=posted.count) is None


def test_a_lost_answer_errs_to_more_repeats_and_fewer_messages(lossy: DynamoState) -> None:
    lossy.open_group("g", GROUP, now_ms=NOW)
    joined = lossy.join_group("g", Joining(5, NOW, NOW), now_ms=NOW)
    assert joined is not None
    assert joined.count == 1 + 2 * 5
    waits = [lossy.take_token("p", interval_ms=1_000, burst=4, now_ms=NOW) for _ in range(4)]
    assert waits == [0, 1_000, 1_000, 1_000], "tokens are wasted, and none is had too early"
    assert lossy.count("c", 1, 5, buckets=2, expires_ms=LATER) == 10


# ---- housekeeping ----


@pytest.mark.parametrize("claim_state", list(ClaimState))
def test_a_claim_is_kept_as_long_as_it_means_something(state: DynamoState, claim_state: ClaimState) -> None:
    state.write_claims({"a": Claim(claim_state, "o", NOW + 1)})
    assert expiry("a#a") == -(-(NOW + 1 + KEPT_MS[claim_state]) // 1000)


def test_everything_stored_expires_after_it_has_served(state: DynamoState) -> None:
    for call in CALLS.values():
        call(state)
    scanned = client("dynamodb").scan(TableName=TABLE)["Items"]
    assert {item["pk"]["S"] for item in scanned} == {"a#a", "g#g", "p#p", "t#t", "b#b", "c#c"}
    assert expiry("g#g") == (GROUP.window_until_ms + GROUP_KEPT_MS) // 1000
    assert expiry("t#t") == expiry("b#b") == expiry("c#c") == LATER // 1000
    assert expiry("p#p") * 1000 > NOW + 4_000, "a bucket is kept until it is full again"


def test_an_expired_item_that_is_still_there_counts_for_nothing(state: DynamoState) -> None:
    """DynamoDB deletes up to days late; moto never does."""
    later = NOW + 400 * 86_400_000
    for call in CALLS.values():
        call(state)
    claim = Claim(ClaimState.CLAIMED, "new", later + 1)
    state.write_claims({"told": Claim(ClaimState.TOLD, "o", LATER)})
    assert state.take_claim("told", claim, now_ms=later, from_outbox=False) is None
    assert state.take_claim("a", claim, now_ms=later, from_outbox=False) is None
    ended = state.read_groups(["g"])["g"]
    assert state.open_group("g", replace(GROUP, opener="new"), now_ms=later, ended=ended)[0]
    assert state.take_token("p", interval_ms=1_000, burst=1, now_ms=later) == 0
    assert state.take_turn("t", until_ms=later + 1, now_ms=later)
    assert state.count("c", 10**9, 1, buckets=6, expires_ms=later) == 1
    assert {name for name in stored("c#c") if name.startswith("n")} == {"n1000000000"}, "old buckets are removed"


def test_a_lead_too_long_for_an_item_is_left_out(state: DynamoState) -> None:
    state.open_group("g", replace(GROUP, lead="x" * (MAX_LEAD + 1)), now_ms=NOW)
    assert state.read_groups(["g"])["g"].lead == ""


def test_the_largest_group_fits_an_item(state: DynamoState) -> None:
    """400 KB: twenty samples each of 256 characters of four bytes, and the longest lead."""
    wide = tuple(chr(0x1F600 + n) * 256 for n in range(20))
    group = replace(GROUP, lead="x" * MAX_LEAD, sources=wide, targets=wide)
    state.open_group("g", group, now_ms=NOW)
    size = sum(len(str(value).encode()) for value in stored("g#g").values())
    assert size < 400_000


def test_no_lone_surrogate_reaches_the_service(state: DynamoState) -> None:
    seen: list[str] = []
    watch("dynamodb", lambda _, request: seen.append(str(request).encode("utf-8", "surrogatepass").decode()))
    bad = "\udfff"
    state.write_claims({bad: Claim(ClaimState.TOLD, bad, LATER)})
    state.open_group(bad, replace(GROUP, opener=bad, lead=bad, sources=(bad,), channel=bad), now_ms=NOW)
    state.posted_group(bad, bad, channel=bad, message=bad, told=1)
    assert set(state.read_claims([bad])) == {bad}
    assert len(seen) == 4


# ---- what a call costs ----


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("take_claim", {"PutItem": 1}),
        ("open_group", {"PutItem": 1}),
        ("join_group", {"UpdateItem": 1}),
        ("posted_group", {"UpdateItem": 1}),
        ("close_group", {"UpdateItem": 1}),
        ("take_token", {"UpdateItem": 1}),
        ("take_turn", {"PutItem": 1}),
        ("block", {"PutItem": 1}),
        ("count", {"UpdateItem": 1}),
    ],
)
def test_the_usual_call_is_one_write(
    state: DynamoState, requests: Counter[str], name: str, expected: dict[str, int]
) -> None:
    state.open_group("g", GROUP, now_ms=NOW)
    requests.clear()
    CALLS[name](state)
    assert requests == expected


def test_where_many_join_at_once_the_count_goes_in_all_the_same(state: DynamoState, requests: Counter[str]) -> None:
    state.open_group("g", GROUP, now_ms=NOW)
    found = stored("g#g")
    refused = error("ConditionalCheckFailedException", Item=found)
    Refusals("dynamodb", "UpdateItem").answers = [refused] * TRIES
    joined = state.join_group("g", Joining(5, NOW - 9, NOW + 9, sources=("192.0.2.1",)), now_ms=NOW)
    assert joined == replace(GROUP, count=6)
    assert requests["UpdateItem"] == TRIES + 1


def test_a_group_whose_count_never_rests_is_a_state_error(state: DynamoState) -> None:
    state.open_group("g", GROUP, now_ms=NOW)
    refused = error("ConditionalCheckFailedException", Item=stored("g#g"))
    Refusals("dynamodb", "UpdateItem").answers = [refused] * TRIES
    with pytest.raises(StateError, match="recorded"):
        CALLS["posted_group"](state)


def test_a_bucket_that_comes_and_goes_is_a_state_error(state: DynamoState) -> None:
    Refusals("dynamodb", "UpdateItem").answers = [error("ConditionalCheckFailedException")] * TRIES
    with pytest.raises(StateError, match="comes and goes"):
        CALLS["take_token"](state)


# ---- the grammar ----


def test_every_condition_is_in_the_documented_grammar() -> None:
    conditions = [
        *ex.FOUND.values(),
        *ex.STANDING.values(),
        *(ex.TAKE_FROM_STREAM, ex.TAKE_FROM_OUTBOX, ex.OPEN_GROUP, ex.TAKE_OVER_GROUP, ex.JOINABLE),
        *(ex.POSTABLE, ex.CLOSE_GROUP, ex.IDLE, ex.BUSY, ex.FREE_TURN, ex.LONGER_BLOCK),
    ]
    for condition in conditions:
        check_condition(condition)


def test_every_update_is_in_the_documented_grammar() -> None:
    for update in (ex.TAKE_OVER, ex.COUNT_ALONE, ex.CLOSE, ex.TAKE_IDLE, ex.TAKE_BUSY, ex.COUNT, ex.forget(100)):
        check_update(update)


def test_every_step_is_in_the_documented_grammar() -> None:
    full = replace(GROUP, sources=tuple(map(str, range(20))), targets=("a",), told=5)
    samples: list[tuple[str, ...]] = [(), ("a",), ("a", "b", "")]
    joinings = [
        Joining(1, NOW + first, NOW + last, sources, targets)
        for first in (-1, 0, 1)
        for last in (-1, 0, 1)
        for sources in samples
        for targets in samples
    ]
    steps = [ex.join_step(joining, found) for joining in joinings for found in (None, GROUP, full)]
    steps += [ex.posted_step(told, found) for told in (0, 9) for found in (None, GROUP, full)]
    for step in steps:
        check_update(step.update)
        check_condition(step.condition)
