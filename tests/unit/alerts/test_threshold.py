"""Rules with a threshold speak when something happens often enough, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from sightings import candidate, returned, rule, user

from pipeline.alerts.candidate import Candidate
from pipeline.alerts.threshold import BUCKETS, Threshold
from pipeline.rules.rule import GroupField, Rule
from pipeline.rules.rule import Threshold as Limit
from pipeline.state.memory import MemoryState
from pipeline.testing import NOON_MS

DAY_MS = 86_400_000
WITHIN_S = 300
WIDTH_MS = WITHIN_S * 1000 // BUCKETS
START_MS = NOON_MS - NOON_MS % WIDTH_MS
"""Where a bucket begins."""


class Counted(MemoryState):
    """A state that keeps how it was asked to count."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[tuple[int, int]] = []

    def count(self, name: str, bucket: int, added: int, *, buckets: int, expires_ms: int) -> int:
        self.counts.append((added, expires_ms))
        return super().count(name, bucket, added, buckets=buckets, expires_ms=expires_ms)


def limited(count: int = 3, within_s: int = WITHIN_S, **more: Any) -> Rule:
    return rule("often", threshold=Limit(count, within_s, **more))


def batch(size: int, at_ms: int = 0, of: Rule | None = None, start: int = 0, **fields: Any) -> list[Candidate]:
    numbers = range(start, start + size)
    return [candidate(number, of=of or limited(), seen_ms=START_MS + at_ms, **fields) for number in numbers]


# batches as (size, ms after the first): how many of each are told
SLIDING = [
    ([(2, 0)], [0]),
    ([(3, 0)], [3]),
    ([(50, 0)], [50]),
    ([(1, 0), (1, 1), (1, 2)], [0, 0, 1]),
    ([(2, 0), (4, 1)], [0, 4]),
    ([(3, 0), (1, 1), (1, 2)], [3, 1, 1]),
    ([(2, 0), (1, WITHIN_S * 1000)], [0, 1]),  # a window is never too short
    ([(2, WIDTH_MS - 1), (1, WIDTH_MS - 1 + WITHIN_S * 1000)], [0, 1]),
    ([(2, 0), (1, (BUCKETS + 1) * WIDTH_MS)], [0, 0]),  # nor more than a fifth too long
    ([(2, WIDTH_MS - 1), (1, (BUCKETS + 1) * WIDTH_MS)], [0, 0]),
    ([(2, 0), (1, 10**9), (2, 10**9)], [0, 0, 2]),
    ([(3, 0), (1, 10**9)], [3, 0]),  # and quiet again afterwards
    ([(1, 0)] * 2 + [(1, 200_000)] + [(1, 400_000)] * 2, [0, 0, 1, 0, 1]),
]


@pytest.mark.parametrize(("batches", "expected"), SLIDING)
def test_what_happens_often_enough_within_the_window_is_told(
    batches: list[tuple[int, int]], expected: list[int]
) -> None:
    stage, found = Threshold(MemoryState()), []
    for number, (size, at_ms) in enumerate(batches):
        fresh = batch(size, at_ms, start=100 * number)
        told, below = stage(fresh, START_MS + at_ms)
        assert sorted(one.key for one in [*told, *below]) == sorted(one.key for one in fresh)
        assert not (told and below), "a batch of one group is told or not"
        found.append(len(told))
    assert found == expected


@pytest.mark.parametrize(("count", "told"), [(1, 3), (2, 3), (3, 3), (4, 0)])
def test_the_threshold_is_reached_by_its_count_itself(count: int, told: int) -> None:
    assert len(Threshold(MemoryState())(batch(3, of=limited(count)), START_MS)[0]) == told


@pytest.mark.parametrize(("late_ms", "told"), [(0, 1), (-WITHIN_S * 1000, 0), (-DAY_MS, 0)])
def test_what_comes_late_is_counted_with_what_was_counted_before(late_ms: int, told: int) -> None:
    """Shards do not arrive in step: a window reaches to both sides of what has just come."""
    stage = Threshold(MemoryState())
    stage(batch(2, 200_000), START_MS)
    assert len(stage(batch(1, late_ms, start=9), START_MS)[0]) == told


