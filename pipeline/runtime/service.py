"""What stays warm between invocations: the rules, the state, the queue, the destinations."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pipeline.aws.configuration import ConfigurationSource
from pipeline.errors import ConfigError, Problem
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import RuleSet
from pipeline.runtime import logs
from pipeline.runtime.environment import Environment, read_environment
from pipeline.runtime.invocation import Invocation, InvocationClock
from pipeline.state.failover import Failover

if TYPE_CHECKING:
    from pipeline.alerts.chain import Chain
    from pipeline.alerts.ports import Destinations, Outbox
    from pipeline.aws.quarantine import Quarantine
    from pipeline.aws.secrets import Secrets
    from pipeline.state.memory import MemoryState
    from pipeline.state.protocol import State

_MEMORIES: dict[str, MemoryState] = {}


class Service:
    """One environment's pipeline, ready for invocations."""

    def __init__(self, environment: Environment) -> None:
        logs.set_level(environment.log_level)
        self.environment = environment
        self.outbox = _open_outbox(environment.outbox)
        self._source = ConfigurationSource(environment.config)
        _state_named(environment.state)
        self._use(self._source.read())

    def _use(self, ruleset: RuleSet) -> None:
        if not ruleset.destinations:
            where = self.environment.config
            problem = Problem(f"{where}:1", "no [[destination]]: nobody would hear of a match")
            raise ConfigError((problem,))
        self.ruleset = _with_own_reads(ruleset, self.environment)
        self.matcher = Matcher(ruleset)
        self.__dict__.pop("destinations", None)  # made anew when first needed, as the new configuration says

    # ---- opened, and imported, when first needed: a quiet batch needs none of them ----

    @cached_property
    def destinations(self) -> Destinations:
        """Whom the configuration in force tells."""
        from pipeline.destinations.build import Surroundings, build
        from pipeline.render.context import Context

        around = Surroundings(
            context=Context.of(self.ruleset.settings),
            fetch_secret=self._fetch_secret,
            forget_secret=self._forget_secret,
            slack_api_url=self.environment.slack_api_url,
        )
        return build(self.ruleset.destinations, around)

    @cached_property
    def quarantine(self) -> Quarantine:
        """Where what cannot be read is kept."""
        from pipeline.aws.quarantine import open_quarantine

        return open_quarantine(self.environment.quarantine)

    @cached_property
    def shared_state(self) -> State:
        """What all invocations share."""
        return open_state(self.environment.state)

    @cached_property
    def local_state(self) -> State:
        """What stands in while the shared state fails."""
        from pipeline.state.memory import MemoryState

        return MemoryState()

    @cached_property
    def _secrets(self) -> Secrets:
        from pipeline.aws.secrets import Secrets

        return Secrets()

    def _fetch_secret(self, reference: str) -> str:
        return self._secrets.get(reference)

    def _forget_secret(self, reference: str) -> None:
        self._secrets.forget(reference)

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
        self.state = Failover(lambda: service.shared_state, lambda: service.local_state)

    @cached_property
    def chain(self) -> Chain:
        """What tells people; imported by the first batch that has something to tell."""
        from pipeline.alerts.chain import Chain

        service = self.service
        return Chain(service.ruleset, self.state.view, service.outbox, service.destinations, self.clock)

    def invocation(self) -> Invocation:
        """Open the books; a newer configuration that cannot be used is the first thing in them."""
        invocation = Invocation(self.service.matcher, lambda: self.chain, self.clock, lambda: self.service.quarantine)
        broken = self.service.broken_configuration
        if broken:
            logs.error("the newest configuration cannot be used", reason=broken)
            text = f"The newest configuration cannot be used, the last good one stays in force: {broken}"
            invocation.note("broken configuration", text, "error")
        return invocation


def open_state(name: str) -> State:
    """Open the state store that TRAILWIRE_STATE names; raises ConfigError for one that is none."""
    kind, rest = _state_named(name)
    if kind == "dynamodb":
        from pipeline.aws.dynamodb import DynamoState

        return DynamoState(rest)
    from pipeline.state.memory import MemoryState

    return _MEMORIES.setdefault(rest, MemoryState())


def _state_named(name: str) -> tuple[str, str]:
    """Take the name of a state store apart; raises ConfigError for one that is none."""
    kind, _, rest = name.partition(":")
    if kind in {"memory", "dynamodb"} and rest:
        return kind, rest
    raise ConfigError((Problem("TRAILWIRE_STATE", f'must be memory:NAME or dynamodb:TABLE, not "{name}"'),))


def _with_own_reads(ruleset: RuleSet, environment: Environment) -> RuleSet:
    """Ignore what the functions themselves read; on any other machine there is nothing to ignore."""
    sessions = (environment.own_sessions or environment.function_name).split()
    if not sessions:
        return ruleset
    from pipeline.runtime.own_reads import own_reads

    own = own_reads(ruleset.destinations, sessions)
    return replace(ruleset, ignores=(*ruleset.ignores, own)) if own else ruleset


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
