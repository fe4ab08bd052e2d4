"""The books of one invocation: every alert has exactly one fate, and the sums must agree."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

import msgspec


class Fate(StrEnum):
    """What became of an alert in this invocation."""

    SENT = "sent"
    GROUPED = "grouped"
    DEFERRED = "deferred"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UNSAFE = "unsafe"


MAX_ENTRIES = 100
"""Lines that one invocation logs about its messages; their number follows the posts, but an outage meets them all."""


class Entry(msgspec.Struct, frozen=True):
    """What became of a message, for the log."""

    what: str
    destination: str
    rule: str
    record: str
    """Unit of delivery that brought the alert: shard and sequence number, queue message id, or request id."""
    event_id: str
    reason: str = ""


class Ledger(msgspec.Struct):
    """What one invocation saw, and what became of it."""

    events: int = 0
    matched: int = 0
    alerts: int = 0
    """Alerts opened: a suppressed match counts as one, for nobody has been chosen to tell."""
    deferred_in: int = 0
    """Alerts that came back from the outbox."""
    quarantined: int = 0
    failures: int = 0
    posts: int = 0
    edits: int = 0
    fates: Counter[Fate] = msgspec.field(default_factory=Counter)
    unsafe_owners: set[str] = set()
    """Units of delivery that must be handed back."""
    unsafe_alerts: set[str] = set()
    """Keys of the alerts because of which they must be."""
    rules: Counter[str] = msgspec.field(default_factory=Counter)
    ignores: Counter[str] = msgspec.field(default_factory=Counter)
    rejections: Counter[str] = msgspec.field(default_factory=Counter)
    entries: list[Entry] = []
    """What the log says about messages, in order; the first MAX_ENTRIES."""
    slowest_ms: int = 0
    """Longest time from arrival in the stream to being told."""
    latencies_ms: list[int] = []
    """From arrival in the stream to being told, one for each alert sent."""
    event_latencies_ms: list[int] = []
    """From the event itself to being told; CloudTrail delivers most events within about five minutes."""

    @property
    def unmatched(self) -> int:
        """Events that no rule matched."""
        return self.events - self.matched

    @property
    def imbalance(self) -> int:
        """Alerts without a fate, or with more than one: 0 or a bug."""
        return self.alerts + self.deferred_in - self.fates.total()

    def enter(self, entry: Entry) -> None:
        """Let the log say what became of a message."""
        if len(self.entries) < MAX_ENTRIES:
            self.entries.append(entry)

    def decide(self, fate: Fate, count: int = 1) -> None:
        """Give alerts their fate."""
        self.fates[fate] += count

    def unsafe(self, owner: str, key: str) -> None:
        """Hand a unit of delivery back, because this alert of it is neither told nor in safe hands."""
        self.fates[Fate.UNSAFE] += 1
        self.unsafe_owners.add(owner)
        self.unsafe_alerts.add(key)

    def told(self, seen_ms: int, event_ms: int | None, now_ms: int) -> None:
        """Note how long an alert took from its arrival, and from its event, to being told."""
        latency_ms = max(0, now_ms - seen_ms)
        self.latencies_ms.append(latency_ms)
        self.slowest_ms = max(self.slowest_ms, latency_ms)
        if event_ms is not None:
            self.event_latencies_ms.append(max(0, now_ms - event_ms))
