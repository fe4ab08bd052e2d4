"""Destinations as a configuration builds them, on the way to the Slack stand-in and the services of a mocked account.

Everything on our side is real: the secrets, slack_sdk's client, sockets, boto3.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator

import pytest
from moto import mock_aws

from pipeline.alerts.alert import Alert, Repeats
from pipeline.alerts.content import Many, One, Reply
from pipeline.alerts.ports import Destination, Destinations
from pipeline.aws.clients import client, forget_clients
from pipeline.aws.secrets import Secrets
from pipeline.destinations.build import Surroundings, build
from pipeline.destinations.slack import Slack
from pipeline.destinations.slack_webhook import SlackWebhook
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.event.summary import summarize
from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_faults import (
    Fault as SlackFault,
)
from pipeline.local.slack_faults import (
    api_error,
    connection_reset,
    ratelimited,
    server_error,
    unanswered,
)
from pipeline.local.slack_workspace import DEFAULT_CHANNEL, TOKEN
from pipeline.render.context import Context
from pipeline.rules.rule import RuleFacts, Severity
from pipeline.rules.ruleset import parse
from pipeline.testing import NOON_MS, event

CONFIGURATION = f"""
[[destination]]
id = "security"
type = "slack"
channel = "#security-alerts"
token = "secretsmanager:trailwire/slack#token"
[[destination]]
id = "by id"
type = "slack"
channel = "{DEFAULT_CHANNEL}"
token = "ssm:/trailwire/slack"
[[destination]]
id = "hook"
type = "slack_webhook"
webhook_url = "env:SLACK_WEBHOOK"
[[destination]]
id = "topic"
type = "sns"
sns_arn = "arn:aws:sns:us-west-2:123456789012:alerts"
[[destination]]
id = "mail"
type = "ses"
from_email = "trail@example.com"
to_email = "oncall@example.com"
[[destination]]
id = "screen"
type = "stdout"
[[destination]]
id = "without a secret"
type = "slack"
channel = "C1"
token = "ssm:/trailwire/nowhere"
"""
ALERT = Alert("k", "g", "d", RuleFacts("Instances listed", Severity.HIGH), summarize(event()), NOON_MS)
ONE = One(ALERT)
PATIENCE_S = 1.5
"""Long enough for an answer that comes, however busy the machine."""
REPEATS = Repeats(3, NOON_MS, NOON_MS + 60_000)


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


class CountedSecrets(Secrets):
    """The secrets, and how often they were asked for anew."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten: list[str] = []

    def forget(self, reference: str) -> None:
        self.forgotten.append(reference)
        super().forget(reference)


@pytest.fixture
def secrets() -> CountedSecrets:
    return CountedSecrets()


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        forget_clients()
        client("secretsmanager").create_secret(Name="trailwire/slack", SecretString="{}")
        client("ssm").put_parameter(Name="/trailwire/slack", Value=TOKEN, Type="SecureString")
        client("sns", "us-west-2").create_topic(Name="alerts")
        client("ses").verify_email_identity(EmailAddress="trail@example.com")
        yield
    forget_clients()


@pytest.fixture
def destinations(
    account: None,  # noqa: ARG001 - a fixture that is waited for
    slack: SlackStandIn,
    secrets: CountedSecrets,
    monkeypatch: pytest.MonkeyPatch,
) -> Destinations:
    monkeypatch.setenv("SLACK_WEBHOOK", slack.webhook_url())
    monkeypatch.setattr(Slack, "timeout_s", PATIENCE_S)
    monkeypatch.setattr(SlackWebhook, "timeout_s", PATIENCE_S)
    client("secretsmanager").put_secret_value(SecretId="trailwire/slack", SecretString=f'{{"token": "{TOKEN}"}}')
    around = Surroundings(Context(), secrets.get, secrets.forget, slack.api_url)
    return build(parse(CONFIGURATION, lambda path: path).destinations, around)


