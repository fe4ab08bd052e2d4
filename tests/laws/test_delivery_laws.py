"""DELIVERY's promises, over random schedules of traffic and trouble.

Everything that decides is the real thing; time, network and death are simulated. SOAK=200 in the environment runs each
law on so many schedules (`make soak`).
"""

from __future__ import annotations

import os

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
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.local.simulation.reckoning import missing, surplus, told_first, unbalanced, unread
from pipeline.local.simulation.simulation import Simulation

EXAMPLES = int(os.environ.get("SOAK", "6"))
WEATHERS = {
    "fine": Weather(),
    "functions are killed": Weather(kills=0.05),
    "functions are killed again and again": Weather(kills=0.2),
    "the state fails": Weather(state=0.03),
    "the queue refuses": Weather(queue=0.2),
    "calls are slow": Weather(slow=0.01),
    "the queue delivers twice": Weather(redelivers=0.1),
    "Slack limits": Weather(slack=0.3, slack_faults=(rate_limits,)),
    "Slack is down": Weather(slack=0.4, slack_faults=(outages,)),
    "answers are lost": Weather(slack=0.2, slack_faults=(lost_answers,)),
    "Slack refuses": Weather(slack=0.1, slack_faults=(refusals,)),
    "Slack refuses, and others are told": Weather(slack=0.1, slack_faults=(refusals,), errors_to=True),
    "everything at once": Weather(
        kills=0.05, state=0.01, queue=0.1, redelivers=0.1, slack=0.1, slack_faults=(rate_limits, outages, lost_answers)
    ),
    "no outbox": Weather(has_outbox=False),
    "no outbox, functions are killed": Weather(has_outbox=False, kills=0.1),
    "no outbox, Slack limits": Weather(has_outbox=False, slack=0.2, slack_faults=(rate_limits,)),
}
weathers = pytest.mark.parametrize("name", WEATHERS)
seeds = given(st.integers(0, 2**32))
laws = settings(max_examples=EXAMPLES, deadline=None)


@weathers
@laws
@example(2**32 - 1)  # a group's ticket came while its opener was still waiting for the state to store it
@seeds
def test_nothing_is_lost_and_the_books_balance(name: str, seed: int) -> None:
    """Whatever goes wrong, once it is over everything has been told or counted, and the books balance."""
    simulation, traffic = simulate(seed, WEATHERS[name])
    assert not missing(simulation, traffic)
    assert not unbalanced(simulation)
    assert not simulation.queue.messages
    assert not simulation.queue.dead
    assert all(shard.idle for shard in simulation.shards)


@pytest.mark.parametrize("name", [name for name, weather in WEATHERS.items() if not weather.may_repeat])
@laws
@seeds
def test_nothing_is_told_twice_but_after_a_crash_an_ambiguous_send_or_a_state_outage(name: str, seed: int) -> None:
    """Where none of the three happens, every alert is told once, and every count is exact.

    Unless the queue refuses: then records are handed back, and what comes again may be counted again.
    """
    simulation, traffic = simulate(seed, WEATHERS[name])
    assert WEATHERS[name].queue or not surplus(simulation, traffic)
    assert all(len(messages) == 1 for messages in told_first(simulation.witness.messages.values()).values())


@weathers
@laws
@seeds
def test_what_comes_when_a_window_ends_is_in_the_last_word(name: str, seed: int) -> None:
    """However many say the last word on a group, each at its own moment: what stands there says all, and once."""
    weather = WEATHERS[name]
    simulation, traffic = simulate_window_ends(seed, weather)
    is_sure = weather.has_outbox or not weather.slack  # without one, what is handed back is shown when it comes again
    assert weather.state or weather.kills or not is_sure or not unread(simulation, traffic)
    assert weather.state or not missing(simulation, traffic)
    assert not unbalanced(simulation)
    if not weather.may_repeat:
        assert weather.queue or not surplus(simulation, traffic)
        ids = [asked.dedupe_id for asked in simulation.witness.requests if asked.method == "chat.postMessage"]
        assert len(set(ids)) == len(ids)


@laws
@seeds
def test_a_stream_that_is_read_again_is_told_once(seed: int) -> None:
    """Re-reading the whole stream from its start posts nothing."""

    def reread(simulation: Simulation) -> None:
        before = len(simulation.witness.requests)
        for shard in simulation.shards:
            shard.reread()
        simulation.run(DAY_S)
        assert [r for r in simulation.witness.requests[before:] if r.method == "chat.postMessage"] == []

    simulation, traffic = simulate(seed, Weather(), after=reread)
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)


@laws
@seeds
def test_a_batch_delivered_ten_times_in_any_split_is_told_once(seed: int) -> None:
    """However Lambda cuts a stream into batches, each alert is told once."""

    def split(simulation: Simulation) -> None:
        for round_ in range(10):
            for shard in simulation.shards:
                shard.split([1 + (seed >> round_) % 5, 2, 1 + round_ % 4])
            simulation.run(60)
        simulation.run(DAY_S)

    simulation, traffic = simulate(seed, Weather(), after=split)
    assert not missing(simulation, traffic)
    assert not surplus(simulation, traffic)
