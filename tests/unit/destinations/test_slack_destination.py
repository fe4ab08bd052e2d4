"""Slack's Web API through slack_sdk: what every kind of answer becomes, and what is asked for again without what."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from messages import CONTENTS, ONE, REPEATS, TOKEN, Vault, everything_said
from misbehaving import AT_ONCE_S, PATIENCE_S, Behaviour, answer, drips, floods, hangs, misbehaving, resets, says

from pipeline.alerts.content import One
from pipeline.alerts.ports import Posted
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack import Slack
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.render.context import Context

JSON = "Content-Type: application/json; charset=utf-8"
HTML = b"<html><h1>Something went wrong: xoxb-0-very-secret-token</h1>"
POSTED = {"ok": True, "channel": "C0123456789", "ts": "1767268800.000100"}


def _slack(url: str, vault: Vault | None = None, channel: str = "C0123456789") -> Slack:
    slack = Slack("security", channel, (vault or Vault(TOKEN)).secret(), Context(), url + "/api")
    slack.timeout_s = PATIENCE_S
    return slack


def _says(body: Any, status: int = 200, *headers: str) -> Behaviour:
    return answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), JSON, *headers)


def _argument(request: bytes) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return arguments


LIMITED, AMBIGUOUS, RETRY = "limited", "ambiguous", "retry"
ANSWERS: list[tuple[str, Behaviour, str]] = [
    ("429 with Retry-After", _says({"ok": False, "error": "ratelimited"}, 429, "Retry-After: 12"), LIMITED),
    ("429 with a lower-case header", _says({"ok": False}, 429, "retry-after: 12"), LIMITED),
    ("429 without Retry-After", _says(b"", 429), LIMITED),
    ("429 with HTML", answer(429, HTML, "Content-Type: text/html"), LIMITED),
    ("429 whose body breaks off", says(b"HTTP/1.1 429 X\r\nContent-Length: 99\r\nRetry-After: 12\r\n\r\n{"), LIMITED),
    ("rate_limited in a 200", _says({"ok": False, "error": "rate_limited"}, 200, "Retry-After: 12"), LIMITED),
    ("503 with HTML", answer(503, HTML, "Content-Type: text/html"), AMBIGUOUS),
    ("500 without a body", _says(b"", 500), AMBIGUOUS),
    ("internal_error", _says({"ok": False, "error": "internal_error"}), AMBIGUOUS),
    ("fatal_error", _says({"ok": False, "error": "fatal_error"}), AMBIGUOUS),
    ("service_unavailable", _says({"ok": False, "error": "service_unavailable"}), RETRY),
    ("200 with HTML", answer(200, HTML, "Content-Type: text/html"), AMBIGUOUS),
    ("200 with nothing", _says(b""), AMBIGUOUS),
    ("200 with an empty object", _says({}), AMBIGUOUS),
    ("200 with a list", _says([1]), AMBIGUOUS),
    ("200 with a text", _says("ok"), AMBIGUOUS),
    ("200 with half an object", _says(b'{"ok": true, "channel": "C01'), AMBIGUOUS),
    ("200 with no UTF-8", _says(b'{"ok": "\xff\xfe"}'), AMBIGUOUS),
    ("200 with a depth nobody reads", _says(b"[" * 100_000), AMBIGUOUS),
    ("200 with a huge number", _says(b'{"ok": ' + b"9" * 10_000 + b"}"), AMBIGUOUS),
    ("200 with a charset nobody knows", answer(200, b"x", "Content-Type: text/plain; charset=x-none"), AMBIGUOUS),
    ("200 as gzip", answer(200, b"\x1f\x8b", "Content-Type: application/gzip"), AMBIGUOUS),
    ("200 that breaks off", says(b'HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{"ok": true'), AMBIGUOUS),
    ("200 without an end", floods(b"HTTP/1.1 200 X\r\n\r\n"), AMBIGUOUS),
    ("200 in drops", drips(b"HTTP/1.1 200 X\r\n\r\n"), AMBIGUOUS),
    ("no answer", hangs, AMBIGUOUS),
    ("a reset", resets, AMBIGUOUS),
    ("not even HTTP", says(b"nonsense\r\n\r\n"), AMBIGUOUS),
    ("a redirect", answer(302, b"", "Location: http://127.0.0.1:1/"), "destination"),
    ("404 with HTML", answer(404, HTML, "Content-Type: text/html"), "destination"),
    ("an error without a name", _says({"ok": False}), AMBIGUOUS),
    ("an error that is an object", _says({"ok": False, "error": {"a": TOKEN}}), AMBIGUOUS),
    ("an error that echoes", _says({"ok": False, "error": f"Bearer {TOKEN}"}), AMBIGUOUS),
    ("an unknown code", _says({"ok": False, "error": "a_code_of_tomorrow"}), "message"),
    ("invalid_blocks", _says({"ok": False, "error": "invalid_blocks"}), "message"),
    ("is_archived", _says({"ok": False, "error": "is_archived"}), "destination"),
    ("token_revoked", _says({"ok": False, "error": "token_revoked"}), "credential"),
    ("invalid_auth in a 401", _says({"ok": False, "error": "invalid_auth"}, 401), "credential"),
]


@pytest.mark.parametrize(("behave", "expected"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_every_answer_becomes_the_failure_it_is_without_a_word_about_the_token(
    behave: Behaviour, expected: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    started = time.monotonic()
    with misbehaving(behave) as requests, pytest.raises(DeliveryError) as caught:
        _slack(requests.url).post(ONE, dedupe_id="id")
    assert time.monotonic() - started < AT_ONCE_S
    assert len(requests) == 1
    error = caught.value
    match error:
        case RateLimited():
            assert expected == LIMITED
            assert error.retry_after_s in (12, 30)
        case Unavailable():
            assert expected == (AMBIGUOUS if error.ambiguous else RETRY)
        case Rejected():
            assert expected == error.fault
    said = everything_said(error) + caplog.text + "".join(capfd.readouterr())
    assert TOKEN not in said
    assert "very-secret" not in said


@pytest.mark.parametrize("token", ["xoxb-1 secret", "xoxb-1\r\nX-Evil: secret", "xoxb-\u20acsecret", "", "\x00secret"])
def test_what_cannot_be_a_token_is_not_sent_and_not_shown(token: str) -> None:
    with misbehaving(_says(POSTED)) as requests, pytest.raises(Rejected) as caught:
        _slack(requests.url, Vault(token)).post(ONE, dedupe_id="id")
    assert caught.value.fault is Fault.CREDENTIAL
    assert "secret" not in everything_said(caught.value)
    assert requests == []


def test_white_space_around_a_token_is_not_part_of_it() -> None:
    with misbehaving(_says(POSTED)) as requests:
        _slack(requests.url, Vault(f" {TOKEN}\n")).post(ONE, dedupe_id="id")
    assert f"\r\nAuthorization: Bearer {TOKEN}\r\n".encode() in requests[0]


def test_a_token_is_fetched_when_first_needed_and_again_only_when_it_was_refused() -> None:
    vault = Vault("xoxb-old", "xoxb-new")
    with misbehaving(_says(POSTED)) as requests:
        slack = _slack(requests.url, vault)
        assert vault.fetches == 0
        slack.post(ONE, dedupe_id="1")
        slack.post(ONE, dedupe_id="2")
        assert vault.fetches == 1
        slack.refresh()
        slack.post(ONE, dedupe_id="3")
        assert vault.fetches == 2
    assert [b"xoxb-new" in request for request in requests] == [False, False, True]


def test_a_token_that_the_cache_has_given_up_is_fetched_though_nobody_refused_it() -> None:
    """Rotation shows within the cache's time: no client keeps the old token."""
    vault = Vault("xoxb-old", "xoxb-new")
    with misbehaving(_says(POSTED)) as requests:
        slack = _slack(requests.url, vault)
        slack.post(ONE, dedupe_id="1")
        vault._forget("")
        slack.post(ONE, dedupe_id="2")
    assert b"xoxb-new" in requests[1]


