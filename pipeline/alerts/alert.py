"""Alerts and what is said about them."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.event.values import EventSummary
from pipeline.rules.rule import RuleFacts


class Alert(msgspec.Struct, frozen=True):
    """A match x destination: what is to be told to one destination. Travels in tickets as it is."""

    key: str
    """sha256 (hex) of destination, rule and event identity: the same event is the same alert however often it comes."""
    group: str
    """sha256 (hex) of the group it belongs to."""
    destination: str
    rule: RuleFacts
    event: EventSummary
    first_seen_ms: int
    """When it arrived in the stream, epoch milliseconds."""
    annotation: Any = None
    """What the rule computed, a JSON value; None where it has nothing to say."""
    mention: str = ""
    """`here`, `channel`, or a Slack user or user group id; only the configuration sets it."""
    undecided: str = ""
    """Why the rule could not be decided; empty where it was."""


class Repeats(msgspec.Struct, frozen=True):
    """What a group has seen so far, the first alert included."""

    count: int
    first_ms: int
    last_ms: int
    sources: tuple[str, ...] = ()
    """Source addresses seen, a bounded sample in order of appearance."""
    targets: tuple[str, ...] = ()
    """Resources seen, a bounded sample in order of appearance."""
    closed: bool = False
    """The window is over: this is the last word on the group."""


class Notice(msgspec.Struct, frozen=True):
    """Something about Trailwire itself that somebody should know."""

    cause: str
    """What went wrong in a few stable words; notices are told once per cause and window."""
    text: str
    """One paragraph: what, where, what to do."""
    severity: str = "warning"
    """`info`, `warning` or `error`."""
    count: int = 1
