"""State of one process: for tests, for `trailwire run`, and for the rest of an invocation whose shared store failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from cachetools import LRUCache
from msgspec.structs import replace

from pipeline.state.counting import fullest, stale
from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    Claim,
    Group,
    GroupState,
    Standing,
    Then,
    classify,
    is_same_opening,
    is_still,
    standing,
)
from pipeline.state.protocol import MAX_SAMPLE, Joining

MAX_CLAIMS: Final = 500_000
MAX_THINGS: Final = 50_000
MAX_DAYS: Final = 3


class MemoryState:
    """The `State` protocol in bounded caches. What was used longest ago is forgotten first."""

    def __init__(self, max_claims: int = MAX_CLAIMS) -> None:
        self._lock = threading.Lock()
        self._claims: LRUCache[str, Claim] = LRUCache(max_claims)
        self._groups: LRUCache[str, Group] = LRUCache(MAX_THINGS)
        self._arrivals: LRUCache[str, int] = LRUCache(MAX_THINGS)
        self._turns: LRUCache[str, int] = LRUCache(MAX_THINGS)
        self._blocks: LRUCache[str, int] = LRUCache(MAX_THINGS)
        self._counters: LRUCache[str, dict[int, int]] = LRUCache(MAX_THINGS)
        self._days: LRUCache[int, Counter[str]] = LRUCache(MAX_DAYS)

    def read_claims(self, keys: Collection[str]) -> Mapping[str, Claim]:
        with self._lock:
            return {key: self._claims[key] for key in keys if key in self._claims}

    def take_claim(self, key: str, wanted: Claim, *, now_ms: int, from_outbox: bool) -> Claim | None:
        table = FROM_OUTBOX if from_outbox else FROM_STREAM
        with self._lock:
            found = self._claims.get(key)
            if table[classify(found, wanted.owner, now_ms)] is not Then.TAKE:
                return found
            self._claims[key] = wanted
            return None

    def write_claims(self, claims: Mapping[str, Claim]) -> None:
        with self._lock:
            self._claims.update(claims)

    def read_groups(self, keys: Collection[str]) -> Mapping[str, Group]:
        with self._lock:
            return {key: self._groups[key] for key in keys if key in self._groups}

    def open_group(
        self, key: str, group: Group, *, now_ms: int, ended: Group | None = None
    ) -> tuple[bool, Group | None]:
        with self._lock:
            found = self._groups.get(key)
            if is_same_opening(found, group):
                return True, None
            if standing(found, group.opener, now_ms) is not Standing.NONE:
                return False, found
            if found is not None and found.state is not GroupState.CLOSED and not is_still(found, ended):
                return False, found
            self._groups[key] = group
            return True, None

    def take_over_group(self, key: str, opener: str, *, lease_until_ms: int, now_ms: int) -> Group | None:
        with self._lock:
            found = self._groups.get(key)
            if found is None or standing(found, opener, now_ms) is not Standing.ABANDONED:
                return None
            self._groups[key] = taken = replace(found, opener=opener, lease_until_ms=lease_until_ms)
            return taken

    def join_group(self, key: str, joining: Joining, *, now_ms: int) -> Group | None:
        with self._lock:
            found = self._groups.get(key)
            if found is None or standing(found, "", now_ms) is Standing.NONE:
                return None
            self._groups[key] = joined = replace(
                found,
                count=found.count + joining.count,
                first_ms=min(found.first_ms, joining.first_ms),
                last_ms=max(found.last_ms, joining.last_ms),
                sources=_sample(found.sources, joining.sources),
                targets=_sample(found.targets, joining.targets),
            )
            return joined

    def posted_group(self, key: str, opener: str, *, channel: str, message: str, told: int) -> Group | None:
        with self._lock:
            found = self._groups.get(key)
            if found is None or found.opener != opener or found.state is GroupState.CLOSED:
                return None
            self._groups[key] = posted = replace(
                found, state=GroupState.OPEN, channel=channel, message=message, told=max(found.told, told)
            )
            return posted

    def close_group(self, key: str, opener: str, *, count: int) -> Group | None:
        with self._lock:
            found = self._groups.get(key)
            if found is None or (found.opener, found.count) != (opener, count) or found.state is GroupState.CLOSED:
                return None
            self._groups[key] = closed = replace(found, state=GroupState.CLOSED)
            return closed

    def take_token(self, bucket: str, *, interval_ms: int, burst: int, now_ms: int) -> int:
        tolerance_ms = (burst - 1) * interval_ms
        with self._lock:
            arrival = max(self._arrivals.get(bucket, 0), now_ms)
            if arrival > now_ms + tolerance_ms:
                return arrival - now_ms - tolerance_ms
            self._arrivals[bucket] = arrival + interval_ms
            return 0

    def take_turn(self, name: str, *, until_ms: int, now_ms: int) -> bool:
        with self._lock:
            if self._turns.get(name, 0) > now_ms:
                return False
            self._turns[name] = until_ms
            return True

    def block(self, scope: str, *, until_ms: int) -> None:
        with self._lock:
            self._blocks[scope] = max(until_ms, self._blocks.get(scope, 0))

    def read_blocks(self, scopes: Collection[str]) -> Mapping[str, int]:
        with self._lock:
            return {scope: self._blocks[scope] for scope in scopes if scope in self._blocks}

    def count(self, name: str, bucket: int, added: int, *, buckets: int, expires_ms: int) -> int:
        del expires_ms  # the cache is bounded; a store that is not needs it
        with self._lock:
            counter = self._counters.setdefault(name, {})
            counter[bucket] = counter.get(bucket, 0) + added
            for old in stale(counter, bucket, buckets):
                del counter[old]
            return fullest(counter, bucket, buckets)

    def add_to_day(self, day: int, numbers: Mapping[str, int], *, slowest_ms: int, expires_ms: int) -> None:
        del expires_ms  # the cache is bounded; a store that is not needs it
        with self._lock:
            figures = self._days.setdefault(day, Counter())
            figures.update(numbers)
            figures["slowest_ms"] = max(figures["slowest_ms"], slowest_ms)

    def read_day(self, day: int) -> Mapping[str, int]:
        with self._lock:
            return dict(self._days.get(day, {}))


def _sample(seen: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*seen, *more)))[:MAX_SAMPLE]
