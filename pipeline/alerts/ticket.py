"""Tickets: what waits in the outbox, as bounded ASCII JSON that outlives the rule it came from."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import msgspec

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.errors import DecodeError
from pipeline.rules.rule import Severity
from pipeline.state.lifecycle import MAX_QUEUE_DELAY_S

VERSION = 1
MAX_ANNOTATION_BYTES = 4096
LEFT_OUT = "(left out: too long)"
MAX_AGE_MS = 3 * 86_400_000
"""A ticket this old goes to the dead-letter queue and is told to the error destination."""
MAX_BACKOFF_MS = {
    Severity.CRITICAL: 60_000,
    Severity.HIGH: 120_000,
    Severity.MEDIUM: 300_000,
    Severity.LOW: MAX_QUEUE_DELAY_S * 1000,
}


class Kind(StrEnum):
    """What a ticket is about."""

    ALERT = "alert"  # an alert that is still to be told
    GROUP = "group"  # a group: to be posted if nobody did, and closed when its window is over
    EDIT = "edit"  # a group's message that no longer shows the current count
    NOTICE = "notice"  # something about Trailwire itself


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alert, a group or an edit that waits."""

    kind: Kind
    v: int = VERSION
    alert: Alert | None = None
    """The alert, or the first alert of the group."""
    opener: str = ""
    """Owner of the alert that opened the group, which tells this group from the next one of the same key."""
    repeats: Repeats | None = None
    """Of an alert: what it stands for, where repeats were folded into it. Of an edit: the last word on a group that has
    been replaced; None: read the current count."""
    told: int = 0
    """How much of `repeats` readers know already."""
    channel: str = ""
    message: str = ""
    """Where the group's message is, once it has ended."""
    notice: Notice | None = None
    destination: str = ""
    """For a notice: who is to hear it."""
    waits: bool = False
    """Of a group: nobody has posted it yet, as far as the ticket's writer knew."""
    attempts: int = 0
    may_repeat: bool = False
    born_ms: int = 0
    """When the first ticket of this errand was written."""


class Arrived(NamedTuple):
    """A ticket, and the queue message that brought it."""

    ticket: Ticket
    message: str
    """Queue message id: the owner of whatever is told because of it."""

    def tried(self, *, may_repeat: bool = False) -> Arrived:
        """Return it as it comes again after one more attempt, which may have arrived."""
        ticket = self.ticket
        doubtful = ticket.may_repeat or may_repeat
        return self._replace(ticket=msgspec.structs.replace(ticket, attempts=ticket.attempts + 1, may_repeat=doubtful))


def encode(ticket: Ticket) -> str:
    """Write a ticket as ASCII JSON: SQS refuses some characters, attackers choose them."""
    alert = bounded(ticket.alert) if ticket.alert is not None else None
    # `v` is always written: a later form must be able to tell its tickets from these.
    written = {"v": ticket.v, **msgspec.to_builtins(msgspec.structs.replace(ticket, alert=alert))}
    return json.dumps(written, separators=(",", ":"))


def decode(body: str) -> Ticket:
    """Read a ticket; raises DecodeError("not a ticket")."""
    ticket = _read(body, Ticket)
    if ticket.v != VERSION:
        raise DecodeError("not a ticket", f"version {ticket.v}")
    return ticket


def encode_alert(alert: Alert) -> str:
    """Write an alert as ASCII JSON, as groups remember it."""
    return _ascii(bounded(alert))


def decode_alert(text: str) -> Alert:
    """Read what `encode_alert` wrote; raises DecodeError("not a ticket")."""
    return _read(text, Alert)


def bounded(alert: Alert) -> Alert:
    """Shorten an annotation that is too long to wait in a queue; everything else is bounded where it is made."""
    try:
        text = json.dumps(alert.annotation)
    except (TypeError, ValueError, RecursionError):  # it is the rule's: no odd value of it may hold an alert back
        return msgspec.structs.replace(alert, annotation="(an annotation that is no JSON value)")
    if len(text) <= MAX_ANNOTATION_BYTES:
        return alert
    return msgspec.structs.replace(alert, annotation=_shortened(alert.annotation, text))


def _shortened(annotation: Any, text: str) -> Any:
    """Keep what fits of an object or a list, in its own shape, for messages show it as such; of all else the start."""
    room = MAX_ANNOTATION_BYTES
    if not isinstance(annotation, dict | list):
        return f"{text[:room]}... (shortened)"
    members = annotation.items() if isinstance(annotation, dict) else enumerate(annotation)
    kept: list[tuple[Any, Any]] = []
    for key, member in members:
        written = json.dumps({str(key): member})
        whole = len(written) <= room
        room -= len(written) if whole else len(json.dumps(str(key))) + len(LEFT_OUT) + 6
        if room < 0:
            break
        kept.append((key, member if whole else LEFT_OUT))
    if isinstance(annotation, dict):
        rest = {"...": f"{len(annotation) - len(kept)} more left out"} if len(kept) < len(annotation) else {}
        return dict(kept) | rest
    rest_of_list = [f"{len(annotation) - len(kept)} more left out"] if len(kept) < len(annotation) else []
    return [member for _, member in kept] + rest_of_list


def backoff_ms(attempts: int, severity: Severity = Severity.LOW) -> int:
    """How long to wait before the next attempt: 5 s, then ever longer, the severer the less.

    After an outage the severest are thus tried first, and a critical alert is told within a minute of its end.
    """
    doubled: int = 5_000 * 2 ** min(attempts, 10)
    return min(MAX_BACKOFF_MS[severity], doubled)


def delay_ms(least_ms: int) -> int:
    """Round a delay up to what the queue takes: whole seconds, at most 900."""
    return min(MAX_QUEUE_DELAY_S, -(-max(0, least_ms) // 1000)) * 1000


def _ascii(value: msgspec.Struct) -> str:
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


T = TypeVar("T")


def _read(text: str, kind: type[T]) -> T:
    try:
        return msgspec.convert(json.loads(text), kind)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise DecodeError("not a ticket", str(error)[:200]) from error
