"""The pipeline's own reads of its secrets are silent, and nobody else's are. Events as AWS writes them, recorded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.printer import show
from pipeline.rules.rule import DestinationConfig
from pipeline.runtime.own_reads import own_reads

FUNCTION = "trailwire-prod-kinesis"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:trailwire/arn-AbC123"
DESTINATIONS = [
    DestinationConfig("a", "slack", {"channel": "C1", "token": "secretsmanager:trailwire/slack#token"}, "t:1"),
    DestinationConfig("b", "slack_webhook", {"webhook_url": f"secretsmanager:{SECRET_ARN}"}, "t:2"),
    DestinationConfig("c", "webhook", {"url": "ssm:/trailwire/url", "secret": "ssm:plain-name:3"}, "t:3"),
    DestinationConfig("d", "slack", {"channel": "C2", "token": "env:TOKEN"}, "t:4"),
    DestinationConfig("e", "ses", {"from_email": "a@example.com", "to_emails": ["ssm:/not/a/secret"]}, "t:5"),
    DestinationConfig("f", "stdout", {}, "t:6"),
]


def _event(source: str, name: str, parameters: Any, *, by: str = "", **more: Any) -> dict[str, Any]:
    identity = {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{FUNCTION}",
        "arn": f"arn:aws:sts::111122223333:assumed-role/trailwire-role/{FUNCTION}",
        "accountId": "111122223333",
        **({"invokedBy": by} if by else {}),
    }
    return {
        "userIdentity": identity,
        "eventSource": source,
        "eventName": name,
        "sourceIPAddress": by or "198.51.100.7",
        "requestParameters": parameters,
        **more,
    }


def _secret(secret_id: Any, **more: Any) -> dict[str, Any]:
    return _event("secretsmanager.amazonaws.com", "GetSecretValue", {"secretId": secret_id}, **more)


def _parameter(name: Any, **more: Any) -> dict[str, Any]:
    return _event("ssm.amazonaws.com", "GetParameter", {"name": name, "withDecryption": True}, **more)


def _decrypt(context: Any, by: str, **more: Any) -> dict[str, Any]:
    parameters = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": context}
    return _event("kms.amazonaws.com", "Decrypt", parameters, by=by, **more)


def _of_secret(name: str, by: str = "secretsmanager.amazonaws.com") -> dict[str, Any]:
    arn = f"arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}"
    return _decrypt({"SecretARN": arn, "SecretVersionId": "B6762B14-ECB8-45D0-A1A0-95DE92B6A84C"}, by)


def _of_parameter(name: str, by: str = "AWS Internal") -> dict[str, Any]:
    return _decrypt({"PARAMETER_ARN": f"arn:aws:ssm:eu-west-1:111122223333:parameter/{name}"}, by)


OWN = [
    _secret("trailwire/slack"),
    _secret(SECRET_ARN),
    _parameter("/trailwire/url"),
    _parameter("plain-name:3"),
    _of_secret("trailwire/slack-7ChiHt"),
    _of_secret("trailwire/arn-AbC123"),
    _of_parameter("trailwire/url"),
    _of_parameter("trailwire/url", "ssm.amazonaws.com"),
    _of_parameter("plain-name"),
]


def _by(arn: Any, kind: Any = "AssumedRole") -> dict[str, Any]:
    event = _secret("trailwire/slack")
    return event | {"userIdentity": event["userIdentity"] | {"arn": arn, "type": kind}}


ROLE = "arn:aws:sts::111122223333:assumed-role"
OTHERS: list[tuple[str, Any]] = [
    ("another secret", _secret("prod/database")),
    ("a secret whose name begins the same", _secret("trailwire/slack-backup")),
    ("a secret whose name ends the same", _secret("other/trailwire/slack")),
    ("a secret with a key in its name", _secret("trailwire/slack#token")),
    ("a list of secrets", _secret(["trailwire/slack", "prod/database"]) | {"eventName": "BatchGetSecretValue"}),
    ("another call on the same secret", _secret("trailwire/slack") | {"eventName": "PutSecretValue"}),
    ("another service's call of the same name", _secret("trailwire/slack") | {"eventSource": "evil.amazonaws.com"}),
    ("a read that was refused", _secret("trailwire/slack", errorCode="AccessDenied")),
    ("another session of the role", _by(f"{ROLE}/trailwire-role/mallory")),
    ("a session whose name ends the same", _by(f"{ROLE}/trailwire-role/x-{FUNCTION}")),
    ("a session whose name begins the same", _by(f"{ROLE}/trailwire-role/{FUNCTION}-x")),
    ("a user of the function's name", _by(f"arn:aws:iam::111122223333:user/{FUNCTION}", "IAMUser")),
    ("a user who says to be a role", _by(f"arn:aws:iam::111122223333:user/{FUNCTION}")),
    ("no ARN", _by(None)),
    ("nobody", _secret("trailwire/slack") | {"userIdentity": None}),
    ("another parameter", _parameter("/trailwire/other")),
    ("a parameter below", _parameter("/trailwire/url/more")),
    ("many parameters", _parameter("/trailwire/url") | {"eventName": "GetParameters"}),
    ("what is no secret of a destination", _parameter("/not/a/secret")),
    ("what lies in the environment", _parameter("TOKEN")),
    ("a decryption of another secret", _of_secret("prod/database-7ChiHt")),
    ("a decryption of a secret whose name begins the same", _of_secret("trailwire/slack-backup-7ChiHt")),
    ("a decryption of a secret whose name ends the same", _of_secret("x/trailwire/slack-7ChiHt")),
    ("a decryption by the function itself", _of_secret("trailwire/slack-7ChiHt", "")),
    ("a decryption by another service", _of_secret("trailwire/slack-7ChiHt", "s3.amazonaws.com")),
    ("a decryption of another parameter", _of_parameter("trailwire/url2")),
    ("a decryption of a parameter whose name ends the same", _of_parameter("x/trailwire/url")),
    ("a decryption for Parameter Store by the function itself", _of_parameter("trailwire/url", "")),
    ("a decryption without a context", _decrypt(None, "secretsmanager.amazonaws.com")),
    ("an encryption", _of_secret("trailwire/slack-7ChiHt") | {"eventName": "GenerateDataKey"}),
    ("nothing", {}),
]


def _holds(event: Any, *sessions: str) -> bool:
    ignore = own_reads(DESTINATIONS, sessions or (FUNCTION,))
    assert ignore is not None
    return ignore.condition.matches(event)


@pytest.mark.parametrize("event", OWN, ids=range(len(OWN)))
def test_the_functions_own_reads_are_silent(event: dict[str, Any]) -> None:
    assert _holds(event)


@pytest.mark.parametrize("event", [row[1] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_every_other_read_is_told(event: dict[str, Any]) -> None:
    assert not _holds(event)


OUTBOX = "trailwire-prod-outbox"
KNOWN = (f"{ROLE}/trailwire-role/{FUNCTION}", f"{ROLE}/outbox-role/{OUTBOX}")


@pytest.mark.parametrize(
    ("session", "is_own"),
    [
        (f"trailwire-role/{FUNCTION}", True),
        (f"outbox-role/{OUTBOX}", True),
        (f"mallorys-role/{FUNCTION}", False),
        (f"x-trailwire-role/{FUNCTION}", False),
        (f"trailwire-role/{OUTBOX}", False),
        (f"trailwire-role/x/{FUNCTION}", False),
        ("outbox-role/mallory", False),
    ],
)
def test_where_the_roles_are_known_nobody_else_is_silent_under_a_functions_name(session: str, is_own: bool) -> None:
    """Whoever may assume a role chooses the session's name; only Lambda may assume the functions' own."""
    assert _holds(_by(f"{ROLE}/{session}"), *KNOWN) is is_own
    assert not _holds(_by(f"arn:aws:sts::444455556666:assumed-role/{session}"), *KNOWN)


@pytest.mark.parametrize(
    "name", ["", "two words", "a/b/c", "*", "x" * 65, "f\u00fcnktion", "name\n", "a b/c", "/a", "a/b", f"{ROLE}/a"]
)
def test_without_a_functions_name_nothing_is_silent(name: str) -> None:
    assert own_reads(DESTINATIONS, [name]) is None
    assert own_reads(DESTINATIONS, [FUNCTION, name]) is None
    assert own_reads(DESTINATIONS, []) is None


def test_without_stored_secrets_nothing_is_silent() -> None:
    kept = [each for each in DESTINATIONS if each.id in "def"]
    assert own_reads(kept, [FUNCTION]) is None
    assert own_reads([], [FUNCTION]) is None
    odd = [DestinationConfig("x", "slack", {"token": token}, "t:1") for token in ("secretsmanager:", "ssm:", "#", 5)]
    assert own_reads(odd, [FUNCTION]) is None


def test_it_says_what_it_is() -> None:
    ignore = own_reads(DESTINATIONS, [FUNCTION])
    assert ignore is not None
    assert (ignore.reason, ignore.where, ignore.until) == ("Trailwire reads its own secrets", "built in", None)
    assert ignore.source == show(ignore.condition.tree)
    assert ignore.condition.program is None


values = st.recursive(st.none() | st.text(max_size=9) | st.integers(), lambda v: st.lists(v, max_size=3), max_leaves=5)


@given(st.sampled_from(OWN), st.sampled_from(["userIdentity", "requestParameters", "eventSource", "eventName"]), values)
def test_what_is_not_ours_in_one_field_is_told(event: dict[str, Any], key: str, value: Any) -> None:
    """Law: put anything else in place of who, what, where or by which call, and the read is told."""
    assert value == event[key] or not _holds(event | {key: value})
