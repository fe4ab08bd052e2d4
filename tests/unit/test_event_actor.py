"""Who acted, from the shapes of userIdentity that real events have."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.event.actor import resolve_actor
from pipeline.event.values import Actor, ActorKind

ACCOUNT = "111122223333"
ISSUER = f"arn:aws:iam::{ACCOUNT}:role/"

Json = dict[str, Any]


def session(role: str, name: str, **more: Any) -> Json:
    """Build the identity of an assumed role."""
    context = {"sessionIssuer": {"type": "Role", "arn": ISSUER + role, "accountId": ACCOUNT, "userName": role}}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        "accountId": ACCOUNT,
        "sessionContext": {**context, **more.pop("sessionContext", {})},
        **more,
    }


def user(name: str, **more: Any) -> Json:
    """Build the identity of an IAM user."""
    return {"type": "IAMUser", "userName": name, "accountId": ACCOUNT, **more}


MFA = {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
SSO = "AWSReservedSSO_PowerUser_0123456789abcdef"
OIDC = {"webIdFederationData": {"federatedProvider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.github.com"}}
ON_BEHALF = {"onBehalfOf": {"userId": "9448-1", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"}}

# identity, kind, name, via, is a person
SHAPES: list[tuple[str, Json, ActorKind, str, str, bool]] = [
    ("user", user("alice"), ActorKind.USER, "alice", "", False),
    ("user with MFA", user("alice", **MFA), ActorKind.USER, "alice", "", True),
    (
        "user by ARN",
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/it/bob"},
        ActorKind.USER,
        "bob",
        "",
        False,
    ),
    ("user by id", {"type": "IAMUser", "principalId": "AIDAX"}, ActorKind.USER, "AIDAX", "", False),
    (
        "user through a service",
        user("al", invokedBy="athena.amazonaws.com"),
        ActorKind.USER,
        "al",
        "athena.amazonaws.com",
        False,
    ),
    (
        "hidden user",
        user("HIDDEN_DUE_TO_SECURITY_REASONS"),
        ActorKind.USER,
        "someone with an unknown user name",
        "",
        False,
    ),
    ("root", {"type": "Root", "accountId": ACCOUNT}, ActorKind.ROOT, "root", "", True),
    ("root with an alias", {"type": "Root", "userName": "acme"}, ActorKind.ROOT, "root (acme)", "", True),
    (
        "root through a service",
        {"type": "Root", "invokedBy": "signin.amazonaws.com"},
        ActorKind.ROOT,
        "root",
        "signin.amazonaws.com",
        False,
    ),
    ("role", session("ci", "build-42"), ActorKind.ROLE, "ci (session build-42)", "", False),
    ("role, a person by e-mail", session("ops", "c@x.org"), ActorKind.ROLE, "ops (session c@x.org)", "", True),
    (
        "role, SDK session",
        session("ops", "botocore-session-1", **MFA),
        ActorKind.ROLE,
        "ops (session botocore-session-1)",
        "",
        False,
    ),
    (
        "instance",
        session("web", "i-0123456789abcdef0"),
        ActorKind.ROLE,
        "web (instance i-0123456789abcdef0)",
        "",
        False,
    ),
    (
        "function",
        session(
            "fn",
            "thumb",
            inScopeOf={
                "issuerType": "AWS::Lambda::Function",
                "credentialsIssuedTo": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:thumb",
            },
        ),
        ActorKind.ROLE,
        "fn (function thumb)",
        "",
        False,
    ),
    (
        "OIDC role",
        session("gh", "run", sessionContext=OIDC),
        ActorKind.ROLE,
        "gh (session run)",
        "OIDC provider token.actions.github.com",
        False,
    ),
    (
        "source identity",
        session("ops", "s1", sessionContext={"sourceIdentity": "dora@x.org"}),
        ActorKind.ROLE,
        "dora@x.org",
        "role ops, session s1",
        True,
    ),
    (
        "role for a person of Identity Center",
        session("q", "s1", **ON_BEHALF),
        ActorKind.ROLE,
        "q (session s1)",
        "on behalf of Identity Center user 9448-1",
        False,
    ),
    ("SSO", session(SSO, "al@x.org"), ActorKind.SSO, "al@x.org", "permission set PowerUser", True),
    (
        "SSO, set with underscores",
        session("AWSReservedSSO_A_B_0123456789abcdef", "al"),
        ActorKind.SSO,
        "al",
        "permission set A_B",
        True,
    ),
    (
        "service-linked role",
        session("AWSServiceRoleForRDS", "SLRManagement"),
        ActorKind.SERVICE,
        "AWSServiceRoleForRDS",
        "service-linked role of RDS",
        False,
    ),
    (
        "session without context",
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/s1"},
        ActorKind.ROLE,
        "ops (session s1)",
        "",
        False,
    ),
    (
        "role without a session",
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ops"},
        ActorKind.ROLE,
        "ops",
        "",
        False,
    ),
    ("role itself", {"type": "Role", "arn": ISSUER + "x/deploy"}, ActorKind.ROLE, "deploy", "", False),
    (
        "federated",
        {
            "type": "FederatedUser",
            "principalId": f"{ACCOUNT}:eve",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/eve",
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "broker"}},
        },
        ActorKind.FEDERATED,
        "eve",
        "federated by broker",
        False,
    ),
    (
        "SAML",
        {
            "type": "SAMLUser",
            "principalId": "hash=:fay",
            "userName": "fay",
            "identityProvider": f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta",
        },
        ActorKind.FEDERATED,
        "fay",
        "SAML provider Okta",
        True,
    ),
    (
        "web identity",
        {
            "type": "WebIdentityUser",
            "principalId": "accounts.google.com:app:user9",
            "userName": "user9",
            "identityProvider": "accounts.google.com",
        },
        ActorKind.FEDERATED,
        "user9",
        "OIDC provider accounts.google.com",
        False,
    ),
    (
        "web identity by its principal",
        {"type": "WebIdentityUser", "principalId": "accounts.google.com:app:user9"},
        ActorKind.FEDERATED,
        "user9",
        "OIDC provider accounts.google.com:app",
        False,
    ),
    (
        "Identity Center",
        {"type": "IdentityCenterUser", "accountId": ACCOUNT, **ON_BEHALF},
        ActorKind.SSO,
        "user 9448-1",
        "IAM Identity Center",
        True,
    ),
    ("directory", {"type": "Directory", "userName": "gus"}, ActorKind.FEDERATED, "gus", "directory user", True),
    (
        "another account",
        {"type": "AWSAccount", "principalId": "AIDAX", "accountId": "999988887777"},
        ActorKind.ACCOUNT,
        "principal of account 999988887777",
        "principal AIDAX",
        False,
    ),
    (
        "another account's session",
        {"type": "AWSAccount", "principalId": "AROAX:s1", "accountId": "999988887777"},
        ActorKind.ACCOUNT,
        "principal of account 999988887777 (session s1)",
        "principal AROAX",
        False,
    ),
    (
        "service",
        {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        ActorKind.SERVICE,
        "ec2.amazonaws.com",
        "",
        False,
    ),
    (
        "no type",
        {"accountId": ACCOUNT, "invokedBy": "kms.amazonaws.com"},
        ActorKind.SERVICE,
        "kms.amazonaws.com",
        "",
        False,
    ),
    (
        "internal",
        {"accountId": ACCOUNT, "invokedBy": "AWS Internal"},
        ActorKind.SERVICE,
        "sts.amazonaws.com",
        "",
        False,
    ),
    ("unknown with a name", {"type": "Unknown", "userName": "hal"}, ActorKind.UNKNOWN, "hal", "", False),
    ("a type of next year", {"type": "Robot", "principalId": "R2"}, ActorKind.UNKNOWN, "principal R2", "", False),
]


@pytest.mark.parametrize(
    ("identity", "kind", "name", "via", "person"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES]
)
def test_an_identity_is_resolved(identity: Json, kind: ActorKind, name: str, via: str, person: bool) -> None:
    actor = resolve_actor({"userIdentity": identity, "eventSource": "sts.amazonaws.com"})
    assert (actor.kind, actor.name, actor.via, actor.is_person) == (kind, name, via, person)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({}, "unknown"),
        ({"userIdentity": None}, "unknown"),
        ({"userIdentity": ["a list"]}, "unknown"),
        ({"userIdentity": "root"}, "unknown"),
        ({"insightDetails": {"eventName": "RunInstances"}}, "callers together"),
        ({"summary": {"primaryDimension": {}}}, "callers together"),
    ],
)
def test_an_event_without_identity_has_nobody(event: Json, name: str) -> None:
    assert resolve_actor(event) == Actor(ActorKind.UNKNOWN, name, "nobody")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (session("ci", "build-1"), session("ci", "build-2"), True),
        (session("ci", "i-0123456789abcdef0"), session("ci", "i-0123456789abcdef1"), True),
        (session("ops", "a@x.org"), session("ops", "b@x.org"), False),
        (session(SSO, "a"), session(SSO, "b"), False),
        (user("a"), user("b"), False),
        (user("a"), user("a", accessKeyId="AKIA2"), True),
        (user("x" * 400 + "1"), user("x" * 400 + "2"), False),
        (user("\ud800"), user("\ud801"), False),
        (session("ci", "s"), session("cd", "s"), False),
    ],
)
def test_repeats_are_grouped_by_people_and_by_issuers(first: Json, second: Json, same: bool) -> None:
    """People behind roles are told apart by session, programs behind a role are not."""
    groups = [resolve_actor({"userIdentity": identity}).group for identity in (first, second)]
    assert (groups[0] == groups[1]) is same


def test_a_console_session_is_a_person() -> None:
    event = {"userIdentity": session("ops", "carol"), "sessionCredentialFromConsole": "true"}
    actor = resolve_actor(event)
    assert actor.is_person
    assert actor.group == ISSUER + "ops/carol"


@pytest.mark.parametrize("odd", [None, [], {}, 7, True, "x", ["x"], {"x": {}}])
@pytest.mark.parametrize("kind", [row[1].get("type") for row in SHAPES])
def test_odd_values_for_every_field_do_no_harm(kind: str, odd: Any) -> None:
    keys = ("principalId", "arn", "userName", "accountId", "invokedBy", "sessionContext", "onBehalfOf", "inScopeOf")
    assert resolve_actor({"userIdentity": {"type": kind, **dict.fromkeys(keys, odd)}}).name
