"""What one message has to say, before anybody decides how it looks."""

from __future__ import annotations

import msgspec

from pipeline.alerts.alert import Alert, Notice, Repeats


class One(msgspec.Struct, frozen=True):
    """One alert, and how often it has happened; edits say the same with a new count."""

    alert: Alert
    repeats: Repeats | None = None
    may_repeat: bool = False
    """An earlier attempt at this message may have arrived."""


class Reply(msgspec.Struct, frozen=True):
    """What has happened since, said below the first message or, where there are no threads, on its own."""

    alert: Alert
    repeats: Repeats
    may_repeat: bool = False


class Many(msgspec.Struct, frozen=True):
    """Many different alerts in one message, severest first."""

    alerts: tuple[Alert, ...]
    counts: tuple[int, ...]
    """How often each has happened so far."""
    may_repeat: bool = False


class About(msgspec.Struct, frozen=True):
    """Something about Trailwire itself."""

    notice: Notice


Content = One | Reply | Many | About
