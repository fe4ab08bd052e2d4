"""Where a simulated function touches the world: every call takes time there, and may go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar, cast

from pipeline.errors import StateError
from pipeline.local.simulation.timeline import Killed, Timeline
from pipeline.state.protocol import State

T = TypeVar("T")


class Port(StrEnum):
    """What a function calls."""

    STATE = "state"
    OUTBOX = "outbox"
    SLACK = "slack"
    QUARANTINE = "quarantine"


class Trouble(StrEnum):
    """What goes wrong with a call."""

    DIES_BEFORE = "dies before"  # the function is killed, and the call never made
    DIES_AFTER = "dies after"  # the call takes effect, and the function is killed before it hears of it
    FAILS = "fails"  # no effect, and the caller is told so
    FAILS_AFTER = "fails after"  # it takes effect, and the caller is told otherwise
    SLOW = "slow"  # it takes so long that the caller may run out of time


class Call(NamedTuple):
    """One call, as whoever injects faults sees it."""

    port: Port
    method: str
    number: int
    """Counts the calls of the whole run from 0."""
    at_ms: int
    function: str
    """`kinesis` or `outbox`: which function makes it."""


Chooser = Callable[[Call], Trouble | None]
LATENCY_MS = {Port.STATE: (2, 12), Port.OUTBOX: (4, 24), Port.SLACK: (80, 300), Port.QUARANTINE: (10, 60)}
"""How long a call takes within one region: DynamoDB and SQS answer in milliseconds, Slack in tenths of a second."""
SLOW_MS = 20_000


class Invocation:
    """One invocation's time: it passes with every call, and at its end Lambda kills the function."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def __init__(self, timeline: Timeline, function: str, timeout_s: int, container: Any) -> None:
        self.function = function
        self.container = container
        """The process it runs in, with what that remembers from earlier invocations."""
        self._timeline = timeline
        self._deadline_ms = timeline.now_ms + timeout_s * 1000

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._timeline.now_ms

    def remaining_ms(self) -> int:
        """How long it may still run."""
        return max(0, self._deadline_ms - self._timeline.now_ms)

    def get_remaining_time_in_millis(self) -> int:
        """The same, as Lambda's context calls it."""
        return self.remaining_ms()

    def sleep(self, seconds: float) -> None:
        """Let time pass; raises Killed where the time limit comes first."""
        wait_ms = round(seconds * 1000)
        self._timeline.wait(min(wait_ms, self.remaining_ms()))
        if self.remaining_ms() == 0:
            raise Killed


class Taps:
    """Every call of every function goes through here: time passes, faults strike, calls are counted."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.choose: Chooser | None = None
        """Asked about every call; None: nothing goes wrong."""
        self.counts: Counter[tuple[Port, str]] = Counter()
        self.troubles: Counter[Trouble] = Counter()

    @property
    def invocation(self) -> Invocation:
        """The invocation that is running just now."""
        process = self.timeline.running
        if process is None or not isinstance(process.name, Invocation):
            raise AssertionError("only a simulated function may call this")
        return process.name

    def __call__(self, port: Port, method: str, effect: Callable[[], T], fail: Callable[[], T]) -> T:
        """Make a call. `fail` gives, or raises, what the caller gets where it fails."""
        invocation = self.invocation
        call = Call(port, method, self.counts.total(), invocation.now_ms(), invocation.function)
        self.counts[port, method] += 1
        trouble = self.choose(call) if self.choose else None
        if trouble is not None:
            self.troubles[trouble] += 1
        return self._make(invocation, call, trouble, effect, fail)

    def _make(
        self,
        invocation: Invocation,
        call: Call,
        trouble: Trouble | None,
        effect: Callable[[], T],
        fail: Callable[[], T],
    ) -> T:
        if trouble is Trouble.DIES_BEFORE:
            raise Killed
        takes_s = self.timeline.random.randint(*LATENCY_MS[call.port]) / 2000
        invocation.sleep(takes_s + (SLOW_MS / 1000 if trouble is Trouble.SLOW else 0))
        if trouble is Trouble.FAILS:
            return fail()
        result = effect()
        if trouble is Trouble.DIES_AFTER:
            raise Killed
        invocation.sleep(takes_s)
        return fail() if trouble is Trouble.FAILS_AFTER else result


class TappedState:
    """A state store at the end of a network. Use `view` where a `State` is wanted."""

    def __init__(self, state: State, taps: Taps) -> None:
        self._state = state
        self._taps = taps

    @property
    def view(self) -> State:
        """This object, typed as what it stands in for."""
        return cast("State", self)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Every method of `State`."""

        def call(*args: Any, **kwargs: Any) -> Any:
            def effect() -> Any:
                result = getattr(self._state, method)(*args, **kwargs)
                return dict(result) if isinstance(result, Mapping) else result

            return self._taps(Port.STATE, method, effect, lambda: _unanswered(method))

        return call


def _unanswered(method: str) -> Any:
    raise StateError(f"simulated: no answer to {method}")
