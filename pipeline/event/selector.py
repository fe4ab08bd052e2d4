"""The paths and exact strings by which the same action of the same actor is found again: what an ignore needs."""

from __future__ import annotations

from typing import Any

from pipeline.event.actor import HIDDEN, resolve_actor
from pipeline.event.fields import clean, text_at
from pipeline.event.values import ActorKind

_VALUE_AT_MOST = 256

_ISSUER = "userIdentity.sessionContext.sessionIssuer.arn"


def selector_of(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return dotted paths with the exact strings that the event has there; empty if that cannot be done exactly.

    A value that is shortened, redacted or missing would make an ignore silence more than this action of this actor,
    so then there is none.
    """
    actor_paths = _actor_paths(event)
    paths = ("eventSource", "eventName", *_present(event, "recipientAccountId"), *actor_paths)
    pairs = tuple((path, text_at(event, *path.split("."))) for path in paths)
    exact = all(value and value != HIDDEN and clean(value, _VALUE_AT_MOST) == value for _, value in pairs)
    return pairs if exact and actor_paths else ()


def _actor_paths(event: dict[str, Any]) -> tuple[str, ...]:
    """Return the paths that pin the actor down, none where the event does not."""
    actor = resolve_actor(event)
    kind = text_at(event, "userIdentity", "type")
    if kind == "AssumedRole":
        issuer = _present(event, _ISSUER)
        return (*issuer, *(_present(event, "userIdentity.principalId") if actor.is_person else ())) if issuer else ()
    if actor.kind is ActorKind.ROOT:
        return ("userIdentity.type", "userIdentity.accountId")
    if actor.kind is ActorKind.SERVICE:
        return _present(event, "userIdentity.invokedBy")
    for path in ("userIdentity.arn", "userIdentity.principalId", "userIdentity.onBehalfOf.userId"):
        if found := _present(event, path):
            return found
    return ("userIdentity.accountId", "userIdentity.userName")


def _present(event: dict[str, Any], path: str) -> tuple[str, ...]:
    return (path,) if text_at(event, *path.split(".")) else ()
