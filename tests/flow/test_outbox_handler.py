"""Tickets of every kind go through the outbox's handler: queue, table, bucket and Slack as on AWS, on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.ticket import MAX_AGE_MS, Kind, Ticket, decode, encode, encode_alert
from pipeline.aws.clients import client, forget_clients
from pipeline.aws.dynamodb import DynamoState
from pipeline.event.summary import summarize
from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import InProcess
from pipeline.local.queue_poller import QueuePoller
from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_faults import FOREVER, api_error, ratelimited, server_error
from pipeline.local.slack_messages import Post
from pipeline.rules.rule import RuleFacts
from pipeline.runtime import handlers
from pipeline.state.lifecycle import LEASE_MS, OVERDUE_MS, Claim, ClaimState, Group, GroupState
from pipeline.testing import event

TABLE = "trailwire-state"
OUTBOX = "arn:aws:sqs:us-east-1:123456789012:outbox"
OPENER = "shardId-000000000000:1"
MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def alert(number: int = 1, **fields: Any) -> Alert:
    rule = fields.pop("rule", RuleFacts("Trail tampering"))
    return Alert(
        key=f"{number:064x}",
        group="9" * 64,
        destination="security",
        rule=rule,
        event=summarize(event(number, eventName="StopLogging")),
        first_seen_ms=now_ms(),
        **fields,
    )


@dataclass
class Deployment:
    """The outbox function and what is around it."""

    aws: EmbeddedAws
    slack: SlackStandIn
    security: str
    ops: str
    capsys: pytest.CaptureFixture[str]
    queued: list[tuple[Ticket, int]] = field(default_factory=list)
    """Every ticket that the function itself put in the outbox, with its delay."""
    books: dict[str, Any] = field(default_factory=dict)
    """The last invocation's metrics."""
    log: str = ""

    @property
    def state(self) -> DynamoState:
        return DynamoState(TABLE)

    def url(self, name: str = "outbox") -> str:
        return str(self.aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def put(self, *tickets: Ticket | str) -> None:
        for ticket in tickets:
            body = ticket if isinstance(ticket, str) else encode(ticket)
            self.aws.client("sqs").send_message(QueueUrl=self.url(), MessageBody=body)

    def run(self) -> int:
        """Invoke the function with what waits in the queue, and close its books; returns how many messages failed."""
        mapping = Mapping(OUTBOX, "", batch_size=10, reports_item_failures=True)
        poller = QueuePoller(self.aws.client, mapping, InProcess(handlers.outbox))
        self.queued.clear()
        assert poller.poll()
        lines = self.capsys.readouterr().out.splitlines()
        metrics = [json.loads(line) for line in lines if line.startswith('{"_aws"')]
        assert len(metrics) <= 1
        self.books = metrics[0] if metrics else {}
        self.log = "\n".join(line for line in lines if not line.startswith('{"_aws"'))
        if self.books:
            assert (self.books["Handler"], self.books["Imbalance"]) == ("outbox", 0)
        return poller.tally.messages_failed

    def waiting(self, name: str = "outbox") -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.url(name), AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def letters(self) -> list[Ticket]:
        messages = self.aws.client("sqs").receive_message(QueueUrl=self.url("letters")).get("Messages", [])
        return [decode(message["Body"]) for message in messages]

    def quarantined(self) -> list[dict[str, Any]]:
        s3 = self.aws.client("s3")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket="undelivered").get("Contents", [])]
        bodies = [s3.get_object(Bucket="undelivered", Key=key)["Body"].read() for key in keys]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def said(self) -> tuple[Post, ...]:
        return self.slack.transcript(self.security)

    def told_ops(self) -> str:
        return "\n".join(post.all_text() for post in self.slack.transcript(self.ops))


