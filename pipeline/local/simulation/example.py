"""The rules that simulated incidents are told by."""

from __future__ import annotations

from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet

CONFIG = """
{settings}
[[destination]]
id = "security"
type = "slack"
channel = "C0123456789"
token = "env:SLACK_BOT_TOKEN"

[[destination]]
id = "errors"
type = "slack"
channel = "C0123456788"
token = "env:SLACK_BOT_TOKEN"

[[rule]]
name = "Denied"
event_names = ["Denied"]
destinations = ["security"]

[[rule]]
name = "Trail stopped"
severity = "critical"
event_names = ["StopLogging"]
destinations = ["security"]

[[rule]]
name = "Object written"
severity = "low"
repeat = "each"
event_names = ["PutObject"]
destinations = ["security"]
"""
ERRORS_TO = '[settings]\nerrors_to = ["errors"]'


def rules(*, errors_to: bool = False) -> RuleSet:
    """Three rules, told by edit, in a thread, and each by itself."""
    return ruleset.parse(CONFIG.format(settings=ERRORS_TO if errors_to else ""), _no_file)


def _no_file(path: str) -> str:
    raise AssertionError(path)
