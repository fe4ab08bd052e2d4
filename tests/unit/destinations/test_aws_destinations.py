"""SNS and SES: what they are asked, and what each of their refusals means."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import CONTENTS, ONE, everything_said
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from pipeline.alerts.alert import Notice
from pipeline.alerts.content import About
from pipeline.aws.clients import client, forget_clients
from pipeline.destinations import aws_errors
from pipeline.destinations.aws_errors import delivery_error
from pipeline.destinations.ses import Ses
from pipeline.destinations.sns import MAX_BYTES, Sns, within
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.render.context import Context
from pipeline.rules.rule import DestinationConfig

HOME, AWAY = "eu-west-1", "us-west-2"
SENDER, RECIPIENTS = "trail@example.com", ["a@example.com", "b@example.com"]


@pytest.fixture(scope="module")
def mocked() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", HOME)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        forget_clients()
        yield
    forget_clients()


@pytest.fixture
def account(mocked: None) -> None:  # noqa: ARG001 - a fixture that is waited for
    for backends in (sns_backends, ses_backends):
        for region in (HOME, AWAY):
            backends[DEFAULT_ACCOUNT_ID][region].reset()


def _ses(**options: Any) -> Ses:
    given = {"from_email": SENDER, "to_emails": RECIPIENTS, **options}
    return Ses(DestinationConfig("mail", "ses", given, "trailwire.toml:1"), Context())


# ---- SNS ----


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
def test_a_topic_in_another_region_gets_every_content(content: Any) -> None:
    arn = client("sns", AWAY).create_topic(Name="alerts")["TopicArn"]
    assert Sns("topic", arn, Context()).post(content, dedupe_id="id") == ("", "")
    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID][AWAY].topics[arn].sent_notifications
    body, subject = sent[1], sent[2]
    assert body.strip()
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) < 100


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("name", ["security", "Sicherheit & Müll", "x" * 300])
def test_a_fifo_topic_gets_ids_that_it_takes_and_repeats_itself_for_no_attempt(name: str) -> None:
    made = client("sns", HOME).create_topic(Name="alerts.fifo", Attributes={"FifoTopic": "true"})
    seen: list[dict[str, Any]] = []
    client("sns", HOME).meta.events.register(
        "provide-client-params.sns.Publish", lambda params, **_: seen.append(dict(params))
    )
    destination = Sns(name, made["TopicArn"], Context())
    destination.post(ONE, dedupe_id="same")
    destination.post(ONE, dedupe_id="same")
    destination.post(ONE, dedupe_id="d" * 500)
    groups = {request["MessageGroupId"] for request in seen}
    ids = [request["MessageDeduplicationId"] for request in seen]
    assert len(groups) == 1
    assert ids[0] == ids[1] == "same" != ids[2]
    assert all(len(each) <= 128 and each.isascii() and each.isprintable() for each in [*groups, *ids])


@pytest.mark.usefixtures("account")
def test_a_standard_topic_is_not_asked_to_keep_order() -> None:
    arn = client("sns", HOME).create_topic(Name="alerts")["TopicArn"]
    seen: list[dict[str, Any]] = []
    client("sns", HOME).meta.events.register(
        "provide-client-params.sns.Publish", lambda params, **_: seen.append(dict(params))
    )
    Sns("topic", arn, Context()).post(ONE, dedupe_id="id")
    assert set(seen[0]) == {"TopicArn", "Subject", "Message"}


@pytest.mark.usefixtures("account")
def test_a_topic_that_is_not_there_is_the_destinations_fault_and_its_arn_is_not_told() -> None:
    destination = Sns("topic", f"arn:aws:sns:{HOME}:123456789012:nowhere", Context())
    with pytest.raises(Rejected) as caught:
        destination.post(ONE, dedupe_id="id")
    assert (caught.value.reason, caught.value.fault) == ("NotFound", Fault.DESTINATION)
    assert "nowhere" not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 100, "short"),
        ("é" * 30, 60, "é" * 30),
        ("one\ntwo\nthree" + "x" * 80, 60, "one\ntwo\n... the rest does not fit into an SNS message.\n"),
        ("é" * 80, 61, "é" * 6 + "\n... the rest does not fit into an SNS message.\n"),
    ],
)
def test_a_message_is_cut_after_a_whole_line_and_says_so(text: str, most: int, expected: str) -> None:
    assert within(text, most) == expected


@given(st.text(st.characters(codec=None), max_size=400), st.integers(60, 300))
def test_a_message_never_has_more_bytes_than_it_may(text: str, most: int) -> None:
    """Law: whatever the text, the result is valid UTF-8 within the bound, and whole if it fits."""
    cut = within(text, most)
    assert len(cut.encode()) <= most
    assert cut == text.encode("utf-8", "replace").decode() or cut.endswith("message.\n")
    assert MAX_BYTES == 256 * 1024


# ---- SES ----


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
def test_a_mail_goes_to_everybody_from_the_region_where_its_sender_is_verified(content: Any) -> None:
    client("ses", AWAY).verify_email_identity(EmailAddress=SENDER)
    assert _ses(region=AWAY).post(content, dedupe_id="id") == ("", "")
    (mail,) = ses_backends[DEFAULT_ACCOUNT_ID][AWAY].sent_messages
    assert (mail.source, mail.destinations["ToAddresses"]) == (SENDER, RECIPIENTS)
    assert "\n" not in mail.subject
    assert mail.body.strip()


@pytest.mark.usefixtures("account")
def test_text_that_looks_like_headers_stays_where_it_is() -> None:
    client("ses").verify_email_identity(EmailAddress=SENDER)
    injected = "x\r\nBcc: everybody@evil.example\r\n\r\nbody"
    _ses().post(About(Notice(injected, injected)), dedupe_id="id")
    (mail,) = ses_backends[DEFAULT_ACCOUNT_ID][HOME].sent_messages
    assert "\r" not in mail.subject + mail.body
    assert "\n" not in mail.subject
    assert not [line for line in mail.body.splitlines() if line.startswith("Bcc")]


@pytest.mark.usefixtures("account")
def test_a_sender_that_is_not_verified_is_the_destinations_fault() -> None:
    with pytest.raises(Rejected) as caught:
        _ses().post(ONE, dedupe_id="id")
    assert (caught.value.reason, caught.value.fault) == ("MessageRejected", Fault.DESTINATION)
    assert SENDER not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (botocore.exceptions.NoRegionError(), Fault.DESTINATION),
        (botocore.exceptions.NoCredentialsError(), Fault.CREDENTIAL),
    ],
)
def test_where_no_client_can_be_made_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, error: Exception, fault: Fault
) -> None:
    def make(*_: str) -> None:
        raise error

    for module in ("ses", "sns"):
        monkeypatch.setattr(f"pipeline.destinations.{module}.client", make)
    for destination in (_ses(), Sns("topic", "arn:aws:sns:eu-west-1:123456789012:alerts", Context())):
        with pytest.raises(Rejected) as caught:
            destination.post(ONE, dedupe_id="id")
        assert caught.value.fault is fault


# ---- what refusals mean ----

CODES = """
limited      Throttling ThrottlingException Throttled ThrottledException TooManyRequestsException KMSThrottling
limited      KMSThrottlingException
ambiguous    InternalError InternalFailure RequestTimeout ServiceUnavailable
destination  NotFound NotFoundException EndpointDisabled MessageRejected MailFromDomainNotVerifiedException
destination  ConfigurationSetDoesNotExist ConfigurationSetSendingPausedException AccountSendingPausedException
destination  KMSDisabled KMSInvalidState KMSNotFound KMSOptInRequired PlatformApplicationDisabled
credential   AuthorizationError AuthorizationErrorException AccessDenied AccessDeniedException ExpiredToken
credential   ExpiredTokenException InvalidClientTokenId InvalidSecurity KMSAccessDenied KMSAccessDeniedException
credential   UnrecognizedClientException SignatureDoesNotMatch IncompleteSignature MissingAuthenticationToken
credential   OptInRequired
message      InvalidParameter ParameterValueInvalid ValidationException ACodeOfTomorrow
"""
TABLE = [(code, row.split()[0]) for row in CODES.strip().splitlines() for code in row.split()[1:]]


def _class(error: DeliveryError) -> str:
    match error:
        case RateLimited():
            return "limited"
        case Unavailable():
            return "ambiguous" if error.ambiguous else "retry"
        case Rejected():
            return str(error.fault)
    raise AssertionError(error)


def _refusal(code: Any, status: Any = 400) -> botocore.exceptions.ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "about arn:aws:sns:x"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return botocore.exceptions.ClientError(answer, "Publish")


@pytest.mark.parametrize(("code", "expected"), TABLE)
def test_every_code_is_in_its_class(code: str, expected: str) -> None:
    error = delivery_error(_refusal(code))
    assert _class(error) == expected
    assert "arn:" not in str(error)


def test_every_code_in_the_code_is_in_the_table_once() -> None:
    rows = [*aws_errors.THROTTLED, *aws_errors.RETRYABLE, *aws_errors.DESTINATION, *aws_errors.CREDENTIAL]
    assert len(rows) == len(set(rows))
    assert set(rows) <= {code for code, _ in TABLE}


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("", 500, "ambiguous"),
        ("WhoKnows", 503, "ambiguous"),
        ("", 400, "message"),
        ("<html>" + "x" * 500, 400, "message"),
        (None, None, "message"),
        (17, "500", "message"),
    ],
)
def test_odd_answers_have_their_class_too(code: Any, status: Any, expected: str) -> None:
    error = delivery_error(_refusal(code, status))
    assert _class(error) == expected
    assert len(str(error)) < 120


WAYS = """
retry        EndpointConnectionError ConnectTimeoutError ProxyConnectionError SSLError
ambiguous    ReadTimeoutError ConnectionClosedError HTTPClientError
credential   NoCredentialsError PartialCredentialsError CredentialRetrievalError
destination  NoRegionError InvalidRegionError
message      ParamValidationError
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [(name, row.split()[0]) for row in WAYS.strip().splitlines() for name in row.split()[1:]],
)
def test_every_failure_on_the_way_is_in_its_class(name: str, expected: str) -> None:
    about = dict.fromkeys(
        ("endpoint_url", "error", "proxy_url", "provider", "cred_var", "error_msg", "region_name", "report"), "secret"
    )
    error = delivery_error(getattr(botocore.exceptions, name)(**about))
    assert _class(error) == expected
    assert "secret" not in str(error)


@pytest.mark.usefixtures("account")
def test_a_refused_connection_to_the_service_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:1")
    forget_clients()
    with pytest.raises(Unavailable) as caught:
        Sns("topic", f"arn:aws:sns:{HOME}:123456789012:alerts", Context()).post(ONE, dedupe_id="id")
    assert (caught.value.reason, caught.value.ambiguous) == ("EndpointConnectionError", False)
