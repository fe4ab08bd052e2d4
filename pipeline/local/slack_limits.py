"""How often Slack lets an app speak.

Numbers: docs.slack.dev, rate limits: about one message a second and channel with short bursts (the burst's size is not
documented: 4 here), several hundred messages a minute and workspace (300 here), `chat.update` in tier 3 (50 a minute).
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits a workspace enforces; each may be set wide for a test that is about something else."""

    post_interval_s: float = 1.0
    """A channel takes one post in this time on average."""
    post_burst: int = 4
    """So many posts a channel takes at once when it was quiet before."""
    posts_per_minute: int = 300
    """In the whole workspace."""
    method_per_minute: int = 50
    """For each token and each method but chat.postMessage."""


@dataclass(slots=True)
class Meter:
    """What was admitted so far: a theoretical arrival time a channel, a sliding minute for everything else."""

    limits: Limits
    _due: dict[str, float] = field(default_factory=dict)
    _minutes: defaultdict[tuple[str, ...], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admit_post(self, channel: str, now: float) -> float:
        """Return 0 and count the post, or the seconds to wait without counting it."""
        interval = self.limits.post_interval_s
        due = max(self._due.get(channel, now), now)
        wait = due - now - interval * (self.limits.post_burst - 1)
        if wait > _ROUNDING_S:
            return wait
        wait = self._admit_minute(("posts",), self.limits.posts_per_minute, now)
        if not wait:
            self._due[channel] = due + interval
        return wait

    def admit_call(self, token: str, method: str, now: float) -> float:
        """Return 0 and count the call, or the seconds to wait without counting it."""
        return self._admit_minute((token, method), self.limits.method_per_minute, now)

    def _admit_minute(self, key: tuple[str, ...], limit: int, now: float) -> float:
        calls = self._minutes[key]
        while calls and calls[0] <= now - _MINUTE_S:
            calls.popleft()
        if len(calls) >= limit:
            return calls[0] + _MINUTE_S - now
        calls.append(now)
        return 0.0


_MINUTE_S = 60.0
# A sum of floating-point intervals may overshoot by this much; a caller who waited exactly as told is admitted
_ROUNDING_S = 1e-6
