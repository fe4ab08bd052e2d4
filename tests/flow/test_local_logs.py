"""CloudWatch Logs of the embedded AWS delivers into Kinesis as AWS does."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline.local.aws import EmbeddedAws

ROLE = "arn:aws:iam::123456789012:role/logs"
WRITES = "{ $.readOnly IS FALSE }"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    # a linger longer than any test: records go out when the test says so
    with EmbeddedAws(delivery_linger_s=600) as embedded:
        embedded.client("kinesis").create_stream(StreamName="events", ShardCount=2)
        embedded.client("logs").create_log_group(logGroupName="trail")
        embedded.client("logs").create_log_stream(logGroupName="trail", logStreamName="one")
        yield embedded


def stream_arn(aws: EmbeddedAws) -> str:
    return f"arn:aws:kinesis:{aws.region}:{aws.account_id}:stream/events"


def put_filter(aws: EmbeddedAws, name: str = "all", pattern: str = "", **changes: Any) -> None:
    settings = {"destinationArn": stream_arn(aws), "roleArn": ROLE, **changes}
    settings = {key: value for key, value in settings.items() if value is not None}
    aws.client("logs").put_subscription_filter(logGroupName="trail", filterName=name, filterPattern=pattern, **settings)


def log(aws: EmbeddedAws, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    aws.client("logs").put_log_events(logGroupName="trail", logStreamName="one", logEvents=events)


def records(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """Everything in the stream."""
    aws.flush_logs()
    kinesis, found = aws.client("kinesis"), []
    for shard in kinesis.list_shards(StreamName="events")["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName="events", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += kinesis.get_records(ShardIterator=iterator)["Records"]
    return found


def envelopes(aws: EmbeddedAws, kind: str = "DATA_MESSAGE") -> list[dict[str, Any]]:
    opened = [json.loads(gzip.decompress(record["Data"])) for record in records(aws)]
    return [envelope for envelope in opened if envelope["messageType"] == kind]


def test_a_filter_that_is_put_sends_a_control_message(aws: EmbeddedAws) -> None:
    put_filter(aws)
    (control,) = envelopes(aws, "CONTROL_MESSAGE")
    assert control["logEvents"][0]["message"].startswith("CWL CONTROL MESSAGE")
    assert control["owner"] == "CloudwatchLogs"


def test_calls_within_a_moment_share_a_record_with_ids_of_56_digits(aws: EmbeddedAws) -> None:
    put_filter(aws)
    log(aws, "a", "b")
    log(aws, "c")
    (envelope,) = envelopes(aws)
    assert [event["message"] for event in envelope["logEvents"]] == ["a", "b", "c"]
    ids = [event["id"] for event in envelope["logEvents"]]
    assert all(isinstance(event_id, str) and len(event_id) == 56 and event_id.isdigit() for event_id in ids)
    assert ids == sorted(set(ids))
    assert envelope["owner"] == "123456789012"
    assert (envelope["logGroup"], envelope["logStream"]) == ("trail", "one")
    assert envelope["subscriptionFilters"] == ["all"]


def test_a_filter_lets_through_what_its_pattern_matches(aws: EmbeddedAws) -> None:
    put_filter(aws, "writes", WRITES)
    log(aws, '{"readOnly":true}', '{"readOnly":false}', "not JSON")
    (envelope,) = envelopes(aws)
    assert [event["message"] for event in envelope["logEvents"]] == ['{"readOnly":false}']


def test_a_filter_that_nothing_matches_delivers_nothing(aws: EmbeddedAws) -> None:
    put_filter(aws, "writes", WRITES)
    log(aws, '{"readOnly":true}')
    assert envelopes(aws) == []


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"pattern": "{ $.a = = }"}, "InvalidParameterException", "Invalid filter pattern"),
        ({"roleArn": None}, "InvalidParameterException", "cannot be used without roleArn"),
        (
            {"destinationArn": "arn:aws:kinesis:us-east-1:123456789012:stream/none"},
            "InvalidParameterException",
            "Could not deliver test message",
        ),
        ({"distribution": "Evenly"}, "InvalidParameterException", "distribution"),
    ],
)
def test_a_filter_that_aws_would_refuse_is_refused(
    aws: EmbeddedAws, changes: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(ClientError, match=says) as refused:
        put_filter(aws, **changes)
    assert refused.value.response["Error"]["Code"] == code
    assert aws.client("logs").describe_subscription_filters(logGroupName="trail")["subscriptionFilters"] == []


def test_one_of_two_filters_can_be_changed_and_a_third_is_refused(aws: EmbeddedAws) -> None:
    put_filter(aws, "one")
    put_filter(aws, "two")
    put_filter(aws, "two", WRITES, distribution="Random")
    filters = aws.client("logs").describe_subscription_filters(logGroupName="trail")["subscriptionFilters"]
    assert [(f["filterName"], f["filterPattern"], f["distribution"]) for f in filters] == [
        ("one", "", "ByLogStream"),
        ("two", WRITES, "Random"),
    ]
    with pytest.raises(ClientError, match="LimitExceededException"):
        put_filter(aws, "three")


def test_one_log_stream_keeps_to_one_shard_unless_records_are_spread(aws: EmbeddedAws) -> None:
    put_filter(aws, "kept")
    put_filter(aws, "spread", distribution="Random")
    for number in range(12):
        log(aws, str(number))
        aws.flush_logs()
    keys: dict[str, set[str]] = {"kept": set(), "spread": set()}
    for record in records(aws):
        for name in json.loads(gzip.decompress(record["Data"]))["subscriptionFilters"]:
            keys[name].add(record["PartitionKey"])
    assert len(keys["kept"]) == 1
    assert len(keys["spread"]) == 12


def test_a_delivery_above_a_record_s_size_is_split_in_order(aws: EmbeddedAws) -> None:
    put_filter(aws)
    # hexadecimal digests of numbers don't compress below half of their size
    messages = ["".join(hashlib.sha256(f"{n}/{m}".encode()).hexdigest() for m in range(1500)) for n in range(30)]
    for start in range(0, 30, 10):
        log(aws, *messages[start : start + 10])
    assert all(len(record["Data"]) <= 1_048_576 for record in records(aws))
    found = envelopes(aws)
    assert len(found) > 1
    assert [event["message"] for envelope in found for event in envelope["logEvents"]] == messages


def test_a_logical_destination_leads_to_its_stream(aws: EmbeddedAws) -> None:
    destination = aws.client("logs").put_destination(destinationName="shared", targetArn=stream_arn(aws), roleArn=ROLE)[
        "destination"
    ]
    put_filter(aws, destinationArn=destination["arn"], roleArn=None)
    log(aws, "across accounts")
    (envelope,) = envelopes(aws)
    assert envelope["logEvents"][0]["message"] == "across accounts"


def test_events_of_long_ago_are_refused_and_their_neighbours_are_not(aws: EmbeddedAws) -> None:
    put_filter(aws)
    now = int(time.time() * 1000)
    answer = aws.client("logs").put_log_events(
        logGroupName="trail",
        logStreamName="one",
        logEvents=[
            {"timestamp": now - 15 * 86_400_000, "message": "old"},
            {"timestamp": now, "message": "new"},
        ],
    )
    assert answer["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"] == 0
    (envelope,) = envelopes(aws)
    assert [event["message"] for event in envelope["logEvents"]] == ["new"]


def test_a_batch_above_a_mebibyte_is_refused(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="Upload too large"):
        log(aws, "x" * 600_000, "y" * 600_000)


def test_a_stream_that_is_gone_loses_events_and_says_so(aws: EmbeddedAws, caplog: pytest.LogCaptureFixture) -> None:
    put_filter(aws)
    log(aws, "lost")
    aws.client("kinesis").delete_stream(StreamName="events")
    aws.flush_logs()
    assert "1 log events lost" in caplog.text


def test_patterns_can_be_tried_and_logs_searched_with_the_same_engine(aws: EmbeddedAws) -> None:
    logs = aws.client("logs")
    messages = ['{"readOnly":true}', '{"readOnly":false}']
    tried = logs.test_metric_filter(filterPattern=WRITES, logEventMessages=messages)["matches"]
    assert [(match["eventNumber"], match["eventMessage"]) for match in tried] == [(2, messages[1])]
    log(aws, *messages)
    found = logs.filter_log_events(logGroupName="trail", filterPattern=WRITES)["events"]
    assert [event["message"] for event in found] == [messages[1]]


def test_what_lingers_is_sent_by_itself() -> None:
    with EmbeddedAws(delivery_linger_s=0.01) as aws:
        aws.client("kinesis").create_stream(StreamName="events", ShardCount=1)
        aws.client("logs").create_log_group(logGroupName="trail")
        aws.client("logs").create_log_stream(logGroupName="trail", logStreamName="one")
        put_filter(aws)
        log(aws, "soon")
        kinesis = aws.client("kinesis")
        iterator = kinesis.get_shard_iterator(
            StreamName="events", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        deadline = time.monotonic() + 10
        while len(kinesis.get_records(ShardIterator=iterator)["Records"]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_second_embedded_aws_in_one_process_is_refused(aws: EmbeddedAws) -> None:
    with pytest.raises(RuntimeError, match="one embedded AWS"):
        EmbeddedAws().start()
    assert aws.client("kinesis").list_streams()["StreamNames"] == ["events"]


def test_what_was_there_is_gone_in_the_next_one() -> None:
    with EmbeddedAws() as aws:
        assert aws.client("kinesis").list_streams()["StreamNames"] == []
