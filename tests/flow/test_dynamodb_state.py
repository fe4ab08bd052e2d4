"""Functions that share a table over the network never both win, never lose a count, never exceed a rate."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.aws.clients import forget_clients
from pipeline.aws.dynamodb import DynamoState
from pipeline.errors import StateError
from pipeline.local.aws import EmbeddedAws
from pipeline.state.failover import Failover
from pipeline.state.lifecycle import Claim, ClaimState, Group, GroupState
from pipeline.state.memory import MemoryState
from pipeline.state.protocol import Joining, State

TABLE = "trailwire-state"
NOW = 1_767_268_800_000
LATER = NOW + 90_000
FUNCTIONS = 8


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        for name, value in embedded.environment().items():
            monkeypatch.setenv(name, value)
        embedded.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        forget_clients()
        yield embedded
    forget_clients()


@pytest.fixture
def functions(aws: EmbeddedAws) -> Iterator[ThreadPoolExecutor]:
    assert aws.url
    with ThreadPoolExecutor(FUNCTIONS) as pool:
        yield pool


def group(opener: str) -> Group:
    return Group(
        state=GroupState.OPENING,
        opener=opener,
        lease_until_ms=LATER,
        window_until_ms=NOW + 900_000,
        count=1,
        first_ms=NOW,
        last_ms=NOW,
    )


def test_of_functions_that_claim_an_alert_one_gets_it(functions: ThreadPoolExecutor) -> None:
    def take(owner: str) -> Claim | None:
        wanted = Claim(ClaimState.CLAIMED, owner, LATER)
        return DynamoState(TABLE).take_claim("alert", wanted, now_ms=NOW, from_outbox=False)

    answers = list(functions.map(take, [f"shard:{n}" for n in range(FUNCTIONS)]))
    assert answers.count(None) == 1
    assert len({answer for answer in answers if answer is not None}) == 1


def test_of_two_shards_that_open_a_group_one_posts_and_every_repeat_is_counted(functions: ThreadPoolExecutor) -> None:
    def open_or_join(opener: str) -> bool:
        state = DynamoState(TABLE)
        opened, _ = state.open_group("group", group(opener), now_ms=NOW)
        if not opened:
            assert state.join_group("group", Joining(1, NOW, NOW, sources=(opener,)), now_ms=NOW) is not None
        return opened

    assert sum(functions.map(open_or_join, [f"shard:{n}" for n in range(24)])) == 1
    assert DynamoState(TABLE).read_groups(["group"])["group"].count == 24


def test_functions_together_take_no_more_tokens_than_the_rate(functions: ThreadPoolExecutor) -> None:
    def take(_: int) -> int:
        return DynamoState(TABLE).take_token("channel", interval_ms=1_000, burst=4, now_ms=NOW)

    waits = list(functions.map(take, range(32)))
    assert waits.count(0) == 4
    assert {wait_ms for wait_ms in waits if wait_ms} == {1_000}


def test_a_thousand_marks_go_there_and_back(aws: EmbeddedAws) -> None:
    marks = {f"{n:064x}": Claim(ClaimState.TOLD, f"shard:{n}", LATER) for n in range(1_000)}
    assert aws.url
    DynamoState(TABLE).write_claims(marks)
    assert DynamoState(TABLE).read_claims([*marks, "other"]) == marks


def test_a_store_that_dies_is_a_state_error_and_the_invocation_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_clients()
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StateError, match="EndpointConnectionError"):
        DynamoState(TABLE).read_claims(["alert"])
    local = MemoryState()
    view: State = Failover(lambda: DynamoState(TABLE), lambda: local).view
    wanted = Claim(ClaimState.CLAIMED, "shard:1", LATER)
    assert view.take_claim("alert", wanted, now_ms=NOW, from_outbox=False) is None
    assert view.read_claims(["alert"]) == {"alert": wanted}
    forget_clients()
