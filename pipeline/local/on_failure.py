"""Where a mapping sends what it gave up on: a queue, a topic or a bucket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class Destination:
    """One on-failure destination, by its ARN; raises ValueError for a service that can't be one."""

    def __init__(self, client: Callable[[str], Any], arn: str) -> None:
        self._service, self._name = arn.split(":")[2], arn.rsplit(":", 1)[-1]
        if self._service not in {"sqs", "sns", "s3"}:
            raise ValueError(f"{arn} can't be an on-failure destination: name a queue, a topic or a bucket")
        self._arn = arn
        self._client = client(self._service)

    @property
    def takes_payload(self) -> bool:
        """It is a bucket, which gets the records and not only where they are."""
        return self._service == "s3"

    def tell(self, message: dict[str, Any]) -> None:
        """Send the message to the queue or topic."""
        if self._service == "sns":
            self._client.publish(TopicArn=self._arn, Message=json.dumps(message))
            return
        url = self._client.get_queue_url(QueueName=self._name)["QueueUrl"]
        self._client.send_message(QueueUrl=url, MessageBody=json.dumps(message))

    def put(self, key: str, body: bytes) -> None:
        """Put the object into the bucket."""
        self._client.put_object(Bucket=self._name, Key=key, Body=body, ContentType="application/json")
