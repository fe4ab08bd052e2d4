"""Matches and alerts to put through the stages, and a channel that keeps what it is told."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pipeline.alerts.candidate import Candidate, Sighting, from_alert, from_sighting
from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.languages.condition import Condition
from pipeline.predicate import TRUE
from pipeline.rules.matcher import Match
from pipeline.rules.rule import Rule, RuleFacts
from pipeline.testing import NOON_MS, event

OWNER = "shardId-000000000000:1"
OTHER = "shardId-000000000000:2"
HOSTILE = [
    "\ud800",
    "\udfff\udfff",
    "a\x00b",
    "\uffff",
    "\u202etxt.exe",
    "<!channel> <https://example.com|click>",
    '"},{"x":"',
    "\\" * 300,
    "é" * 3_000,
    "\U0001f600" * 500,
    "1:" * 50,
    "{{7*7}} %s {0}",
]
"""Texts that attackers may choose."""


def rule(name: str = "Trail tampering", *, destinations: tuple[str, ...] = (), **facts: Any) -> Rule:
    """Build a rule that matches everything."""
    return Rule(RuleFacts(name, **facts), Condition(TRUE), "event_names", "*", "trailwire.toml:1", destinations)


def sighting(
    number: int = 1,
    *,
    of: Rule | None = None,
    owner: str = OWNER,
    seen_ms: int = NOON_MS,
    raw: str = "",
    **fields: Any,
) -> Sighting:
    """Build a match of the event of this number; `fields` replace keys of the event."""
    match = Match(of or rule(), event(number, **fields))
    return Sighting(match, str(match.event.get("eventID")), owner, seen_ms, raw)


def candidate(number: int = 1, *, destination: str = "security", **more: Any) -> Candidate:
    """Build an alert to be, from a sighting."""
    return from_sighting(sighting(number, **more), destination)


def returned(number: int = 1, *, owner: str = "message-1", **more: Any) -> Candidate:
    """Build an alert that a ticket has brought back."""
    return from_alert(candidate(number, **more).alert, owner)


def user(name: str) -> dict[str, Any]:
    """Build the identity of an IAM user."""
    return {
        "type": "IAMUser",
        "principalId": "AIDA" + hashlib.sha256(json.dumps(name).encode()).hexdigest()[:16].upper(),
        "arn": f"arn:aws:iam::111122223333:user/{name}",
        "accountId": "111122223333",
        "userName": name,
    }


class Channel:
    """A destination that takes everything."""

    def __init__(self, name: str = "security", *, bucket: str = "", post_scope: str = "", edit_scope: str = "") -> None:
        self.id = name
        self.bucket = bucket or f"channel:{name}"
        self.post_scope = post_scope or "chat.postMessage"
        self.edit_scope = edit_scope or "chat.update"
        self.said: list[Content] = []

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002 - as `Destination` has it
        """Keep it."""
        self.said.append(content)
        return Posted(self.id, str(len(self.said)))

    def edit(self, posted: Posted, content: Content) -> None:
        """Keep it in place of what was said."""
        self.said[int(posted.message) - 1] = content

    def refresh(self) -> None:
        """There is no secret."""
