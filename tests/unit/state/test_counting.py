"""Sliding counters: the fullest window around a bucket, and what is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.state.counting import WINDOWS_KEPT, fullest, stale

COUNTERS = st.dictionaries(st.integers(80, 120), st.integers(0, 9), max_size=20)


@given(COUNTERS, st.integers(90, 110), st.integers(1, 6))
def test_the_fullest_window_is_the_largest_sum_of_any_that_holds_the_bucket(
    counter: dict[int, int], bucket: int, buckets: int
) -> None:
    windows = [range(first, first + buckets) for first in range(bucket - buckets + 1, bucket + 1)]
    assert fullest(counter, bucket, buckets) == max(sum(counter.get(b, 0) for b in window) for window in windows)


@given(COUNTERS, st.integers(90, 110), st.integers(1, 2))
def test_forgetting_changes_no_window_of_a_shard_that_lags_less(
    counter: dict[int, int], bucket: int, buckets: int
) -> None:
    kept = {b: n for b, n in counter.items() if b not in stale(counter, bucket, buckets)}
    for late in range(bucket - (WINDOWS_KEPT - 1) * buckets, bucket + 1):
        assert fullest(kept, late, buckets) == fullest(counter, late, buckets)
