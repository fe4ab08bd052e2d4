"""Messages as JSON documents, for webhooks and machines.

Documents hold the values themselves, bounded, without credentials and lone surrogates, and `text`, the one line that
people read. Nothing is escaped but what JSON needs: whoever shows a value escapes it for their own medium.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.checks import scrub
from pipeline.event.fields import clean
from pipeline.render.context import Context
from pipeline.render.plain import as_plain
from pipeline.render.values import bounded_value
from pipeline.render.wording import folded, sentence, severest_first

VERSION = 1
_DIGEST_ALERTS = 100

Document = dict[str, Any]


def alert(alert: Alert, context: Context, repeats: Repeats | None = None, *, may_repeat: bool = False) -> Document:
    """Render one alert."""
    return {
        **_envelope("alert", _line(alert), may_repeat=may_repeat),
        "alert": _alert(alert, context),
        "repeats": _repeats(repeats) if repeats else None,
    }


def digest(
    alerts: Sequence[Alert], context: Context, total: int | None = None, *, may_repeat: bool = False
) -> Document:
    """Render many alerts, the severest first; `total` says how many there were, `alerts` holds a bounded number."""
    total = max(total or 0, len(alerts))
    text = f"{total} alert{'' if total == 1 else 's'}, told together"
    return {
        **_envelope("digest", text, may_repeat=may_repeat),
        "total": total,
        "alerts": [_alert(each, context) for each in severest_first(alerts)[:_DIGEST_ALERTS]],
        "lines": [f"{_line(each)} (x{count})" for each, count in folded(alerts)[:_DIGEST_ALERTS]],
    }


def thread_reply(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> Document:
    """Render the repeats of an alert, `alert` being the latest."""
    return _again("repeat", alert, context, repeats, may_repeat=may_repeat)


def closing(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> Document:
    """Render the last word on a group."""
    return _again("closing", alert, context, repeats, may_repeat=may_repeat)


def notice(notice: Notice, context: Context) -> Document:  # noqa: ARG001 - every renderer takes the context
    """Render something about Trailwire itself."""
    cause, text = clean(notice.cause, 300), clean(notice.text, 3_000)
    return {
        **_envelope("notice", f"Trailwire {clean(notice.severity, 20)}: {cause}", may_repeat=False),
        "cause": cause,
        "details": text,
        "severity": clean(notice.severity, 20),
        "count": notice.count,
    }


def _envelope(kind: str, text: str, *, may_repeat: bool) -> Document:
    return {"v": VERSION, "kind": kind, "text": text, "may_repeat": may_repeat}


def _again(kind: str, alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool) -> Document:
    return {
        **_envelope(kind, _line(alert), may_repeat=may_repeat),
        "alert": _alert(alert, context),
        "repeats": _repeats(repeats),
    }


def _line(alert: Alert) -> str:
    return f"{alert.rule.severity.upper()} {scrub(alert.rule.name)}: {as_plain(sentence(alert.event))}"


def _alert(alert: Alert, context: Context) -> Document:
    """Return the alert's own values; the account's name comes from the configuration."""
    event = {key: value for key, value in _cleaned(msgspec.to_builtins(alert.event)).items() if key != "selector"}
    return {
        "key": alert.key,
        "group": alert.group,
        "destination": alert.destination,
        "rule": _scrubbed(msgspec.to_builtins(alert.rule)),
        "event": {**event, "account_name": scrub(context.accounts.get(alert.event.account, ""))},
        "first_seen_ms": alert.first_seen_ms,
        "annotation": bounded_value(alert.annotation),
        "undecided": clean(alert.undecided, 400),
    }


def _repeats(repeats: Repeats) -> Document:
    document: Document = _cleaned(msgspec.to_builtins(repeats))
    return document


def _cleaned(value: Any) -> Any:
    """Return builtins with every text bounded and without credentials; links are our own and stay whole."""
    if isinstance(value, str):
        return clean(value, 500)
    if isinstance(value, dict):
        return {key: scrub(member) if key == "link" else _cleaned(member) for key, member in value.items()}
    return [_cleaned(member) for member in value[:50]] if isinstance(value, list | tuple) else value


def _scrubbed(value: Any) -> Any:
    """Return configuration's builtins without lone surrogates."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(member) for key, member in value.items()}
    return [_scrubbed(member) for member in value] if isinstance(value, list | tuple) else value
