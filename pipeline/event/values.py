"""What messages say about an event, as values."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ActorKind(StrEnum):
    """What kind of principal acted."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SSO = "sso"
    FEDERATED = "federated"
    SERVICE = "service"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


class Actor(msgspec.Struct, frozen=True):
    """Who acted, resolved to the person where the event tells."""

    kind: ActorKind
    name: str
    """What people call it: `alice`, `root`, `ci-deploy (session build-42)`, `cloudformation.amazonaws.com`."""
    group: str
    """Stable identity that repeats are grouped by: the user; the issuer and session name for people behind roles;
    the issuer alone for other roles."""
    account: str = ""
    """The account the principal belongs to, which differs from the event's on cross-account access."""
    via: str = ""
    """How the actor came to act: `permission set Admin`, `SAML provider Okta`, `cloudformation.amazonaws.com`."""
    is_person: bool = False
    """The event tells that a person acts: root, SSO, SAML, the console, MFA. False where it does not tell."""


class Outcome(StrEnum):
    """How it ended."""

    SUCCEEDED = "succeeded"
    DENIED = "denied"
    FAILED = "failed"


class EventSummary(msgspec.Struct, frozen=True):
    """What messages say about an event. Bounded, scrubbed of lone surrogates and of credentials; not escaped.

    As ASCII JSON it takes at most `MOST_BYTES`, whatever the event holds.
    """

    id: str
    """`eventID`, else `eventId` of aggregated events, else empty."""
    name: str
    """`eventName`; for kinds without one, the best word for what happened."""
    source: str
    """`eventSource`, such as `cloudtrail.amazonaws.com`."""
    actor: Actor
    resource: str
    """What it was done to; empty where the event does not say."""
    outcome: Outcome
    error: str
    """Error code and message of what was denied or failed; empty otherwise."""
    account: str
    region: str
    origin: str
    """Source address, service name or `AWS Internal`."""
    user_agent: str
    time_ms: int | None
    """`eventTime` in epoch milliseconds; None where the event has none."""
    link: str
    """The event in the CloudTrail console; empty where it cannot be linked."""
    details: tuple[tuple[str, str], ...] = ()
    """Further facts worth a line, as (label, value): MFA used, CIDR opened, policy attached, ..."""
    tool: str = ""
    """What the call was made with, by the user agent: `AWS console`, `Terraform`; empty where it is not known."""
    selector: tuple[tuple[str, str], ...] = ()
    """Dotted paths and the exact strings the event has there, enough to find this action by this actor again. Empty
    where one of them cannot be carried exactly."""


MOST_BYTES = 8192
"""A ticket carries the summary, and tickets stay small (DELIVERY.md, "The outbox")."""
