"""Whatever an event holds, each destination sends one message or raises a DeliveryError, and nothing else."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.content import About, Content, Many, One, Reply
from pipeline.alerts.ports import Destination
from pipeline.destinations import slack_client, slack_webhook, webhook
from pipeline.destinations.network import Answer
from pipeline.destinations.secret import Secret
from pipeline.destinations.ses import Ses
from pipeline.destinations.slack import Slack
from pipeline.destinations.slack_webhook import SlackWebhook
from pipeline.destinations.sns import MAX_BYTES, Sns
from pipeline.destinations.stdout import Stdout
from pipeline.destinations.webhook import Webhook, signature
from pipeline.errors import DeliveryError
from pipeline.event.summary import summarize
from pipeline.local.slack_limits import Limits
from pipeline.local.slack_workspace import DEFAULT_CHANNEL, TOKEN, Workspace
from pipeline.render.context import Context
from pipeline.rules.rule import DestinationConfig, RuleFacts, Severity

HOSTILE = [
    "\ud800",
    "\ufffe\uffff\x00\x1b[31m",
    "a\r\nBcc: b@evil.example\r\n\r\n",
    "<!channel> <@U012AB3CD>",
    '{"_aws": {"CloudWatchMetrics": []}}',
    "\u202e\u2066\u200b",
    "\U0001f600" * 500,
    "&" * 4_000,
    "",
]
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec=None), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
KEYS = ("eventName", "eventSource", "userIdentity", "requestParameters", "sourceIPAddress", "awsRegion", "errorCode")
events = st.dictionaries(st.sampled_from(KEYS) | texts, values, max_size=8)
alerts = st.builds(
    lambda event, annotation, text: Alert(
        "k",
        "g",
        text,
        RuleFacts("A rule", Severity.HIGH),
        summarize(event),
        1_767_268_800_000,
        annotation,
        "here",
        text,
    ),
    events,
    values,
    texts,
)
times = st.integers(0, 4_000_000_000_000)
repeats = st.builds(
    Repeats, st.integers(1, 10**9), times, times, st.tuples(texts, texts), st.tuples(texts), st.booleans()
)
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(One, alerts, st.none() | repeats, st.booleans()),
    st.builds(Reply, alerts, repeats),
    st.lists(alerts, min_size=1, max_size=4).map(lambda many: Many(tuple(many), tuple(range(1, len(many) + 1)))),
    st.builds(Notice, texts, texts, texts, st.integers(1, 99)).map(About),
)

LAW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _secret(value: str) -> Secret:
    return Secret(value, lambda reference: reference, lambda _: None)


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Answer for Slack without the network, as strictly as the stand-in does."""
    slack = Workspace(Limits(post_interval_s=0, posts_per_minute=10**9, method_per_minute=10**9))
    path = slack.add_webhook(DEFAULT_CHANNEL)

    def api(address: str, body: bytes, _headers: Any, **_: Any) -> Answer:
        response = slack.post(address.rpartition("/")[2], TOKEN, json.loads(body), 1_767_268_800.0)
        return Answer(response.status, response.headers, json.dumps(response.body).encode())

    def hook(_address: str, body: bytes, _headers: Any, **_: Any) -> Answer:
        response = slack.webhook(path, json.loads(body), 1_767_268_800.0)
        return Answer(response.status, response.headers, str(response.body).encode())

    monkeypatch.setattr(slack_client, "post", api)
    monkeypatch.setattr(slack_webhook, "post", hook)
    return slack


@LAW
@given(content=contents, plain=st.booleans())
def test_slack_takes_every_message_as_it_is_and_as_plain_text_and_every_edit(
    workspace: Workspace, content: Content, plain: bool
) -> None:
    """Law: no content is refused by Slack's own rules, in blocks or in plain text, posted or edited."""
    slack = Slack("s", DEFAULT_CHANNEL, _secret(TOKEN), Context())
    posted = slack.post(content, dedupe_id="", plain=plain)
    slack.edit(posted, content)
    slack.post(content, dedupe_id="", thread=posted.message, plain=plain)
    SlackWebhook("w", _secret("https://hooks.slack.com/x"), Context()).post(content, dedupe_id="", plain=plain)
    assert len(workspace.transcript()) % 3 == 0


