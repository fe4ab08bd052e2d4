"""Random schedules for the delivery laws: what comes, when, and what goes wrong with every call meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.local.simulation.example import rules
from pipeline.local.simulation.queue import QueueLimits
from pipeline.local.simulation.reckoning import Traffic, happening
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.taps import Call, Port, Trouble
from pipeline.local.slack_faults import Fault, api_error, connection_reset, ratelimited, server_error, unanswered

DAY_S = 86_400
NAMES = [*(["Denied"] * 6), "StopLogging", "PutObject"]


@dataclass(frozen=True, slots=True)
class Weather:
    """What goes wrong, each with the rate at which it does."""

    kills: float = 0
    state: float = 0
    queue: float = 0
    slow: float = 0
    slack: float = 0
    slack_faults: tuple[Callable[[random.Random], Fault], ...] = ()
    redelivers: float = 0
    has_outbox: bool = True
    errors_to: bool = False

    @property
    def may_repeat(self) -> bool:
        """Something may be told twice: after a crash, an ambiguous send or a state outage, and in no other case."""
        return bool(self.kills or self.state or self.slow or self.slack)


def rate_limits(rnd: random.Random) -> Fault:
    return rnd.choice([ratelimited(rnd.randint(1, 60)), api_error("rate_limited")])


def outages(rnd: random.Random) -> Fault:
    return server_error(accepted=rnd.random() < 0.3)


def lost_answers(rnd: random.Random) -> Fault:
    broken = rnd.choice([unanswered, connection_reset])
    return broken(accepted=rnd.random() < 0.5)


def refusals(rnd: random.Random) -> Fault:
    return api_error(rnd.choice(["invalid_blocks", "is_archived", "token_revoked"]))


def simulate(
    seed: int, weather: Weather, *, after: Callable[[Simulation], None] | None = None
) -> tuple[Simulation, Traffic]:
    """Run a schedule to its end: traffic under this weather, then two quiet days in which everything must be told."""
    rnd = random.Random(seed)
    limits = QueueLimits(redelivered=weather.redelivers, max_receives=100)
    setup = Setup(seed=seed, shards=rnd.randint(1, 3), has_outbox=weather.has_outbox, queue=limits)
    with Simulation(rules(errors_to=weather.errors_to), setup) as simulation:
        traffic = Traffic(simulation)
        span_s = rnd.choice([20, 200, 1500])
        _brew(simulation, weather, rnd, simulation.timeline.now_ms + span_s * 1000)
        number = 0
        for _ in range(rnd.randint(3, 20)):
            for shard in range(setup.shards):
                count = rnd.randint(0, 6)
                names = [(number + i, rnd.choice(NAMES), f"bob{rnd.randint(0, 2)}") for i in range(1, count + 1)]
                traffic.put([happening(*each) for each in names], shard)
                number += count
            simulation.run(rnd.choice([0, 0.3, 1, 5, span_s / 10]))
        simulation.run(2 * DAY_S)
        if after is not None:
            after(simulation)
    return simulation, traffic


def simulate_window_ends(seed: int, weather: Weather) -> tuple[Simulation, Traffic]:
    """Run a schedule whose traffic comes when windows open and close, on several shards at once."""
    rnd = random.Random(seed)
    limits = QueueLimits(redelivered=weather.redelivers, max_receives=100)
    setup = Setup(seed=seed, shards=rnd.randint(2, 4), has_outbox=weather.has_outbox, queue=limits)
    with Simulation(rules(errors_to=weather.errors_to), setup) as simulation:
        traffic, number, began_ms = Traffic(simulation), 0, simulation.timeline.now_ms
        _brew(simulation, weather, rnd, began_ms + 3_000_000)
        for at_s in (0, 885, 895, 899, 900.5, 902, 1795, 1800, 1802, 2701):
            wait_s = at_s + rnd.random() * 3 - (simulation.timeline.now_ms - began_ms) / 1000
            simulation.run(max(0, wait_s))
            for shard in range(setup.shards):
                count = rnd.randint(0, 3)
                names = [(number + i, rnd.choice(NAMES), f"bob{rnd.randint(0, 1)}") for i in range(count)]
                traffic.put([happening(*each) for each in names], shard)
                number += count
        simulation.run(2 * DAY_S)
    return simulation, traffic


def _brew(simulation: Simulation, weather: Weather, rnd: random.Random, until_ms: int) -> None:
    def trouble(call: Call) -> Trouble | None:
        if call.at_ms > until_ms:
            return None
        if rnd.random() < weather.kills:
            return rnd.choice([Trouble.DIES_BEFORE, Trouble.DIES_AFTER])
        if call.port is Port.STATE and rnd.random() < weather.state:
            return rnd.choice([Trouble.FAILS, Trouble.FAILS_AFTER])
        if call.port is Port.OUTBOX and rnd.random() < weather.queue:
            return Trouble.FAILS
        return Trouble.SLOW if rnd.random() < weather.slow else None

    def strike(_method: str, _channel: str, now: float) -> Fault | None:
        if now * 1000 > until_ms or rnd.random() >= weather.slack:
            return None
        return rnd.choice(weather.slack_faults)(rnd)

    simulation.taps.choose = trouble
    if weather.slack_faults:
        simulation.slack.faults.choose(strike)
