"""A simulated SQS queue, and Lambda's reading of it: delays, visibility, at-least-once, redrive.

Sources: SQS developer guide, "At-least-once delivery", "Visibility timeout", "Dead-letter queues"; Lambda developer
guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.local.simulation.timeline import Timeline
from pipeline.local.stream_batches import Failed, Outcome, failed_items

QUEUE_ARN = "arn:aws:sqs:eu-west-1:111122223333:outbox"


@dataclass(slots=True)
class Message:
    """A message in the queue."""

    id: str
    body: str
    visible_at_ms: int
    sent_at_ms: int
    receives: int = 0


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How the queue and its mapping are set; the defaults are the deployment's."""

    visibility_ms: int = 360_000
    max_receives: int = 5
    batch_size: int = 10
    concurrency: int = 2
    redelivered: float = 0.0
    """How often, of 1, a message that was done comes once more: its deletion was lost."""


class Queue:
    """The messages, and the functions that work them off. `invoke(event, then)` starts one."""

    def __init__(
        self,
        timeline: Timeline,
        limits: QueueLimits,
        invoke: Callable[[dict[str, Any], Callable[[Outcome], None]], None],
    ) -> None:
        self.messages: dict[str, Message] = {}
        self.dead: list[Message] = []
        self.sent = 0
        self.most = 0
        """The largest number of messages that were ever in it at once."""
        self.paused = False
        """Nobody reads it."""
        self._timeline = timeline
        self._limits = limits
        self._invoke = invoke
        self._busy = 0

    def send(self, body: str, delay_s: int) -> None:
        """Take a message."""
        self.sent += 1
        now_ms = self._timeline.now_ms
        message = Message(f"message-{self.sent}", body, now_ms + delay_s * 1000, now_ms)
        self.messages[message.id] = message
        self.most = max(self.most, len(self.messages))
        self._timeline.at(message.visible_at_ms, self.look)

    def look(self) -> None:
        """Receive what is visible, in no particular order, as far as functions are free."""
        while not self.paused and self._busy < self._limits.concurrency and (batch := self._receive()):
            self._busy += 1
            self._invoke(_event(batch), lambda outcome, batch=batch: self._done(batch, outcome))  # type: ignore[misc]

    def _receive(self) -> list[Message]:
        now_ms = self._timeline.now_ms
        visible = [message for message in self.messages.values() if message.visible_at_ms <= now_ms]
        for message in [message for message in visible if message.receives >= self._limits.max_receives]:
            self.dead.append(self.messages.pop(message.id))
            visible.remove(message)
        batch = self._timeline.random.sample(visible, min(self._limits.batch_size, len(visible)))
        for message in batch:
            message.receives += 1
            message.visible_at_ms = now_ms + self._limits.visibility_ms
            self._timeline.at(message.visible_at_ms, self.look)
        return batch

    def _done(self, batch: Sequence[Message], outcome: Outcome) -> None:
        self._busy -= 1
        every = frozenset(message.id for message in batch)
        left = every if isinstance(outcome, Failed) else failed_items(outcome.payload, every)
        for message in batch:
            if message.id not in (every if left is None else left):
                self._delete(message)
        self.look()

    def _delete(self, message: Message) -> None:
        if (
            self._limits.redelivered
            and self._timeline.random.random() < self._limits.redelivered
            and message.receives == 1
        ):
            return
        self.messages.pop(message.id, None)


def _event(batch: Sequence[Message]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": message.id,
                "receiptHandle": message.id,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(message.receives),
                    "SentTimestamp": str(message.sent_at_ms),
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE_ARN,
                "awsRegion": "eu-west-1",
            }
            for message in batch
        ]
    }