def test_every_destination_of_a_configuration_takes_an_alert(
    slack: SlackStandIn, destinations: Destinations, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("security", "by id", "hook", "topic", "mail", "screen"):
        destinations[name].post(ONE, dedupe_id=name)
    assert len(slack.transcript()) == 3
    assert all("alice" in post.all_text() for post in slack.transcript())
    assert "Instances listed" in capsys.readouterr().out


def test_a_secret_that_is_missing_is_noticed_by_who_needs_it_and_when(
    slack: SlackStandIn, destinations: Destinations
) -> None:
    destinations["security"].post(ONE, dedupe_id="1")
    with pytest.raises(Rejected) as caught:
        destinations["without a secret"].post(ONE, dedupe_id="2")
    assert caught.value.fault is Fault.CREDENTIAL
    assert len(slack.transcript()) == 1


def test_a_message_is_answered_in_its_thread_and_edited_in_its_place(
    slack: SlackStandIn, destinations: Destinations
) -> None:
    security = destinations["security"]
    posted = security.post(ONE, dedupe_id="1")
    assert posted.channel == DEFAULT_CHANNEL
    security.edit(posted, One(ALERT, REPEATS))
    security.post(Reply(ALERT, REPEATS), dedupe_id="2", thread=posted.message)
    first, reply = slack.transcript()
    assert reply.thread_ts == first.ts == posted.message
    assert len(first.earlier) == 1
    assert "3 times" in first.all_text()


def test_an_edit_leaves_nothing_of_what_stood_there(slack: SlackStandIn, destinations: Destinations) -> None:
    security = destinations["security"]
    assert isinstance(security, Slack)
    posted = security.post(ONE, dedupe_id="1")
    slack.faults.script(api_error("invalid_blocks"), method="chat.update")
    security.edit(posted, One(ALERT, REPEATS))
    (post,) = slack.transcript()
    assert post.blocks == post.attachments == ()
    assert "3 times" in post.text


def test_a_reply_to_a_message_that_is_gone_stands_in_the_channel(
    slack: SlackStandIn, destinations: Destinations
) -> None:
    destinations["security"].post(Reply(ALERT, REPEATS), dedupe_id="1", thread="1767268800.000100")
    (post,) = slack.transcript()
    assert post.in_channel


def test_a_message_that_is_gone_cannot_be_edited(destinations: Destinations) -> None:
    security = destinations["security"]
    posted = security.post(ONE, dedupe_id="1")
    with pytest.raises(Rejected) as caught:
        security.edit(posted._replace(message="1.0"), ONE)
    assert (caught.value.reason, caught.value.fault) == ("message_not_found", Fault.MESSAGE)


def test_an_attempt_that_arrived_after_all_is_not_told_twice_where_slack_folds_it(
    slack: SlackStandIn, destinations: Destinations
) -> None:
    slack.faults.script(unanswered(accepted=True))
    with pytest.raises(Unavailable) as caught:
        destinations["security"].post(ONE, dedupe_id="same")
    assert caught.value.ambiguous
    destinations["security"].post(One(ALERT, may_repeat=True), dedupe_id="same")
    assert len(slack.transcript()) == 1


ON_THE_WAY: list[tuple[SlackFault, str]] = [
    (ratelimited(7), "limited 7"),
    (api_error("rate_limited"), "limited 30"),
    (server_error(), "ambiguous"),
    (server_error(500, "internal_error", accepted=True), "ambiguous"),
    (unanswered(accepted=False), "ambiguous"),
    (connection_reset(accepted=True), "ambiguous"),
]
BY_THE_API: list[tuple[SlackFault, str]] = [
    (api_error("fatal_error", accepted=True), "ambiguous"),
    (api_error("service_unavailable"), "retry"),
    (api_error("is_archived"), "destination"),
    (api_error("token_revoked"), "credential"),
    (api_error("invalid_arguments"), "message"),
]
BY_A_WEBHOOK: list[tuple[SlackFault, str]] = [
    (SlackFault(status=410, error="channel_is_archived"), "destination"),
    (SlackFault(status=404, error="no_service"), "credential"),
    (SlackFault(status=400, error="invalid_payload"), "message"),
    (SlackFault(status=200, error="no_service"), "ambiguous"),
]
FAULTS = [
    *(("security", *row) for row in [*ON_THE_WAY, *BY_THE_API]),
    *(("hook", *row) for row in [*ON_THE_WAY, *BY_A_WEBHOOK]),
]


@pytest.mark.parametrize(("name", "fault", "expected"), FAULTS)
def test_each_fault_of_slack_is_what_it_is(
    slack: SlackStandIn, destinations: Destinations, name: str, fault: SlackFault, expected: str
) -> None:
    slack.faults.script(fault)
    with pytest.raises(DeliveryError) as caught:
        destinations[name].post(ONE, dedupe_id="1")
    assert _class(caught.value) == expected


def _class(error: DeliveryError) -> str:
    match error:
        case RateLimited():
            return f"limited {error.retry_after_s:g}"
        case Unavailable():
            return "ambiguous" if error.ambiguous else "retry"
        case Rejected():
            return str(error.fault)
    raise AssertionError(error)


def test_slacks_own_limit_is_met_as_a_wait(destinations: Destinations) -> None:
    with pytest.raises(RateLimited) as caught:
        _flood(destinations["by id"])
    assert 1 <= caught.value.retry_after_s <= 2


def _flood(destination: Destination) -> None:
    for number in range(10):
        destination.post(ONE, dedupe_id=str(number))


@pytest.mark.parametrize("name", ["security", "by id", "hook"])
def test_an_archived_channel_takes_nothing_by_any_way(
    slack: SlackStandIn, destinations: Destinations, name: str
) -> None:
    slack.workspace.archive(DEFAULT_CHANNEL)
    with pytest.raises(Rejected) as caught:
        destinations[name].post(ONE, dedupe_id="1")
    assert caught.value.fault is Fault.DESTINATION


def test_a_webhook_that_was_replaced_works_after_the_refusal_of_the_old_one(
    slack: SlackStandIn, destinations: Destinations, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = destinations["hook"]
    hook.post(ONE, dedupe_id="1")
    slack.workspace.remove_webhook(os.environ["SLACK_WEBHOOK"].removeprefix(slack.url))
    monkeypatch.setenv("SLACK_WEBHOOK", slack.url + slack.workspace.add_webhook(DEFAULT_CHANNEL, "/services/T/B/new"))
    with pytest.raises(Rejected) as caught:
        hook.post(ONE, dedupe_id="2")
    assert (caught.value.reason, caught.value.fault) == ("no_service", Fault.CREDENTIAL)
    hook.refresh()
    hook.post(ONE, dedupe_id="2")
    assert len(slack.transcript()) == 2


def test_a_rotated_token_works_after_the_refusal_of_the_old_one(
    slack: SlackStandIn, destinations: Destinations, secrets: CountedSecrets
) -> None:
    security = destinations["security"]
    security.post(ONE, dedupe_id="1")
    slack.workspace.revoke(TOKEN)
    slack.workspace.add_token("xoxb-rotated")
    client("secretsmanager").put_secret_value(SecretId="trailwire/slack", SecretString='{"token": "xoxb-rotated"}')
    with pytest.raises(Rejected) as caught:
        security.post(ONE, dedupe_id="2")
    assert (caught.value.reason, caught.value.fault) == ("token_revoked", Fault.CREDENTIAL)
    security.refresh()
    security.post(ONE, dedupe_id="2")
    assert secrets.forgotten == ["secretsmanager:trailwire/slack#token"]
    assert len(slack.transcript()) == 2


def test_no_secret_is_in_the_log_at_debug(
    slack: SlackStandIn, destinations: Destinations, caplog: pytest.LogCaptureFixture
) -> None:
    """The root logger at DEBUG hears everything that slack_sdk, urllib and ourselves would say."""
    hook_path = os.environ["SLACK_WEBHOOK"].rpartition("/")[2]
    secrets_read = [destinations["security"], destinations["hook"]]
    for destination in secrets_read:
        destination.post(ONE, dedupe_id="0")
    caplog.set_level(logging.DEBUG)
    for destination in secrets_read:
        destination.post(Many((ALERT, ALERT), (1, 1)), dedupe_id="1")
        slack.faults.script(server_error())
        with pytest.raises(DeliveryError):
            destination.post(ONE, dedupe_id="2")
    assert TOKEN not in caplog.text
    assert hook_path not in caplog.text
    assert "alice" not in caplog.text


def test_the_way_is_ours_so_slack_sdk_has_not_moved_its_own(slack: SlackStandIn, destinations: Destinations) -> None:
    """slack_sdk would wait 5 s for an answer, and once more for each byte of it."""
    slack.faults.script(unanswered(accepted=False))
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        destinations["security"].post(ONE, dedupe_id="1")
    assert caught.value.reason == "no answer in time"
    assert time.monotonic() - started < 5
