"""What is said about an alert, in parts that know where they come from: the template, the configuration, the event.

Every renderer says the same; it only marks the parts up in its own way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from pipeline.alerts.alert import Alert, Repeats
from pipeline.event.values import EventSummary, Outcome
from pipeline.render.context import Context
from pipeline.render.escaping import visible
from pipeline.rules.rule import Severity


class Words(msgspec.Struct, frozen=True):
    """Text of the template or the configuration."""

    text: str


class Said(msgspec.Struct, frozen=True):
    """Text of the event, which an attacker may have chosen."""

    text: str
    strong: bool = False
    limit: int = 240


class Moment(msgspec.Struct, frozen=True):
    """A point in time, shown in the reader's own zone where the form can do that."""

    at_ms: int


Part = Words | Said | Moment
Phrase = tuple[Part, ...]

NOTABLE_LAG_MS = 60_000
"""From here on a message says how long after the event it was seen: CloudTrail takes minutes, sometimes hours."""

_NAMES_SHOWN = 3
SAMPLE_AT_MOST = 10
"""Samples in Repeats this long or longer may be cut off, so their length is a lower bound."""


def sentence(event: EventSummary, limit: int = 160) -> Phrase:
    """Say who did what to which resource, with what outcome, in one sentence."""
    who, what, whom = (Said(text, strong=True, limit=limit) for text in (event.actor.name, event.name, event.resource))
    on: Phrase = (Words(" on "), whom) if whom.text else ()
    if event.actor.group == "nobody" and event.name.endswith("Insight"):
        return (Words("Unusual activity: "), what, *on)
    if event.name == "AwsAggregatedEvent":
        return (Words("Many calls, aggregated"), *on)
    if event.name == "ConsoleLogin":
        verb = (
            " signed in to the AWS console"
            if event.outcome is Outcome.SUCCEEDED
            else " failed to sign in to the AWS console"
        )
        return (who, Words(verb))
    if event.outcome is Outcome.DENIED:
        return (who, Words(" was denied "), what, *on)
    if event.outcome is Outcome.FAILED:
        return (who, Words(" tried "), what, *on, Words(", which failed"))
    return (who, Words(" called "), what, *on)


def facts(alert: Alert, context: Context) -> list[tuple[str, Phrase]]:
    """List what to know beside the sentence, as (label, value), most telling first."""
    event = alert.event
    listed: list[tuple[str, Phrase]] = [("Outcome", outcome(event))]
    if event.source:  # many services have a DeleteCluster
        listed.append(("Service", (Said(event.source.removesuffix(".amazonaws.com"), limit=64),)))
    if event.account or event.region:
        listed.append(("Account", place(event, context)))
    if event.origin:
        with_tool = f" with {event.tool}" if event.tool and event.tool != event.origin else ""
        listed.append(("From", (Said(event.origin), Words(with_tool))))
    elif event.tool:
        listed.append(("With", (Words(event.tool),)))
    listed.append(("When", when(alert)))
    if event.actor.via:
        listed.append(("Via", (Said(event.actor.via),)))
    if event.actor.account and event.account and event.actor.account != event.account:
        listed.append(("Caller's account", account_named(event.actor.account, context)))
    listed.extend((label, (Said(value),)) for label, value in event.details)
    return listed


def outcome(event: EventSummary) -> Phrase:
    """Say how it ended, with the error if there was one."""
    word = Words(event.outcome.capitalize())
    return (word, Words(": "), Said(event.error, limit=300)) if event.error else (word,)


def place(event: EventSummary, context: Context) -> Phrase:
    """Say in which account and region it happened."""
    account = account_named(event.account, context) if event.account else ()
    comma: Phrase = (Words(", "),) if account and event.region else ()
    return (*account, *comma, *((Said(event.region, limit=64),) if event.region else ()))


