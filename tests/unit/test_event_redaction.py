"""Credentials are replaced by a marker, by their key or by what they look like; what is no credential stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.event.redaction import REDACTED, redact, redact_computed, redact_text

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        JWT,
        PEM,
        PEM[:40],
        "xox" + "b-123456789012-abcdefABCDEF",
        "xapp-1-A0-123456789012-abcdef",
        "https://hooks." + "slack.com/services/T0/B0/abcdefghijkl",
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 5,
        "sk_live_" + "a1B2" * 6,
        "IQoJb3JpZ2luX2VjEOH//////////wEaCXVzLWVhc3QtMSJIMEYCIQDzpomGZAmk",
        "FwoGZXIvYXdzEBYaDGFiY2RlZmdoaWprbG1ubw==",
        "Bearer abcdefghijklmnop1234",
        "Basic dXNlcjpwYXNzd29yZA==",
        "X-Amz-Signature=0123456789abcdef",
        "X-Amz-Security-Token=IQoJb3JpZ2luX2Vj",
        "password=hunter2hunter2",
        '"secretAccessKey": "abcdefgh"',
        "aws_secret_access_key = abcdefgh",
        "MasterUserPassword=hunter2hunter2",
        "npm_" + "a1B2" * 9,
        "ABSK" + "Ab12" * 10,
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF",
        "IQoJb3JpZ2luX2VjEOH\\/\\/\\/\\/wEaCXVzLWVhc3QtMSJIMEYCIQDzpomGZAmk",
    ],
)
@pytest.mark.parametrize("around", ["{}", "before {} after", "b/{}/k", "a={}&b=1"])
def test_what_looks_like_a_credential_is_redacted(secret: str, around: str) -> None:
    shown = redact_text(around.format(secret))
    assert REDACTED in shown
    assert secret.rstrip("=").rpartition("=")[2].strip('" ')[-8:] not in shown


def test_an_address_shows_its_host_and_nobodys_password() -> None:
    assert redact_text("at postgres://admin:hunter2@db.internal/x") == f"at postgres://{REDACTED}@db.internal/x"


@pytest.mark.parametrize("secret", ["hunter22hunter22", "ab,c d&e;f", "kQ7\\/xT+9vRb", "(x)", "a:b=c"])
@pytest.mark.parametrize("levels", range(1, 4))
def test_json_inside_json_shows_no_password(levels: int, secret: str) -> None:
    """Policies and requests come as text in events, and such text in other text."""
    text = f'{{"userName": "alice", "masterUserPassword": "{secret}", "port": 5432}}'
    for _ in range(levels):
        text = json.dumps(text)
    shown = redact_text(text)
    assert REDACTED in shown
    assert secret not in shown.replace("\\\\", "\\")
    assert all(word in shown for word in ("alice", "port", "5432"))


@pytest.mark.parametrize(
    "text",
    [
        '{\\"password\\": \\"\\", \\"user\\": \\"bob\\"}',
        '{"Action": ["iam:ChangePassword", "iam:GetUser"]}',
        "https://example.com:8080/a@b",
        "AKIAIOSFODNN7EXAMPLE",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-password-AbCdEf",
        "arn:aws:iam::111122223333:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
        "0c7f2a91-3b1d-4f6e-9a51-6d1f0b7e4c10",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "stratus-red-team-ec2-steal-credentials-role",
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "the password was changed",
        "User alice is not authorized to perform: secretsmanager:GetSecretValue",
        "my-bucket/path/to/SomeVeryLongCamelCaseFileName",
        "eyes.wide.open",
        "",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            {
                "credentials": {
                    "accessKeyId": "ASIA1",
                    "secretAccessKey": "s",
                    "sessionToken": "t",
                    "expiration": "soon",
                }
            },
            {
                "credentials": {
                    "accessKeyId": "ASIA1",
                    "secretAccessKey": REDACTED,
                    "sessionToken": REDACTED,
                    "expiration": "soon",
                }
            },
        ),
        (
            {"accessKey": {"accessKeyId": "AKIA1", "secretAccessKey": "s"}},
            {"accessKey": {"accessKeyId": "AKIA1", "secretAccessKey": REDACTED}},
        ),
        ({"userData": "IyEvYmlu"}, {"userData": REDACTED}),
        ({"userData": {"value": "x"}}, {"userData": {"value": REDACTED}}),
        ({"secretString": "x", "SecretBinary": [1]}, {"secretString": REDACTED, "SecretBinary": REDACTED}),
        (
            {"sAMLAssertion": "x", "masterUserPassword": "y"},
            {"sAMLAssertion": REDACTED, "masterUserPassword": REDACTED},
        ),
        ({"passwordResetRequired": False, "secretId": "db"}, {"passwordResetRequired": False, "secretId": "db"}),
        ({"password": None, "hasPassword": True}, {"password": None, "hasPassword": True}),
        ([1, 2.5, None, True, "a"], [1, 2.5, None, True, "a"]),
        ({JWT: 1}, {REDACTED: 1}),
        ({"Credentials": {"AccessKeyId": "AKIA1"}}, {"Credentials": {"AccessKeyId": "AKIA1"}}),
        ([{"name": "DB_PASSWORD", "value": "x"}], [{"name": "DB_PASSWORD", "value": REDACTED}]),
        ([{"name": "DB_HOST", "value": "x"}], [{"name": "DB_HOST", "value": "x"}]),
        (
            {"parameterKey": "DbPassword", "parameterValue": "x"},
            {"parameterKey": "DbPassword", "parameterValue": REDACTED},
        ),
        (
            {"name": "/prod/db", "type": "SecureString", "value": "x", "tier": "Standard"},
            {"name": "/prod/db", "type": "SecureString", "value": REDACTED, "tier": "Standard"},
        ),
        ({"OAuthToken": "x", "X-API-Key": "y"}, {"OAuthToken": REDACTED, "X-API-Key": REDACTED}),
        ({"nextToken": "x", "clientToken": "y"}, {"nextToken": "x", "clientToken": "y"}),
        ({"minimumPasswordLength": 6}, {"minimumPasswordLength": 6}),
        ({"passwordPolicy": {"minimumLength": 6}}, {"passwordPolicy": {"minimumLength": 6}}),
    ],
)
def test_values_are_redacted_by_their_keys(value: Any, shown: Any) -> None:
    assert redact(value) == shown


PASSWORD = 'tr0ub"4/dor'


@pytest.mark.parametrize(
    "request_",
    [
        {"masterUserPassword": PASSWORD},
        {"a": [{"name": "DB_PASSWORD", "value": PASSWORD}]},
        {"credentials": {"accessKeyId": "ASIA123456", "anything": [PASSWORD]}},
        {"token": {"deep": {"er": PASSWORD}}},
    ],
)
@pytest.mark.parametrize(
    "computed",
    [
        PASSWORD,
        f"it was {PASSWORD} again {PASSWORD}",
        [{"x": [1, PASSWORD]}],
        {PASSWORD: 1},
        json.dumps({"p": PASSWORD}),
        f"ValueError: invalid literal for int() with base 10: {PASSWORD!r}",
    ],
)
def test_a_credential_is_known_again_where_a_rule_has_put_it(request_: dict[str, Any], computed: Any) -> None:
    """Rules build texts and lists out of events, in which nothing tells what a value was."""
    event = {"eventName": "x", "requestParameters": {"user": "alice123", "role": "arn:aws:iam::1:role/x", **request_}}
    assert "tr0ub" not in repr(redact_computed(computed, event))
    assert redact_computed(json.dumps(["x", PASSWORD]), event) == json.dumps(["x", REDACTED])
    assert redact_computed(["alice123", "ASIA123456"], event) == ["alice123", "ASIA123456"]


def test_looking_for_credentials_is_bounded_and_hides_nothing_short_or_public() -> None:
    """Short words would be found in everything, and an ARN is a name."""
    event = {"password": "abc", "secret": "arn:aws:x", "token": None, "pwd": 7, "apiKeys": ["key-0123"] * 90_000}
    assert redact_computed("abc arn:aws:x 7 key-0123", event) == f"abc arn:aws:x 7 {REDACTED}"
    deep: Any = PASSWORD
    for _ in range(50_000):
        deep = [deep]
    assert redact_computed("x", {"password": deep}) == "x"


@pytest.mark.parametrize("wrapped", [lambda inner: [inner], lambda inner: {"a": inner}, lambda inner: {"token": inner}])
def test_deep_values_are_bounded(wrapped: Callable[[Any], Any]) -> None:
    deep: Any = "bottom"
    for _ in range(5000):
        deep = wrapped(deep)
    assert "bottom" not in repr(redact(deep))


def test_wide_and_odd_values_are_bounded() -> None:
    assert repr(redact(list(range(100_000)))).count("[...]") > 0
    assert redact({"odd": object(), "set": {1}}) == {"odd": "[...]", "set": "[...]"}


@pytest.mark.parametrize(
    "piece",
    [
        "ey-",
        "eyJ",
        "-----BEGIN ",
        "secret",
        "A1b/",
        "xoxb",
        "ghp_",
        'password"',
        "sk-",
        "Basic ",
        "IQoJb3JpZ2lu",
        "://",
        "://a:b",
        "password='",
        'password\\"=',
        "LS0tLS1CRUdJTiBSU0Eg",
        "SG.",
        "/",
        SECRET + "/",
    ],
)
def test_no_text_takes_quadratic_time(piece: str) -> None:
    """Without linear expressions these take minutes, and the run would be seen to hang."""
    assert redact_text(piece * 30_000)
