"""Slack misbehaving on command: what a test scripts, and what becomes of the next calls.

slack.faults.script(ratelimited(30), times=3)                           the next three calls, whatever they are
slack.faults.script(unanswered(accepted=True), method="chat.postMessage", channel="C0123456789")
slack.faults.script(server_error(), times=FOREVER, until=clock.now + 3600)   an outage of an hour
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

FOREVER = math.inf


class Connection(StrEnum):
    """What becomes of the caller's connection."""

    ANSWERED = "answered"
    RESET = "reset"
    """It is reset without an answer."""
    HANGS = "hangs"
    """It stays open without an answer, until the caller gives up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave."""

    status: int = 200
    error: str = ""
    """The code Slack gives, as in `{"ok": false, "error": ...}`, or as a webhook's plain text."""
    retry_after_s: int | None = None
    accepted: bool = False
    """The call takes effect (the message is in the channel) before it goes wrong."""
    connection: Connection = Connection.ANSWERED


def ratelimited(retry_after_s: int = 1) -> Fault:
    """HTTP 429 with Retry-After."""
    return Fault(status=429, error="ratelimited", retry_after_s=retry_after_s)


def server_error(status: int = 503, error: str = "service_unavailable", *, accepted: bool = False) -> Fault:
    """An HTTP 5xx, by default before the call took effect."""
    return Fault(status=status, error=error, accepted=accepted)


def api_error(error: str, *, accepted: bool = False) -> Fault:
    """Any of Slack's codes in an HTTP 200: `rate_limited`, `internal_error`, `fatal_error`, ..."""
    return Fault(error=error, accepted=accepted)


def unanswered(*, accepted: bool = True) -> Fault:
    """No answer at all: the caller times out, by default after the message was accepted."""
    return Fault(status=0, accepted=accepted, connection=Connection.HANGS)


def connection_reset(*, accepted: bool = False) -> Fault:
    """The connection breaks, by default before the message was accepted."""
    return Fault(status=0, accepted=accepted, connection=Connection.RESET)


@dataclass(slots=True)
class _Scripted:
    fault: Fault
    method: str | None
    channel: str | None
    times: float
    since: float
    until: float

    def strikes(self, method: str, channel: str, now: float) -> bool:
        return (
            self.times > 0
            and self.since <= now < self.until
            and self.method in {None, method}
            and self.channel in {None, channel}
        )


@dataclass(slots=True)
class Faults:
    """The script: the first entry that fits a call strikes it, and counts down."""

    struck: int = 0
    """So many calls went wrong on command."""
    _script: list[_Scripted] = field(default_factory=list)
    _choose: Callable[[str, str, float], Fault | None] | None = None
    _lock: Lock = field(default_factory=Lock)

    def script(
        self,
        fault: Fault,
        *,
        times: float = 1,
        method: str | None = None,
        channel: str | None = None,
        since: float = -math.inf,
        until: float = math.inf,
    ) -> None:
        """Strike so many calls of a method (webhooks: `webhook`) to a channel's id between two times of the clock."""
        self._script.append(_Scripted(fault, method, channel, times, since, until))

    def choose(self, chooser: Callable[[str, str, float], Fault | None] | None) -> None:
        """Ask `chooser(method, channel, now)` about every call that no entry of the script strikes."""
        self._choose = chooser

    def clear(self) -> None:
        """Behave from now on."""
        self._script.clear()
        self._choose = None

    def strike(self, method: str, channel: str, now: float) -> Fault | None:
        """Return what goes wrong with this call, if anything, and count it."""
        with self._lock:
            fault = self._scripted(method, channel, now)
            if fault is None and self._choose is not None:
                fault = self._choose(method, channel, now)
            self.struck += fault is not None
            return fault

    def _scripted(self, method: str, channel: str, now: float) -> Fault | None:
        for entry in self._script:
            if entry.strikes(method, channel, now):
                entry.times -= 1
                return entry.fault
        return None