def test_a_shard_that_lags_reaches_its_threshold_while_others_go_on() -> None:
    """What an earlier hour brings is not forgotten for what has just come."""
    stage, lag_ms = Threshold(MemoryState()), 1_500_000
    stage(batch(1, lag_ms), START_MS)
    stage(batch(2, 0, start=9), START_MS)
    stage(batch(1, lag_ms + WIDTH_MS, start=19), START_MS)
    assert len(stage(batch(1, 0, start=29), START_MS)[0]) == 1


@pytest.mark.parametrize("by", [("actor",), ()])
def test_each_rule_counts_its_own_matches(by: tuple[GroupField, ...]) -> None:
    """Whatever else it counts by; another rule's buckets may be of another width."""
    stage = Threshold(MemoryState())
    often, seldom = rule("often", threshold=Limit(3, 60, by=by)), rule("seldom", threshold=Limit(3, WITHIN_S, by=by))
    assert stage([*batch(2, of=often), *batch(2, of=seldom, start=9)], START_MS)[0] == []
    assert len(stage(batch(1, of=seldom, start=19), START_MS)[0]) == 1


BY: list[tuple[dict[str, Any], int]] = [
    ({}, 0),  # by rule, account and actor
    ({"by": ("rule", "account", "actor")}, 0),
    ({"by": ("account",)}, 4),
    ({"by": ("actor",)}, 0),
    ({"by": ("eventName",)}, 4),
    ({"by": ()}, 4),
]


@pytest.mark.parametrize(("more", "told"), BY)
def test_what_is_counted_together_is_what_the_threshold_says(more: dict[str, Any], told: int) -> None:
    of = limited(3, **more)
    fresh = [*batch(2, of=of), *batch(2, of=of, start=9, userIdentity=user("bob"))]
    assert len(Threshold(MemoryState())(fresh, START_MS)[0]) == told


def test_one_group_may_reach_it_while_another_does_not() -> None:
    fresh = [*batch(3), *batch(2, start=9, userIdentity=user("bob"))]
    told, below = Threshold(MemoryState())(fresh, START_MS)
    assert (told, below) == (fresh[:3], fresh[3:])


def test_each_destination_counts_for_itself() -> None:
    stage = Threshold(MemoryState())
    both = [candidate(n, of=limited(2), destination=to, seen_ms=START_MS) for n, to in ((1, "a"), (1, "b"))]
    assert stage(both, START_MS) == ([], both)


def test_rules_without_a_threshold_pass_and_cost_nothing() -> None:
    state = Counted()
    fresh = [candidate(1), candidate(2)]
    assert Threshold(state)(fresh, START_MS) == (fresh, [])
    assert state.counts == []


def test_what_comes_back_from_the_outbox_has_passed_already_and_is_not_counted_again() -> None:
    state = Counted()
    back = [returned(number, of=limited()) for number in range(2)]
    assert Threshold(state)(back, START_MS) == (back, [])
    assert state.counts == []


def test_a_batch_costs_one_write_for_each_group_and_is_forgotten_after_two_windows() -> None:
    state = Counted()
    Threshold(state)([*batch(40), *batch(7, start=90, userIdentity=user("bob"))], START_MS)
    assert state.counts == [(40, START_MS + 2 * WITHIN_S * 1000), (7, START_MS + 2 * WITHIN_S * 1000)]


def test_the_shortest_window_is_counted_too() -> None:
    of = limited(2, within_s=1)
    assert len(Threshold(MemoryState())(batch(2, of=of), START_MS)[0]) == 2
    stage = Threshold(MemoryState())
    assert stage(batch(1, 0, of), START_MS)[0] == []
    assert len(stage(batch(1, 999, of, start=9), START_MS)[0]) == 1


def test_the_setting_in_force_is_said() -> None:
    assert str(Threshold(MemoryState())) == "each rule's own"