def _set_up(aws: EmbeddedAws) -> None:
    sqs = aws.client("sqs")
    sqs.create_queue(QueueName="letters")
    policy = {"deadLetterTargetArn": OUTBOX.replace("outbox", "letters"), "maxReceiveCount": 5}
    attributes = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "360"}
    sqs.create_queue(QueueName="outbox", Attributes=attributes)
    aws.client("s3").create_bucket(Bucket="undelivered")
    aws.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def _configuration(slack: SlackStandIn, security: str, ops: str) -> str:
    def destination(name: str, channel: str) -> str:
        return f'[[destination]]\nid = "{name}"\ntype = "slack"\nchannel = "{channel}"\ntoken = "{slack.token}"\n'

    return f'[settings]\nerrors_to = ["ops"]\n{destination("security", security)}{destination("ops", ops)}'


@pytest.fixture
def deployed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Deployment]:
    with EmbeddedAws() as aws, SlackStandIn() as slack:
        security, ops = (slack.workspace.add_channel(name) for name in ("security", "ops"))
        deployment = Deployment(aws, slack, security, ops, capsys)
        _set_up(aws)
        config = tmp_path / "trailwire.toml"
        config.write_text(_configuration(slack, security, ops))
        environment = {
            **aws.environment(),
            "TRAILWIRE_CONFIG": str(config),
            "TRAILWIRE_STATE": f"dynamodb:{TABLE}",
            "TRAILWIRE_OUTBOX": deployment.url(),
            "TRAILWIRE_QUARANTINE": "s3://undelivered/quarantine",
            "SLACK_API_URL": slack.api_url,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_clients()
        _watch(deployment)
        yield deployment
    forget_clients()


def _watch(deployment: Deployment) -> None:
    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "SendMessageBatch" and params["QueueUrl"] == deployment.url():
            deployment.queued += [(decode(e["MessageBody"]), e["DelaySeconds"]) for e in params["Entries"]]

    client("sqs").meta.events.register("provide-client-params.sqs", look)


def opened(deployment: Deployment, group_alert: Alert, *, window_in_ms: int = 10 * MINUTE_MS) -> Group:
    """Store a group whose first message nobody has posted yet."""
    at_ms = now_ms()
    group = Group(
        state=GroupState.OPENING,
        opener=OPENER,
        lease_until_ms=at_ms - 5_000,
        window_until_ms=at_ms + window_in_ms,
        count=1,
        first_ms=at_ms - LEASE_MS,
        last_ms=at_ms - LEASE_MS,
        lead=encode_alert(group_alert),
    )
    assert deployment.state.open_group(group_alert.group, group, now_ms=at_ms)[0]
    return group


def posted(deployment: Deployment, group_alert: Alert, *, count: int, window_in_ms: int) -> Post:
    """Store a group whose first message is out, and that has been repeated since."""
    deployment.put(Ticket(Kind.ALERT, alert=alert(77, mention=""), born_ms=now_ms()))
    assert deployment.run() == 0
    (post,) = deployment.said()
    # That post's own group is another one's: this test's group takes its message
    group = opened(deployment, Alert(**{**_members(group_alert), "group": "8" * 64}), window_in_ms=window_in_ms)
    state = deployment.state
    state.posted_group("8" * 64, group.opener, channel=deployment.security, message=post.ts, told=1)
    table = deployment.aws.client("dynamodb")
    table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "g#" + "8" * 64}},
        UpdateExpression="SET #count = :count",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":count": {"N": str(count)}},
    )
    return post


def _members(of: Alert) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


def in_group(of: Alert) -> Alert:
    return Alert(**{**_members(of), "group": "8" * 64})


# ---- alerts ----


def test_an_alert_that_waited_is_told_once_however_often_its_ticket_comes(deployed: Deployment) -> None:
    waiting = alert()
    due_ms = now_ms() - 1_000
    deployed.state.write_claims({waiting.key: Claim(ClaimState.DEFERRED, OPENER, due_ms)})
    ticket = Ticket(Kind.ALERT, alert=waiting, born_ms=now_ms() - MINUTE_MS)
    deployed.put(ticket, ticket)
    assert deployed.run() == 0
    assert (deployed.books["DeferredIn"], deployed.books["Sent"], deployed.books["Duplicate"]) == (2, 1, 1)
    deployed.put(ticket)
    assert deployed.run() == 0
    (post,) = deployed.said()
    assert "Trail tampering" in post.all_text()
    assert deployed.state.read_claims([waiting.key])[waiting.key].state is ClaimState.TOLD


