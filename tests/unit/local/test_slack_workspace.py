"""The stand-in takes and refuses what Slack does, with Slack's words."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.local.slack_answers import Response
from pipeline.local.slack_faults import (
    FOREVER,
    Connection,
    api_error,
    connection_reset,
    ratelimited,
    server_error,
    unanswered,
)
from pipeline.local.slack_limits import Limits
from pipeline.local.slack_workspace import DEFAULT_CHANNEL, TOKEN, Workspace

NOW = 1_790_000_000.0


@pytest.fixture
def slack() -> Workspace:
    return Workspace(Limits(post_burst=1000))


def say(slack: Workspace, text: str = "hello", now: float = NOW, **args: Any) -> Response:
    return slack.post("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "text": text, **args}, now)


def texts(slack: Workspace) -> list[str]:
    return [post.text for post in slack.transcript()]


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}


@pytest.mark.parametrize(
    ("method", "token", "args", "error"),
    [
        ("chat.postMessage", None, {"channel": DEFAULT_CHANNEL, "text": "a"}, "not_authed"),
        ("chat.postMessage", "xoxb-unknown", {"channel": DEFAULT_CHANNEL, "text": "a"}, "invalid_auth"),
        ("chat.postMessage", TOKEN, {"text": "a"}, "channel_not_found"),
        ("chat.postMessage", TOKEN, {"channel": "C0", "text": "a"}, "channel_not_found"),
        ("chat.postMessage", TOKEN, {"channel": ["C0"], "text": "a"}, "channel_not_found"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL}, "no_text"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "text": " \n"}, "no_text"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "text": {"a": 1}}, "invalid_arguments"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "text": "\ud800"}, "invalid_arguments"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "blocks": "{"}, "invalid_blocks_format"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "blocks": {"a": 1}}, "invalid_blocks_format"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "blocks": [{"type": "alert"}]}, "invalid_blocks"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "blocks": [SECTION] * 51}, "invalid_blocks"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "attachments": [{}] * 101}, "too_many_attachments"),
        ("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, "text": "a", "thread_ts": "1.2"}, "thread_not_found"),
        (
            "chat.postMessage",
            TOKEN,
            {"channel": DEFAULT_CHANNEL, "text": "a", "markdown_text": "b"},
            "markdown_text_conflict",
        ),
        ("chat.update", TOKEN, {"channel": DEFAULT_CHANNEL, "ts": "1.2", "text": "a"}, "message_not_found"),
        ("conversations.replies", TOKEN, {"channel": DEFAULT_CHANNEL, "ts": "1.2"}, "thread_not_found"),
        ("chat.delete", TOKEN, {}, "unknown_method"),
    ],
)
def test_a_wrong_call_is_refused_with_slack_s_code(
    slack: Workspace, method: str, token: str | None, args: dict[str, Any], error: str
) -> None:
    response = slack.post(method, token, args, NOW)
    assert (response.status, response.error, response.ok) == (200, error, False)
    assert slack.transcript() == ()


def test_a_channel_can_be_archived_unjoined_or_named(slack: Workspace) -> None:
    slack.archive(DEFAULT_CHANNEL)
    assert say(slack).error == "is_archived"
    other = slack.add_channel("#other", joined=False)
    assert say(slack, channel=other).error == "not_in_channel"
    slack.add_token("xoxb-public", frozenset({"chat:write", "chat:write.public"}))
    assert slack.post("chat.postMessage", "xoxb-public", {"channel": "#other", "text": "a"}, NOW).ok
    assert [post.text for post in slack.transcript("other")] == ["a"]


def test_a_token_needs_its_scope_and_can_be_revoked(slack: Workspace) -> None:
    slack.add_token("xoxb-reader", frozenset({"channels:read"}))
    refused = slack.post("chat.postMessage", "xoxb-reader", {"channel": DEFAULT_CHANNEL, "text": "a"}, NOW)
    assert refused.body == {
        "ok": False,
        "error": "missing_scope",
        "needed": "chat:write",
        "provided": "channels:read",
    }
    slack.revoke(TOKEN)
    assert say(slack).error == "token_revoked"
    slack.add_token(TOKEN)
    assert say(slack).ok


def test_invalid_blocks_say_what_and_where(slack: Workspace) -> None:
    response = say(slack, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": ""}}])
    assert isinstance(response.body, dict)
    assert response.body["response_metadata"]["messages"] == [
        "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    ]


def test_too_much_text_in_blocks_is_refused(slack: Workspace) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    assert say(slack, blocks=[block] * 4).ok
    assert say(slack, blocks=[block] * 5).error == "msg_blocks_too_long"
    beside = [{"blocks": [block]}]
    assert say(slack, blocks=[block] * 4, attachments=beside).error == "msg_blocks_too_long"


def test_text_is_cut_at_its_limit(slack: Workspace) -> None:
    say(slack, "x" * 50_000)
    assert len(texts(slack)[0]) == 40_000


def test_names_of_messages_are_unique_and_grow_even_if_the_clock_does_not(slack: Workspace) -> None:
    names = []
    for now in (NOW, NOW, NOW - 5, NOW + 1):
        body = say(slack, now=now).body
        assert isinstance(body, dict)
        names.append(body["ts"])
    assert names == sorted(set(names))
    assert all(len(name) == 17 and name[10] == "." for name in names)


def test_four_messages_at_once_then_one_a_second() -> None:
    slack = Workspace()
    assert [say(slack).status for _ in range(6)] == [200] * 4 + [429] * 2
    refused = say(slack)
    assert refused.headers["Retry-After"] == "1"
    assert refused.body == {"ok": False, "error": "ratelimited"}
    assert say(slack, now=NOW + 0.9).status == 429
    assert [say(slack, now=NOW + 1).status for _ in range(2)] == [200, 429]
    other = slack.add_channel("other")
    assert say(slack, channel=other).status == 200, "each channel has its own"
    assert [say(slack, now=NOW + 60).status for _ in range(5)] == [200] * 4 + [429]


def test_a_webhook_shares_its_channel_s_rate() -> None:
    slack = Workspace()
    hook = slack.add_webhook(DEFAULT_CHANNEL)
    statuses = [slack.webhook(hook, {"text": "a"}, NOW).status for _ in range(3)]
    assert [*statuses, say(slack).status, say(slack).status] == [200] * 4 + [429]
    refused = slack.webhook(hook, {"text": "a"}, NOW)
    assert (refused.status, refused.body, refused.headers["Retry-After"]) == (429, "rate_limited", "1")


def test_edits_have_a_limit_of_their_own(slack: Workspace) -> None:
    body = say(slack).body
    assert isinstance(body, dict)
    args = {"channel": DEFAULT_CHANNEL, "ts": body["ts"], "text": "again"}
    statuses = [slack.post("chat.update", TOKEN, args, NOW + n / 100).status for n in range(51)]
    assert statuses == [200] * 50 + [429]
    assert slack.post("chat.update", TOKEN, args, NOW + 60).status == 200
    assert say(slack).ok


@pytest.mark.parametrize(
    ("change", "text", "blocks"),
    [
        ({"text": "new"}, "new", 0),
        ({"text": "new", "blocks": [SECTION, SECTION]}, "new", 2),
        ({"blocks": [SECTION, SECTION]}, "old", 2),
        ({"attachments": [{"text": "beside"}]}, "old", 1),
        ({"blocks": []}, "old", 0),
    ],
)
def test_an_edit_keeps_what_slack_keeps(slack: Workspace, change: dict[str, Any], text: str, blocks: int) -> None:
    """Blocks stay only where neither text nor blocks are given."""
    body = say(slack, "old", blocks=[SECTION]).body
    assert isinstance(body, dict)
    assert slack.post("chat.update", TOKEN, {"channel": DEFAULT_CHANNEL, "ts": body["ts"], **change}, NOW + 5).ok
    (post,) = slack.transcript()
    assert (post.text, len(post.blocks)) == (text, blocks)
    assert [before.text for before in post.earlier] == ["old"]
    assert post.edited_at == NOW + 5


def test_only_its_own_app_edits_a_message(slack: Workspace) -> None:
    slack.add_token("xoxb-other")
    body = say(slack).body
    assert isinstance(body, dict)
    args = {"channel": DEFAULT_CHANNEL, "ts": body["ts"], "text": "mine"}
    assert slack.post("chat.update", "xoxb-other", args, NOW).error == "cant_update_message"


def test_replies_stand_in_their_thread(slack: Workspace) -> None:
    parent = say(slack, "parent").body
    assert isinstance(parent, dict)
    reply = say(slack, "reply", thread_ts=parent["ts"]).body
    assert isinstance(reply, dict)
    say(slack, "loud", thread_ts=parent["ts"], reply_broadcast="true")
    assert reply["message"]["thread_ts"] == parent["ts"]
    assert say(slack, "nested", thread_ts=reply["ts"]).error == "thread_not_found"
    assert [post.text for post in slack.replies(parent["ts"])] == ["reply", "loud"]
    history = slack.post("conversations.history", TOKEN, {"channel": DEFAULT_CHANNEL}, NOW).body
    assert isinstance(history, dict)
    assert [(m["text"], m.get("reply_count", 0)) for m in history["messages"]] == [("loud", 0), ("parent", 2)]
    thread = slack.post("conversations.replies", TOKEN, {"channel": DEFAULT_CHANNEL, "ts": reply["ts"]}, NOW).body
    assert isinstance(thread, dict)
    assert [m["text"] for m in thread["messages"]] == ["parent", "reply", "loud"]


def test_history_comes_in_pages(slack: Workspace) -> None:
    for number in range(5):
        say(slack, str(number), now=NOW + number)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        args = {"channel": DEFAULT_CHANNEL, "limit": "2", "cursor": cursor}
        page = slack.post("conversations.history", TOKEN, args, NOW).body
        assert isinstance(page, dict)
        seen += [message["text"] for message in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert seen == ["4", "3", "2", "1", "0"]
    assert cursor == ""


def test_a_repeated_client_msg_id_is_remembered_or_not(slack: Workspace) -> None:
    first, again = say(slack, client_msg_id="u"), say(slack, client_msg_id="u")
    assert isinstance(first.body, dict)
    assert isinstance(again.body, dict)
    assert first.body["ts"] == again.body["ts"]
    slack.collapses_repeats = False
    assert say(slack, client_msg_id="u").ok
    assert len(slack.transcript()) == 2


@pytest.mark.parametrize(
    ("payload", "status", "body"),
    [
        ({"text": "hello"}, 200, "ok"),
        (None, 400, "invalid_payload"),
        (["hello"], 400, "invalid_payload"),
        ({}, 400, "no_text"),
        ({"text": "a", "blocks": [{"type": "nothing"}]}, 400, "invalid_blocks"),
    ],
)
def test_a_webhook_answers_in_plain_text(slack: Workspace, payload: Any, status: int, body: str) -> None:
    hook = slack.add_webhook(DEFAULT_CHANNEL)
    response = slack.webhook(hook, payload, NOW)
    assert (response.status, response.body) == (status, body)


def test_a_webhook_can_be_gone_or_lead_nowhere(slack: Workspace) -> None:
    hook = slack.add_webhook(DEFAULT_CHANNEL)
    slack.archive(DEFAULT_CHANNEL)
    assert slack.webhook(hook, {"text": "a"}, NOW).status == 410
    slack.remove_webhook(hook)
    assert slack.webhook(hook, {"text": "a"}, NOW).body == "no_service"


@pytest.mark.parametrize(
    ("fault", "status", "error", "connection", "said"),
    [
        (ratelimited(30), 429, "ratelimited", Connection.ANSWERED, False),
        (server_error(), 503, "service_unavailable", Connection.ANSWERED, False),
        (server_error(500, "internal_error", accepted=True), 500, "internal_error", Connection.ANSWERED, True),
        (api_error("rate_limited"), 200, "rate_limited", Connection.ANSWERED, False),
        (api_error("fatal_error", accepted=True), 200, "fatal_error", Connection.ANSWERED, True),
        (unanswered(), 0, "", Connection.HANGS, True),
        (connection_reset(), 0, "", Connection.RESET, False),
    ],
)
def test_a_scripted_fault_strikes_once(
    slack: Workspace, fault: Any, status: int, error: str, connection: Connection, said: bool
) -> None:
    slack.faults.script(fault)
    response = say(slack)
    assert (response.status, response.error, response.connection) == (status, error, connection)
    assert bool(slack.transcript()) is said
    assert response.headers.get("Retry-After") == ("30" if status == 429 else None)
    assert say(slack).ok
    assert slack.faults.struck == 1


def test_faults_strike_only_what_they_name(slack: Workspace) -> None:
    other = slack.add_channel("other")
    slack.faults.script(server_error(), method="chat.update", times=FOREVER)
    slack.faults.script(ratelimited(), channel=other, times=2)
    slack.faults.script(server_error(502), since=NOW + 10, until=NOW + 20, times=FOREVER)
    assert say(slack).ok
    assert [say(slack, channel=other).status for _ in range(3)] == [429, 429, 200]
    assert [say(slack, now=NOW + at).status for at in (9, 10, 19, 20)] == [200, 502, 502, 200]
    slack.faults.clear()
    slack.faults.choose(lambda method, _channel, now: api_error(f"{method} at {now - NOW:.0f}"))
    assert say(slack, now=NOW + 3).error == "chat.postMessage at 3"


def test_a_thousand_posts_are_simulated_without_a_clock() -> None:
    """Nobody waits: the caller gives the time, and each call tells what came of it."""
    slack = Workspace()
    told = sum(say(slack, str(n), now=NOW + n * 0.25).ok for n in range(1000))
    assert told == len(slack.transcript())
    assert 250 <= told <= 254
