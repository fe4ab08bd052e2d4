"""A match on its way to becoming an alert. Light, because a flood brings tens of thousands at once.

What reads events for people (`pipeline.event`) is imported by the functions that first need it: a function that has
just started and tells nothing starts sooner.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.alerts.alert import Alert, Repeats
from pipeline.rules.matcher import Match
from pipeline.rules.rule import RuleFacts


class Sighting(msgspec.Struct, frozen=True):
    """A match, and where it came from."""

    match: Match
    identity: str
    """What makes the event itself: its id, or the hash of its message."""
    owner: str
    """The unit of delivery: shard and sequence number, queue message id, or request id."""
    seen_ms: int
    """When it arrived in the stream."""
    raw: str = ""
    """Its message, which an ignore's pattern may look at."""


class Candidate(msgspec.Struct, eq=False):
    """An alert to be: one match for one destination, or an alert that came back in a ticket."""

    key: str
    group: str
    destination: str
    rule: RuleFacts
    owner: str
    seen_ms: int
    mention: str = ""
    sighting: Sighting | None = None
    may_repeat: bool = False
    """An earlier attempt may have been delivered."""
    is_again: bool = False
    """Somebody took it up before, and did not bring it to its end."""
    attempts: int = 0
    born_ms: int = 0
    """When its first ticket was written; 0 while it has none."""
    stands_for: Repeats | None = None
    """All that it stands for, itself included, where repeats have been folded into it; None: itself alone."""
    _alert: Alert | None = None

    @property
    def alert(self) -> Alert:
        """The alert, summarised from the event when first asked for."""
        if self._alert is None:
            self._alert = self._summarized()
        return self._alert

    @property
    def count(self) -> int:
        """How many alerts it stands for."""
        return self.stands_for.count if self.stands_for else 1

    @property
    def happened_ms(self) -> int:
        """When it happened by its event's own time, else when it arrived."""
        from pipeline.event.summary import event_time_ms

        event = self._event
        happened_ms = self.alert.event.time_ms if event is None else event_time_ms(event)
        return self.seen_ms if happened_ms is None else happened_ms

    @property
    def source(self) -> str:
        """Where the call came from, for the group's sample."""
        from pipeline.event.fields import clean, text_at

        event = self._event
        return self.alert.event.origin if event is None else clean(text_at(event, "sourceIPAddress"), 64)

    @property
    def target(self) -> str:
        """What it was done to, for the group's sample."""
        from pipeline.event.fields import clip
        from pipeline.event.resource import resource_of

        event = self._event
        return clip(self.alert.event.resource if event is None else resource_of(event), 256)

    @property
    def order(self) -> tuple[int, int]:
        """Severest first, then oldest first."""
        return -self.rule.severity.rank, self.seen_ms

    @property
    def _event(self) -> dict[str, Any] | None:
        return self.sighting.match.event if self._alert is None and self.sighting else None

    def _summarized(self) -> Alert:
        from pipeline.event.redaction import redact_computed
        from pipeline.event.summary import summarize

        if self.sighting is None:
            raise AssertionError("a candidate has a sighting or an alert")
        match = self.sighting.match
        return Alert(
            key=self.key,
            group=self.group,
            destination=self.destination,
            rule=self.rule,
            event=summarize(match.event),
            first_seen_ms=self.seen_ms,
            annotation=redact_computed(match.annotation, match.event),
            mention=self.mention,
            undecided=redact_computed(match.undecided, match.event),
        )


def from_sighting(sighting: Sighting, destination: str, mention: str = "") -> Candidate:
    """Make a match an alert for one destination."""
    facts, event = sighting.match.rule.facts, sighting.match.event
    return Candidate(
        key=digest("alert", destination, facts.name, sighting.identity),
        group=group_key(destination, facts, event),
        destination=destination,
        rule=facts,
        owner=sighting.owner,
        seen_ms=sighting.seen_ms,
        mention=mention,
        sighting=sighting,
    )


def from_alert(alert: Alert, owner: str, stands_for: Repeats | None = None) -> Candidate:
    """Take up an alert that has been summarised; `owner` is the unit of delivery that brought it back."""
    return Candidate(
        key=alert.key,
        group=alert.group,
        destination=alert.destination,
        rule=alert.rule,
        owner=owner,
        seen_ms=alert.first_seen_ms,
        mention=alert.mention,
        stands_for=stands_for,
        _alert=alert,
    )


def readdressed(lead: Candidate, stands_for: Repeats, destination: str) -> Candidate:
    """Address an alert, and all that it stands for, to another destination than the one that rejected it.

    Should it be rejected once more, standing for more by then, that is another alert.
    """
    alert = lead.alert
    changed = msgspec.structs.replace(
        alert,
        key=digest("readdressed", destination, alert.key, str(stands_for.count)),
        group=digest("readdressed", destination, alert.group),
        destination=destination,
        mention="",
    )
    return from_alert(changed, lead.owner, stands_for)


def group_key(destination: str, facts: RuleFacts, event: dict[str, Any], by: tuple[str, ...] | None = None) -> str:
    """Hash what the rule groups by: the same for all events that one message can stand for."""
    fields = facts.group_by if by is None else by
    return digest("group", destination, *(part for name in fields for part in (name, _field(name, facts, event))))


def _field(name: str, facts: RuleFacts, event: dict[str, Any]) -> str:
    from pipeline.event.actor import resolve_actor
    from pipeline.event.fields import text_at
    from pipeline.event.resource import resource_of
    from pipeline.event.summary import account_of

    match name:
        case "rule":
            return facts.name
        case "actor":
            return resolve_actor(event).group
        case "resource":
            return resource_of(event)
        case "account":
            return account_of(event)
        case "region":
            return text_at(event, "awsRegion")
        case _:
            return text_at(event, name)


def digest(*parts: str) -> str:
    """Hash strings (lone surrogates too) so that no two lists of them give the same key."""
    import hashlib  # OpenSSL costs a cold start milliseconds, and most invocations tell nothing

    whole = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
