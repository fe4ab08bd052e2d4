"""Functions that a poller can invoke: a handler in this process, or one that was deployed."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from pipeline.local.stream_batches import Failed, Outcome, Returned

# AWS Lambda quotas: a synchronous invocation's event and answer
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


class Function(Protocol):
    """Something to invoke."""

    @property
    def arn(self) -> str:
        """Its name for mappings and failure messages."""
        ...

    def invoke(self, event: dict[str, Any]) -> Outcome:
        """Run it on an event. Never raises for what the function does wrong."""
        ...


@dataclass(slots=True)
class Context:
    """What a handler is told about its invocation, in Lambda's own names."""

    function_name: str
    invoked_function_arn: str
    deadline_s: float
    """By the monotonic clock."""
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "256"
    log_group_name: str = ""
    log_stream_name: str = ""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would stop the invocation."""
        return max(0, int((self.deadline_s - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class InProcess:
    """A handler called in this process. Event and answer go through JSON, as they do on their way to Lambda.

    The time limit is told to the handler, not enforced.
    """

    handler: Callable[[dict[str, Any], Any], Any]
    name: str = "trailwire"
    timeout_s: float = 60.0

    @property
    def arn(self) -> str:
        """An ARN made of the name."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.name}"

    def invoke(self, event: dict[str, Any]) -> Outcome:
        """Call the handler; whatever it raises is the outcome."""
        context = Context(self.name, self.arn, time.monotonic() + self.timeout_s)
        try:
            payload = json.loads(json.dumps(self.handler(json.loads(json.dumps(event)), context)))
        except Exception as error:  # noqa: BLE001  stands in for Lambda's runtime, which takes any
            return Failed(_as_lambda_writes(error), context.aws_request_id)
        return Returned(payload, context.aws_request_id)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function of the embedded AWS, invoked through Lambda's API."""

    client: Any
    """boto3's client for Lambda."""
    arn: str

    def invoke(self, event: dict[str, Any]) -> Outcome:
        """Invoke it and wait for its answer."""
        answer = self.client.invoke(FunctionName=self.arn, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
        request_id = answer["ResponseMetadata"].get("RequestId", "")
        return Failed(payload, request_id) if answer.get("FunctionError") else Returned(payload, request_id)


def _as_lambda_writes(error: Exception) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
