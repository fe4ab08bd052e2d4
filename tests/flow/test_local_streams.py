"""The pollers of the embedded AWS read streams and queues for a function as Lambda does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import InProcess
from pipeline.local.pollers import Pollers
from pipeline.local.queue_poller import QueuePoller
from pipeline.local.stream_poller import StreamPoller

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:outbox"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:123456789012:dlq"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:trailwire"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        embedded.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        embedded.client("sqs").create_queue(QueueName="dlq")
        yield embedded


def put(aws: EmbeddedAws, *data: bytes, key: str = "k") -> None:
    records = [{"Data": one, "PartitionKey": key} for one in data]
    aws.client("kinesis").put_records(StreamName="events", Records=records)


def numbers(event: dict[str, Any]) -> list[str]:
    return [record["kinesis"]["sequenceNumber"] for record in event["Records"]]


class Recorder:
    """A handler that keeps the batches it saw and fails the records named."""

    def __init__(self, failing: set[str] | None = None, *, raises: bool = False) -> None:
        self.batches: list[list[str]] = []
        self.events: list[dict[str, Any]] = []
        self._failing = failing or set()
        self._raises = raises

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        assert context.get_remaining_time_in_millis() > 0
        self.events.append(event)
        self.batches.append(numbers(event))
        failed = [number for number in numbers(event) if number in self._failing]
        if failed and self._raises:
            raise ValueError(f"can't take {failed}")
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


def poller(aws: EmbeddedAws, handler: Any, **settings: Any) -> StreamPoller:
    mapping = Mapping(STREAM, FUNCTION, **{"reports_item_failures": True, **settings})
    return StreamPoller(aws.client, mapping, InProcess(handler), retry_wait_s=0)


def dead_letters(aws: EmbeddedAws) -> list[Any]:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="dlq")["QueueUrl"]
    return [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url).get("Messages", [])]


def test_the_recorded_case_of_a_failing_record_comes_out_as_on_aws(aws: EmbeddedAws) -> None:
    """Batches of 3, 3 retries, the last of 6 fails: it is delivered 5 times, the message says 4 invocations."""
    put(aws, *(b"%d" % n for n in range(6)))
    handler = Recorder({"6"})
    poller(
        aws,
        handler,
        batch_size=3,
        max_retry_attempts=3,
        on_failure_arn=DEAD_LETTERS,
    ).drain()
    assert handler.batches == [["1", "2", "3"], ["4", "5", "6"], ["6"], ["6"], ["6"], ["6"]]
    (letter,) = dead_letters(aws)
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 4
    assert letter["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    info = letter["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == ("6", "6", 1)
    assert info["streamArn"] == STREAM


def test_a_bisecting_mapping_closes_in_on_the_poison(aws: EmbeddedAws) -> None:
    put(aws, *(b"x" for _ in range(4)))
    handler = Recorder({"3"}, raises=True)
    work = poller(aws, handler, bisects=True, max_retry_attempts=1)
    work.drain()
    assert handler.batches == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["3"], ["4"]]
    (discarded,) = work.tally.discarded
    assert [record.sequence_number for record in discarded.records] == ["3"]
    assert discarded.function_error == "Unhandled"
    assert work.tally.records_done == 3


def test_a_batch_looks_as_lambda_s_does(aws: EmbeddedAws) -> None:
    put(aws, b"\x1f\x8b")
    handler = Recorder()
    poller(aws, handler).drain()
    (record,) = handler.events[0]["Records"]
    assert record["eventID"] == "shardId-000000000000:1"
    assert record["eventSourceARN"] == STREAM
    assert record["kinesis"]["data"] == "H4s="
    assert isinstance(record["kinesis"]["approximateArrivalTimestamp"], float)


def test_an_on_failure_bucket_gets_the_records_themselves(aws: EmbeddedAws) -> None:
    aws.client("s3").create_bucket(Bucket="undelivered")
    put(aws, b"a", b"b")
    work = poller(aws, Recorder({"1"}), max_retry_attempts=0, on_failure_arn="arn:aws:s3:::undelivered")
    work.drain()
    (item,) = aws.client("s3").list_objects_v2(Bucket="undelivered")["Contents"]
    assert item["Key"].startswith(f"aws/lambda/{work.mapping.uuid}/shardId-000000000000/")
    body = json.loads(aws.client("s3").get_object(Bucket="undelivered", Key=item["Key"])["Body"].read())
    assert numbers(json.loads(body["payload"])) == ["1", "2"], "all that is left of the batch is discarded together"


def test_records_that_are_too_old_are_told_without_an_answer_of_the_function(aws: EmbeddedAws) -> None:
    put(aws, b"old")
    mapping = Mapping(STREAM, FUNCTION, max_record_age_s=60, on_failure_arn=DEAD_LETTERS)
    handler = Recorder()
    StreamPoller(aws.client, mapping, InProcess(handler), clock=lambda: time.time() + 120).drain()
    assert handler.batches == []
    (letter,) = dead_letters(aws)
    assert letter["requestContext"]["condition"] == "RecordAgeExceeded"
    assert "responseContext" not in letter


def test_a_batch_waits_for_its_window_unless_it_is_full(aws: EmbeddedAws) -> None:
    now = [1000.0]
    handler = Recorder()
    mapping = Mapping(STREAM, FUNCTION, batch_size=3, batching_window_s=5)
    work = StreamPoller(aws.client, mapping, InProcess(handler), clock=lambda: now[0])
    put(aws, b"1", b"2")
    work.poll()
    assert handler.batches == []
    now[0] += 5
    work.poll()
    put(aws, b"3", b"4", b"5")
    work.poll()
    assert handler.batches == [["1", "2"], ["3", "4", "5"]]


def test_a_mapping_that_starts_at_latest_leaves_out_what_came_before(aws: EmbeddedAws) -> None:
    put(aws, b"before")
    handler = Recorder()
    work = poller(aws, handler, starting_position="LATEST")
    put(aws, b"after")
    work.drain()
    assert handler.batches == [["2"]]


def test_keys_keep_their_order_in_parallel_lanes(aws: EmbeddedAws) -> None:
    for number in range(20):
        put(aws, b"x", key=f"key {number % 5}")
    handler = Recorder()
    mapping = Mapping(STREAM, FUNCTION, batch_size=2, parallelization_factor=4)
    work = StreamPoller(aws.client, mapping, InProcess(handler), workers=4)
    work.drain()
    work.close()
    seen: dict[str, list[int]] = {}
    for event in handler.events:
        for record in event["Records"]:
            seen.setdefault(record["kinesis"]["partitionKey"], []).append(int(record["kinesis"]["sequenceNumber"]))
    assert sum(map(len, seen.values())) == 20
    assert all(order == sorted(order) for order in seen.values())


def test_a_service_that_does_not_answer_costs_no_record(aws: EmbeddedAws) -> None:
    """The on-failure queue is missing at first: the batch is tried again and nothing is forgotten."""
    put(aws, b"x")
    handler = Recorder({"1"})
    mapping = Mapping(
        STREAM,
        FUNCTION,
        max_retry_attempts=0,
        reports_item_failures=True,
        on_failure_arn=QUEUE.replace("outbox", "late"),
    )
    work = StreamPoller(aws.client, mapping, InProcess(handler))
    with pytest.raises(aws.client("sqs").exceptions.QueueDoesNotExist):
        work.poll()
    aws.client("sqs").create_queue(QueueName="late")
    work.drain()
    assert handler.batches == [["1"], ["1"]]


def test_pollers_drain_a_stream_and_the_queue_its_function_fills(aws: EmbeddedAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="outbox")["QueueUrl"]
    told: list[str] = []

    def stream_handler(event: dict[str, Any], _context: Any) -> None:
        for number in numbers(event):
            sqs.send_message(QueueUrl=url, MessageBody=number, DelaySeconds=1)

    def queue_handler(event: dict[str, Any], _context: Any) -> None:
        told.extend(record["body"] for record in event["Records"])

    given = [
        (Mapping(QUEUE, FUNCTION, batch_size=10), InProcess(queue_handler)),
        (Mapping(STREAM, FUNCTION), InProcess(stream_handler)),
    ]
    with Pollers(aws, given) as pollers:
        put(aws, b"a", b"b", b"c")
        pollers.drain()
    assert sorted(told) == ["1", "2", "3"]


def test_messages_that_failed_come_back_and_end_in_the_dead_letter_queue(aws: EmbeddedAws) -> None:
    sqs = aws.client("sqs")
    redrive = json.dumps({"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": 2})
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": redrive}
    url = sqs.create_queue(QueueName="outbox", Attributes=attributes)["QueueUrl"]
    bodies = ['"good"', '"bad"']
    for body in bodies:
        sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": "alert"}},
        )
    counts: list[tuple[str, str]] = []

    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        failed = []
        for record in event["Records"]:
            assert record["messageAttributes"]["kind"]["stringValue"] == "alert"
            counts.append((record["body"], record["attributes"]["ApproximateReceiveCount"]))
            if record["body"] == '"bad"':
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    mapping = Mapping(QUEUE, FUNCTION, batch_size=10, reports_item_failures=True)
    work = QueuePoller(aws.client, mapping, InProcess(handler))
    work.drain()
    assert counts == [('"good"', "1"), ('"bad"', "1"), ('"bad"', "2")]
    assert dead_letters(aws) == ["bad"]
    assert (work.tally.messages_done, work.tally.messages_failed) == (1, 2)
