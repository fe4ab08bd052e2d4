"""Where undelivered things lie: buckets and queues, each read one object or message at a time.

Nothing is deleted before somebody asks for it. What is not deleted is as it was once a queue's `close` has returned.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from pipeline.aws import objects
from pipeline.aws.clients import client, error_code, failures
from pipeline.decode.notifications import StoredObject

RECEIVE_LIMIT: Final = 10
VISIBILITY_S: Final = 900
"""How long a message that was received stays with us; what takes longer is received again, and known by its id."""
EMPTY_ROUNDS: Final = 5
"""A queue is spread over many servers, and an answer comes from some of them."""
PAUSE_S: Final = 0.2
QUEUE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?")


@dataclass(slots=True, eq=False)
class Found:
    """An object, message or file in which something undelivered may lie."""

    where: str
    read: Callable[[], bytes]
    """Returns what it holds; raises what boto3 raises, OSError or DecodeError."""
    delete: Callable[[], None] | None
    """Deletes it; raises what boto3 raises. None where it is not ours to delete."""


class Place(Protocol):
    """Somewhere things lie."""

    def count(self) -> int:
        """Tell how many things there are, about."""
        ...

    def things(self) -> Iterator[Found]:
        """Yield each thing once; raises what boto3 raises."""
        ...

    def close(self) -> None:
        """Give back what was not deleted."""
        ...


class Bucket:
    """The objects below a prefix."""

    def __init__(self, url: str) -> None:
        self._bucket, _, self._prefix = url.removeprefix("s3://").partition("/")
        self._listed: list[StoredObject] | None = None

    def __str__(self) -> str:
        """Its address."""
        return f"s3://{self._bucket}/{self._prefix}"

    def count(self) -> int:
        """See `Place`."""
        return len(self._objects())

    def things(self) -> Iterator[Found]:
        """See `Place`."""
        for stored in self._objects():
            yield Found(
                stored.url, partial(objects.fetched, stored, objects.MAX_UNDELIVERED), partial(objects.delete, stored)
            )

    def close(self) -> None:
        """Nothing was taken."""

    def _objects(self) -> list[StoredObject]:
        """List them once, so that what is written meanwhile is left for the next time."""
        if self._listed is None:
            self._listed = list(objects.listed(self._bucket, self._prefix))
        return self._listed


class Queue:
    """The messages of a queue. They stay invisible to others until `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = url.rpartition("/")[2]
        self._held: dict[str, str] = {}
        """Receipt handles by message id, of all that was received and not deleted."""
        self.problem = ""
        """Why messages could not be given back; they come back by themselves within VISIBILITY_S."""

    def __str__(self) -> str:
        """Its name."""
        return self._name

    def count(self) -> int:
        """See `Place`."""
        name = "ApproximateNumberOfMessages"
        answer = client("sqs").get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def things(self) -> Iterator[Found]:
        """See `Place`."""
        seen: set[str] = set()
        empty = 0
        while empty < EMPTY_ROUNDS:
            messages = self._receive()
            fresh = [message for message in messages if message["MessageId"] not in seen]
            empty = 0 if fresh else empty + 1
            if empty:
                time.sleep(PAUSE_S)
            for message in fresh:
                seen.add(message["MessageId"])
                yield self._found(message)

    def close(self) -> None:
        """Make what was kept visible again at once."""
        for handle in self._held.values():
            try:
                client("sqs").change_message_visibility(QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0)
            except failures() as error:
                self.problem = f"{self._name} does not take messages back: {error_code(error)}"
        self._held.clear()

    def _receive(self) -> list[dict[str, Any]]:
        answer = client("sqs").receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=RECEIVE_LIMIT, VisibilityTimeout=VISIBILITY_S
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        self._held.update((message["MessageId"], message["ReceiptHandle"]) for message in messages)
        return messages

    def _found(self, message: dict[str, Any]) -> Found:
        body = message["Body"].encode("utf-8", "surrogatepass")
        where = f"{self._name} message {message['MessageId']}"
        return Found(where, lambda: body, partial(self._delete, message["MessageId"]))

    def _delete(self, message: str) -> None:
        client("sqs").delete_message(QueueUrl=self._url, ReceiptHandle=self._held[message])
        del self._held[message]


def queue_url(name: str) -> str:
    """Return the URL of a queue given by URL, ARN or name; raises what boto3 raises, ValueError for none of these."""
    if name.startswith(("https://", "http://")):
        return name
    if name.startswith("arn:"):
        *_, service, _, account, queue = ["", *name.split(":")]
        if service != "sqs":
            raise ValueError(name)
        return str(client("sqs").get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"])
    if not QUEUE_NAME.fullmatch(name):
        raise ValueError(name)
    return str(client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
