"""One simulated deployment: shards, functions, state, outbox, quarantine and Slack."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from unittest import mock

from msgspec.structs import replace

from pipeline.alerts.chain import Chain
from pipeline.alerts.content import Content
from pipeline.aws.outbox import SqsOutbox
from pipeline.decode.decoded import Undecodable
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack import Slack
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.simulation.queue import Queue, QueueLimits
from pipeline.local.simulation.sqs_client import QUEUE_URL, SqsClient
from pipeline.local.simulation.stream import MAPPING, Shard
from pipeline.local.simulation.taps import Invocation, Port, TappedState, Taps
from pipeline.local.simulation.timeline import Killed, Timeline
from pipeline.local.simulation.witness import API_URL, Observed, Witness
from pipeline.local.slack_limits import Limits
from pipeline.local.slack_workspace import TOKEN, Workspace
from pipeline.local.stream_batches import Failed, Outcome, Returned
from pipeline.render.context import Context
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import DestinationConfig, RuleSet
from pipeline.runtime import handlers, logs
from pipeline.runtime.invocation import Invocation as Work
from pipeline.state.failover import Failover
from pipeline.state.lifecycle import FUNCTION_TIMEOUT_S
from pipeline.state.memory import MemoryState
from pipeline.testing import NOON_MS


@dataclass(frozen=True, slots=True)
class Setup:
    """How a deployment is set up; the defaults are the deployed ones."""

    seed: int = 0
    shards: int = 1
    has_outbox: bool = True
    mapping: Mapping = MAPPING
    queue: QueueLimits = field(default_factory=QueueLimits)
    limits: Limits = field(default_factory=Limits)


class Simulation:
    """A deployment at work while the `with` block runs. `put` records, `run` the time, then look at what was said."""

    def __init__(self, ruleset: RuleSet, setup: Setup | None = None) -> None:
        self.setup = setup or Setup()
        self.token = TOKEN
        """What the secret store gives."""
        self.timeline = Timeline(NOON_MS, self.setup.seed)
        self.taps = Taps(self.timeline)
        self.slack = Workspace(self.setup.limits)
        self.state = MemoryState()
        self.witness = Witness(self.slack, self.taps, self.state)
        self.ruleset = self._localised(ruleset)
        self.matcher = Matcher(self.ruleset)
        self.queue = Queue(self.timeline, self.setup.queue, self._starter("outbox", handlers.outbox))
        start = self._starter("kinesis", handlers.kinesis)
        self.shards = [Shard(n, self.timeline, self.setup.mapping, start) for n in range(self.setup.shards)]
        self.kept: list[Undecodable] = []
        self.metrics: list[dict[str, Any]] = []
        """The metrics line of every invocation that lived to write one."""
        self.log: list[dict[str, Any]] = []
        self.killed = 0
        self._idle: list[Container] = []
        self._undo = contextlib.ExitStack()

    def _localised(self, ruleset: RuleSet) -> RuleSet:
        """Give every destination a channel of its own."""
        channels = {config.id: self.slack.add_channel(config.id) for config in ruleset.destinations}
        self.channels: dict[str, str] = channels
        """Destination id -> its channel."""
        return replace(ruleset, destinations=tuple(_in_channel(c, channels[c.id]) for c in ruleset.destinations))

    # ---- what a test does

    def run(self, seconds: float | None = None) -> None:
        """Let time pass, or, without a number, everything that is under way come to its end."""
        self.timeline.run() if seconds is None else self.timeline.wait(round(seconds * 1000))

    @property
    def totals(self) -> Counter[str]:
        """The metrics of all invocations, added up."""
        totals: Counter[str] = Counter()
        for line in self.metrics:
            totals.update({name: value for name, value in line.items() if isinstance(value, int)})
        return totals

    # ---- functions

    def _starter(
        self, name: str, handler: Callable[[dict[str, Any], Any], Any]
    ) -> Callable[[dict[str, Any], Callable[[Outcome], None]], None]:
        def start(event: dict[str, Any], then: Callable[[Outcome], None]) -> None:
            container = self._idle.pop() if self._idle else Container(self)
            invocation = Invocation(self.timeline, name, FUNCTION_TIMEOUT_S, container)
            answer: list[Any] = []

            def ended(failure: BaseException | None) -> None:
                if isinstance(failure, Killed):
                    self.killed += 1  # and its process with all it remembers is gone
                else:
                    self._idle.append(container)
                if failure is not None and not isinstance(failure, Killed | RuntimeError):
                    raise failure  # a bug; handlers raise nothing but RuntimeError
                then(Returned(answer[0]) if failure is None else Failed({"errorMessage": str(failure)}))

            self.timeline.start(lambda: answer.append(handler(event, invocation)), ended, invocation)

        return start

    def _log(self, line: str) -> None:
        document = json.loads(line)
        (self.metrics if "_aws" in document else self.log).append(document)

    def __enter__(self) -> Self:
        enter = self._undo.enter_context
        enter(self.timeline)
        enter(mock.patch.object(handlers, "current", return_value=_CURRENT))
        enter(mock.patch.object(logs, "text", self._log))
        sqs = SqsClient(self.queue, self.taps)
        enter(mock.patch("pipeline.destinations.slack_client.post", self.witness.post))
        for module in ("pipeline.aws.queue.client", "pipeline.aws.outbox.client"):
            enter(mock.patch(module, return_value=sqs))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()


class Container:
    """A process that stays warm between invocations: what the real `Service` keeps, over simulated services."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.content: Content | None = None
        """What is being sent just now."""
        self.local = MemoryState()
        self.ruleset = simulation.ruleset
        self.matcher = simulation.matcher
        self.outbox = SqsOutbox(QUEUE_URL) if simulation.setup.has_outbox else None
        self.quarantine = Quarantine(simulation)
        self.destinations = {config.id: self._destination(config) for config in simulation.ruleset.destinations}

    def begin(self, invocation: Invocation) -> Running:
        """Begin an invocation."""
        return Running(self, self._simulation, invocation)

    def _destination(self, config: DestinationConfig) -> Observed:
        secret = Secret("env:SLACK_BOT_TOKEN", lambda _: self._simulation.token, lambda _: None)
        context = Context.of(self._simulation.ruleset.settings)
        return Observed(Slack(config.id, config.options["channel"], secret, context, API_URL), self._note)

    def _note(self, content: Content) -> None:
        self.content = content


