"""Content to send, and secrets to count."""

from __future__ import annotations

import traceback

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.content import About, Content, Many, One, Reply
from pipeline.destinations.secret import Secret
from pipeline.event.summary import summarize
from pipeline.rules.rule import RuleFacts, Severity
from pipeline.testing import NOON_MS, event

TOKEN = "xoxb-0-very-secret-token"
ALERT = Alert(
    "k" * 64,
    "g" * 64,
    "d",
    RuleFacts("Instances listed", Severity.HIGH),
    summarize(event()),
    NOON_MS,
    annotation={"note": "computed"},
)
REPEATS = Repeats(3, NOON_MS, NOON_MS + 60_000, ("192.0.2.1",), ("a", "b"))
ONE = One(ALERT)
CONTENTS: tuple[Content, ...] = (
    ONE,
    One(ALERT, REPEATS, may_repeat=True),
    Reply(ALERT, REPEATS),
    Many((ALERT, ALERT), (1, 2)),
    About(Notice("a cause", "A text.")),
)


class Vault:
    """A secret store of one secret that counts how often it is asked."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.fetches = 0
        self._cached = ""

    def secret(self, reference: str = "secretsmanager:trailwire/slack") -> Secret:
        """Return a reference to the secret."""
        return Secret(reference, self._fetch, self._forget)

    def _fetch(self, _reference: str) -> str:
        if not self._cached:
            self._cached = self.values[min(self.fetches, len(self.values) - 1)]
            self.fetches += 1
        return self._cached

    def _forget(self, _reference: str) -> None:
        self._cached = ""


def everything_said(error: BaseException) -> str:
    """Return all that an error's text, its representation and its traceback tell."""
    return "\n".join([str(error), repr(error), *traceback.format_exception(error)])
