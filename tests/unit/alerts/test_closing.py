"""The last word on a group: what readers find once it is over."""

from __future__ import annotations

import pytest

from pipeline.alerts.content import One
from pipeline.local.simulation.example import rules
from pipeline.local.simulation.reckoning import Traffic, happening, surplus
from pipeline.local.simulation.simulation import Setup, Simulation

WINDOW_S = 900
DAY_S = 86_400


def standing(simulation: Simulation) -> list[tuple[int, bool]]:
    """Tell of each message that shows repeats how many it says there were, and whether it says that they are over."""
    said = [shown.contents[-1] for shown in simulation.witness.messages.values()]
    return [(one.repeats.count, one.repeats.closed) for one in said if isinstance(one, One) and one.repeats is not None]


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_message_that_said_so_far_says_when_it_is_over(*, goes_on: bool) -> None:
    """Readers know its count, but not that it is the last; also where the next group is faster than its ticket."""
    with Simulation(rules(), Setup()) as simulation:
        traffic = Traffic(simulation)
        traffic.put([happening(number, "Denied", "ann") for number in (1, 2)])
        simulation.run(60)
        assert standing(simulation) == [(2, False)]
        if goes_on:
            simulation.queue.paused = True
            simulation.run(WINDOW_S)
            traffic.put([happening(3, "Denied", "ann")])
            simulation.run(5)
            simulation.queue.paused = False
        simulation.run(DAY_S)
        assert standing(simulation) == [(2, True)]
        assert not surplus(simulation, traffic)


def test_a_message_without_repeats_is_left_alone() -> None:
    with Simulation(rules(), Setup()) as simulation:
        traffic = Traffic(simulation)
        traffic.put([happening(1, "Denied", "ann")])
        simulation.run(DAY_S)
        assert [asked.method for asked in simulation.witness.requests] == ["chat.postMessage"]
