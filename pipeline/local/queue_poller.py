"""Lambda's reading of an SQS queue: what was done is deleted, the rest comes back when its visibility timeout ends.

Delays, visibility and the redrive to a dead-letter queue are the queue's own affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import Function
from pipeline.local.lambda_events import sqs_event
from pipeline.local.stream_batches import Failed, Outcome, failed_items

# ReceiveMessage returns, and DeleteMessageBatch takes, at most so many
RECEIVE_LIMIT = 10


@dataclass(slots=True)
class QueueTally:
    """What a poller did so far."""

    invocations: int = 0
    messages_done: int = 0
    messages_failed: int = 0
    """Counted once for each time they failed."""


def unhandled(outcome: Outcome, message_ids: Sequence[str], *, reports_item_failures: bool) -> frozenset[str]:
    """Return the messages that an outcome leaves in the queue."""
    every = frozenset(message_ids)
    if isinstance(outcome, Failed):
        return every
    if not reports_item_failures:
        return frozenset()
    named = failed_items(outcome.payload, every)
    return every if named is None else named


class QueuePoller:
    """Reads one queue for one function. `poll` makes one round; `drain` goes on until nothing can be received."""

    def __init__(self, client: Callable[[str], Any], mapping: Mapping, function: Function) -> None:
        self.mapping = mapping
        self.tally = QueueTally()
        self.rounds = 0
        """So many times the queue was asked."""
        self._sqs = client("sqs")
        self._function = function
        self._url = self._sqs.get_queue_url(QueueName=mapping.source_arn.split(":")[-1])["QueueUrl"]

    def poll(self) -> int:
        """Receive one batch, hand it over, delete what was done, and return how many messages there were."""
        messages = self._receive()
        self.rounds += 1
        if not messages:
            return 0
        self.tally.invocations += 1
        outcome = self._function.invoke(sqs_event(self.mapping.source_arn, messages))
        ids = [message["MessageId"] for message in messages]
        left = unhandled(outcome, ids, reports_item_failures=self.mapping.reports_item_failures)
        done = [message for message in messages if message["MessageId"] not in left]
        self._delete(done)
        self.tally.messages_done += len(done)
        self.tally.messages_failed += len(left)
        return len(messages)

    def drain(self, timeout_s: float = 30.0, *, wait: Callable[[float], None] = time.sleep) -> None:
        """Poll until the queue is empty, what is delayed or in flight included; raises TimeoutError where it isn't."""
        deadline = time.monotonic() + timeout_s
        while self.poll() or not self.idle:
            if time.monotonic() > deadline:
                raise TimeoutError(f"messages of {self.mapping.source_arn} are not done after {timeout_s} s")
            wait(0.01)

    @property
    def idle(self) -> bool:
        """The queue is empty, what is delayed or in flight included."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return not any(int(answer["Attributes"][name]) for name in names)

    def close(self) -> None:
        """Nothing stays open."""

    def _receive(self) -> list[dict[str, Any]]:
        messages: dict[str, dict[str, Any]] = {}
        while len(messages) < self.mapping.batch_size:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(RECEIVE_LIMIT, self.mapping.batch_size - len(messages)),
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                break
            messages |= {message["MessageId"]: message for message in answer["Messages"]}
        return list(messages.values())

    def _delete(self, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), RECEIVE_LIMIT):
            entries = [
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(messages[start : start + RECEIVE_LIMIT])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