def test_an_alert_that_somebody_is_telling_is_looked_at_again_after_the_lease(deployed: Deployment) -> None:
    claimed = alert()
    deployed.state.write_claims({claimed.key: Claim(ClaimState.CLAIMED, "another", now_ms() + 60_000)})
    deployed.put(Ticket(Kind.ALERT, alert=claimed, born_ms=now_ms()))
    assert deployed.run() == 0
    assert deployed.books["Deferred"] == 1
    ((ticket, delay_s),) = deployed.queued
    assert (ticket.kind, ticket.alert) == (Kind.ALERT, claimed)
    assert 60 < delay_s <= 66
    assert deployed.said() == ()


def test_a_rate_limit_makes_a_new_ticket_and_acknowledges_the_old_one(deployed: Deployment) -> None:
    deployed.slack.faults.script(ratelimited(30), method="chat.postMessage")
    deployed.put(Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms() - MINUTE_MS))
    assert deployed.run() == 0
    assert (deployed.books["Deferred"], deployed.books["Sent"]) == (1, 0)
    ((ticket, delay_s),) = [queued for queued in deployed.queued if queued[0].waits]
    assert ticket.kind is Kind.GROUP
    assert delay_s >= 30
    assert deployed.waiting() == 2, "one for its turn, one for the end of its group"
    blocked = deployed.books["Posts"]
    deployed.put(Ticket(Kind.ALERT, alert=alert(2), born_ms=now_ms()))
    deployed.run()
    assert (blocked, deployed.books["Posts"]) == (1, 0), "no request is made before a Retry-After is over"


def test_an_outage_backs_off_and_says_so_when_it_may_repeat(deployed: Deployment) -> None:
    deployed.slack.faults.script(server_error(500, "internal_error"), times=FOREVER, method="chat.postMessage")
    born_ms = now_ms() - MINUTE_MS
    deployed.put(Ticket(Kind.ALERT, alert=alert(), born_ms=born_ms, attempts=3))
    assert deployed.run() == 0
    ((ticket, delay_s),) = [queued for queued in deployed.queued if queued[0].waits]
    assert (ticket.attempts, ticket.born_ms) == (4, born_ms)
    assert ticket.may_repeat
    assert delay_s >= 40


# ---- groups ----


def test_a_group_whose_opener_died_is_posted_by_its_ticket_and_kept_for_its_end(deployed: Deployment) -> None:
    first = alert()
    deployed.state.write_claims({first.key: Claim(ClaimState.CLAIMED, OPENER, now_ms() - 5_000)})
    opened(deployed, first)
    deployed.put(Ticket(Kind.GROUP, alert=first, opener=OPENER, born_ms=now_ms() - LEASE_MS))
    assert deployed.run() == 0
    (post,) = deployed.said()
    group = deployed.state.read_groups([first.group])[first.group]
    assert (group.state, group.message, group.opener) == (GroupState.OPEN, post.ts, OPENER)
    ((ticket, delay_s),) = deployed.queued
    assert (ticket.kind, ticket.opener) == (Kind.GROUP, OPENER)
    assert 590 <= delay_s <= 600


def test_a_group_that_was_never_stored_is_opened_by_its_ticket(deployed: Deployment) -> None:
    first = alert()
    deployed.state.write_claims({first.key: Claim(ClaimState.CLAIMED, OPENER, now_ms() - 5_000)})
    deployed.put(Ticket(Kind.GROUP, alert=first, opener=OPENER, born_ms=now_ms() - LEASE_MS))
    assert deployed.run() == 0
    assert len(deployed.said()) == 1
    assert deployed.state.read_groups([first.group])[first.group].state is GroupState.OPEN
    assert [ticket.kind for ticket, _ in deployed.queued] == [Kind.GROUP]


