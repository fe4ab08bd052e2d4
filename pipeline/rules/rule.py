"""What a configuration says, as values: rules, ignores, routes, destinations and settings.

Everything here is a frozen msgspec Struct, so the compiled rule set that Lambda loads is these values as JSON.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, Literal

import msgspec

from pipeline.errors import Problem
from pipeline.languages.condition import Condition


class Severity(StrEnum):
    """How bad it is when this happens; `rank` orders them, the worst highest."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)


class Repeat(StrEnum):
    """How the repeats of an alert that has been told are told."""

    EDIT = "edit"
    THREAD = "thread"
    EACH = "each"


GroupField = Literal["rule", "account", "actor", "eventName", "region", "resource", "sourceIPAddress"]
GROUP_BY: tuple[GroupField, ...] = ("rule", "account", "actor")
"""What matches are grouped and counted by, unless the configuration says otherwise."""


def default_repeat(severity: Severity) -> Repeat:
    """Return how repeats are told where a rule does not say: critical ones are seen anew each time."""
    return Repeat.THREAD if severity is Severity.CRITICAL else Repeat.EDIT


def default_group_by(severity: Severity) -> tuple[GroupField, ...]:
    """Return what repeats are grouped by where a rule does not say: critical rules tell each kind of call apart."""
    return (*GROUP_BY, "eventName") if severity is Severity.CRITICAL else GROUP_BY


class Threshold(msgspec.Struct, frozen=True):
    """Tell only when `count` matches of one group fall within `within_s` seconds."""

    count: int
    within_s: int
    by: tuple[GroupField, ...] = GROUP_BY


class RuleTest(msgspec.Struct, frozen=True):
    """One of a rule's own tests: the event, and whether the rule must match it."""

    event: dict[str, Any]
    matches: bool
    name: str
    where: str


class RuleFacts(msgspec.Struct, frozen=True):
    """What a message says about the rule behind it; travels in tickets, so it outlives the rule."""

    name: str
    severity: Severity = Severity.MEDIUM
    description: str = ""
    runbook: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    repeat: Repeat = Repeat.EDIT
    group_by: tuple[GroupField, ...] = GROUP_BY
    threshold: Threshold | None = None
    id: str = ""
    """The id by which others know the rule, such as a Sigma rule's; empty where it has none."""


class Rule(msgspec.Struct, frozen=True):
    """A named condition on an event."""

    facts: RuleFacts
    condition: Condition
    language: str
    """The configuration key it was written under: `filter_pattern`, `jq_match`, ..."""
    source: str
    """The rule's text as its author wrote it."""
    where: str
    """`file:line` of the rule."""
    destinations: tuple[str, ...] = ()
    """Destination ids; empty: the routes decide."""
    pack: str = ""
    tests: tuple[RuleTest, ...] = ()

    @property
    def name(self) -> str:
        """The rule's name, unique in its rule set."""
        return self.facts.name


class Ignore(msgspec.Struct, frozen=True):
    """A condition under which nobody is told, with the reason why."""

    reason: str
    condition: Condition
    language: str
    source: str
    where: str
    owner: str = ""
    until: dt.date | None = None
    """Last day (UTC, inclusive) on which it suppresses; None: always."""

    def in_force(self, today: dt.date) -> bool:
        """Tell whether it suppresses on this day (UTC)."""
        return self.until is None or today <= self.until


class Route(msgspec.Struct, frozen=True):
    """Which alerts go where; an empty field admits everything, the first route that admits an alert takes it."""

    destinations: tuple[str, ...]
    where: str
    accounts: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    rules: tuple[str, ...] = ()
    """Rule names; globs allowed."""
    tags: tuple[str, ...] = ()
    mention: str = ""
    """`here`, `channel`, or a Slack user or user group id."""


class DestinationConfig(msgspec.Struct, frozen=True):
    """A place where alerts are told; `options` are the keys of its type, checked when the configuration is read."""

    id: str
    type: str
    options: dict[str, Any]
    where: str


SECRET_KEYS = ("token", "webhook_url", "secret", "url")
"""Keys of destinations that may hold a reference to a secret. A literal one is a finding, except for `url`."""


class Settings(msgspec.Struct, frozen=True):
    """Defaults that hold for every rule and destination. docs/configuration.md lists them."""

    accounts: dict[str, str] = {}
    """Account id -> the name people know it by."""
    errors_to: tuple[str, ...] = ()
    """Destination ids that hear about rule failures, rejections, quarantine and broken configurations."""
    group_window_s: int = 900
    edit_interval_s: int = 30
    channel_interval_ms: int = 1000
    """Slack takes about one message a second and channel."""
    channel_burst: int = 4
    daily_report: bool = True
    """Say once a day to `errors_to` that the pipeline is alive, and what it did."""


class RuleSet(msgspec.Struct, frozen=True):
    """A whole configuration, compiled."""

    rules: tuple[Rule, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    routes: tuple[Route, ...] = ()
    destinations: tuple[DestinationConfig, ...] = ()
    settings: Settings = Settings()
    notes: tuple[Problem, ...] = ()
    """What is not wrong but should be known, such as a literal secret."""
