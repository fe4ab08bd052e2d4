"""What the stages need of the world: a clock, a queue, and places to tell things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from pipeline.alerts.content import Content
from pipeline.alerts.ticket import Ticket


class Clock(Protocol):
    """Time, and how much of it is left."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        ...

    def remaining_ms(self) -> int:
        """How long this invocation may still run."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class Posted(NamedTuple):
    """Where a message is: what is needed to edit it or to answer in its thread. Empty where it cannot be."""

    channel: str = ""
    message: str = ""


class Destination(Protocol):
    """A place that takes messages."""

    @property
    def id(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def bucket(self) -> str:
        """Whose rate limit its posts count against: destinations that share a channel share its bucket."""
        ...

    @property
    def post_scope(self) -> str:
        """What a Retry-After on a post blocks."""
        ...

    @property
    def edit_scope(self) -> str:
        """What a Retry-After on an edit blocks; empty where messages cannot be edited."""
        ...

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:
        """Say something; raises DeliveryError.

        `dedupe_id` is the same for every attempt at the same message, `thread` the message it answers,
        `plain` asks for the text-only form.
        """
        ...

    def edit(self, posted: Posted, content: Content) -> None:
        """Say something else in place of an earlier message; raises DeliveryError."""
        ...

    def refresh(self) -> None:
        """Forget the cached secret, so that the next attempt fetches it anew."""
        ...


class Outbox(Protocol):
    """The queue of tickets."""

    def put(self, tickets: Sequence[tuple[Ticket, int]]) -> Sequence[bool]:
        """Queue tickets, each with its delay in seconds (0 to 900); tells for each whether the queue has it."""
        ...


Destinations = Mapping[str, Destination]
