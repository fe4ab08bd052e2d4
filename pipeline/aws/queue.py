"""Sending to an SQS queue: in batches as large as a queue takes, each message's own result looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from pipeline.aws.clients import client, error_code, failures

# Amazon SQS API reference, SendMessageBatch
BATCH_ENTRIES: Final = 10
BATCH_BYTES: Final = 250_000
"""SQS takes 1 MiB a batch now and took 256 KiB for long; accounts and emulators differ."""


class Message(msgspec.Struct, frozen=True):
    """What is to be sent."""

    body: str
    """ASCII: a queue refuses some characters, and an ASCII character is a byte."""
    delay_s: int = 0
    """0 to 900."""


class Sent(msgspec.Struct, frozen=True):
    """What became of messages."""

    accepted: list[bool]
    """For each message in order: whether the queue has it."""
    problem: str
    """Why one is not accepted; empty where all are."""


def send(url: str, messages: Sequence[Message]) -> Sent:
    """Send messages; never raises. A queue that cannot be reached is not asked again for the rest."""
    accepted = [False] * len(messages)
    problem = ""
    for batch in _batches(messages):
        try:
            response = client("sqs").send_message_batch(QueueUrl=url, Entries=[_entry(messages[i], i) for i in batch])
        except failures() as error:
            problem = f"{_name(url)} does not take messages: {error_code(error)}"
            if not isinstance(getattr(error, "response", None), dict):
                break  # no answer at all: waiting for each batch would take the time that is left
            continue
        for entry in response.get("Successful", ()):
            accepted[int(entry["Id"])] = True
        for entry in response.get("Failed", ()):
            problem = f"{_name(url)} refuses a message: {entry.get('Code')}"
    return Sent(accepted, problem)


def _entry(message: Message, number: int) -> dict[str, Any]:
    return {"Id": str(number), "MessageBody": message.body, "DelaySeconds": message.delay_s}


def _batches(messages: Sequence[Message]) -> Iterator[list[int]]:
    """Cut messages into batches, as their numbers. One that is too large for any batch is tried alone."""
    batch: list[int] = []
    size = 0
    for number, message in enumerate(messages):
        if batch and (len(batch) >= BATCH_ENTRIES or size + len(message.body) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += len(message.body)
    if batch:
        yield batch


def _name(url: str) -> str:
    return f"the queue {url.rpartition('/')[2]}"
