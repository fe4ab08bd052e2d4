"""Slack's own client speaks with the stand-in as it does with Slack."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_faults import connection_reset, ratelimited, unanswered


@pytest.fixture(scope="module")
def standing_in() -> Iterator[SlackStandIn]:
    with SlackStandIn() as slack:
        yield slack


@pytest.fixture
def slack(standing_in: SlackStandIn) -> SlackStandIn:
    """A channel of its own for each test."""
    standing_in.faults.clear()
    standing_in.channel = standing_in.workspace.add_channel("test")
    return standing_in


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient(token=slack.token, base_url=slack.api_url, retry_handlers=[], timeout=5)


def texts(slack: SlackStandIn) -> list[str]:
    return [post.text for post in slack.transcript(slack.channel)]


def test_a_message_is_posted_edited_and_replied_to(slack: SlackStandIn, client: WebClient) -> None:
    assert client.auth_test()["bot_id"]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "déjà vu 🚨 & <https://x.y|more>"}}]
    posted = client.chat_postMessage(channel=slack.channel, text="first", blocks=blocks)
    client.chat_postMessage(channel=slack.channel, text="reply", thread_ts=posted["ts"], reply_broadcast=True)
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="changed")
    parent, reply = slack.transcript(slack.channel)
    assert (parent.text, parent.earlier[0].blocks) == ("changed", tuple(blocks))
    assert (reply.thread_ts, reply.broadcast) == (posted["ts"], True)
    thread = client.conversations_replies(channel=slack.channel, ts=posted["ts"])
    assert [message["text"] for message in thread["messages"]] == ["changed", "reply"]
    assert slack.channel in [channel["id"] for channel in client.conversations_list()["channels"]]
    assert client.conversations_history(channel=slack.channel)["messages"][0]["text"] == "reply"


def test_form_encoded_arguments_are_read_as_json_ones(slack: SlackStandIn, client: WebClient) -> None:
    args = {"channel": slack.channel, "text": "form", "blocks": '[{"type": "divider"}]', "reply_broadcast": False}
    assert client.api_call("chat.postMessage", data=args)["ok"]
    assert client.api_call("chat.postMessage", params={**args, "text": "query"})["ok"]
    assert texts(slack) == ["form", "query"]
    assert slack.transcript(slack.channel)[0].blocks == ({"type": "divider"},)


def test_a_refusal_arrives_as_slack_s_client_reports_it(slack: SlackStandIn, client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0", text="a")
    assert refused.value.response["error"] == "channel_not_found"
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=slack.channel, text="a", blocks=[{"type": "alert"}])
    assert refused.value.response["response_metadata"]["messages"]
    with pytest.raises(SlackApiError) as refused:
        WebClient(token="xoxb-wrong", base_url=slack.api_url).auth_test()
    assert refused.value.response["error"] == "invalid_auth"


def test_the_fifth_message_at_once_is_one_too_many(slack: SlackStandIn, client: WebClient) -> None:
    for number in range(4):
        client.chat_postMessage(channel=slack.channel, text=str(number))
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=slack.channel, text="5")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert refused.value.response["error"] == "ratelimited"


def test_a_webhook_takes_a_message_and_says_so_in_plain_text(slack: SlackStandIn) -> None:
    hook = WebhookClient(slack.webhook_url(slack.channel), retry_handlers=[])
    answer = hook.send(text="by webhook")
    assert (answer.status_code, answer.body) == (200, "ok")
    assert texts(slack) == ["by webhook"]
    slack.faults.script(ratelimited(7), method="webhook")
    answer = hook.send(text="again")
    assert (answer.status_code, answer.headers["Retry-After"], answer.body) == (429, "7", "rate_limited")
    form = urllib.request.Request(slack.webhook_url(slack.channel), data=b"payload=%7B%22text%22%3A%22form%22%7D")
    with urllib.request.urlopen(form, timeout=5) as response:
        assert response.read() == b"ok"
    assert texts(slack) == ["by webhook", "form"]


def test_a_message_may_arrive_although_nobody_says_so(slack: SlackStandIn) -> None:
    """The timeout after acceptance: the worst case for whoever tries again."""
    impatient = WebClient(token=slack.token, base_url=slack.api_url, retry_handlers=[], timeout=1)
    slack.faults.script(unanswered())
    with pytest.raises(TimeoutError):
        impatient.chat_postMessage(channel=slack.channel, text="arrived")
    slack.faults.script(connection_reset())
    with pytest.raises(OSError, match="reset"):
        impatient.chat_postMessage(channel=slack.channel, text="lost")
    assert texts(slack) == ["arrived"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b'{"channel": {"a": 1}}', b"[" * 100_000])
def test_a_body_that_makes_no_sense_is_answered(slack: SlackStandIn, body: bytes) -> None:
    connection = http.client.HTTPConnection(urlsplit(slack.url).netloc, timeout=5)
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"):
        headers = {"Content-Type": kind, "Authorization": f"Bearer {slack.token}"}
        connection.request("POST", "/api/chat.postMessage", body, headers)
        response = connection.getresponse()
        assert response.status == 200
        assert b'"error": "channel_not_found"' in response.read()
    connection.close()


def test_the_clock_can_be_given() -> None:
    now = [1_790_000_000.0]
    with SlackStandIn(clock=lambda: now[0]) as slack:
        client = WebClient(token=slack.token, base_url=slack.api_url, retry_handlers=[])
        for _ in range(8):
            assert client.chat_postMessage(channel=slack.channel, text="a")["ok"]
            now[0] += 1
        assert slack.transcript()[-1].posted_at == 1_790_000_007.0
        with urllib.request.urlopen(slack.channel_url(), timeout=5) as page:
            assert page.headers["Content-Type"].startswith("text/html")
