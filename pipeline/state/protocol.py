"""What every state store can do. All of it is safe under races: whatever must be exclusive is one conditional write.

Every method raises StateError where the store does not answer, and nothing else. Keys are hashes (hex) or short ASCII
names, so nothing an attacker chooses becomes a key. Times are epoch milliseconds and always passed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Protocol

import msgspec

from pipeline.state.lifecycle import Claim, Group

MAX_SAMPLE: Final = 20
"""How many sources and how many targets a group remembers."""


class Joining(msgspec.Struct, frozen=True):
    """What one invocation adds to a group."""

    count: int
    first_ms: int
    last_ms: int
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class State(Protocol):
    """The shared memory of all invocations."""

    # ---- claims ----

    def read_claims(self, keys: Collection[str]) -> Mapping[str, Claim]:
        """Return what is stored about these alerts; absent ones are left out. One bulk read."""
        ...

    def take_claim(self, key: str, wanted: Claim, *, now_ms: int, from_outbox: bool) -> Claim | None:
        """Claim an alert where the table (`lifecycle.FROM_STREAM` or `FROM_OUTBOX`) says to take it.

        Returns None if it is now ours, else the claim that stands in the way.
        """
        ...

    def write_claims(self, claims: Mapping[str, Claim]) -> None:
        """Store these claims whatever is there: the marks `told` and `deferred`. One bulk write, whole or raised."""
        ...

    # ---- groups ----

    def read_groups(self, keys: Collection[str]) -> Mapping[str, Group]:
        """Return what is stored about these groups; absent ones are left out. One bulk read."""
        ...

    def open_group(
        self, key: str, group: Group, *, now_ms: int, ended: Group | None = None
    ) -> tuple[bool, Group | None]:
        """Store a new group where there is none, or a closed one, or one that is over and still as `ended`.

        Returns (True, None), also if asked again in the same words, as after a lost answer; or (False, the group that
        stands there), which is open, or is over and has grown since somebody looked.
        """
        ...

    def take_over_group(self, key: str, opener: str, *, lease_until_ms: int, now_ms: int) -> Group | None:
        """Become the opener of a group whose opener died before posting, or of one's own.

        Returns the group with the new opener, or None if it is no longer up for that.
        """
        ...

    def join_group(self, key: str, joining: Joining, *, now_ms: int) -> Group | None:
        """Add to an open or opening group; returns it with everything added, or None if its window is over.

        Samples stop at MAX_SAMPLE, and their order means nothing: a store may keep them as a set.
        """
        ...

    def posted_group(self, key: str, opener: str, *, channel: str, message: str, told: int) -> Group | None:
        """Record that the group's message is out, and that it showed `told` repeats; None if the opener is another."""
        ...

    def close_group(self, key: str, opener: str, *, count: int) -> Group | None:
        """End a group of this count; returns it closed, or None if it has grown, is another opener's or closed."""
        ...

    # ---- turns ----

    def take_token(self, bucket: str, *, interval_ms: int, burst: int, now_ms: int) -> int:
        """Take one token of a rate limit (GCRA). Returns 0 if it was taken, else how many ms until one is free."""
        ...

    def take_turn(self, name: str, *, until_ms: int, now_ms: int) -> bool:
        """Tell whether nobody has had this turn yet; if so it is taken until `until_ms`."""
        ...

    def block(self, scope: str, *, until_ms: int) -> None:
        """Let nobody send in this scope before then; never shortens a longer block."""
        ...

    def read_blocks(self, scopes: Collection[str]) -> Mapping[str, int]:
        """Return until when these scopes are blocked; absent ones are left out. One bulk read."""
        ...

    # ---- counters ----

    def count(self, name: str, bucket: int, added: int, *, buckets: int, expires_ms: int) -> int:
        """Add to one bucket of a sliding counter; returns what the fullest `buckets` buckets around it hold.

        They are consecutive, and this one is among them; a later one may have been counted before (`counting`).
        """
        ...

    def add_to_day(self, day: int, numbers: Mapping[str, int], *, slowest_ms: int, expires_ms: int) -> None:
        """Add to the figures of a day (days since 1970), and raise its `slowest_ms` if this is slower."""
        ...

    def read_day(self, day: int) -> Mapping[str, int]:
        """Return the figures of a day, `slowest_ms` among them; empty where there are none."""
        ...
