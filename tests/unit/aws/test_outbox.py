"""Tickets go into an SQS queue, and come out of a batch as they went in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from mocked_account import Refusals, error, mocked_account, watch

from pipeline.alerts.alert import Alert, Notice
from pipeline.alerts.ticket import Arrived, Kind, Ticket, decode, encode
from pipeline.aws.clients import client
from pipeline.aws.outbox import SqsOutbox, read_batch
from pipeline.aws.queue import BATCH_BYTES, Message, Sent, send
from pipeline.decode.decoded import Stage
from pipeline.event.summary import summarize
from pipeline.rules.rule import RuleFacts
from pipeline.testing import NOON_MS, event

HOSTILE = "\ud800 \uffff \x00\x1b[31m </script> \u202e \U0001f600 <!channel>"
ALERT = Alert(
    key="k" * 64,
    group="g" * 64,
    destination="security",
    rule=RuleFacts("Trail tampering", description=HOSTILE),
    event=summarize(event(userAgent=HOSTILE)),
    first_seen_ms=NOON_MS,
    annotation={HOSTILE: [HOSTILE]},
)
TICKET = Ticket(Kind.ALERT, alert=ALERT, born_ms=NOON_MS)


def notice(text: str) -> Ticket:
    return Ticket(Kind.NOTICE, notice=Notice("cause", text), destination="ops", born_ms=NOON_MS)


@pytest.fixture
def url() -> Iterator[str]:
    with mocked_account():
        letters = client("sqs").create_queue(QueueName="letters")["QueueUrl"]
        asked = client("sqs").get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": asked["Attributes"]["QueueArn"], "maxReceiveCount": 5}
        attributes = {"RedrivePolicy": json.dumps(policy)}
        yield client("sqs").create_queue(QueueName="outbox", Attributes=attributes)["QueueUrl"]


def bodies(url: str) -> list[str]:
    found: list[str] = []
    while messages := client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [message["Body"] for message in messages]
    return found


def letters(url: str) -> list[str]:
    return bodies(url.replace("outbox", "letters"))


# ---- putting ----


def test_a_ticket_comes_out_as_it_went_in(url: str) -> None:
    outbox = SqsOutbox(url)
    assert outbox.put([(TICKET, 0)]) == [True]
    (body,) = bodies(url)
    assert body.isascii()
    assert decode(body) == TICKET
    assert outbox.take_problem() == ""


def test_each_ticket_has_its_own_delay(url: str) -> None:
    seen: list[dict[str, Any]] = []
    watch("sqs", lambda _, request: seen.extend(request["Entries"]))
    assert SqsOutbox(url).put([(TICKET, 0), (TICKET, 7), (TICKET, 900)]) == [True] * 3
    assert [entry["DelaySeconds"] for entry in seen] == [0, 7, 900]


def test_no_tickets_are_no_request(url: str) -> None:
    refusals = Refusals("sqs", "SendMessageBatch")
    assert SqsOutbox(url).put([]) == []
    assert refusals.requests == 0


def test_batches_hold_ten_tickets_and_less_than_a_message_of_256_kib(url: str) -> None:
    sizes: list[list[int]] = []
    watch("sqs", lambda _, request: sizes.append([len(entry["MessageBody"]) for entry in request["Entries"]]))
    texts = ["x"] * 11 + ["x" * 100_000] * 5 + ["x" * 300_000, "x"]
    assert SqsOutbox(url).put([(notice(text), 0) for text in texts]) == [True] * 18
    assert [len(batch) for batch in sizes] == [10, 3, 2, 1, 1, 1]
    assert all(sum(batch) <= BATCH_BYTES for batch in sizes if len(batch) > 1)


def test_each_result_is_looked_at(url: str) -> None:
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    done = {"MessageId": "m", "MD5OfMessageBody": "0"}
    answer = {"Successful": [{"Id": "0", **done}, {"Id": "2", **done}], "Failed": [failed]}
    Refusals("sqs", "SendMessageBatch").answers = [answer, None]
    outbox = SqsOutbox(url)
    assert outbox.put([(TICKET, 0)] * 12) == [True, False, True] + [False] * 7 + [True, True]
    assert outbox.take_problem() == "the queue outbox refuses a message: InternalError"
    assert outbox.take_problem() == "", "it is told once"


@pytest.mark.parametrize("code", ["RequestThrottled", "AWS.SimpleQueueService.NonExistentQueue", "AccessDenied"])
def test_a_queue_that_refuses_a_batch_refuses_its_tickets(url: str, code: str) -> None:
    Refusals("sqs", "SendMessageBatch").answers = [error(code), None]
    outbox = SqsOutbox(url)
    assert outbox.put([(TICKET, 0)] * 11) == [False] * 10 + [True]
    assert code in outbox.take_problem()


def test_a_queue_out_of_reach_is_not_asked_for_each_batch(url: str) -> None:
    asked = 0

    def fail(**_: Any) -> None:
        nonlocal asked
        asked += 1
        raise EndpointConnectionError(endpoint_url="https://sqs")

    client("sqs").meta.events.register_first("before-call.sqs", fail)
    outbox = SqsOutbox(url)
    assert outbox.put([(TICKET, 0)] * 25) == [False] * 25
    assert asked == 1
    assert "EndpointConnectionError" in outbox.take_problem()


def test_an_odd_annotation_keeps_no_ticket_from_being_written(url: str) -> None:
    endless: list[Any] = []
    endless.append(endless)
    odd = Ticket(Kind.ALERT, alert=Alert("k", "g", "d", RuleFacts("r"), ALERT.event, NOON_MS, annotation=endless))
    outbox = SqsOutbox(url)
    assert outbox.put([(TICKET, 0), (odd, 0), (TICKET, 0)]) == [True, True, True]
    assert outbox.take_problem() == ""


def test_sending_nothing_is_fine(url: str) -> None:
    assert send(url, []) == Sent([], "")
    assert send(url, [Message("a")]) == Sent([True], "")


# ---- burying ----


def test_a_ticket_is_buried_in_the_queue_that_the_redrive_policy_names(url: str) -> None:
    outbox = SqsOutbox(url)
    looks = Refusals("sqs", "GetQueueAttributes")
    assert outbox.bury(TICKET)
    assert outbox.bury(TICKET)
    assert looks.requests == 1, "the way there is asked for once"
    assert [decode(body) for body in letters(url)] == [TICKET, TICKET]
    assert bodies(url) == []


def test_without_a_dead_letter_queue_nothing_is_buried(url: str) -> None:
    outbox = SqsOutbox(url.replace("outbox", "letters"))
    assert outbox.bury(TICKET) is False
    assert outbox.take_problem() == "the outbox has no dead-letter queue"


@pytest.mark.parametrize("policy", ["", "[]", '{"deadLetterTargetArn": 5}', "{", '{"deadLetterTargetArn": "arn"}'])
def test_an_odd_redrive_policy_is_no_dead_letter_queue(url: str, policy: str) -> None:
    Refusals("sqs", "GetQueueAttributes").answers = [{"Attributes": {"RedrivePolicy": policy}}]
    outbox = SqsOutbox(url)
    assert outbox.bury(TICKET) is False
    assert outbox.bury(TICKET) is True, "it is asked again"


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "GetQueueUrl", "SendMessageBatch"])
def test_a_burial_that_fails_says_so(url: str, operation: str) -> None:
    Refusals("sqs", operation).answers = [error("AccessDenied")]
    outbox = SqsOutbox(url)
    assert outbox.bury(TICKET) is False
    assert "AccessDenied" in outbox.take_problem()


# ---- reading ----


def record(body: Any, message: str = "m1") -> dict[str, Any]:
    return {"messageId": message, "body": body, "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:outbox"}


def test_a_batch_gives_its_tickets_each_with_its_message() -> None:
    received = read_batch({"Records": [record(encode(TICKET), "m1"), record(encode(notice("n")), "m2")]})
    assert received.arrived == [Arrived(TICKET, "m1"), Arrived(notice("n"), "m2")]
    assert received.unreadable == []
    assert received.messages == ["m1", "m2"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "{}",
        "[1]",
        '{"kind":"alert","v":99}',
        '{"kind":"song","v":1}',
        '{"kind":"alert","v":1,"alert":{"key":5}}',
        "[" * 100_000,
        "\ud800",
        "1" * 5_000,
    ],
)
def test_a_body_that_is_no_ticket_goes_to_quarantine_whole(body: str) -> None:
    received = read_batch({"Records": [record(encode(TICKET), "good"), record(body, "bad")]})
    assert received.arrived == [Arrived(TICKET, "good")]
    ((message, decoded),) = received.unreadable
    (part,) = decoded.undecodable
    assert message == "bad"
    assert part.data == body.encode("utf-8", "surrogatepass")
    assert (part.reason, part.stage) == ("not a ticket", Stage.RECORD)
    assert (part.source.stream, part.source.id) == ("outbox", "bad")
    assert received.messages == ["good", "bad"]


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"messageId": 7, "body": None}, {"messageId": ["m"]}])
def test_a_record_that_is_none_is_kept_as_it_is(odd: Any) -> None:
    ((_, decoded),) = read_batch({"Records": [odd]}).unreadable
    assert json.loads(decoded.undecodable[0].data) == odd


@pytest.mark.parametrize("batch", [{}, {"Records": None}, {"Records": 5}, {"Records": {}}])
def test_what_is_no_batch_holds_nothing(batch: dict[str, Any]) -> None:
    assert read_batch(batch).messages == []
