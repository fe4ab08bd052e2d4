"""How delivery behaves towards Slack and its readers, over random schedules of traffic and trouble.

What is told and counted is held in `test_delivery_laws.py`; here it is how: what says that it may repeat, what is told
first, how often anybody asks, and that no message ever mentions or links what it should not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from delivery_schedules import (
    DAY_S,
    Weather,
    lost_answers,
    outages,
    rate_limits,
    refusals,
    simulate,
    simulate_window_ends,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from message_reading import read_text

from pipeline.alerts.content import About, Many, One
from pipeline.local.simulation.example import rules
from pipeline.local.simulation.reckoning import Traffic, happening, missing
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.witness import Asked, said_of

EXAMPLES = int(os.environ.get("SOAK", "15"))
AMBIGUOUS = {"internal_error", "fatal_error"}
ON_ITS_WAY_MS = 400
"""Slack's answer, writing a block down, and reading it once more before a send take no longer together."""
BURST = 4
Run = Callable[[int, Weather], tuple[Simulation, Traffic]]
laws = settings(max_examples=EXAMPLES, deadline=None)
seeds = given(st.integers(0, 2**32))
stormy = Weather(slack=0.3, slack_faults=(rate_limits, outages, lost_answers), kills=0.01, queue=0.05)
in_doubt = Weather(slack=0.3, slack_faults=(outages, lost_answers, rate_limits))


def first_messages(simulation: Simulation) -> list[Asked]:
    """Return the requests that tell something for the first time, or for the first time again."""
    return [asked for asked in posts(simulation) if isinstance(asked.content, One | Many)]


def posts(simulation: Simulation) -> list[Asked]:
    return [asked for asked in simulation.witness.requests if asked.method == "chat.postMessage"]


def told(asked: Asked) -> list[tuple[str, int]]:
    """Return what a request tells: alerts, and how often each has happened."""
    return [(said.alert.key, said.times) for said in said_of(asked.content)]


@pytest.mark.parametrize("weather", [in_doubt, replace(in_doubt, has_outbox=False)], ids=["outbox", "no outbox"])
@laws
@seeds
def test_a_retry_of_an_ambiguous_send_says_that_it_may_repeat(weather: Weather, seed: int) -> None:
    """What tells an alert again, after a request for it that may have arrived, says so; the same has the same id."""
    simulation, _ = simulate(seed, weather)
    doubtful: dict[str, Asked] = {}
    for asked in first_messages(simulation):
        for key, _times in told(asked):
            earlier = doubtful.get(key)
            assert earlier is None or (isinstance(asked.content, One | Many) and asked.content.may_repeat)
            if earlier is not None and told(asked) == told(earlier):
                assert asked.dedupe_id == earlier.dedupe_id
        if asked.status == 0 or asked.status >= 500 or asked.error in AMBIGUOUS:
            doubtful |= {key: asked for key, _ in told(asked)}


@pytest.mark.parametrize("run", [simulate, simulate_window_ends])
@laws
@seeds
def test_a_retry_of_any_post_that_may_have_arrived_says_so(run: Run, seed: int) -> None:
    """Replies and last words, too, whichever ticket says again what another one may have said."""
    simulation, _ = run(seed, in_doubt)
    doubtful: set[str] = set()
    for asked in posts(simulation):
        if asked.dedupe_id in doubtful:
            assert isinstance(asked.content, About) or (asked.content is not None and asked.content.may_repeat)
        if asked.status == 0 or asked.status >= 500 or asked.error in AMBIGUOUS:
            doubtful.add(asked.dedupe_id)


@laws
@seeds
def test_messages_that_say_different_things_have_different_ids(seed: int) -> None:
    """Slack may take two posts of one id for one message and show the first: what only the second says were lost."""
    simulation, _ = simulate(seed, stormy)
    says: dict[str, list[tuple[str, int]]] = {}
    for asked in posts(simulation):
        assert says.setdefault(asked.dedupe_id, told(asked)) == told(asked)


@laws
@seeds
def test_no_request_is_made_before_a_retry_after_is_over(seed: int) -> None:
    """After a 429 nobody asks the same before its time, but whoever had asked whether he may just before."""
    simulation, _ = simulate(seed, Weather(slack=0.3, slack_faults=(rate_limits,), queue=0.05))
    for limited in (asked for asked in simulation.witness.requests if asked.retry_after_s):
        since_ms = limited.answered_ms + ON_ITS_WAY_MS
        until_ms = limited.answered_ms + limited.retry_after_s * 1000
        same = [asked for asked in simulation.witness.requests if asked.method == limited.method]
        assert not [asked for asked in same if since_ms < asked.at_ms < until_ms]


@laws
@seeds
def test_no_channel_gets_more_than_its_rate(seed: int) -> None:
    """In any stretch of time a channel is sent at most a burst, and one message a second."""
    simulation, _ = simulate(seed, Weather(kills=0.02, queue=0.05, slack=0.05, slack_faults=(refusals,)))
    for channel in simulation.channels.values():
        times = [asked.at_ms for asked in posts(simulation) if asked.channel == channel]
        for start, began_ms in enumerate(times):
            for number, at_ms in enumerate(times[start:], start=1):
                assert number <= BURST + (at_ms - began_ms + ON_ITS_WAY_MS) / 1000


@laws
@given(st.integers(0, 2**32), st.integers(10, 150))
def test_no_flood_of_new_keys_keeps_a_severe_one_from_being_told(seed: int, crowd: int) -> None:
    """However many new keys flood a channel at once, a critical one beside them is told within ten seconds."""
    with Simulation(rules(), Setup(seed=seed, shards=3)) as simulation:
        traffic = Traffic(simulation)
        for shard in range(3):
            traffic.put([happening(n, "Denied", f"crowd{n}") for n in range(shard, crowd, 3)], shard)
        simulation.run(seed % 3)
        began_ms = simulation.timeline.now_ms
        traffic.put([happening(crowd, "StopLogging", "mallory")], seed % 3)
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        critical = [
            shown.at_ms
            for shown in simulation.witness.messages.values()
            for said in shown.said
            if said.alert.rule.name == "Trail stopped"
        ]
        assert min(critical) - began_ms <= 10_000


@laws
@seeds
def test_no_message_mentions_or_links_what_it_should_not(seed: int) -> None:
    """Whatever way a message comes about, readers find nobody mentioned, and no links but the events' own."""
    simulation, _ = simulate(seed, stormy)
    for channel in simulation.channels.values():
        for post in simulation.slack.transcript(channel):
            for content in (post.content, *post.earlier):
                reading = read_text(content.text)
                assert not reading.mentions
                assert not reading.links