@pytest.mark.parametrize("has_ended_before", [False, True])
def test_a_group_that_its_opener_is_about_to_store_keeps_its_ticket(
    deployed: Deployment, *, has_ended_before: bool
) -> None:
    """Were it given up, nobody would close the group; an ended group of an earlier window changes nothing."""
    first = alert()
    if has_ended_before:
        opened(deployed, alert(2), window_in_ms=-MINUTE_MS)
        assert deployed.state.close_group(first.group, OPENER, count=1)
    deployed.state.write_claims({first.key: Claim(ClaimState.CLAIMED, "shard:2", now_ms() + 60_000)})
    deployed.put(Ticket(Kind.GROUP, alert=first, opener="shard:2", born_ms=now_ms() - LEASE_MS))
    assert deployed.run() == 0
    ((ticket, delay_s),) = deployed.queued
    assert (ticket.kind, ticket.opener) == (Kind.GROUP, "shard:2")
    assert 60 < delay_s <= 66
    assert deployed.said() == ()


def test_a_group_that_goes_on_keeps_its_ticket_for_the_end_of_its_window(deployed: Deployment) -> None:
    first = alert()
    posted(deployed, first, count=5, window_in_ms=5 * MINUTE_MS)
    ticket = Ticket(Kind.GROUP, alert=in_group(first), opener=OPENER, born_ms=now_ms())
    deployed.put(ticket)
    assert deployed.run() == 0
    ((again, delay_s),) = deployed.queued
    assert again == ticket
    assert 290 <= delay_s <= 300
    assert deployed.books["Edits"] == 0


def test_a_group_whose_window_is_over_gets_its_last_word_once(deployed: Deployment) -> None:
    first = alert()
    before = posted(deployed, first, count=42, window_in_ms=-1_000)
    ticket = Ticket(Kind.GROUP, alert=in_group(first), opener=OPENER, born_ms=now_ms())
    deployed.put(ticket, ticket)
    assert deployed.run() == 0
    (post,) = deployed.said()
    assert (post.ts, len(post.earlier)) == (before.ts, 1)
    assert "42" in post.all_text()
    assert deployed.queued == []
    assert deployed.state.read_groups(["8" * 64])["8" * 64].state is GroupState.CLOSED


def test_an_edit_shows_the_count_of_now_and_once(deployed: Deployment) -> None:
    first = alert()
    posted(deployed, first, count=7, window_in_ms=5 * MINUTE_MS)
    ticket = Ticket(Kind.EDIT, alert=in_group(first), opener=OPENER, born_ms=now_ms())
    deployed.put(ticket)
    assert deployed.run() == 0
    deployed.put(ticket)
    assert deployed.run() == 0
    (post,) = deployed.said()
    assert len(post.earlier) == 1
    assert "7" in post.all_text()
    assert deployed.state.read_groups(["8" * 64])["8" * 64].told == 7


def test_an_edit_that_cannot_go_now_waits(deployed: Deployment) -> None:
    first = alert()
    posted(deployed, first, count=7, window_in_ms=5 * MINUTE_MS)
    deployed.slack.faults.script(ratelimited(20), method="chat.update")
    deployed.put(Ticket(Kind.EDIT, alert=in_group(first), opener=OPENER, born_ms=now_ms()))
    assert deployed.run() == 0
    ((ticket, delay_s),) = deployed.queued
    assert (ticket.kind, ticket.attempts) == (Kind.EDIT, 1)
    assert delay_s >= 20


def test_the_last_word_of_a_group_that_was_replaced_is_said_from_its_ticket(deployed: Deployment) -> None:
    first = alert()
    before = posted(deployed, first, count=1, window_in_ms=5 * MINUTE_MS)
    last = Repeats(count=99, first_ms=now_ms(), last_ms=now_ms(), closed=True)
    deployed.put(
        Ticket(
            Kind.EDIT,
            alert=in_group(first),
            opener="an earlier one",
            repeats=last,
            channel=deployed.security,
            message=before.ts,
            born_ms=now_ms(),
        )
    )
    assert deployed.run() == 0
    (post,) = deployed.said()
    assert "99" in post.all_text()


# ---- notices, and what is given up ----