def test_a_secret_that_cannot_be_had_is_a_delivery_error() -> None:
    def refuse(_: str) -> str:
        raise Unavailable("Secrets Manager does not answer")

    slack = Slack("security", "C1", Secret("secretsmanager:x", refuse, lambda _: None), Context())
    with pytest.raises(Unavailable):
        slack.post(ONE, dedupe_id="1")


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
def test_a_post_says_where_it_stands(content: Any) -> None:
    with misbehaving(_says(POSTED | {"channel": "C9"})) as requests:
        posted = _slack(requests.url, channel="#security").post(content, dedupe_id="id-1")
    assert posted == Posted("C9", "1767268800.000100")
    arguments = _argument(requests[0])
    assert (arguments["channel"], arguments["client_msg_id"]) == ("#security", "id-1")
    assert "thread_ts" not in arguments


def test_an_answer_that_names_no_message_is_a_message_that_cannot_be_edited() -> None:
    with misbehaving(_says({"ok": True})) as requests:
        assert _slack(requests.url).post(ONE, dedupe_id="id") == Posted("C0123456789", "")


def _refuses(code: str, argument: str) -> Behaviour:
    """Refuse requests that carry an argument, take the others; what was asked is in the list of requests."""
    seen: list[int] = []

    def behave(connection: Any, over: Any) -> None:
        seen.append(1)
        refusal = {"ok": False, "error": code}
        (_says(refusal) if len(seen) == 1 or not argument else _says(POSTED))(connection, over)

    return behave


