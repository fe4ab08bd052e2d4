"""Pace: no channel gets more than its rate, and nobody asks before a Retry-After is over."""

from __future__ import annotations

from pipeline.alerts.ports import Destination
from pipeline.rules.rule import Settings
from pipeline.state.protocol import State

EDITS_PER_MINUTE = 40
"""Slack's `chat.update` is in tier 3 (50 a minute and workspace); some room is left for people's own tools."""
EDIT_BURST = 4


class Pace:
    """One token a message, from the bucket that everybody who posts to the channel shares."""

    name = "pace"

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._interval_ms = settings.channel_interval_ms
        self._burst = settings.channel_burst

    @property
    def singles(self) -> int:
        """How many messages of one batch stand by themselves; the token after them is for a list of all the rest."""
        return max(1, self._burst - 1)

    def admit_post(self, destination: Destination, now_ms: int) -> int:
        """Take a token for a post or a thread reply; returns 0, or how many ms to wait instead."""
        wait_ms = self._blocked_ms(destination.post_scope, now_ms)
        return wait_ms or self._state.take_token(
            destination.bucket, interval_ms=self._interval_ms, burst=self._burst, now_ms=now_ms
        )

    def admit_edit(self, destination: Destination, now_ms: int) -> int:
        """Take a token for an edit; returns 0, or how many ms to wait instead."""
        wait_ms = self._blocked_ms(destination.edit_scope, now_ms)
        return wait_ms or self._state.take_token(
            destination.edit_scope, interval_ms=60_000 // EDITS_PER_MINUTE, burst=EDIT_BURST, now_ms=now_ms
        )

    def block(self, scope: str, retry_after_s: float, now_ms: int) -> None:
        """Keep everybody from sending in this scope until a Retry-After is over."""
        self._state.block(scope, until_ms=now_ms + int(retry_after_s * 1000))

    def __str__(self) -> str:
        """Say the settings in force."""
        return f"one message every {self._interval_ms} ms and channel, bursts of {self._burst}"

    def _blocked_ms(self, scope: str, now_ms: int) -> int:
        return max(0, self._state.read_blocks([scope]).get(scope, 0) - now_ms)
