"""What silences an alert, ready to paste: an `[[ignore]]` for the configuration, and the command that explains it."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
from typing import Any

from pipeline.alerts.alert import Alert
from pipeline.event.region import REGION

_DAYS = 90
"""An ignore that nobody looks at again should end; past its day it is a finding of `trailwire check`."""

_SNIPPET_AT_MOST = 1_500
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 _.,:()/+-]{1,100}", re.ASCII)
_EVENT_ID = re.compile(r"[0-9A-Za-z-]{4,64}", re.ASCII)


def ignore_toml(alert: Alert) -> str:
    """Return an `[[ignore]]` for this action of this actor, as TOML; empty where the event cannot be named exactly.

    It is printable ASCII without quotes' and backticks' dangers: whatever the event holds is a JSON string in a TOML
    literal string, with every special character written as a JSON escape, and the marks by which mail programs find
    links too.
    """
    if not alert.event.selector:
        return ""
    until = _until(alert.first_seen_ms)
    lines = [
        "[[ignore]]",
        'reason = "why this is expected"',
        *([f"until = {until}"] if until else []),
        f"event_pattern = '{_pattern(alert.event.selector)}'",
    ]
    text = "\n".join(lines)
    return text if len(text) <= _SNIPPET_AT_MOST else ""


def why_command(alert: Alert) -> str:
    """Return the shell command that explains why the rule matched; it fetches the event where CloudTrail keeps it."""
    name = alert.rule.name
    rule = f" --rule {shlex.quote(name)}" if _PLAIN_NAME.fullmatch(name) else ""
    if not alert.event.link or not _EVENT_ID.fullmatch(alert.event.id) or not REGION.fullmatch(alert.event.region):
        return f"trailwire why event.json{rule}"
    return (
        f"aws cloudtrail lookup-events --region {alert.event.region} --lookup-attributes "
        f"AttributeKey=EventId,AttributeValue={alert.event.id} --query 'Events[0].CloudTrailEvent' --output text"
        f" | trailwire why -{rule}"
    )


def _pattern(selector: tuple[tuple[str, str], ...]) -> str:
    """Return an event pattern (JSON) that these paths have exactly these values."""
    pattern: dict[str, Any] = {}
    for path, value in selector:
        *parents, last = path.split(".")
        inside = pattern
        for key in parents:
            inside = inside.setdefault(key, {})
        inside[last] = [value]
    text = json.dumps(pattern, separators=(",", ":"))
    return re.sub(r"['`<>&\x7f]|(?<=:)/|(?<=www)\.", lambda found: f"\\u{ord(found[0]):04x}", text)


def _until(from_ms: int) -> str:
    try:
        return (dt.datetime.fromtimestamp(from_ms / 1000, dt.UTC) + dt.timedelta(days=_DAYS)).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""