@pytest.mark.parametrize(
    "code",
    [
        "thread_not_found",
        "invalid_thread_ts",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    ],
)
def test_a_reply_whose_thread_is_gone_stands_in_the_channel(code: str) -> None:
    with misbehaving(_refuses(code, "thread_ts")) as requests:
        posted = _slack(requests.url).post(ONE, dedupe_id="id", thread="1.0")
    assert posted.message
    first, second = map(_argument, requests)
    assert first.pop("thread_ts") == "1.0"
    assert first == second


@pytest.mark.parametrize("code", ["duplicate_message_not_found", "duplicate_channel_not_found"])
def test_a_message_goes_without_an_id_that_slack_holds_against_it(code: str) -> None:
    with misbehaving(_refuses(code, "client_msg_id")) as requests:
        _slack(requests.url).post(ONE, dedupe_id="id", thread="1.0")
    first, second = map(_argument, requests)
    assert first.pop("client_msg_id") == "id"
    assert first == second


def test_what_is_refused_without_the_argument_too_is_refused() -> None:
    with misbehaving(_says({"ok": False, "error": "thread_not_found"})) as requests, pytest.raises(Rejected):
        _slack(requests.url).post(ONE, dedupe_id="id", thread="1.0")
    assert len(requests) == 2


def test_a_plain_message_is_text_only() -> None:
    with misbehaving(_says(POSTED)) as requests:
        _slack(requests.url).post(ONE, dedupe_id="id", plain=True)
    arguments = _argument(requests[0])
    assert not {"blocks", "attachments"} & set(arguments)
    assert "alice" in arguments["text"]


def test_an_edit_gives_everything_so_that_nothing_old_stays_and_nothing_chat_update_does_not_know() -> None:
    with misbehaving(_says(POSTED)) as requests:
        slack = _slack(requests.url)
        slack.edit(Posted("C9", "1.5"), One(ONE.alert, REPEATS))
        slack._update(Posted("C9", "1.5"), _message().plain())
    known = {"channel", "ts", "text", "blocks", "attachments", "parse"}
    full, plain = map(_argument, requests)
    assert set(full) == set(plain) == known
    assert (full["channel"], full["ts"]) == ("C9", "1.5")
    assert full["blocks"]
    assert plain["blocks"] == plain["attachments"] == []


def _message() -> Any:
    from pipeline.render import slack

    return slack.alert(ONE.alert, Context())


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "too_many_attachments"])
def test_an_edit_whose_look_is_refused_is_made_in_plain_text(code: str) -> None:
    with misbehaving(_refuses(code, "blocks")) as requests:
        _slack(requests.url).edit(Posted("C9", "1.5"), ONE)
    assert [bool(_argument(request)["blocks"]) for request in requests] == [True, False]


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_message_that_can_no_longer_be_edited_is_refused_at_once(code: str) -> None:
    with misbehaving(_says({"ok": False, "error": code})) as requests, pytest.raises(Rejected) as caught:
        _slack(requests.url).edit(Posted("C9", "1.5"), ONE)
    assert (caught.value.reason, caught.value.fault) == (code, Fault.MESSAGE)
    assert len(requests) == 1


def test_a_limit_on_edits_is_a_limit_on_edits() -> None:
    with misbehaving(_says({"ok": False, "error": "ratelimited"}, 429, "Retry-After: 3")) as requests:
        slack = _slack(requests.url)
        with pytest.raises(RateLimited) as caught:
            slack.edit(Posted("C9", "1.5"), ONE)
    assert (caught.value.retry_after_s, caught.value.scope) == (3, "")
    assert slack.edit_scope != slack.post_scope


def test_destinations_share_what_slack_counts_together() -> None:
    one, two = _slack("http://x"), _slack("http://x", channel="C0999999999")
    assert one.post_scope == two.post_scope
    assert one.bucket != two.bucket
    assert _slack("http://x", channel="#ops").bucket == _slack("http://x", channel="ops").bucket
    assert "trailwire/slack" not in one.post_scope


def test_a_redirect_is_not_followed_and_takes_no_token_along() -> None:
    with misbehaving(_says(POSTED)) as elsewhere:
        with misbehaving(answer(302, b"", f"Location: {elsewhere.url}")) as requests, pytest.raises(Rejected):
            _slack(requests.url).post(ONE, dedupe_id="id")
        assert elsewhere == []


def test_an_api_address_that_is_none_is_refused() -> None:
    with pytest.raises(DeliveryError):
        _slack("stand-in").post(ONE, dedupe_id="id")
