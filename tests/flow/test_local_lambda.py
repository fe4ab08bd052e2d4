"""A zip that was uploaded runs under AWS' own runtime client, invoked by hand or by its mapping."""

from __future__ import annotations

import gzip
import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.local.aws import EmbeddedAws
from pipeline.local.pollers import Pollers

HANDLER = """
import base64, gzip, json, os, sys, time
import boto3

def handle(event, context):
    print("seen by", context.function_name, os.environ["COLOUR"])
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("exit"):
        os._exit(3)
    if event.get("raise"):
        raise ValueError("as told")
    return {"echo": event, "left_ms": context.get_remaining_time_in_millis()}

def consume(event, context):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    for record in event["Records"]:
        envelope = json.loads(gzip.decompress(base64.b64decode(record["kinesis"]["data"])))
        if envelope["messageType"] == "DATA_MESSAGE":
            for log_event in envelope["logEvents"]:
                sqs.send_message(QueueUrl=url, MessageBody=log_event["message"])
    return {"batchItemFailures": []}
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        role = embedded.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for name, code in (("handle", HANDLER), ("consume", HANDLER), ("broken", "import nothing_of_that_name")):
            embedded.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler=f"app.{name}",
                Code={"ZipFile": zipped(code)},
                Timeout=5,
                Environment={"Variables": {"COLOUR": "green"}},
            )
        yield embedded


def zipped(code: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", code)
    return data.getvalue()


def invoke(aws: EmbeddedAws, name: str, event: Any) -> tuple[Any, str | None]:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_an_answer_a_context_and_a_log_come_back(aws: EmbeddedAws) -> None:
    payload, error = invoke(aws, "handle", {"a": 1})
    assert error is None
    assert payload["echo"] == {"a": 1}
    assert 0 < payload["left_ms"] <= 5000
    logged = aws.client("logs").filter_log_events(logGroupName="/aws/lambda/handle")["events"]
    assert "seen by handle green" in [event["message"].strip() for event in logged]


def test_an_exception_is_an_unhandled_error_with_its_stack(aws: EmbeddedAws) -> None:
    payload, error = invoke(aws, "handle", {"raise": True})
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "as told")
    assert payload["stackTrace"]


def test_code_that_cannot_be_imported_is_an_error(aws: EmbeddedAws) -> None:
    payload, error = invoke(aws, "broken", {})
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ImportModuleError"


def test_a_function_that_dies_is_an_error_and_the_next_invocation_starts_anew(aws: EmbeddedAws) -> None:
    payload, error = invoke(aws, "handle", {"exit": True})
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert invoke(aws, "handle", {})[1] is None


def test_a_function_that_takes_too_long_is_stopped(aws: EmbeddedAws) -> None:
    client = aws.client("lambda")
    client.update_function_configuration(FunctionName="handle", Timeout=1)
    payload, error = invoke(aws, "handle", {"sleep": 60})
    assert error == "Unhandled"
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]
    assert invoke(aws, "handle", {})[1] is None


def test_a_log_line_travels_to_the_deployed_function_by_itself(aws: EmbeddedAws) -> None:
    """put_log_events -> subscription filter -> Kinesis -> mapping -> the zip -> what it does in the same AWS."""
    aws.client("kinesis").create_stream(StreamName="events", ShardCount=2)
    stream = f"arn:aws:kinesis:{aws.region}:{aws.account_id}:stream/events"
    told = aws.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="trail")
    logs.create_log_stream(logGroupName="trail", logStreamName="one")
    logs.put_subscription_filter(
        logGroupName="trail", filterName="all", filterPattern="", destinationArn=stream, roleArn="arn:aws:iam::1:role/r"
    )
    aws.client("lambda").create_event_source_mapping(
        FunctionName="consume",
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": f"event {number}"} for number in range(3)]
    with Pollers(aws) as pollers:
        logs.put_log_events(logGroupName="trail", logStreamName="one", logEvents=events)
        pollers.drain()
        (poller,) = pollers.pollers
        assert poller.tally.invocations >= 1
    bodies = [m["Body"] for m in aws.client("sqs").receive_message(QueueUrl=told, MaxNumberOfMessages=10)["Messages"]]
    assert sorted(bodies) == ["event 0", "event 1", "event 2"]


def test_putting_into_a_mapped_stream_invokes_nothing_by_itself(aws: EmbeddedAws) -> None:
    """By itself moto would run the function within the put, one record at a time."""
    before = len(aws.client("logs").describe_log_streams(logGroupName="/aws/lambda/consume")["logStreams"])
    aws.client("kinesis").put_record(StreamName="events", PartitionKey="k", Data=gzip.compress(b"{}"))
    after = len(aws.client("logs").describe_log_streams(logGroupName="/aws/lambda/consume")["logStreams"])
    assert before == after
