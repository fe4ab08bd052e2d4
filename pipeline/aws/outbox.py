"""The outbox: tickets in an SQS queue. Every function opens it, so what reads and writes tickets is imported late."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.aws.clients import client, error_code, failures
from pipeline.aws.queue import Message, send
from pipeline.decode.decoded import Decoded, Source, Stage, Undecodable, bounded, message_bytes
from pipeline.errors import DecodeError

if TYPE_CHECKING:
    from pipeline.alerts.ticket import Arrived, Ticket


class SqsOutbox:
    """The `Outbox` port on one queue."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._dead_letters = ""
        self._problem = ""

    def put(self, tickets: Sequence[tuple[Ticket, int]]) -> list[bool]:
        """Queue tickets, each with its delay in seconds; tells for each whether the queue has it. Never raises."""
        bodies = [self._written(ticket) for ticket, _ in tickets]
        writable = [number for number, body in enumerate(bodies) if body]
        sent = send(self._url, [Message(bodies[number], tickets[number][1]) for number in writable])
        self._problem = sent.problem or self._problem
        accepted = {number for number, is_accepted in zip(writable, sent.accepted, strict=True) if is_accepted}
        return [number in accepted for number in range(len(tickets))]

    def bury(self, ticket: Ticket) -> bool:
        """Put a ticket in the queue's dead-letter queue; tells whether it is there. Never raises."""
        body = self._written(ticket)
        url = self._dead_letters_url() if body else ""
        if not url:
            return False
        sent = send(url, [Message(body)])
        self._problem = sent.problem or self._problem
        return all(sent.accepted)

    def take_problem(self) -> str:
        """Say why a ticket was refused since this was last asked; empty where none was."""
        problem, self._problem = self._problem, ""
        return problem

    def _written(self, ticket: Ticket) -> str:
        """Write a ticket; empty where it cannot be written, as an annotation that a rule computed may make it."""
        from pipeline.alerts.ticket import encode

        try:
            return encode(ticket)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            self._problem = f"a ticket cannot be written: {type(error).__name__}: {error}"
            return ""

    def _dead_letters_url(self) -> str:
        """Find the queue that the redrive policy names; empty where there is none. Asked for once."""
        if self._dead_letters:
            return self._dead_letters
        try:
            self._dead_letters = _dead_letters_of(self._url)
        except failures() as error:
            self._problem = f"the dead-letter queue cannot be found: {error_code(error)}"
        except (KeyError, TypeError, ValueError):
            self._problem = "the outbox has no dead-letter queue"
        return self._dead_letters


def _dead_letters_of(url: str) -> str:
    """Ask for it; KeyError where a queue has no redrive policy, TypeError or ValueError where it is none."""
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    policy = json.loads(answer.get("Attributes", {})["RedrivePolicy"])
    *_, account, name = str(policy["deadLetterTargetArn"]).split(":")
    return str(client("sqs").get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])


class Received(msgspec.Struct, frozen=True):
    """What a batch of the queue held."""

    arrived: list[Arrived]
    unreadable: list[tuple[str, Decoded]]
    """Message ids, each with its body as something for quarantine; once that is kept, the message is done with."""

    @property
    def messages(self) -> list[str]:
        """The ids of all messages, tickets first."""
        return [arrived.message for arrived in self.arrived] + [message for message, _ in self.unreadable]


def read_batch(event: dict[str, Any]) -> Received:
    """Read the tickets of an SQS event source mapping's batch. Never raises, whatever the queue holds."""
    from pipeline.alerts.ticket import Arrived, decode

    received = Received([], [])
    records = event.get("Records")
    for record in records if isinstance(records, list) else []:
        members = record if isinstance(record, dict) else {}
        message, body = bounded(members.get("messageId")), members.get("body")
        text = body if isinstance(body, str) else json.dumps(record)
        try:
            received.arrived.append(Arrived(decode(text), message))
        except DecodeError as error:
            queue = bounded(members.get("eventSourceARN")).rpartition(":")[2]
            source = Source(stream=queue, id=message)
            lost = Undecodable(error.reason, Stage.RECORD, message_bytes(text), source)
            received.unreadable.append((message, Decoded(source, undecodable=[lost])))
    return received