class Running:
    """One invocation's view of its container."""

    def __init__(self, service: Container, simulation: Simulation, invocation: Invocation) -> None:
        self.service = service
        self.clock = invocation
        tapped = TappedState(simulation.state, simulation.taps).view
        self.state = Failover(lambda: tapped, lambda: service.local)
        self.chain = Chain(simulation.ruleset, self.state.view, service.outbox, service.destinations, invocation)
        self._matcher = simulation.matcher

    def invocation(self) -> Work:
        """Open the books."""
        return Work(self._matcher, lambda: self.chain, self.clock, lambda: self.service.quarantine)


class Quarantine:
    """Keeps what could not be read, where it can be reached."""

    def __init__(self, simulation: Simulation) -> None:
        self.problem = ""
        self._simulation = simulation

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """See `pipeline.aws.quarantine.Quarantine`."""

        def effect() -> list[bool]:
            self._simulation.kept += parts
            return [True] * len(parts)

        return self._simulation.taps(Port.QUARANTINE, "put", effect, lambda: [False] * len(parts))

    def __str__(self) -> str:
        return "the simulated quarantine"


class _Current:
    """What `handlers.current()` gives: each invocation brings its own container."""

    def begin(self, invocation: Invocation) -> Running:
        running: Running = invocation.container.begin(invocation)
        return running


_CURRENT = _Current()


def _in_channel(config: DestinationConfig, channel: str) -> DestinationConfig:
    return replace(config, type="slack", options={"channel": channel, "token": "env:SLACK_BOT_TOKEN"})
