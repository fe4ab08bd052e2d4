"""Sliding counters: sums over buckets of time, the same in every store.

Shards do not arrive in step: what belongs to an earlier bucket may be counted after what belongs to a later one. So a
window is looked for on both sides of a bucket, and what is over is kept a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Final

WINDOWS_KEPT: Final = 10
"""How many windows of buckets a counter keeps: what comes later than that may find its neighbours forgotten."""


def fullest(counter: Mapping[int, int], bucket: int, buckets: int) -> int:
    """Return the most that so many consecutive buckets hold, this one among them."""
    sums = [0, *accumulate(counter.get(b, 0) for b in range(bucket - buckets + 1, bucket + buckets))]
    return max(end - start for start, end in zip(sums, sums[buckets:], strict=False))


def stale(counter: Mapping[int, int], bucket: int, buckets: int) -> list[int]:
    """Return the buckets that can be forgotten when this one is counted, oldest first."""
    return sorted(b for b in counter if b <= bucket - WINDOWS_KEPT * buckets)
