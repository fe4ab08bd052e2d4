"""Real processes, really killed (`kill -9`) at every step: nothing is lost, and what is told twice was posted before.

Table, queue and bucket are the embedded AWS', Slack is the stand-in. SOAK in the environment tries every step; without
it every few.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.aws import EmbeddedAws
from pipeline.local.lambda_events import sqs_event
from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_faults import FOREVER, server_error
from pipeline.local.slack_limits import Limits
from pipeline.local.slack_messages import Post
from pipeline.local.slack_workspace import Workspace
from pipeline.testing import envelope, event, kinesis_batch

STRIDE = 1 if "SOAK" in os.environ else 11
OUTBOX = "arn:aws:sqs:us-east-1:123456789012:outbox"
JUMP_MS = 1_000_000
"""Every lease, window and delay is over after this."""
COUNT = re.compile(r"(?:Seen |\*Denied\* \*x)(\d+)")
"""How a message of its own says how often, and how a list does, if there was no turn for a message of its own."""
CONFIG = """
[[destination]]
id = "security"
type = "slack"
channel = "{channel}"
token = "{token}"
[[rule]]
name = "Denied"
event_names = ["Denied"]
destinations = ["security"]
[[rule]]
name = "Trail stopped"
severity = "critical"
event_names = ["StopLogging"]
destinations = ["security"]
"""


@dataclass
class Deployment:
    """Functions in processes of their own, and what is around them."""

    aws: EmbeddedAws
    slack: SlackStandIn
    functions: subprocess.Popen[str]
    ahead_ms: int = 0

    def run(self, handler: str, batch: dict[str, Any], kill_at: int = -1) -> dict[str, Any]:
        assert self.functions.stdin is not None
        assert self.functions.stdout is not None
        command = {"handler": handler, "event": batch, "kill_at": kill_at, "ahead_ms": self.ahead_ms}
        print(json.dumps(command), file=self.functions.stdin, flush=True)
        ended: dict[str, Any] = json.loads(self.functions.stdout.readline())
        assert ended.get("steps") != -1, "a handler raised"
        return ended

    def drain(self, *kills: int) -> int:
        """Let time pass, and work off what waits until nothing does; returns how many functions were killed.

        `kills` says at which step the first function is killed, then the second, and so on; the others live.
        """
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName="outbox")["QueueUrl"]
        killed, batch, steps = 0, self._receive(url), iter(kills)
        while batch:
            self.ahead_ms += JUMP_MS
            ended = self.run("outbox", sqs_event(OUTBOX, batch), next(steps, -1))
            killed += ended["killed"]
            failed = (
                {item["itemIdentifier"] for item in ended["answer"]["batchItemFailures"]} if "answer" in ended else None
            )
            for message in batch:
                if failed is not None and message["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                else:
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                    )
            batch = self._receive(url)
        return killed

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = self.aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        return list(answer.get("Messages", []))

    def told_about(self, actor: str, rule: str) -> list[Post]:
        """Return the messages of the channel itself that name both."""
        posts = [post for post in self.slack.transcript() if post.in_channel]
        return [post for post in posts if actor in post.all_text() and rule in post.all_text()]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    wide = Limits(post_interval_s=0.001, posts_per_minute=10**6, method_per_minute=10**6)
    with EmbeddedAws() as aws, SlackStandIn(Workspace(wide)) as slack:
        aws.client("sqs").create_queue(QueueName="outbox")
        aws.client("s3").create_bucket(Bucket="undelivered")
        aws.client("dynamodb").create_table(
            TableName="state",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        config = tmp_path_factory.mktemp("kills") / "trailwire.toml"
        config.write_text(CONFIG.format(channel=slack.channel, token=slack.token), encoding="utf-8")
        environment = {
            **os.environ,
            **aws.environment(),
            "TRAILWIRE_CONFIG": str(config),
            "TRAILWIRE_STATE": "dynamodb:state",
            "TRAILWIRE_OUTBOX": aws.client("sqs").get_queue_url(QueueName="outbox")["QueueUrl"],
            "TRAILWIRE_QUARANTINE": "s3://undelivered/quarantine",
            "SLACK_API_URL": slack.api_url,
        }
        command = [sys.executable, str(Path(__file__).with_name("killable.py"))]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as functions:
            yield Deployment(aws, slack, functions)
            assert functions.stdin is not None
            functions.stdin.close()


def batch_of(actor: str, number: int) -> dict[str, Any]:
    """Build a batch of two records: one of a stopped trail, two denied calls and garbage, one of a denied call."""
    identity = {"type": "IAMUser", "userName": actor, "principalId": actor, "accountId": "111122223333"}
    denied = [event(4 * number + i, eventName="Denied", userIdentity=identity) for i in range(3)]
    stopped = event(4 * number + 3, eventName="StopLogging", userIdentity=identity)
    return kinesis_batch([envelope([denied[0], denied[1], stopped, "not an event"]), envelope([denied[2]])])


def assert_told(deployment: Deployment, actor: str, most: int = 2) -> None:
    """The stopped trail is told, and three denied calls are; nothing more than once but after a death after a post."""
    (stopped, denied) = (deployment.told_about(actor, rule) for rule in ("Trail stopped", "Denied"))
    assert 1 <= len(stopped) <= most, actor
    assert 1 <= len(denied) <= most, actor
    counts = [int(count) for post in denied for count in COUNT.findall(post.all_text())]
    assert max(counts, default=1) >= 3, actor


def test_killed_at_any_step_of_a_batch_nothing_is_lost(deployment: Deployment) -> None:
    """The stream delivers again what a dead function did not answer for, and the outbox what it had promised."""
    killed = True
    step = 0
    while killed:
        actor, deployment.ahead_ms = f"stream-killed-at-{step}", deployment.ahead_ms + JUMP_MS
        batch = batch_of(actor, step)
        killed = deployment.run("kinesis", batch, kill_at=step)["killed"]
        if killed:
            assert deployment.run("kinesis", batch)["answer"] == {"batchItemFailures": []}
        deployment.drain()
        assert_told(deployment, actor)
        step += STRIDE
    assert step > 20, "a batch has many steps to die at"


def test_killed_at_any_step_of_the_outbox_nothing_is_lost(deployment: Deployment) -> None:
    """What waited while Slack was away comes again until a function that lives has told it."""
    killed = True
    step = 0
    while killed:
        actor, deployment.ahead_ms = f"outbox-killed-at-{step}", deployment.ahead_ms + JUMP_MS
        deployment.slack.faults.script(server_error(), times=FOREVER)
        assert deployment.run("kinesis", batch_of(actor, 1_000 + step))["answer"] == {"batchItemFailures": []}
        deployment.slack.faults.clear()
        killed = deployment.drain(step) > 0
        assert_told(deployment, actor)
        step += STRIDE
    assert step > 20, "a drain has many steps to die at"


def test_killed_again_and_again_nothing_is_lost(deployment: Deployment) -> None:
    """However many functions die one after the other, each gets a little further, the last one tells it all."""
    actor, deployment.ahead_ms = "killed-again-and-again", deployment.ahead_ms + JUMP_MS
    batch, step, killed = batch_of(actor, 9_999), 0, 0
    while deployment.run("kinesis", batch, kill_at=step)["killed"]:
        step, killed = step + 2, killed + 1
    assert killed > 10
    assert deployment.drain(*range(0, 40, 3)) > 5
    assert_told(deployment, actor, most=killed)


def test_a_killed_functions_quarantine_is_whole(deployment: Deployment) -> None:
    """What could not be read is kept, however often the function that kept it died."""
    assert deployment.aws.client("s3").list_objects_v2(Bucket="undelivered")["KeyCount"] > 0
