"""What could not be delivered is sent again by hand: told once, however often, and nothing of it is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts.alert import Alert, Notice
from pipeline.alerts.ticket import MAX_AGE_MS, Kind, Ticket, encode
from pipeline.aws.clients import forget_clients
from pipeline.aws.dynamodb import DynamoState
from pipeline.cli import main
from pipeline.decode.decoded import Source, Stage, Undecodable
from pipeline.decode.quarantined import split
from pipeline.event.summary import summarize
from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import InProcess
from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_faults import FOREVER, server_error
from pipeline.local.slack_messages import Post
from pipeline.local.stream_poller import StreamPoller
from pipeline.rules.rule import RuleFacts
from pipeline.runtime import handlers
from pipeline.state.lifecycle import Claim, ClaimState
from pipeline.testing import envelope, event, payload

TABLE = "trailwire-state"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/trailwire"
GIVEN_UP = "arn:aws:sqs:us-east-1:123456789012:given-up"
UNDELIVERED = "arn:aws:s3:::undelivered"
CONFIGURATION = """
[settings]
errors_to = ["ops"]
[[rule]]
name = "Trail stopped"
event_names = ["StopLogging"]
destinations = ["security"]
"""


@dataclass
class Deployment:
    """An account with everything that a replay may touch."""

    aws: EmbeddedAws
    slack: SlackStandIn
    channel: str
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def log(self, *messages: str | dict[str, Any]) -> None:
        """Put one record with these messages in the stream."""
        data = payload(envelope(messages))
        self.aws.client("kinesis").put_record(StreamName="trailwire", Data=data, PartitionKey="k")

    def give_up(self, on_failure_arn: str) -> None:
        """Have Lambda fail on all that is in the stream until it gives up."""
        mapping = Mapping(STREAM, "", max_retry_attempts=0, on_failure_arn=on_failure_arn)
        StreamPoller(self.aws.client, mapping, InProcess(_broken)).drain()

    def url(self, name: str) -> str:
        return str(self.aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def send(self, name: str, *bodies: str) -> None:
        for body in bodies:
            self.aws.client("sqs").send_message(QueueUrl=self.url(name), MessageBody=body)

    def waiting(self, name: str) -> int:
        """How many messages anybody could receive now."""
        wanted = "ApproximateNumberOfMessages"
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.url(name), AttributeNames=[wanted])
        return int(answer["Attributes"][wanted])

    def keep(self, key: str, *lines: str) -> None:
        body = "".join(f"{line}\n" for line in lines).encode()
        self.aws.client("s3").put_object(Bucket="undelivered", Key=key, Body=body)

    def objects(self) -> list[str]:
        listed = self.aws.client("s3").list_objects_v2(Bucket="undelivered")
        return [found["Key"] for found in listed.get("Contents", [])]

    def said(self) -> tuple[Post, ...]:
        return self.slack.transcript(self.channel)

    def replay(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        """Run the command; returns its exit code, its rows and what it said on stderr."""
        self.capsys.readouterr()
        code = main._status(["replay", "--format", "json", *arguments])
        said = self.capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err


def _broken(*_: Any) -> None:
    raise RuntimeError("a function that does not work")


@pytest.fixture
def deployed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    with EmbeddedAws() as aws, SlackStandIn() as slack:
        security, ops = (slack.workspace.add_channel(name) for name in ("security", "ops"))
        aws.client("kinesis").create_stream(StreamName="trailwire", ShardCount=1)
        for name in ("outbox", "letters", "given-up", "kept"):
            aws.client("sqs").create_queue(QueueName=name)
        aws.client("s3").create_bucket(Bucket="undelivered")
        aws.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        config = tmp_path / "trailwire.toml"
        config.write_text(
            CONFIGURATION
            + "".join(
                f'[[destination]]\nid = "{name}"\ntype = "slack"\nchannel = "{channel}"\ntoken = "{slack.token}"\n'
                for name, channel in (("security", security), ("ops", ops))
            )
        )
        deployment = Deployment(aws, slack, security, capsys, monkeypatch)
        environment = {
            **aws.environment(),
            "TRAILWIRE_CONFIG": str(config),
            "TRAILWIRE_STATE": f"dynamodb:{TABLE}",
            "TRAILWIRE_OUTBOX": deployment.url("outbox"),
            "TRAILWIRE_QUARANTINE": "s3://undelivered/quarantine",
            "SLACK_API_URL": slack.api_url,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_clients()
        yield deployment
    forget_clients()


def stop(number: int = 1) -> dict[str, Any]:
    return event(number, eventName="StopLogging", eventSource="cloudtrail.amazonaws.com")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def sums(rows: list[dict[str, Any]], fate: str) -> int:
    return sum(row["alerts"][fate] for row in rows)


# ---- batches that Lambda gave up ----


@pytest.mark.parametrize(("destination", "source"), [(GIVEN_UP, "given-up"), (UNDELIVERED, "s3://undelivered/aws/")])
def test_a_batch_that_was_given_up_is_told_once_however_often_it_is_replayed(
    deployed: Deployment, destination: str, source: str
) -> None:
    deployed.log(event(1), stop(2))
    deployed.log(event(3))
    deployed.give_up(destination)
    assert deployed.said() == ()

    code, rows, said = deployed.replay("--dry-run", source)
    assert (code, [row["status"] for row in rows], rows[0]["to_tell"]) == (0, ["ready"], {"Trail stopped": 1})
    assert f"dynamodb:{TABLE}" in said
    assert "would be told: 1 Trail stopped" in said
    assert deployed.said() == ()
    assert deployed.aws.client("dynamodb").scan(TableName=TABLE)["Count"] == 0

    code, rows, said = deployed.replay(source)
    assert (code, rows[0]["events"], sums(rows, "sent")) == (0, 3, 1)
    assert "1 read: 1 replayed, 0 still undecodable, 0 failed" in said
    assert len(deployed.said()) == 1

    code, rows, _ = deployed.replay("--delete", source)
    assert (code, sums(rows, "sent"), sums(rows, "duplicate")) == (0, 0, 1)
    assert len(deployed.said()) == 1
    assert deployed.waiting("given-up") == 0
    assert deployed.objects() == []
    assert deployed.replay(source)[:2] == (0, [])


def test_what_the_function_told_before_it_broke_is_not_told_again(deployed: Deployment) -> None:
    deployed.log(stop())
    deployed.give_up(UNDELIVERED)
    mapping = Mapping(STREAM, "", reports_item_failures=True)
    StreamPoller(deployed.aws.client, mapping, InProcess(handlers.kinesis)).drain()
    assert len(deployed.said()) == 1
    code, rows, _ = deployed.replay("s3://undelivered")
    assert (code, sums(rows, "duplicate")) == (0, 1)
    assert len(deployed.said()) == 1


def test_a_range_that_the_stream_no_longer_has_is_named_and_its_message_kept(deployed: Deployment) -> None:
    deployed.log(stop())
    deployed.give_up(GIVEN_UP)
    deployed.aws.client("kinesis").delete_stream(StreamName="trailwire")
    deployed.aws.client("kinesis").create_stream(StreamName="trailwire", ShardCount=1)
    code, rows, _ = deployed.replay("--delete", "given-up")
    assert (code, rows[0]["status"]) == (1, "failed")
    assert "of trailwire, shardId-000000000000" in rows[0]["reason"]
    assert deployed.waiting("given-up") == 1


# ---- quarantine ----


def lost(data: bytes, stage: Stage, reason: str, **place: str) -> Undecodable:
    source = Source(stream="trailwire", shard="shardId-000000000000", sequence="4959", **place)
    return Undecodable(reason, stage, data, source)


def test_quarantined_input_that_can_be_read_by_now_is_told_and_the_rest_is_kept(deployed: Deployment) -> None:
    good = lost(payload(envelope([stop(1)])), Stage.ENVELOPE, "a reason of an older version")
    message = lost(json.dumps(stop(2)).encode(), Stage.EVENT, "not JSON", log_group="trail", id="7")
    bad = lost(b"never an event", Stage.EVENT, "not JSON", log_group="trail", id="8")
    deployed.keep("quarantine/good.jsonl", *split(good, 64 * 1024), *split(message, 64 * 1024))
    deployed.keep("quarantine/mixed.jsonl", *split(message, 64 * 1024), *split(bad, 64 * 1024))

    code, rows, said = deployed.replay("--delete", "s3://undelivered/quarantine")
    assert (code, [row["status"] for row in rows]) == (1, ["replayed", "undecodable"])
    assert rows[1]["reason"] == "1 x not JSON"
    assert "2 read: 1 replayed, 1 still undecodable, 0 failed" in said
    assert len(deployed.said()) == 1, "both alerts are of one group"
    assert deployed.objects() == ["quarantine/mixed.jsonl"], "and nothing was quarantined anew"
    code, rows, _ = deployed.replay("s3://undelivered/quarantine")
    assert (code, sums(rows, "duplicate"), len(deployed.said())) == (1, 1, 1)


def test_parts_that_lie_in_several_messages_are_put_together(deployed: Deployment) -> None:
    padded = {**stop(), "requestParameters": {"padding": "x" * 200_000}}
    whole = lost(json.dumps(padded).encode(), Stage.EVENT, "too large", id="9")
    parts = split(whole, 64 * 1024)
    assert len(parts) > 3
    deployed.send("kept", *reversed(parts[1:]))
    code, rows, _ = deployed.replay("--delete", "kept")
    assert (code, [row["status"] for row in rows]) == (1, ["failed"])
    assert "parts missing" in rows[0]["reason"]
    assert deployed.waiting("kept") == len(parts) - 1
    deployed.send("kept", parts[0])
    code, rows, _ = deployed.replay("--delete", "kept")
    assert (code, [row["status"] for row in rows], sums(rows, "sent")) == (0, ["replayed"], 1)
    assert deployed.waiting("kept") == 0


def test_undecodable_parts_of_a_batch_go_to_quarantine_as_they_would_in_lambda(deployed: Deployment) -> None:
    deployed.log(stop(), "no event")
    deployed.give_up(UNDELIVERED)
    code, rows, _ = deployed.replay("--delete", "s3://undelivered/aws/lambda")
    assert (code, rows[0]["status"], rows[0]["quarantined"]) == (0, "replayed", 1)
    (left,) = deployed.objects()
    assert left.startswith("quarantine/")


def test_without_a_quarantine_a_batch_with_an_undecodable_part_stays(deployed: Deployment) -> None:
    deployed.monkeypatch.delenv("TRAILWIRE_QUARANTINE")
    deployed.log(stop(), "no event")
    deployed.give_up(UNDELIVERED)
    code, rows, _ = deployed.replay("--delete", "s3://undelivered/aws/lambda")
    assert (code, rows[0]["status"], sums(rows, "sent")) == (1, "undecodable", 1)
    assert len(deployed.objects()) == 1


# ---- tickets ----


def alert(number: int = 1) -> Alert:
    return Alert(
        key=f"{number:064x}",
        group=f"{number:064x}",
        destination="security",
        rule=RuleFacts("Trail stopped"),
        event=summarize(stop(number)),
        first_seen_ms=now_ms() - 60_000,
    )


def test_a_ticket_that_grew_too_old_is_told_as_if_it_were_new(deployed: Deployment) -> None:
    state = DynamoState(TABLE)
    state.write_claims({alert().key: Claim(ClaimState.DEFERRED, "shard:1", now_ms() - MAX_AGE_MS)})
    ticket = Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms() - 2 * MAX_AGE_MS, attempts=9)
    deployed.send("letters", encode(ticket), encode(ticket))
    rows = deployed.replay("--dry-run", "letters")[1]
    assert [row["to_tell"] for row in rows] == [{"Trail stopped": 1}, {}], rows
    code, rows, _ = deployed.replay("--delete", "letters")
    assert (code, sums(rows, "sent"), sums(rows, "duplicate")) == (0, 1, 1)
    assert deployed.waiting("letters") == 0
    assert len(deployed.said()) == 1


def test_a_notice_is_told_once_however_often_its_ticket_is_replayed(deployed: Deployment) -> None:
    notice = Notice(cause="quarantined: not JSON", text="Input could not be read.")
    deployed.send("letters", encode(Ticket(Kind.NOTICE, notice=notice, destination="security", born_ms=now_ms())))
    for _ in range(2):
        assert deployed.replay("letters")[0] == 0
    assert len(deployed.said()) == 1


def test_what_the_outbox_quarantined_is_a_ticket_again_once_it_can_be_read(deployed: Deployment) -> None:
    body = encode(Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms())).encode()
    deployed.keep("quarantine/t.jsonl", *split(lost(body, Stage.RECORD, "not a ticket"), 64 * 1024))
    code, rows, _ = deployed.replay("--delete", "s3://undelivered/quarantine")
    assert (code, sums(rows, "sent"), deployed.objects()) == (0, 1, [])


# ---- when it does not work ----


def test_while_slack_is_down_alerts_wait_in_the_outbox_and_without_one_their_batch_is_kept(
    deployed: Deployment,
) -> None:
    deployed.log(stop())
    deployed.give_up(UNDELIVERED)
    deployed.slack.faults.script(server_error(), times=FOREVER, method="chat.postMessage")
    deployed.monkeypatch.delenv("TRAILWIRE_OUTBOX")
    code, rows, _ = deployed.replay("--delete", "s3://undelivered/aws/lambda")
    assert (code, rows[0]["status"], len(deployed.objects())) == (1, "failed", 1)
    assert "TRAILWIRE_OUTBOX" in rows[0]["reason"]
    deployed.monkeypatch.setenv("TRAILWIRE_OUTBOX", deployed.url("outbox"))
    code, rows, _ = deployed.replay("--delete", "s3://undelivered/aws/lambda")
    assert (code, sums(rows, "deferred"), deployed.objects()) == (0, 1, [])


def test_what_is_nothing_undelivered_is_named_kept_and_does_not_stop_the_rest(deployed: Deployment) -> None:
    deployed.keep("a/odd.json", '{"something": "else"}')
    deployed.keep("a/text", "hello")
    deployed.keep("b/good.jsonl", *split(lost(payload(envelope([stop()])), Stage.GZIP, "x"), 64 * 1024))
    code, rows, _ = deployed.replay("--delete", "s3://undelivered")
    assert code == 1
    assert [(row["where"], row["status"]) for row in rows] == [
        ("s3://undelivered/a/odd.json", "failed"),
        ("s3://undelivered/a/text", "failed"),
        ("s3://undelivered/b/good.jsonl", "replayed"),
    ]
    assert deployed.objects() == ["a/odd.json", "a/text"]


def test_only_so_many_are_taken_as_the_limit_allows(deployed: Deployment) -> None:
    for number in range(5):
        part = lost(json.dumps(stop(number)).encode(), Stage.EVENT, "x", id=str(number))
        deployed.keep(f"quarantine/{number}.jsonl", *split(part, 64 * 1024))
    assert len(deployed.replay("--limit", "2", "--delete", "s3://undelivered/quarantine")[1]) == 2
    assert len(deployed.objects()) == 3


def test_saved_log_lines_are_replayed_and_other_lines_passed_over(deployed: Deployment, tmp_path: Path) -> None:
    part = split(lost(payload(envelope([stop()])), Stage.GZIP, "corrupt gzip"), 64 * 1024)
    log = tmp_path / "function.log"
    log.write_text("\n".join(["START RequestId: 1", *part, '{"_aws":{}}', "END RequestId: 1"]))
    code, rows, _ = deployed.replay("--delete", str(log))
    assert (code, sums(rows, "sent")) == (0, 1)
    assert log.exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://no-such-bucket/x", "NoSuchBucket"),
        ("no-such-queue", "is no file here, and no queue"),
        ("no/such/file.json", "is no file here, and no name"),
        ("arn:aws:sns:us-east-1:123456789012:topic", "is no file here, and no name"),
    ],
)
def test_a_source_that_cannot_be_read_is_named_and_the_others_are_read(
    deployed: Deployment, source: str, message: str
) -> None:
    deployed.keep("good.jsonl", *split(lost(payload(envelope([stop()])), Stage.GZIP, "x"), 64 * 1024))
    code, rows, said = deployed.replay(source, "s3://undelivered")
    assert (code, sums(rows, "sent")) == (2, 1)
    assert source.removesuffix("/x") in said
    assert message in said


def test_without_a_state_it_says_so_and_tells_nothing_unless_told_to(deployed: Deployment) -> None:
    deployed.log(stop())
    deployed.give_up(UNDELIVERED)
    for value in ("", "memory:here"):
        deployed.monkeypatch.setenv("TRAILWIRE_STATE", value)
        code, rows, said = deployed.replay("s3://undelivered")
        assert (code, rows) == (2, [])
        assert "--tell-again" in said
    deployed.monkeypatch.setenv("TRAILWIRE_STATE", "dynamodb:no-such-table")
    code, rows, said = deployed.replay("s3://undelivered")
    assert (code, rows, deployed.said()) == (2, [], ())
    assert "no-such-table does not answer" in said
    deployed.monkeypatch.delenv("TRAILWIRE_STATE")
    assert deployed.replay("--tell-again", "s3://undelivered")[0] == 0
    assert len(deployed.said()) == 1