def test_a_notice_goes_to_its_destination(deployed: Deployment) -> None:
    notice = Notice("rule failed: odd", "A rule failed.")
    deployed.put(Ticket(Kind.NOTICE, notice=notice, destination="ops", born_ms=now_ms()))
    assert deployed.run() == 0
    assert "A rule failed." in deployed.told_ops()
    assert deployed.said() == ()


@pytest.mark.parametrize("kind", [Kind.ALERT, Kind.GROUP, Kind.EDIT])
def test_a_ticket_three_days_old_is_buried_and_told(deployed: Deployment, kind: Kind) -> None:
    old = Ticket(kind, alert=alert(), opener=OPENER, born_ms=now_ms() - MAX_AGE_MS - 1_000)
    deployed.put(old, Ticket(Kind.ALERT, alert=alert(2), born_ms=now_ms()))
    assert deployed.run() == 0
    assert deployed.letters() == [old]
    assert "could not be delivered for three days" in deployed.told_ops()
    assert len(deployed.said()) == 1, "the other ticket of the batch is told"


def test_a_ticket_that_cannot_be_buried_comes_back(deployed: Deployment) -> None:
    deployed.aws.client("sqs").delete_queue(QueueUrl=deployed.url("letters"))
    deployed.put(Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms() - MAX_AGE_MS - 1_000))
    assert deployed.run() == 1
    assert "dead-letter queue" in deployed.log


def test_a_revoked_token_keeps_the_alert_in_the_outbox(deployed: Deployment) -> None:
    deployed.slack.faults.script(api_error("token_revoked"), times=FOREVER)
    deployed.put(Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms()))
    assert deployed.run() == 0
    assert any(ticket.alert is not None for ticket, _ in deployed.queued)
    assert deployed.said() == ()


# ---- what is no ticket, and stores that fail ----


def test_what_is_no_ticket_is_quarantined_told_and_acknowledged(deployed: Deployment) -> None:
    deployed.put("no ticket \u00e9", Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms()))
    assert deployed.run() == 0
    (part,) = deployed.quarantined()
    assert (part["reason"], part["source"]["stream"]) == ("not a ticket", "outbox")
    assert deployed.books["Quarantined"] == 1
    assert "could not be read" in deployed.told_ops()
    assert len(deployed.said()) == 1


def test_what_cannot_be_quarantined_comes_back(deployed: Deployment) -> None:
    deployed.aws.client("s3").delete_bucket(Bucket="undelivered")
    deployed.put("no ticket", Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms()))
    assert deployed.run() == 1
    assert "quarantine failed" in deployed.log
    assert len(deployed.said()) == 1


def test_a_ticket_that_cannot_be_queued_again_comes_back(deployed: Deployment) -> None:
    first = alert()
    posted(deployed, first, count=5, window_in_ms=5 * MINUTE_MS)
    deployed.put(Ticket(Kind.GROUP, alert=in_group(first), opener=OPENER, born_ms=now_ms()))

    def refuse(**_: Any) -> Any:
        answer = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return type("Answer", (), {"status_code": 403}), answer

    client("sqs").meta.events.register_first("before-call.sqs.SendMessageBatch", refuse)
    assert deployed.run() == 1
    assert "AccessDenied" in deployed.log


def test_without_the_table_alerts_are_told_all_the_same(deployed: Deployment) -> None:
    deployed.aws.client("dynamodb").delete_table(TableName=TABLE)
    deployed.put(Ticket(Kind.ALERT, alert=alert(), born_ms=now_ms()))
    assert deployed.run() == 0
    assert len(deployed.said()) == 1
    assert "state store failed" in deployed.log


def test_an_overdue_alert_is_told_by_whoever_holds_its_ticket(deployed: Deployment) -> None:
    waiting = alert()
    due_ms = now_ms() - OVERDUE_MS - MINUTE_MS
    deployed.state.write_claims({waiting.key: Claim(ClaimState.DEFERRED, OPENER, due_ms)})
    deployed.put(Ticket(Kind.ALERT, alert=waiting, born_ms=due_ms))
    assert deployed.run() == 0
    assert len(deployed.said()) == 1