@LAW
@given(content=contents, secret=st.text(st.characters(codec=None, exclude_categories=["Cs"]), max_size=20))
def test_a_webhook_signs_the_json_that_it_sends(monkeypatch: pytest.MonkeyPatch, content: Content, secret: str) -> None:
    """Law: every document is strict JSON in ASCII, and its signature is over exactly those bytes."""
    sent: list[tuple[bytes, dict[str, str]]] = []

    def post(_: str, body: bytes, headers: dict[str, str], **__: Any) -> Answer:
        sent.append((body, headers))
        return Answer(200, {}, b"")

    monkeypatch.setattr(webhook, "post", post)
    Webhook("w", _secret("https://example.com/"), _secret(secret), Context()).post(content, dedupe_id="id")
    ((body, headers),) = sent
    assert body.isascii()
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    signed = signature(secret, headers["X-Trailwire-Timestamp"], body)
    assert headers["X-Trailwire-Signature"] == f"v1={signed}"
    assert all("\r" not in value and "\n" not in value for value in headers.values())


class _Service:
    """Takes whatever botocore would send."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> None:
        self.requests.append(request)

    def send_email(self, **request: Any) -> None:
        self.requests.append(request)


@LAW
@given(content=contents, dedupe_id=texts, name=texts)
def test_topics_and_mails_get_what_they_may(
    monkeypatch: pytest.MonkeyPatch, content: Content, dedupe_id: str, name: str
) -> None:
    """Law: subjects are one ASCII line under 100 characters, bodies valid UTF-8 within limits, ids as FIFO has them."""
    service = _Service()
    for module in ("sns", "ses"):
        monkeypatch.setattr(f"pipeline.destinations.{module}.client", lambda *_: service)
    Sns(name, "arn:aws:sns:eu-west-1:111122223333:a.fifo", Context()).post(content, dedupe_id=dedupe_id)
    options = {"from_email": "a@example.com", "to_emails": ["b@example.com"]}
    Ses(DestinationConfig(name, "ses", options, ""), Context()).post(content, dedupe_id=dedupe_id)
    topic, mail = service.requests
    for subject in (topic["Subject"], mail["Message"]["Subject"]["Data"]):
        assert subject.isascii()
        assert subject.isprintable()
        assert 0 < len(subject) < 100
    for body in (topic["Message"], mail["Message"]["Body"]["Text"]["Data"]):
        assert 0 < len(body.encode()) < MAX_BYTES
        assert all(char == "\n" or char.isprintable() for char in body)
    for each in (topic["MessageGroupId"], topic["MessageDeduplicationId"]):
        assert each.isascii()
        assert each.isprintable()
        assert 0 < len(each) <= 128


@LAW
@given(content=contents, encoding=st.sampled_from(["ascii", "utf-8", "cp1252", "utf-16"]))
def test_the_standard_output_takes_every_message_in_every_encoding(content: Content, encoding: str) -> None:
    """Law: every message is written whole, with no control characters but line feeds."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    Stdout("s", Context(), stream).post(content, dedupe_id="")
    text = raw.getvalue().decode(encoding)
    assert text.endswith("\n\n")
    assert all(char == "\n" or char.isprintable() for char in text)


answers = st.builds(
    Answer,
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "content-type"]), st.text(max_size=30)),
    st.binary(max_size=60)
    | values.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda ok, error: json.dumps({"ok": ok, "error": error}).encode(), values, values),
)


@settings(LAW, max_examples=300)
@given(answer=answers)
def test_no_answer_makes_anything_but_a_delivery_error(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Law: whatever comes back, a post returns where the message is or raises a DeliveryError of few plain words."""
    for module in (slack_client, slack_webhook, webhook):
        monkeypatch.setattr(module, "post", lambda *_, **__: answer)
    content = About(Notice("cause", "text"))
    destinations: tuple[Destination, ...] = (
        Slack("s", DEFAULT_CHANNEL, _secret(TOKEN), Context()),
        SlackWebhook("w", _secret("https://hooks.slack.com/x"), Context()),
        Webhook("w", _secret("https://example.com/"), None, Context()),
    )
    for destination in destinations:
        said = _refusal(destination, content)
        assert said.isascii()
        assert said.isprintable() or not said
        assert len(said) < 150


def _refusal(destination: Destination, content: Content) -> str:
    try:
        destination.post(content, dedupe_id="id")
    except DeliveryError as error:
        return str(error)
    return ""
