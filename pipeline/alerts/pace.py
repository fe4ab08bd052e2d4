"""Pace: no channel gets more than its rate, and nobody asks before a Retry-After is over."""

from __future__ import annotations

from pipeline.alerts.ports import Destination
from pipeline.rules.rule import Settings, Severity
from pipeline.state.protocol import State

EDITS_PER_MINUTE = 40
"""Slack's `chat.update` is in tier 3 (50 a minute and workspace); some room is left for people's own tools."""
EDIT_BURST = 4
KEPT_FOR_CRITICAL = 1


class Pace:
    """One token a request, from the bucket that everybody who posts to the channel shares."""

    name = "pace"

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._interval_ms = settings.channel_interval_ms
        self._burst = settings.channel_burst

    def blocked_ms(self, destination: Destination, now_ms: int, *, edits: bool = False) -> int:
        """How long nobody may ask: a Retry-After blocks a credential's method, or the channel itself."""
        scopes = [destination.edit_scope if edits else destination.post_scope, destination.bucket]
        return max(0, *(until_ms - now_ms for until_ms in self._state.read_blocks(scopes).values()), 0)

    def admit_post(self, destination: Destination, now_ms: int, severity: Severity = Severity.CRITICAL) -> int:
        """Take a token for a first message; returns 0, or how many ms to wait instead.

        The last token of a burst is for what is critical: many others may wait, and who comes first is chance.
        """
        kept = 0 if severity is Severity.CRITICAL else KEPT_FOR_CRITICAL
        return self._admit(destination, max(1, self._burst - kept), now_ms)

    def admit_reply(self, destination: Destination, now_ms: int) -> int:
        """Take a token for what is not news: only one that nobody saved up, so that a burst stays free for news."""
        return self._admit(destination, 1, now_ms)

    def admit_edit(self, destination: Destination, now_ms: int) -> int:
        """Take a token for an edit; returns 0, or how many ms to wait instead."""
        interval_ms = 60_000 // EDITS_PER_MINUTE
        return self._state.take_token(destination.edit_scope, interval_ms=interval_ms, burst=EDIT_BURST, now_ms=now_ms)

    def block(self, scope: str, retry_after_s: float, now_ms: int) -> None:
        """Keep everybody from sending in this scope until a Retry-After is over."""
        self._state.block(scope, until_ms=now_ms + int(retry_after_s * 1000))

    def __str__(self) -> str:
        """Say the settings in force."""
        return f"one message every {self._interval_ms} ms and channel, bursts of {self._burst}"

    def _admit(self, destination: Destination, burst: int, now_ms: int) -> int:
        return self._state.take_token(destination.bucket, interval_ms=self._interval_ms, burst=burst, now_ms=now_ms)
