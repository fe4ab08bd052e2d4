"""What the outbox needs of boto3's SQS client, over a simulated queue."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import EndpointConnectionError

from pipeline.local.simulation.queue import Message, Queue
from pipeline.local.simulation.taps import Port, Taps

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/outbox"
DEAD_LETTERS_URL = QUEUE_URL + "-dead-letters"


class SqsClient:
    """Sends to the queue; where a call is to fail, it is not answered, or some of its entries are refused."""

    def __init__(self, queue: Queue, taps: Taps) -> None:
        self._queue = queue
        self._taps = taps

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS' names
        """See boto3."""

        def effect() -> dict[str, Any]:
            return self._send(QueueUrl, Entries, refused=frozenset())

        def fail() -> dict[str, Any]:
            refused = self._taps.timeline.random.randrange(2 ** len(Entries))
            if refused == 0:
                raise EndpointConnectionError(endpoint_url=QueueUrl)
            return self._send(QueueUrl, Entries, frozenset(i for i in range(len(Entries)) if refused >> i & 1))

        return self._taps(Port.OUTBOX, "send_message_batch", effect, fail)

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        """See boto3."""
        arn = "arn:aws:sqs:eu-west-1:111122223333:outbox-dead-letters"
        return {"Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})}}

    def get_queue_url(self, **_: Any) -> dict[str, Any]:
        """See boto3."""
        return {"QueueUrl": DEAD_LETTERS_URL}

    def _send(self, url: str, entries: list[dict[str, Any]], refused: frozenset[int]) -> dict[str, Any]:
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        now_ms = self._taps.timeline.now_ms
        for number, entry in enumerate(entries):
            if number in refused:
                answer["Failed"].append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                continue
            answer["Successful"].append({"Id": entry["Id"], "MessageId": entry["Id"]})
            if url == DEAD_LETTERS_URL:
                self._queue.dead.append(
                    Message(f"buried-{len(self._queue.dead)}", entry["MessageBody"], now_ms, now_ms)
                )
            else:
                self._queue.send(entry["MessageBody"], entry["DelaySeconds"])
        return answer
