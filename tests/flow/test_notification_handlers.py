"""CloudTrail's files are taken from a bucket, and events from a queue, on this machine as on AWS."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from pipeline.aws import objects
from pipeline.aws.clients import forget_clients
from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import InProcess
from pipeline.local.queue_poller import QueuePoller
from pipeline.runtime import handlers
from pipeline.testing import FakeClock, LambdaContext, envelope, event, invocation

QUEUE = "arn:aws:sqs:us-east-1:123456789012:files"
FOLDER = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01"
CONFIGURATION = """
[[rule]]
name = "Trail stopped"
event_names = ["StopLogging"]
destinations = ["log"]
[[destination]]
id = "log"
type = "stdout"
"""


@dataclass
class Deployment:
    """A bucket that CloudTrail writes to, a queue, and what the functions said."""

    aws: EmbeddedAws
    capsys: pytest.CaptureFixture[str]

    def write(self, key: str, body: bytes | list[dict[str, Any]]) -> None:
        data = body if isinstance(body, bytes) else gzip.compress(json.dumps({"Records": body}).encode())
        self.aws.client("s3").put_object(Bucket="trail", Key=key, Body=data)

    def put(self, *bodies: Any) -> list[str]:
        """Send messages; returns their ids."""
        sqs = self.aws.client("sqs")
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        url = sqs.get_queue_url(QueueName="files")["QueueUrl"]
        return [sqs.send_message(QueueUrl=url, MessageBody=text)["MessageId"] for text in texts]

    def run(self) -> int:
        """Invoke the queue's function once; returns how many messages it handed back."""
        mapping = Mapping(QUEUE, "", batch_size=10, reports_item_failures=True)
        poller = QueuePoller(self.aws.client, mapping, InProcess(handlers.sqs))
        assert poller.poll()
        return poller.tally.messages_failed

    def books(self) -> dict[str, Any]:
        """Return the metrics of the one invocation since this was last asked."""
        lines = self.capsys.readouterr().out.splitlines()
        (metrics,) = [json.loads(line) for line in lines if line.startswith('{"_aws"')]
        assert metrics["Imbalance"] == 0
        return dict(metrics)

    def quarantined(self) -> list[dict[str, Any]]:
        s3 = self.aws.client("s3")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket="undelivered").get("Contents", [])]
        bodies = [s3.get_object(Bucket="undelivered", Key=key)["Body"].read() for key in keys]
        return [json.loads(line) for body in bodies for line in body.splitlines()]


@pytest.fixture
def deployed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    config = tmp_path / "trailwire.toml"
    config.write_text(CONFIGURATION)
    with EmbeddedAws() as aws:
        aws.client("sqs").create_queue(QueueName="files")
        for bucket in ("trail", "undelivered"):
            aws.client("s3").create_bucket(Bucket=bucket)
        environment = {
            **aws.environment(),
            "TRAILWIRE_CONFIG": str(config),
            "TRAILWIRE_STATE": f"memory:{tmp_path}",
            "TRAILWIRE_OUTBOX": "",
            "TRAILWIRE_QUARANTINE": "s3://undelivered/quarantine",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_clients()
        yield Deployment(aws, capsys)
    forget_clients()


def stop(number: int = 1) -> dict[str, Any]:
    return event(number, eventName="StopLogging", eventSource="cloudtrail.amazonaws.com")


def notification(*keys: str) -> dict[str, Any]:
    """Write what S3 says of new objects."""
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "trail"}, "object": {"key": quote_plus(key, safe="/")}},
            }
            for key in keys
        ]
    }


def test_files_are_read_whatever_their_names_and_told_once(deployed: Deployment) -> None:
    keys = [f"{FOLDER}/a b+c.json.gz", f"{FOLDER}/é.json.gz"]
    for number, key in enumerate(keys):
        deployed.write(key, [event(9), stop(number)])
    for told, duplicate in ((2, 0), (0, 2)):
        assert handlers.s3(notification(*keys), LambdaContext()) == {}
        books = deployed.books()
        assert (books["Handler"], books["Events"]) == ("s3", 4)
        assert (books["Sent"] + books["Grouped"], books["Duplicate"]) == (told, duplicate)


