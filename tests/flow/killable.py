"""A process whose children run one handler each, and are killed at a given step: `kill -9`, from within.

Reads one JSON command a line, `{"handler", "event", "kill_at", "ahead_ms"}`, and answers each with a line, `{"killed",
"answer", "steps"}`. A step is the moment before or after a request to AWS or Slack; `kill_at` -1 kills nobody.
Everything that handlers need is imported before the fork, so a child costs milliseconds; like a cold function it makes
its own clients and remembers nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import boto3  # noqa: F401 - so that children need not
from botocore.httpsession import URLLib3Session

from pipeline.aws import dynamodb, outbox, queue  # noqa: F401 - so that children need not
from pipeline.destinations import network, slack, slack_client  # noqa: F401 - so that children need not
from pipeline.runtime import handlers
from pipeline.runtime.invocation import InvocationClock


class Steps:
    """Counts the moments between which a process can die, and dies at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.count = 0
        self._kill_at = kill_at

    def step(self) -> None:
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same call with a step before and one after it."""

        def stepping(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = call(*args, **kwargs)
            self.step()
            return result

        return stepping


def run(command: dict[str, Any]) -> dict[str, Any]:
    """Run a handler with its clock ahead of the real one, and with tickets that wait for nothing."""
    steps, real_now_ms, entry = Steps(command["kill_at"]), InvocationClock.now_ms, queue._entry

    def now_ms(clock: InvocationClock) -> int:
        return real_now_ms(clock) + int(command["ahead_ms"])

    def undelayed(message: Any, number: int) -> dict[str, Any]:
        return {**entry(message, number), "DelaySeconds": 0}

    with (
        mock.patch.object(URLLib3Session, "send", _method(steps.around(URLLib3Session.send))),
        mock.patch("pipeline.destinations.slack_client.post", steps.around(network.post)),
        mock.patch.object(InvocationClock, "now_ms", now_ms),
        mock.patch.object(queue, "_entry", undelayed),
    ):
        answer = getattr(handlers, command["handler"])(command["event"], None)
    return {"answer": answer, "steps": steps.count}


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


def serve() -> None:
    """Answer commands until there are no more."""
    for line in sys.stdin:
        print(json.dumps(in_a_child(json.loads(line))), flush=True)


def in_a_child(command: dict[str, Any]) -> dict[str, Any]:
    """Fork, run, and tell how it ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.write(writer, json.dumps(run(command)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return {"killed": True}
    return {"killed": False, **json.loads(said or '{"answer": null, "steps": -1}')}


if __name__ == "__main__":
    serve()
