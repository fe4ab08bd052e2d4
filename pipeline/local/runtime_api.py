"""Lambda's Runtime API: the address at which a function's runtime fetches invocations and leaves its answers.

Protocol: AWS Lambda developer guide, "Using the Lambda runtime API" (version 2018-06-01). One `RuntimeApi` serves one
process of one function, one invocation at a time, as Lambda does.
"""

from __future__ import annotations

import json
import queue
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from pipeline.local.loopback import LoopbackServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PREFIX = "/2018-06-01/runtime"
_ANSWER = re.compile(rf"{_PREFIX}/invocation/([0-9a-f-]+)/(response|error)")
_LOOK_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class Invocation:
    """What a runtime is asked to do."""

    request_id: str
    event: bytes
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an invocation: the function's JSON, or an error as Lambda writes it."""

    payload: bytes
    failed: bool = False


class RuntimeApi:
    """Hands invocations to a runtime and waits for its answers; `address` is what AWS_LAMBDA_RUNTIME_API holds."""

    def __init__(self, function_arn: str) -> None:
        self.address = ""
        self._arn = function_arn
        self._server = LoopbackServer(self._serve)
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._answers: dict[str, Answer] = {}
        self._init_error: bytes | None = None
        self._changed = Condition()

    def start(self) -> None:
        """Listen."""
        self.address = self._server.start().removeprefix("http://")

    def stop(self) -> None:
        """Send a waiting runtime away and stop listening."""
        self._next.put(None)
        self._server.stop()

    def invoke(self, event: bytes, timeout_s: float, is_alive: Callable[[], bool]) -> Answer | None:
        """Return the answer; None where the time ran out. A runtime that dies first has failed."""
        invocation = Invocation(str(uuid4()), event, int((time.time() + timeout_s) * 1000))
        self._next.put(invocation)
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while time.monotonic() < deadline:
                if invocation.request_id in self._answers:
                    return self._answers.pop(invocation.request_id)
                if self._init_error is not None:
                    return Answer(self._init_error, failed=True)
                if not is_alive():
                    return Answer(_died(invocation.request_id), failed=True)
                self._changed.wait(_LOOK_INTERVAL_S)
        return None

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        request = Request(environ)
        if request.method == "GET" and request.path == f"{_PREFIX}/invocation/next":
            response = self._hand_over()
        elif request.path == f"{_PREFIX}/init/error":
            response = self._take_init_error(request.get_data())
        elif answered := _ANSWER.fullmatch(request.path):
            response = self._take(answered[1], Answer(request.get_data(), failed=answered[2] == "error"))
        else:
            response = Response("there is nothing here", status=404)
        return response(environ, start_response)

    def _hand_over(self) -> Response:
        invocation = self._next.get()
        if invocation is None:
            return Response("the function was stopped", status=410)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{invocation.request_id.replace('-', '')[:24]}",
        }
        return Response(invocation.event, headers=headers, mimetype="application/json")

    def _take(self, request_id: str, answer: Answer) -> Response:
        with self._changed:
            self._answers[request_id] = answer
            self._changed.notify_all()
        return Response(status=202)

    def _take_init_error(self, body: bytes) -> Response:
        with self._changed:
            self._init_error = body
            self._changed.notify_all()
        return Response(status=202)


def _died(request_id: str) -> bytes:
    message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}).encode()