def test_digest_files_and_test_events_hold_nothing(deployed: Deployment) -> None:
    """A digest file is not even fetched if its key says so."""
    digest = {"digestS3Object": "x", "logFiles": []}
    deployed.write("other/name.json.gz", gzip.compress(json.dumps(digest).encode()))
    said = notification(f"{FOLDER.replace('/CloudTrail/', '/CloudTrail-Digest/')}/d.json.gz", "other/name.json.gz")
    for one in (said, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}):
        handlers.s3(one, None)
        books = deployed.books()
        assert (books["Events"], books["Quarantined"]) == (0, 0)


def test_a_file_that_is_not_there_is_asked_for_again_and_the_others_are_told_meanwhile(deployed: Deployment) -> None:
    deployed.write("there.json.gz", [stop()])
    with pytest.raises(RuntimeError, match="invoke again"):
        handlers.s3(notification("gone.json.gz", "there.json.gz"), LambdaContext())
    assert deployed.books()["Sent"] == 1


@pytest.mark.parametrize("body", [b"\x1f\x8bdamaged", b"\x1f\x8b\x08"])
def test_a_file_that_cannot_be_read_is_quarantined_whole(deployed: Deployment, body: bytes) -> None:
    deployed.write("damaged.json.gz", body)
    handlers.s3(notification("damaged.json.gz"), LambdaContext())
    (part,) = deployed.quarantined()
    assert part["source"]["stream"] == "s3://trail/damaged.json.gz"


def test_a_file_too_large_to_be_one_is_kept_where_it_lies(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects.fetched, "__defaults__", (10,))
    deployed.write("large.json.gz", b"x" * 11)
    handlers.s3(notification("large.json.gz"), LambdaContext())
    assert [part["reason"] for part in deployed.quarantined()] == ["object too large"]


def test_an_odd_event_is_quarantined_whole(deployed: Deployment) -> None:
    handlers.s3({"Records": [{"s3": None}]}, LambdaContext())
    assert [part["reason"] for part in deployed.quarantined()] == ["not a notification"]


def test_a_queue_may_hold_every_form_at_once(deployed: Deployment) -> None:
    for number in range(5):
        deployed.write(f"{number}.json.gz", [stop(number)])
    deployed.put(
        notification("0.json.gz"),
        {"Type": "Notification", "Message": json.dumps(notification("1.json.gz"))},
        {
            "Type": "Notification",
            "Message": json.dumps({"s3Bucket": "trail", "s3ObjectKey": ["2.json.gz", "3.json.gz"]}),
        },
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "trail"}, "object": {"key": "4.json.gz"}},
        },
        {"source": "aws.cloudtrail", "detail-type": "AWS API Call via CloudTrail", "detail": stop(5)},
        envelope([stop(6)]),
        invocation(envelope([stop(7)])),
        {"Type": "Notification", "Message": "CloudTrail validation message."},
    )
    assert deployed.run() == 0
    books = deployed.books()
    assert (books["Events"], books["Matched"], books["Sent"] + books["Grouped"]) == (8, 8, 8)


def test_a_message_that_cannot_be_done_comes_back_alone(deployed: Deployment) -> None:
    deployed.write("there.json.gz", [stop()])
    deployed.put(notification("gone.json.gz"), notification("there.json.gz"), "no JSON")
    assert deployed.run() == 1
    books = deployed.books()
    assert (books["Sent"], books["Quarantined"]) == (1, 1)


def test_files_that_there_is_no_time_for_come_again(deployed: Deployment) -> None:
    for number in range(2):
        deployed.write(f"{number}.json.gz", [stop(number)])
    records = [
        {"messageId": f"m{number}", "body": json.dumps(notification(f"{number}.json.gz"))} for number in range(2)
    ]
    answer = handlers.sqs({"Records": records}, LambdaContext(FakeClock(remaining_s=15)))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert deployed.books()["Sent"] == 1


@pytest.mark.parametrize("odd", [None, {}, {"Records": None}, {"Records": [None]}, {"Records": [{"body": 5}]}])
def test_what_is_no_message_is_quarantined_and_answered(deployed: Deployment, odd: Any) -> None:
    assert handlers.sqs(odd, None) == {"batchItemFailures": []}
    assert len(deployed.quarantined()) == 1


def test_nothing_is_nothing(deployed: Deployment) -> None:
    assert handlers.sqs({"Records": []}, None) == {"batchItemFailures": []}
    assert deployed.books()["Events"] == 0