def account_named(account: str, context: Context) -> Phrase:
    """Name an account as the configuration does, with its id."""
    name = context.accounts.get(account, "")
    return (Words(name), Words(" ("), Said(account, limit=64), Words(")")) if name else (Said(account, limit=64),)


def when(alert: Alert) -> Phrase:
    """Say when it happened, and how much later it was seen where that is notable."""
    if alert.event.time_ms is None:
        return (Words("seen "), Moment(alert.first_seen_ms))
    lag_ms = alert.first_seen_ms - alert.event.time_ms
    late = f", seen {duration(lag_ms)} later" if lag_ms >= NOTABLE_LAG_MS else ""
    return (Moment(alert.event.time_ms), Words(late))


def duration(ms: int) -> str:
    """Say how long that is, in the largest fitting unit: `4 min`, `3 h`, `12 days`."""
    seconds = ms // 1000
    for unit_s, unit in ((2 * 86_400, "days"), (2 * 3_600, "h"), (60, "min")):
        if seconds >= unit_s:
            each = {"days": 86_400, "h": 3_600, "min": 60}[unit]
            return f"{seconds // each} {unit}"
    return f"{max(seconds, 0)} s"


def seen(repeats: Repeats) -> Phrase:
    """Say how often a group was seen so far or in all, when, from where and on what."""
    times = f"{repeats.count} times" if repeats.count != 1 else "once"
    how = "in all" if repeats.closed else "so far"
    parts: list[Part] = [Words(f"Seen {times} {how}: "), Moment(repeats.first_ms)]
    if repeats.last_ms > repeats.first_ms:
        parts += [Words(" to "), Moment(repeats.last_ms)]
    return (*parts, *_sampled(", from ", repeats.sources), *_sampled(", on ", repeats.targets))


def happened_again(repeats: Repeats) -> bool:
    """Tell whether there is anything to say about repeats."""
    return repeats.count > 1


def counted(alerts: Sequence[Alert]) -> str:
    """Count alerts by severity, the worst first: `2 critical, 5 high`."""
    counts = {severity: sum(alert.rule.severity is severity for alert in alerts) for severity in reversed(Severity)}
    return ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)


def severest_first(alerts: Sequence[Alert]) -> list[Alert]:
    """Sort alerts by severity, then by age."""
    return sorted(alerts, key=lambda alert: (-alert.rule.severity.rank, alert.first_seen_ms))


def folded(alerts: Sequence[Alert]) -> list[tuple[Alert, int]]:
    """Fold alerts that would read the same but for their resource; each with how many it stands for."""
    counts: dict[tuple[str, ...], list[Alert]] = {}
    for alert in severest_first(alerts):
        event = alert.event
        same = (alert.rule.name, event.actor.group, event.actor.name, event.name, event.outcome, event.account)
        counts.setdefault(same, []).append(alert)
    return [(group[0], len(group)) for group in counts.values()]


def spaced(text: str) -> str:
    """Return template or configuration text as one line; the template's own spaces at its ends join the parts."""
    start = " " if text.startswith(" ") else ""
    end = " " if text.endswith(" ") and text.strip() else ""
    return start + visible(text, 200) + end


def utc(at_ms: int) -> str:
    """Write a time as `2026-07-01 14:02:11 UTC`; a number that is no time in our calendar is written as it is."""
    try:
        return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms after 1970"


def _sampled(word: str, names: tuple[str, ...]) -> Phrase:
    """Name a few of a sample and count the rest."""
    if not names:
        return ()
    parts: list[Part] = [Words(word)]
    for index, name in enumerate(names[:_NAMES_SHOWN]):
        parts += [Words(", ")] * bool(index) + [Said(name, limit=60)]
    rest = len(names) - _NAMES_SHOWN
    unsure = " or more" if len(names) >= SAMPLE_AT_MOST else ""
    more = f" and {rest}{unsure} other{'' if rest == 1 else 's'}" if rest > 0 else ""
    return (*parts, Words(more))
