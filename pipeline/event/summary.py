"""From an event to what messages say about it."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import msgspec

from pipeline.event.actor import ACCOUNT_AT_MOST, NAME_AT_MOST, resolve_actor
from pipeline.event.details import VALUE_AT_MOST, details_of, tool_of
from pipeline.event.fields import at, clean, clip, text_at
from pipeline.event.region import REGION
from pipeline.event.resource import RESOURCE_AT_MOST, resource_of
from pipeline.event.selector import selector_of
from pipeline.event.values import MOST_BYTES, EventSummary, Outcome

_DENIED = frozenset(
    """
    AccessDenied AccessDeniedException VpceAccessDenied KMSAccessDeniedException AuthorizationError
    AuthorizationErrorException NotAuthorized NotAuthorizedException Unauthorized UnauthorizedException
    UnauthorizedAccess Forbidden ForbiddenException AuthFailure OperationNotPermitted OperationNotPermittedException
    AllAccessDisabled AccountProblem
    """.split(),  # noqa: SIM905 - a paragraph of words is read at a glance
)
"""Error codes that mean that permission was missing; services share no vocabulary. After an optional `Client.`."""

_DENIED_ENDINGS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AccessDeniedFault")

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,6})?Z", re.ASCII)
_EVENT_ID = re.compile(r"[0-9A-Za-z]{4,40}(?:-[0-9A-Za-z]{1,40}){0,8}", re.ASCII)
_CONSOLES = (
    ("cn-", "console.amazonaws.cn"),
    ("us-gov-", "console.amazonaws-us-gov.com"),
    ("", "console.aws.amazon.com"),
)
"""Region prefix -> the console's domain in that partition."""

_IN_HISTORY = frozenset(["", "Management"])
"""Event history, which the link opens, keeps management events only (CloudTrail user guide)."""

_LIMITS = {
    "id": 128,
    "name": 128,
    "source": 128,
    "resource": RESOURCE_AT_MOST,
    "error": 400,
    "account": ACCOUNT_AT_MOST,
    "region": 64,
    "origin": 128,
    "user_agent": 300,
}
"""Characters of each text that are kept."""


def summarize(event: dict[str, Any]) -> EventSummary:
    """Return what a person wants to know about this event. Never raises, whatever the event holds.

    Held by tests/laws/test_render_laws.py.
    """
    outcome, error = _outcome(event)
    summary = EventSummary(
        id=clean(text_at(event, "eventID") or text_at(event, "eventId"), _LIMITS["id"]),
        name=clean(_name(event), _LIMITS["name"]),
        source=clean(
            text_at(event, "eventSource") or text_at(event, "insightDetails", "eventSource"), _LIMITS["source"]
        ),
        actor=resolve_actor(event),
        resource=resource_of(event),
        outcome=outcome,
        error=clean(error, _LIMITS["error"]),
        account=clean(account_of(event), _LIMITS["account"]),
        region=clean(text_at(event, "awsRegion"), _LIMITS["region"]),
        origin=clean(text_at(event, "sourceIPAddress"), _LIMITS["origin"]),
        user_agent=clean(text_at(event, "userAgent"), _LIMITS["user_agent"]),
        time_ms=event_time_ms(event),
        link=console_link(event),
        details=details_of(event),
        tool=tool_of(event),
        selector=selector_of(event),
    )
    return _bounded(summary)


def console_link(event: dict[str, Any]) -> str:
    """Return the address of the event in the CloudTrail console, empty where it has none there.

    Region and id come from the event and become part of an address, so both must look exactly like what they are.
    """
    region, event_id = text_at(event, "awsRegion"), text_at(event, "eventID")
    if not (REGION.fullmatch(region) and len(event_id) <= 64 and _EVENT_ID.fullmatch(event_id)):  # noqa: PLR2004 - a UUID has 36
        return ""
    if text_at(event, "eventCategory") not in _IN_HISTORY or text_at(event, "managementEvent") == "false":
        return ""
    domain = next(domain for prefix, domain in _CONSOLES if region.startswith(prefix))
    return f"https://{region}.{domain}/cloudtrailv2/home?region={region}#/events/{event_id}"


def is_denied(code: str) -> bool:
    """Tell whether an error code means that permission was missing."""
    return code.removeprefix("Client.") in _DENIED or code.endswith(_DENIED_ENDINGS)


def _outcome(event: dict[str, Any]) -> tuple[Outcome, str]:
    """Return how it ended and the error; sign-ins tell their failure in the response and carry no code."""
    code, message = text_at(event, "errorCode"), text_at(event, "errorMessage")
    error = ": ".join(filter(None, [code, message]))
    if is_denied(code):
        return Outcome.DENIED, error
    response = at(event, "responseElements")
    sign_in = text_at(event, "eventType") == "AwsConsoleSignIn" or text_at(event, "eventSource").startswith("signin.")
    failed = sign_in and text_at(response, text_at(event, "eventName")) == "Failure"
    if error or failed:
        return Outcome.FAILED, error or "Failure"
    return Outcome.SUCCEEDED, ""


def _name(event: dict[str, Any]) -> str:
    """Return the event's name; Insights and aggregates have a type instead."""
    return (
        text_at(event, "eventName")
        or text_at(event, "insightDetails", "insightType")
        or text_at(event, "eventType")
        or "an unnamed event"
    )


def account_of(event: dict[str, Any]) -> str:
    """Return the account that received the event, else its principal's."""
    own = text_at(event, "recipientAccountId") or text_at(event, "accountId")
    return own or text_at(event, "userIdentity", "accountId")


def event_time_ms(event: dict[str, Any]) -> int | None:
    """Return when it happened (an aggregated event's window ended), epoch milliseconds; None where it does not say."""
    return _time_ms(text_at(event, "eventTime") or text_at(event, "timeWindow", "windowEnd"))


def _time_ms(text: str) -> int | None:
    """Read `2026-07-01T12:00:00Z`, with or without a fraction; None for anything else."""
    found = _TIME.fullmatch(text[:40])
    if not found:
        return None
    try:
        whole = dt.datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    except ValueError:  # a month 13, an hour 25
        return None
    return int(whole.timestamp()) * 1000 + int(float(found[3] or 0) * 1000)


def _bounded(summary: EventSummary) -> EventSummary:
    """Halve the texts until the whole fits its bound; only text that is mostly not ASCII needs it.

    It ends: at eight characters a text the whole is far below the bound.
    """
    share = 1.0
    while len(json.dumps(msgspec.to_builtins(summary))) > MOST_BYTES:
        share /= 2
        summary = _shortened(summary, share)
    return summary


def _shortened(summary: EventSummary, share: float) -> EventSummary:
    def short(text: str, limit: int) -> str:
        return clip(text, max(8, int(limit * share)))

    actor = msgspec.structs.replace(
        summary.actor,
        name=short(summary.actor.name, NAME_AT_MOST),
        via=short(summary.actor.via, NAME_AT_MOST),
        account=short(summary.actor.account, ACCOUNT_AT_MOST),
    )
    texts = {field: short(getattr(summary, field), limit) for field, limit in _LIMITS.items()}
    details = tuple((label, short(value, VALUE_AT_MOST)) for label, value in summary.details)
    return msgspec.structs.replace(summary, actor=actor, details=details, selector=(), **texts)
