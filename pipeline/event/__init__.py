"""A CloudTrail event as a person sees it: who did what to which resource, from where, with what outcome."""

from pipeline.event.actor import resolve_actor
from pipeline.event.redaction import REDACTED, redact, redact_text
from pipeline.event.summary import summarize
from pipeline.event.values import MOST_BYTES, Actor, ActorKind, EventSummary, Outcome

__all__ = [
    "MOST_BYTES",
    "REDACTED",
    "Actor",
    "ActorKind",
    "EventSummary",
    "Outcome",
    "redact",
    "redact_text",
    "resolve_actor",
    "summarize",
]
