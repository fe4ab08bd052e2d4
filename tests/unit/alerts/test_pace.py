"""No channel gets more than its rate, and nobody asks before a Retry-After is over."""

from __future__ import annotations

import pytest
from sightings import Channel

from pipeline.alerts.pace import EDIT_BURST, EDITS_PER_MINUTE, Pace
from pipeline.alerts.ports import Destination
from pipeline.rules.rule import Settings, Severity
from pipeline.state.memory import MemoryState
from pipeline.testing import NOON_MS as NOW


def pace(**settings: int) -> Pace:
    return Pace(MemoryState(), Settings(**settings))  # type: ignore[arg-type]  # all of these are numbers


def test_a_test_channel_is_a_destination() -> None:
    destination: Destination = Channel()
    assert destination.edit_scope


# interval, burst, when posts are asked for: how long each must wait (0: it went)
POSTS = [
    (1000, 4, [0, 0, 0, 0, 0], [0, 0, 0, 0, 1000]),
    (1000, 4, [0, 0, 0, 0, 999, 1000, 1001], [0, 0, 0, 0, 1, 0, 999]),
    (1000, 4, [0, 0, 0, 0, 4000, 4000, 4000, 4000, 4000], [0, 0, 0, 0, 0, 0, 0, 0, 1000]),
    (1000, 4, [0, 10**9, 10**9, 10**9, 10**9, 10**9], [0, 0, 0, 0, 0, 1000]),  # nobody saves up more than a burst
    (1000, 1, [0, 0, 1000], [0, 1000, 0]),
    (250, 2, [0, 0, 0, 250], [0, 0, 250, 0]),
    (60_000, 1, [0, 1, 59_999, 60_000], [0, 59_999, 1, 0]),
    (1000, 2, [5000, 5000, 4000], [0, 0, 2000]),  # a clock that goes back
]


@pytest.mark.parametrize(("interval_ms", "burst", "asked", "waits"), POSTS)
def test_a_channel_takes_its_burst_and_then_its_rate(
    interval_ms: int, burst: int, asked: list[int], waits: list[int]
) -> None:
    stage, channel = pace(channel_interval_ms=interval_ms, channel_burst=burst), Channel()
    assert [stage.admit_post(channel, NOW + at_ms) for at_ms in asked] == waits


def test_being_refused_costs_nothing() -> None:
    stage, channel = pace(channel_burst=1), Channel()
    assert stage.admit_post(channel, NOW) == 0
    assert [stage.admit_post(channel, NOW) for _ in range(5)] == [1000] * 5
    assert stage.admit_post(channel, NOW + 1000) == 0


def test_what_is_no_news_takes_only_what_nobody_saved_up() -> None:
    stage, channel = pace(), Channel()
    assert stage.admit_reply(channel, NOW) == 0
    assert stage.admit_reply(channel, NOW) == 1000
    assert [stage.admit_post(channel, NOW) for _ in range(4)] == [0, 0, 0, 1000]
    assert stage.admit_reply(channel, NOW) == 4000
    assert stage.admit_reply(channel, NOW + 4000) == 0


def test_the_last_token_of_a_burst_is_for_what_is_critical() -> None:
    stage, channel = pace(), Channel()
    assert [stage.admit_post(channel, NOW, Severity.HIGH) for _ in range(4)] == [0, 0, 0, 1000]
    assert [stage.admit_post(channel, NOW, Severity.CRITICAL) for _ in range(2)] == [0, 1000]
    assert pace(channel_burst=1).admit_post(channel, NOW, Severity.LOW) == 0


def test_destinations_that_share_a_channel_share_its_rate_and_others_do_not() -> None:
    stage = pace(channel_burst=1)
    assert stage.admit_post(Channel("a", bucket="C1"), NOW) == 0
    assert stage.admit_post(Channel("b", bucket="C1"), NOW) == 1000
    assert stage.admit_post(Channel("c", bucket="C2"), NOW) == 0


def test_edits_have_a_bucket_of_their_own() -> None:
    stage, channel = pace(channel_burst=1), Channel()
    assert stage.admit_post(channel, NOW) == 0
    interval_ms = 60_000 // EDITS_PER_MINUTE
    assert [stage.admit_edit(channel, NOW) for _ in range(EDIT_BURST + 1)] == [0] * EDIT_BURST + [interval_ms]
    assert stage.admit_post(channel, NOW + 1000) == 0
    assert stage.admit_edit(Channel("ops", edit_scope=channel.edit_scope), NOW) == interval_ms
    assert stage.admit_edit(Channel("ops", edit_scope="another token"), NOW) == 0


def test_a_minute_has_no_more_edits_than_slack_takes() -> None:
    stage, channel = pace(), Channel()
    went = sum(stage.admit_edit(channel, NOW + at_ms) == 0 for at_ms in range(0, 60_000, 100))
    assert EDITS_PER_MINUTE <= went <= 50


# what is blocked: is a post blocked, is an edit
BLOCKS = [
    ("chat.postMessage", True, False),
    ("chat.update", False, True),
    ("channel:security", True, True),
    ("channel:ops", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("scope", "posts", "edits"), BLOCKS)
def test_a_retry_after_blocks_a_method_or_the_whole_channel(scope: str, posts: bool, edits: bool) -> None:
    stage, channel = pace(), Channel()
    stage.block(scope, 30, NOW)
    assert stage.blocked_ms(channel, NOW) == (30_000 if posts else 0)
    assert stage.blocked_ms(channel, NOW, edits=True) == (30_000 if edits else 0)


@pytest.mark.parametrize(
    ("retry_after_s", "later_ms", "blocked_ms"),
    [(30, 0, 30_000), (30, 29_999, 1), (30, 30_000, 0), (30, 10**9, 0), (0.5, 0, 500), (0, 0, 0)],
)
def test_a_block_ends_when_its_time_is_over(retry_after_s: float, later_ms: int, blocked_ms: int) -> None:
    stage, channel = pace(), Channel()
    stage.block(channel.post_scope, retry_after_s, NOW)
    assert stage.blocked_ms(channel, NOW + later_ms) == blocked_ms


def test_the_longest_block_counts_and_a_shorter_one_never_shortens_it() -> None:
    stage, channel = pace(), Channel()
    stage.block(channel.post_scope, 30, NOW)
    stage.block(channel.post_scope, 5, NOW)
    assert stage.blocked_ms(channel, NOW) == 30_000
    stage.block(channel.bucket, 60, NOW)
    assert stage.blocked_ms(channel, NOW) == 60_000


def test_the_settings_in_force_are_said() -> None:
    assert str(pace(channel_interval_ms=1500, channel_burst=2)) == (
        "one message every 1500 ms and channel, bursts of 2"
    )
