"""Secrets come from the store that their reference names, and what cannot be had says whose fault it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from mocked_account import Refusals, error, mocked_account

from pipeline.aws.clients import client
from pipeline.aws.secrets import TTL_S, Secrets
from pipeline.errors import Fault, Rejected, Unavailable

TOKEN = "xoxb-not-a-token"  # a secret of nobody


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mocked_account():
        make = client("secretsmanager").create_secret
        make(Name="trailwire/slack", SecretString=TOKEN)
        make(Name="trailwire/json", SecretString=json.dumps({"token": TOKEN, "port": 5, "empty": ""}))
        make(Name="trailwire/list", SecretString="[1]")
        make(Name="trailwire/deep", SecretString="[" * 60_000)
        make(Name="trailwire/binary", SecretBinary=b"\x00")
        client("ssm").put_parameter(Name="/trailwire/slack", Value=TOKEN, Type="SecureString")
        yield


@pytest.mark.parametrize(
    "reference",
    [
        "secretsmanager:trailwire/slack",
        "secretsmanager:trailwire/json#token",
        "ssm:/trailwire/slack",
        "env:TRAILWIRE_TEST_TOKEN",
        TOKEN,
    ],
)
def test_a_reference_gives_its_secret(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILWIRE_TEST_TOKEN", TOKEN)
    assert Secrets().get(reference) == TOKEN


def test_a_secret_can_be_named_by_its_arn() -> None:
    arn = client("secretsmanager").describe_secret(SecretId="trailwire/json")["ARN"]
    assert Secrets().get(f"secretsmanager:{arn}#token") == TOKEN


def test_a_literal_may_hold_colons() -> None:
    assert Secrets().get("https://hooks.slack.com/services/T0/B0/x") == "https://hooks.slack.com/services/T0/B0/x"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("secretsmanager:trailwire/absent", "ResourceNotFoundException"),
        ("secretsmanager:trailwire/json#absent", "no text under absent"),
        ("secretsmanager:trailwire/json#port", "no text under port"),
        ("secretsmanager:trailwire/json#empty", "no text under empty"),
        ("secretsmanager:trailwire/list#token", "no text under token"),
        ("secretsmanager:trailwire/slack#token", "not JSON"),
        ("secretsmanager:trailwire/deep#token", "not JSON"),
        ("secretsmanager:trailwire/binary", "has no text"),
        ("secretsmanager:", "ParamValidationError"),
        ("ssm:/trailwire/absent", "ParameterNotFound"),
        ("ssm:", "does not give"),
        ("env:TRAILWIRE_ABSENT", "the environment has no TRAILWIRE_ABSENT"),
    ],
)
def test_a_secret_that_is_not_there_is_the_configuration_s_fault(reference: str, said: str) -> None:
    with pytest.raises(Rejected, match=said) as raised:
        Secrets().get(reference)
    assert raised.value.fault is Fault.CREDENTIAL
    assert TOKEN not in str(raised.value)


CODES = [
    ("ThrottlingException", Unavailable),
    ("InternalServiceError", Unavailable),
    ("RequestLimitExceeded", Unavailable),
    ("AccessDeniedException", Rejected),
    ("DecryptionFailure", Rejected),
    ("InvalidRequestException", Rejected),
    ("InvalidKeyId", Rejected),
]


@pytest.mark.parametrize(("code", "raises"), CODES)
@pytest.mark.parametrize(
    ("reference", "service", "operation"),
    [
        ("secretsmanager:trailwire/slack", "secrets-manager", "GetSecretValue"),
        ("ssm:/trailwire/slack", "ssm", "GetParameter"),
    ],
)
def test_a_store_that_refuses_says_whether_asking_again_mends_it(
    reference: str, service: str, operation: str, code: str, raises: type[Exception]
) -> None:
    client_name = {"secrets-manager": "secretsmanager"}.get(service, service)

    def refuse(**_: Any) -> Any:
        answer = error(code)
        return type("Answer", (), {"status_code": 400}), answer

    client(client_name).meta.events.register_first(f"before-call.{service}.{operation}", refuse)
    with pytest.raises(raises, match=code):
        Secrets().get(reference)


@pytest.mark.parametrize(
    "failure", [ConnectTimeoutError(endpoint_url="https://ssm"), ReadTimeoutError(endpoint_url="https://ssm")]
)
def test_a_store_out_of_reach_may_come_back(failure: Exception) -> None:
    def fail(**_: Any) -> None:
        raise failure

    client("ssm").meta.events.register_first("before-call.ssm", fail)
    with pytest.raises(Unavailable, match=type(failure).__name__) as raised:
        Secrets().get("ssm:/trailwire/slack")
    assert not raised.value.ambiguous, "nothing was sent to anybody"


def test_a_secret_is_asked_for_once_in_five_minutes() -> None:
    """Each read is a CloudTrail event of its own."""
    now = [0.0]
    secrets = Secrets(lambda: now[0])
    reads = Refusals("ssm", "GetParameter")
    for at_s in (0.0, 1.0, TTL_S - 1.0):
        now[0] = at_s
        assert secrets.get("ssm:/trailwire/slack") == TOKEN
    assert reads.requests == 1
    client("ssm").put_parameter(Name="/trailwire/slack", Value="rotated", Type="SecureString", Overwrite=True)
    now[0] = TTL_S + 1.0
    assert secrets.get("ssm:/trailwire/slack") == "rotated"
    assert reads.requests == 2


def test_a_forgotten_secret_is_fetched_anew() -> None:
    secrets = Secrets()
    assert secrets.get("ssm:/trailwire/slack") == TOKEN
    client("ssm").put_parameter(Name="/trailwire/slack", Value="rotated", Type="SecureString", Overwrite=True)
    assert secrets.get("ssm:/trailwire/slack") == TOKEN
    secrets.forget("ssm:/trailwire/slack")
    secrets.forget("never asked for")
    assert secrets.get("ssm:/trailwire/slack") == "rotated"


def test_a_failure_is_not_remembered() -> None:
    secrets = Secrets()
    with pytest.raises(Rejected):
        secrets.get("ssm:/trailwire/new")
    client("ssm").put_parameter(Name="/trailwire/new", Value="made", Type="String")
    assert secrets.get("ssm:/trailwire/new") == "made"


def test_a_secret_stays_good_while_its_store_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was right five minutes ago beats silence; one that was refused is never used again."""
    now = [0.0]
    answers: list[str | Exception] = ["xoxb-1", Unavailable("down"), Unavailable("down"), "xoxb-2"]

    def fetch(_reference: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("pipeline.aws.secrets._fetch", fetch)
    secrets = Secrets(lambda: now[0])
    assert secrets.get("ssm:/token") == "xoxb-1"
    now[0] += TTL_S + 1
    assert secrets.get("ssm:/token") == "xoxb-1", "the store is down"
    secrets.forget("ssm:/token")
    with pytest.raises(Unavailable):
        secrets.get("ssm:/token")
    assert secrets.get("ssm:/token") == "xoxb-2"
