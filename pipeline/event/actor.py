"""Who acted: `userIdentity` resolved to the person or the program behind it.

Shapes: AWS's page on the userIdentity element, and what real events hold beyond it. A `type` decides the reading;
whatever a reading needs may be missing, hidden or of the wrong type.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from pipeline.event.fields import at, clean, text_at
from pipeline.event.values import Actor, ActorKind

NAME_AT_MOST, ACCOUNT_AT_MOST = 200, 64
_GROUP_AT_MOST = 240

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What CloudTrail writes for a user name that does not exist: people type passwords into that field."""

_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+?)(?:_[0-9a-f]{16})?\Z")
_SERVICE_ROLE = re.compile(r"AWSServiceRoleFor(\w+)")
_INSTANCE = re.compile(r"i-[0-9A-Za-z]{8,17}\Z")
_AUTOMATIC_SESSION = re.compile(r"botocore-session-|aws-go-sdk-|aws-sdk-|AWSCLI-Session|AWSCodeBuild-|\d+\Z")

Reading = Callable[[dict[str, Any], dict[str, Any]], Actor]
"""From `userIdentity` and the whole event to the actor, before it is bounded."""


def resolve_actor(event: dict[str, Any]) -> Actor:
    """Return who acted. Never raises; texts are bounded and clean."""
    identity = at(event, "userIdentity")
    if not isinstance(identity, dict) or not identity:
        account = _bounded(text_at(event, "recipientAccountId"), ACCOUNT_AT_MOST)
        return Actor(ActorKind.UNKNOWN, _nobody(event), "nobody", account)
    read = _READINGS.get(text_at(identity, "type"), _unknown)
    actor = read(identity, event)
    return Actor(
        kind=actor.kind,
        name=_bounded(actor.name, NAME_AT_MOST) or "unknown",
        group=_stable(actor.group),
        account=_bounded(text_at(identity, "accountId"), ACCOUNT_AT_MOST),
        via=_bounded(_with_service(actor.via, identity), NAME_AT_MOST),
        is_person=actor.is_person,
    )


def role_and_session(identity: dict[str, Any]) -> tuple[str, str]:
    """Return the role's name and the session's: from the issuer and principal id, else from the ARN."""
    _, role, session = _arn_parts(identity)
    issuer = text_at(identity, "sessionContext", "sessionIssuer", "userName") or role
    after_colon = text_at(identity, "principalId").partition(":")[2]
    return issuer, after_colon or session


