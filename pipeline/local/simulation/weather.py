"""Weather: everything that can go wrong, at random, until a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.local.simulation.simulation import Simulation
from pipeline.local.simulation.taps import Call, Port, Trouble
from pipeline.local.slack_faults import Fault, api_error, connection_reset, ratelimited, server_error, unanswered


class Ill(StrEnum):
    """One thing that goes wrong."""

    KILLS = "kills"
    """Functions die between any two steps."""
    SLOWNESS = "slowness"
    """Calls take 20 s."""
    STATE = "state"
    """The state store does not answer, with or without having done what it was asked."""
    QUEUE = "queue"
    """The queue is not reached, or refuses some entries."""
    LOST_ANSWERS = "lost answers"
    """The queue takes tickets, and its answer is lost."""
    QUARANTINE = "quarantine"
    """Nothing can be quarantined."""
    RATE_LIMITS = "rate limits"
    """Slack answers 429, or `rate_limited` in a 200."""
    SERVER_ERRORS = "server errors"
    """Slack answers 5xx or with an error that says nothing about the message, whether it took it or not."""
    SILENCE = "silence"
    """Slack does not answer, whether it took the message or not."""
    REFUSALS = "refusals"
    """Slack refuses a message as it is."""
    ARCHIVED = "archived"
    REVOKED = "revoked"


AMBIGUOUS = frozenset({Ill.SERVER_ERRORS, Ill.SILENCE})
"""After these nobody knows whether a message arrived."""
FORGETFUL = frozenset({Ill.KILLS, Ill.SLOWNESS, Ill.STATE, Ill.LOST_ANSWERS})
"""After these something may be counted twice."""


@dataclass(slots=True)
class Weather:
    """How often, of 1, each ill strikes a call that it concerns, and until when."""

    rates: Mapping[Ill, float]
    seed: int
    until_ms: int
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - must be repeatable

    def over(self, simulation: Simulation) -> None:
        """Let it break over a simulation."""
        simulation.taps.choose = self._trouble
        simulation.slack.faults.choose(self._fault)

    def _strikes(self, ill: Ill) -> bool:
        return self._random.random() < self.rates.get(ill, 0)

    def _trouble(self, call: Call) -> Trouble | None:
        if call.at_ms > self.until_ms:
            return None
        if self._strikes(Ill.KILLS):
            return self._random.choice([Trouble.DIES_BEFORE, Trouble.DIES_AFTER])
        if self._strikes(Ill.SLOWNESS):
            return Trouble.SLOW
        concerned = {Port.STATE: Ill.STATE, Port.OUTBOX: Ill.QUEUE, Port.QUARANTINE: Ill.QUARANTINE}.get(call.port)
        if concerned is not None and self._strikes(concerned):
            is_unsure = concerned is Ill.STATE and self._random.random() < 1 / 2
            return Trouble.FAILS_AFTER if is_unsure else Trouble.FAILS
        return Trouble.FAILS_AFTER if call.port is Port.OUTBOX and self._strikes(Ill.LOST_ANSWERS) else None

    def _fault(self, method: str, _channel: str, now: float) -> Fault | None:
        if now * 1000 > self.until_ms:
            return None
        return next((fault(self._random, method) for ill, fault in _FAULTS.items() if self._strikes(ill)), None)


def _server_error(chance: random.Random, _method: str) -> Fault:
    code = chance.choice(["internal_error", "fatal_error", "service_unavailable"])
    return chance.choice([server_error(accepted=True), server_error(), api_error(code, accepted=code == "fatal_error")])


def _silence(chance: random.Random, _method: str) -> Fault:
    accepted = chance.random() < 1 / 2
    return chance.choice([unanswered(accepted=accepted), connection_reset(accepted=accepted)])


def _refusal(chance: random.Random, method: str) -> Fault:
    codes = ["invalid_blocks", "message_not_found"] if method == "chat.update" else ["invalid_blocks", "msg_too_long"]
    return api_error(chance.choice(codes))


_FAULTS: dict[Ill, Callable[[random.Random, str], Fault]] = {
    Ill.RATE_LIMITS: lambda chance, _: chance.choice([ratelimited(chance.randint(1, 60)), api_error("rate_limited")]),
    Ill.SERVER_ERRORS: _server_error,
    Ill.SILENCE: _silence,
    Ill.REFUSALS: _refusal,
    Ill.ARCHIVED: lambda _chance, _: api_error("is_archived"),
    Ill.REVOKED: lambda _chance, _: api_error("token_revoked"),
}
