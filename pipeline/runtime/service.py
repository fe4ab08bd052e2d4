"""What stays warm between invocations: the rules, the state, the queue, the destinations."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from pipeline.alerts.alert import Notice
from pipeline.alerts.chain import Chain
from pipeline.alerts.ports import Outbox
from pipeline.aws.configuration import ConfigurationSource
from pipeline.aws.quarantine import Quarantine, open_quarantine
from pipeline.aws.secrets import Secrets
from pipeline.destinations.build import Surroundings, build
from pipeline.errors import ConfigError, Problem
from pipeline.render.context import Context
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import RuleSet
from pipeline.runtime import logs
from pipeline.runtime.environment import Environment, read_environment
from pipeline.runtime.invocation import Invocation, InvocationClock
from pipeline.runtime.own_reads import own_reads
from pipeline.state.failover import Failover
from pipeline.state.memory import MemoryState
from pipeline.state.protocol import State

_MEMORIES: dict[str, MemoryState] = {}


class Service:
    """One environment's pipeline, ready for invocations."""

    def __init__(self, environment: Environment) -> None:
        logs.set_level(environment.log_level)
        self.environment = environment
        self.outbox = _open_outbox(environment.outbox)
        self.quarantine: Quarantine = open_quarantine(environment.quarantine)
        self._source = ConfigurationSource(environment.config)
        self._state = open_state(environment.state)
        self._local = MemoryState()
        self._secrets = Secrets()
        self._use(self._source.read())

    def _use(self, ruleset: RuleSet) -> None:
        if not ruleset.destinations:
            where = self.environment.config
            problem = Problem(f"{where}:1", "no [[destination]]: nobody would hear of a match")
            raise ConfigError((problem,))
        own = own_reads(ruleset.destinations, self.environment.function_name)
        self.ruleset = replace(ruleset, ignores=(*ruleset.ignores, own)) if own else ruleset
        self.matcher = Matcher(ruleset)
        around = Surroundings(
            context=Context.of(ruleset.settings),
            fetch_secret=self._secrets.get,
            forget_secret=self._secrets.forget,
            slack_api_url=self.environment.slack_api_url,
        )
        self.destinations = build(ruleset.destinations, around)

    def begin(self, context: Any) -> Running:
        """Begin an invocation: look whether the configuration has changed, and take the shared state as it is."""
        changed = self._source.changed()
        if changed is not None:
            try:
                self._use(changed)
            except ConfigError as error:
                self._source.refuse(str(error))
        return Running(self, context)

    @property
    def broken_configuration(self) -> str:
        """Why the newest configuration is not in force; empty where it is."""
        return self._source.problem


class Running:
    """One invocation's view of the service."""

    def __init__(self, service: Service, context: Any) -> None:
        self.service = service
        self.clock = InvocationClock(context)
        self.state = Failover(service._state, service._local)  # noqa: SLF001 - its own other half
        self.chain = Chain(service.ruleset, self.state.view, service.outbox, service.destinations, self.clock)

    def invocation(self) -> Invocation:
        """Open the books; a newer configuration that cannot be used is the first thing in them."""
        invocation = Invocation(self.service.matcher, self.chain, self.service.quarantine)
        broken = self.service.broken_configuration
        if broken:
            logs.error("the newest configuration cannot be used", reason=broken)
            text = f"The newest configuration cannot be used, the last good one stays in force: {broken}"
            invocation.note(Notice(cause="broken configuration", text=text, severity="error"))
        return invocation


def open_state(name: str) -> State:
    """Open the state store that TRAILWIRE_STATE names; raises ConfigError for one that is none."""
    kind, _, rest = name.partition(":")
    if kind == "memory" and rest:
        return _MEMORIES.setdefault(rest, MemoryState())
    if kind == "dynamodb" and rest:
        from pipeline.aws.dynamodb import DynamoState

        return DynamoState(rest)
    raise ConfigError((Problem("TRAILWIRE_STATE", f'must be memory:NAME or dynamodb:TABLE, not "{name}"'),))


def _open_outbox(url: str) -> Outbox | None:
    if not url:
        return None
    from pipeline.aws.outbox import SqsOutbox

    return SqsOutbox(url)


@lru_cache(maxsize=4)
def _service(environment: Environment) -> Service:
    return Service(environment)


def current() -> Service:
    """Return the service for the environment as it is now."""
    return _service(read_environment())