def _root(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
    alias = text_at(identity, "userName")
    name = f"root ({alias})" if alias and alias.lower() != "root" else "root"
    return Actor(
        ActorKind.ROOT, name, f"root:{text_at(identity, 'accountId')}", is_person=not text_at(identity, "invokedBy")
    )


def _user(identity: dict[str, Any], event: dict[str, Any]) -> Actor:
    name = text_at(identity, "userName") or _arn_parts(identity)[1] or text_at(identity, "principalId")
    person = _used_mfa(identity) or _from_console(event)
    group = f"user:{text_at(identity, 'accountId')}:{name}"
    return Actor(
        ActorKind.USER, "someone with an unknown user name" if name == HIDDEN else name, group, is_person=person
    )


def _assumed_role(identity: dict[str, Any], event: dict[str, Any]) -> Actor:
    role, session = role_and_session(identity)
    issuer = text_at(identity, "sessionContext", "sessionIssuer", "arn") or f"{text_at(identity, 'accountId')}:{role}"
    source = text_at(identity, "sessionContext", "sourceIdentity") or text_at(identity, "sourceIdentity")
    if sso := _SSO_ROLE.match(role):
        return Actor(
            ActorKind.SSO, session or role, f"{issuer}/{session}", via=f"permission set {sso[1]}", is_person=True
        )
    if service := _SERVICE_ROLE.match(role):
        return Actor(ActorKind.SERVICE, role, issuer, via=f"service-linked role of {service[1]}")
    if source:
        via = f"role {role}" + (f", session {session}" if session not in {"", source} else "")
        return Actor(
            ActorKind.ROLE, source, f"{issuer}/{source}", via=via, is_person="@" in source or _from_console(event)
        )
    person = _is_persons_session(session, identity, event)
    return Actor(
        ActorKind.ROLE,
        _named_session(role, session, identity),
        f"{issuer}/{session}" if person else issuer,
        via=_federation(identity),
        is_person=person,
    )


def _role(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
    name = text_at(identity, "userName") or _arn_parts(identity)[1] or text_at(identity, "principalId")
    return Actor(ActorKind.ROLE, name, text_at(identity, "arn") or name)


def _federated_user(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
    name = (
        text_at(identity, "principalId").partition(":")[2] or _arn_parts(identity)[1] or text_at(identity, "userName")
    )
    issuer = text_at(identity, "sessionContext", "sessionIssuer", "userName")
    issuer_arn = text_at(identity, "sessionContext", "sessionIssuer", "arn") or text_at(identity, "accountId")
    via = f"federated by {issuer}" if issuer else "federated"
    return Actor(ActorKind.FEDERATED, name, f"{issuer_arn}/{name}", via=via, is_person="@" in name)


def _provided(provider: str) -> Reading:
    """Read somebody whom an identity provider names."""

    def read(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
        principal = text_at(identity, "principalId")
        name = text_at(identity, "userName") or principal.rpartition(":")[2]
        issuer = text_at(identity, "identityProvider") or principal.rpartition(":")[0]
        via = f"{provider} provider {issuer.rpartition('/')[2]}" if issuer else f"{provider} federation"
        person = provider == "SAML" or "@" in name
        return Actor(ActorKind.FEDERATED, name, f"{provider}:{issuer}:{name}", via=via, is_person=person)

    return read


def _identity_center(identity: dict[str, Any], event: dict[str, Any]) -> Actor:
    user_id = text_at(identity, "onBehalfOf", "userId")
    name = text_at(identity, "userName") or text_at(event, "additionalEventData", "UserName")
    shown = name if name and name != HIDDEN else f"user {user_id}"
    return Actor(ActorKind.SSO, shown, f"identity-center:{user_id or name}", via="IAM Identity Center", is_person=True)


def _directory(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
    name = text_at(identity, "userName") or text_at(identity, "principalId")
    return Actor(ActorKind.FEDERATED, name, f"directory:{name}", via="directory user", is_person=True)


def _account(identity: dict[str, Any], _event: dict[str, Any]) -> Actor:
    account, principal = text_at(identity, "accountId"), text_at(identity, "principalId")
    unique, _, session = principal.partition(":")
    name = f"principal of account {account or 'unknown'}" + (f" (session {session})" if session else "")
    return Actor(ActorKind.ACCOUNT, name, f"account:{account}:{unique}", via=f"principal {unique}" if unique else "")


def _service(identity: dict[str, Any], event: dict[str, Any]) -> Actor:
    """Name the service; `AWS Internal` says nothing, the event's source does."""
    name = text_at(identity, "invokedBy")
    if name in {"", "AWS Internal"}:
        name = text_at(event, "eventSource") or name or "an AWS service"
    return Actor(ActorKind.SERVICE, name, f"service:{name}")


def _unknown(identity: dict[str, Any], event: dict[str, Any]) -> Actor:
    """Read an identity of no type or of one nobody told us about: by what it holds."""
    if text_at(identity, "onBehalfOf", "userId"):
        return _identity_center(identity, event)
    if ":assumed-role/" in text_at(identity, "arn"):
        return _assumed_role(identity, event)
    name = text_at(identity, "userName") or _arn_parts(identity)[1]
    if name:
        return Actor(ActorKind.UNKNOWN, "a hidden user name" if name == HIDDEN else name, f"unknown:{name}")
    if text_at(identity, "invokedBy"):
        return _service(identity, event)
    principal = text_at(identity, "principalId") or text_at(identity, "accountId")
    name = f"principal {principal}" if principal else "unknown"
    return Actor(ActorKind.UNKNOWN, name, f"unknown:{principal}")


_READINGS: dict[str, Reading] = {
    "Root": _root,
    "IAMUser": _user,
    "AssumedRole": _assumed_role,
    "Role": _role,
    "FederatedUser": _federated_user,
    "SAMLUser": _provided("SAML"),
    "WebIdentityUser": _provided("OIDC"),
    "IdentityCenterUser": _identity_center,
    "Directory": _directory,
    "AWSAccount": _account,
    "AWSService": _service,
}


def _nobody(event: dict[str, Any]) -> str:
    """Name the callers of events that have no identity: Insights and aggregates speak of many, the rest do not say."""
    many = isinstance(at(event, "insightDetails"), dict) or isinstance(at(event, "summary"), dict)
    return "callers together" if many else "unknown"


def _named_session(role: str, session: str, identity: dict[str, Any]) -> str:
    """Name a role with its session, and what kind of machine holds it where the event tells."""
    if not session:
        return role or text_at(identity, "principalId")
    holder = text_at(identity, "inScopeOf", "issuerType")
    if _INSTANCE.match(session) or holder == "AWS::EC2::Instance":
        return f"{role} (instance {session})"
    if holder == "AWS::Lambda::Function":
        function = text_at(identity, "inScopeOf", "credentialsIssuedTo").rpartition(":")[2]
        return f"{role} (function {function or session})"
    return f"{role} (session {session})"


def _is_persons_session(session: str, identity: dict[str, Any], event: dict[str, Any]) -> bool:
    if not session or _INSTANCE.match(session) or _AUTOMATIC_SESSION.match(session):
        return False
    return "@" in session or _used_mfa(identity) or _from_console(event)


def _federation(identity: dict[str, Any]) -> str:
    provider = text_at(identity, "sessionContext", "webIdFederationData", "federatedProvider")
    on_behalf = text_at(identity, "onBehalfOf", "userId")
    if on_behalf:
        return f"on behalf of Identity Center user {on_behalf}"
    return f"OIDC provider {provider.partition('oidc-provider/')[2] or provider}" if provider else ""


def _with_service(via: str, identity: dict[str, Any]) -> str:
    """Add the service that acted for the actor, which is somebody else than the actor."""
    service = text_at(identity, "invokedBy")
    if not service or text_at(identity, "type") in {"AWSService", ""}:
        return via
    return f"{via}, {service}" if via else service


def _used_mfa(identity: dict[str, Any]) -> bool:
    return text_at(identity, "sessionContext", "attributes", "mfaAuthenticated").lower() == "true"


def _from_console(event: dict[str, Any]) -> bool:
    return (
        text_at(event, "sessionCredentialFromConsole").lower() == "true"
        or text_at(event, "eventType") == "AwsConsoleSignIn"
    )


def _arn_parts(identity: dict[str, Any]) -> tuple[str, str, str]:
    """Split an ARN's resource: `assumed-role/ops/alice` is its kind, the role and the session; paths are dropped."""
    resource = text_at(identity, "arn")[:2_000].split(":", 5)[-1]
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        return kind, role, session
    return kind, rest.rpartition("/")[2], ""


def _bounded(text: str, limit: int) -> str:
    return clean(text, limit).strip()


def _stable(text: str) -> str:
    """Return a group identity in bounded, clean ASCII; different texts stay different."""
    shown = clean(text, _GROUP_AT_MOST)
    if shown == text and text.isascii() and text.isprintable():
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{shown[:80].encode('ascii', 'replace').decode()}#{digest}"
