"""What callers of the workspace get: answers, refusals for calling too often, and faults on command."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.slack_faults import Connection, Fault

WEBHOOK_STATUS = {"no_service": 404, "channel_not_found": 404, "channel_is_archived": 410, "action_prohibited": 403}
"""A webhook's status for each error (docs.slack.dev, incoming webhooks; 410 from the changelog of 2016). What isn't
listed answers 400."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the caller gets: a JSON object from the Web API, plain text from a webhook, or nothing at all."""

    status: int
    body: dict[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)
    connection: Connection = Connection.ANSWERED

    @property
    def ok(self) -> bool:
        """The call took effect, as far as the caller can see."""
        return self.body == "ok" if isinstance(self.body, str) else bool(self.body.get("ok"))

    @property
    def error(self) -> str:
        """The code of the refusal; empty where there is none."""
        if self.ok:
            return ""
        return self.body if isinstance(self.body, str) else str(self.body.get("error", ""))


class Throttled(Exception):
    """The call came too soon: it is refused until `wait_s` seconds have passed."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


def enforce(wait_s: float) -> None:
    """Raise Throttled where there is something to wait for."""
    if wait_s > 0:
        raise Throttled(wait_s)


def too_many(wait_s: float, body: dict[str, Any] | str) -> Response:
    """Answer a call that came too soon: 429, and the whole seconds to wait."""
    return Response(429, body, {"Retry-After": str(max(1, math.ceil(wait_s)))})


def misbehave(fault: Fault, body: dict[str, Any] | str) -> Response:
    """Answer as a fault has it."""
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return Response(fault.status, body, headers, fault.connection)
