"""What becomes of a batch follows the cases that were recorded on AWS."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.local.event_source_mapping import Mapping
from pipeline.local.queue_poller import unhandled
from pipeline.local.stream_batches import (
    DONE,
    WHOLE_BATCH,
    Attempt,
    Failed,
    Returned,
    Settled,
    StreamRecord,
    Verdict,
    expire,
    judge,
    settle,
)

ARNS = ("arn:aws:kinesis:us-east-1:123456789012:stream/s", "arn:aws:lambda:us-east-1:123456789012:function:f")


def mapping(**settings: Any) -> Mapping:
    return Mapping(*ARNS, **{"reports_item_failures": True, **settings})


def records(*numbers: int, arrived_s: float = 0.0) -> tuple[StreamRecord, ...]:
    return tuple(StreamRecord(str(number), "k", b"", arrived_s) for number in numbers)


def failures(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, DONE),
        ("", DONE),
        ([], DONE),
        ({}, DONE),
        ({"batchItemFailures": []}, DONE),
        ({"batchItemFailures": None}, DONE),
        ({"anything": "else"}, DONE),
        (failures("9"), Verdict(0)),
        (failures("10"), Verdict(1)),
        (failures("11", "10"), Verdict(1)),
        (failures("10", "10"), Verdict(1)),
        (failures("123"), WHOLE_BATCH),
        (failures(10), WHOLE_BATCH),
        (failures(""), WHOLE_BATCH),
        (failures(None), WHOLE_BATCH),
        (failures(["10"]), WHOLE_BATCH),
        (failures("11", "123"), WHOLE_BATCH),
        ({"batchItemFailures": [{"wrong": "10"}]}, WHOLE_BATCH),
        ({"batchItemFailures": ["10"]}, WHOLE_BATCH),
        ({"batchItemFailures": "10"}, WHOLE_BATCH),
        ("done", WHOLE_BATCH),
        ([1], WHOLE_BATCH),
        (7, WHOLE_BATCH),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(payload: Any, expected: Verdict) -> None:
    assert judge(Returned(payload), ["9", "10", "11"], reports_item_failures=True) == expected


def test_an_answer_counts_only_where_the_mapping_asks_for_it() -> None:
    assert judge(Returned(failures("9")), ["9"], reports_item_failures=False) == DONE


@pytest.mark.parametrize("reports", [True, False])
def test_an_error_fails_the_whole_batch(*, reports: bool) -> None:
    assert judge(Failed({"errorType": "ValueError"}), ["9"], reports_item_failures=reports) == Verdict(0, "Unhandled")


@pytest.mark.parametrize(
    ("settings", "attempt", "verdict", "expected"),
    [
        ({}, Attempt(records(1, 2)), DONE, Settled()),
        ({}, Attempt(records(1, 2, 3), 5), Verdict(1), Settled((Attempt(records(2, 3), 0),))),
        ({}, Attempt(records(1, 2), 5), WHOLE_BATCH, Settled((Attempt(records(1, 2), 6),))),
        (
            {"bisects": True},
            Attempt(records(1, 2, 3)),
            Verdict(0, "Unhandled"),
            Settled((Attempt(records(1)), Attempt(records(2, 3)))),
        ),
        ({"bisects": True}, Attempt(records(1, 2, 3)), Verdict(1), Settled((Attempt(records(2, 3)),))),
        ({"bisects": True}, Attempt(records(1, 2)), WHOLE_BATCH, Settled((Attempt(records(1, 2), 1),))),
        ({"bisects": True}, Attempt(records(1)), Verdict(0, "Unhandled"), Settled((Attempt(records(1), 1),))),
    ],
)
def test_what_is_left_of_a_batch_is_tried_again(
    settings: dict[str, Any], attempt: Attempt, verdict: Verdict, expected: Settled
) -> None:
    assert settle(mapping(**settings), attempt, verdict) == expected


def test_a_batch_that_failed_too_often_is_discarded_whole() -> None:
    settled = settle(mapping(max_retry_attempts=3), Attempt(records(1, 2), 3), WHOLE_BATCH)
    assert settled.retries == ()
    assert settled.discarded is not None
    assert (settled.discarded.condition, settled.discarded.invocations) == ("RetryAttemptsExhausted", 4)
    assert settled.discarded.records == records(1, 2)


def test_old_records_go_alone_and_the_younger_are_tried() -> None:
    old, young = records(1, 2, arrived_s=10), records(3, arrived_s=50)
    settled = expire(mapping(max_record_age_s=60), Attempt((*old, *young), 2), 100)
    assert settled.retries == (Attempt(young),)
    assert settled.discarded is not None
    assert (settled.discarded.records, settled.discarded.condition) == (old, "RecordAgeExceeded")


@given(
    st.integers(1, 12),
    st.sets(st.integers(1, 12)),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
)
def test_every_record_is_done_or_discarded_once_and_in_order(
    count: int, poison: set[int], retries: int, bisects: bool, raises: bool
) -> None:
    """Whatever fails, the books balance, no good record is tried after a later one, and it ends."""
    settings = mapping(max_retry_attempts=retries, bisects=bisects)
    attempts, done, discarded = deque([Attempt(records(*range(1, count + 1)))]), [], []
    for _ in range(1000):
        if not attempts:
            break
        attempt = attempts.popleft()
        numbers = [int(record.sequence_number) for record in attempt.records]
        bad = [str(number) for number in numbers if number in poison]
        outcome = Failed("poison") if raises and bad else Returned(failures(*bad))
        verdict = judge(outcome, list(map(str, numbers)), reports_item_failures=True)
        settled = settle(settings, attempt, verdict)
        left = {record.sequence_number for retry in settled.retries for record in retry.records}
        given_up = [int(r.sequence_number) for r in settled.discarded.records] if settled.discarded else []
        discarded += given_up
        done += [number for number in numbers if str(number) not in left and number not in given_up]
        attempts.extendleft(reversed(settled.retries))
    assert not attempts
    assert sorted(done + discarded) == list(range(1, count + 1))
    assert done == sorted(done)
    assert not poison & set(done)


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (Returned(None), set()),
        (Returned(failures()), set()),
        (Returned(failures("b")), {"b"}),
        (Returned(failures("b", "nobody")), {"a", "b"}),
        (Returned("nonsense"), {"a", "b"}),
        (Failed("raised"), {"a", "b"}),
    ],
)
def test_messages_of_a_queue_stay_where_they_failed(outcome: Any, left: set[str]) -> None:
    assert unhandled(outcome, ["a", "b"], reports_item_failures=True) == left


def test_a_mapping_is_read_from_lambda_s_api() -> None:
    """Every setting of a stream's mapping arrives, and what isn't set is AWS' default."""
    full = {
        "UUID": "u",
        "EventSourceArn": ARNS[0],
        "FunctionArn": ARNS[1],
        "BatchSize": 80,
        "MaximumBatchingWindowInSeconds": 1,
        "StartingPosition": "LATEST",
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::undelivered"}},
        "ParallelizationFactor": 2,
    }
    expected = Mapping(*ARNS, "u", 80, 1, "LATEST", 0.0, 3, 3600, True, True, "arn:aws:s3:::undelivered", 2)
    assert Mapping.from_api(full) == expected
    bare = {"UUID": "u", "EventSourceArn": ARNS[0], "FunctionArn": ARNS[1]}
    assert Mapping.from_api(bare) == Mapping(*ARNS, "u")
    queue = {**bare, "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}
    assert Mapping.from_api(queue).batch_size == 10
    assert Mapping.from_api(queue).reads_queue
