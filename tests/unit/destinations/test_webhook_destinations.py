"""Slack's incoming webhooks, and signed JSON to any endpoint."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from pathlib import Path
from typing import Any

import pytest
from messages import CONTENTS, ONE, Vault, everything_said
from misbehaving import AT_ONCE_S, PATIENCE_S, Behaviour, answer, drips, floods, hangs, misbehaving, resets, says

from pipeline.destinations.slack_webhook import SlackWebhook
from pipeline.destinations.webhook import Webhook
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.render.context import Context

ROOT = Path(__file__).parents[3]
KEY = "a shared secret"


def _class(error: DeliveryError) -> str:
    match error:
        case RateLimited():
            return f"limited {error.retry_after_s:g}"
        case Unavailable():
            return "ambiguous" if error.ambiguous else "retry"
        case Rejected():
            return str(error.fault)
    raise AssertionError(error)


def _slack_webhook(url: str) -> SlackWebhook:
    webhook = SlackWebhook("ops", Vault(url).secret(), Context())
    webhook.timeout_s = PATIENCE_S
    return webhook


def _webhook(url: str, key: str = "") -> Webhook:
    webhook = Webhook("siem", Vault(url).secret(), Vault(key).secret() if key else None, Context())
    webhook.timeout_s = PATIENCE_S
    return webhook


# ---- Slack's incoming webhooks ----

SLACK_ANSWERS: list[tuple[str, Behaviour, str]] = [
    ("no_service", answer(404, b"no_service"), "credential"),
    ("no_service_id with a line end", answer(404, b"no_service_id\n"), "credential"),
    ("invalid_token", answer(403, b"invalid_token"), "credential"),
    ("no_active_hooks", answer(404, b"no_active_hooks"), "credential"),
    ("action_prohibited", answer(403, b"action_prohibited"), "credential"),
    ("channel_is_archived", answer(410, b"channel_is_archived"), "destination"),
    ("channel_not_found", answer(404, b"channel_not_found"), "destination"),
    ("user_not_found", answer(404, b"user_not_found"), "destination"),
    ("invalid_payload", answer(400, b"invalid_payload"), "message"),
    ("invalid_blocks", answer(400, b"invalid_blocks"), "message"),
    ("no_text", answer(400, b"no_text"), "message"),
    ("too_many_attachments", answer(400, b"too_many_attachments"), "message"),
    ("429", answer(429, b"rate_limited", "Retry-After: 12"), "limited 12"),
    ("429 with a date long gone", answer(429, b"", "Retry-After: Thu, 01 Jan 2015 00:00:00 GMT"), "limited 1"),
    ("rate_limited in a 200", answer(200, b"rate_limited", "Retry-After: 12"), "limited 12"),
    ("500", answer(500, b"<html>"), "ambiguous"),
    ("a refusal in a 500", answer(500, b"no_team"), "credential"),
    ("an archived channel in a 500", answer(500, b"channel_is_archived"), "destination"),
    ("503", answer(503, b"service_unavailable"), "ambiguous"),
    ("503 with Retry-After", answer(503, b"", "Retry-After: 9"), "limited 9"),
    ("200 from a login page", answer(200, b"<html>Sign in</html>"), "ambiguous"),
    ("200 with another code", answer(200, b"no_service"), "ambiguous"),
    ("200 with nothing", answer(200, b""), "ambiguous"),
    ("200 that breaks off", says(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\no"), "ambiguous"),
    ("200 without an end", floods(b"HTTP/1.1 200 X\r\n\r\nok"), "ambiguous"),
    ("200 in drops", drips(b"HTTP/1.1 200 X\r\n\r\n"), "ambiguous"),
    ("403 from a proxy", answer(403, b"<html>Forbidden by policy</html>"), "destination"),
    ("a redirect", answer(302, b"", "Location: https://example.com/"), "destination"),
    ("no answer", hangs, "ambiguous"),
    ("a reset", resets, "ambiguous"),
]


@pytest.mark.parametrize(("behave", "expected"), [row[1:] for row in SLACK_ANSWERS], ids=[r[0] for r in SLACK_ANSWERS])
def test_every_answer_of_a_slack_webhook_becomes_the_failure_it_is_without_its_address(
    behave: Behaviour, expected: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with misbehaving(behave) as requests, pytest.raises(DeliveryError) as caught:
        _slack_webhook(requests.url).post(ONE, dedupe_id="id")
    assert _class(caught.value) == expected
    assert len(requests) == 1
    assert "secret-path" not in everything_said(caught.value) + caplog.text + "".join(capfd.readouterr())


def test_a_limit_in_a_200_blocks_the_webhook() -> None:
    with misbehaving(answer(200, b"rate_limited")) as requests:
        webhook = _slack_webhook(requests.url)
        with pytest.raises(RateLimited) as caught:
            webhook.post(ONE, dedupe_id="id")
    assert caught.value.scope == webhook.bucket == webhook.post_scope


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
def test_a_slack_webhook_takes_every_content(content: Any, plain: bool) -> None:
    with misbehaving(answer(200, b"ok")) as requests:
        posted = _slack_webhook(requests.url).post(content, dedupe_id="id", plain=plain)
    assert posted == ("", "")
    body = json.loads(requests[0].partition(b"\r\n\r\n")[2])
    assert ("blocks" in body) is not plain


NO_ADDRESSES = [
    "",
    "secret-path",
    "http://hooks.slack.com/secret-path",
    "http://127.0.0.1.evil.example/secret-path",
    "https://user:secret-path@hooks.slack.com/",
    "https://hooks.slack.com/secret-path\r\nX-Evil: 1",
    "https://hooks.slack.com/secret path secret-path",
    "https://",
    "https://hooks.slack.com:port/secret-path",
    "file:///secret-path",
    '{"url": "https://hooks.slack.com/secret-path"}',
]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_a_secret_that_is_no_https_address_is_not_used_and_not_shown(address: str) -> None:
    for destination in (_slack_webhook(address), _webhook(address)):
        with pytest.raises(Rejected) as caught:
            destination.post(ONE, dedupe_id="id")
        assert caught.value.fault is Fault.CREDENTIAL
        assert "secret-path" not in everything_said(caught.value)


# ---- signed JSON ----

ANSWERS: list[tuple[str, Behaviour, str]] = [
    ("301", answer(301, b"", "Location: https://example.com/"), "destination"),
    ("307", answer(307, b"", "Location: https://example.com/"), "destination"),
    ("304", answer(304, b""), "destination"),
    ("400", answer(400), "message"),
    ("413", answer(413), "message"),
    ("422", answer(422), "message"),
    ("401", answer(401), "credential"),
    ("403", answer(403), "credential"),
    ("404", answer(404), "destination"),
    ("410", answer(410), "destination"),
    ("408", answer(408), "retry"),
    ("429", answer(429, b"", "Retry-After: 12"), "limited 12"),
    ("429 with a far date", answer(429, b"", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT"), "limited 3600"),
    ("503 with Retry-After", answer(503, b"", "Retry-After: 9"), "limited 9"),
    ("500", answer(500), "ambiguous"),
    ("no answer", hangs, "ambiguous"),
    ("a reset", resets, "ambiguous"),
    ("headers in drops", drips(b"HTTP/1.1 200 X\r\n", b"a: b\r\n"), "ambiguous"),
]


@pytest.mark.parametrize(("behave", "expected"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_every_answer_of_an_endpoint_becomes_the_failure_it_is_without_its_address_or_key(
    behave: Behaviour, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with misbehaving(behave) as requests, pytest.raises(DeliveryError) as caught:
        _webhook(requests.url, KEY).post(ONE, dedupe_id="id")
    assert _class(caught.value) == expected
    said = everything_said(caught.value) + caplog.text
    assert KEY not in said
    assert "secret-path" not in said


@pytest.mark.parametrize(
    "behave",
    [
        answer(200),
        answer(202, b""),
        answer(204, b""),
        floods(b"HTTP/1.1 200 X\r\n\r\n"),
        drips(b"HTTP/1.1 200 X\r\n\r\n"),
    ],
    ids=["200", "202", "204", "flood", "drip"],
)
def test_any_success_is_one_whatever_comes_after_its_headers(behave: Behaviour) -> None:
    with misbehaving(behave) as requests:
        webhook, started = _webhook(requests.url), time.monotonic()
        webhook.timeout_s = 30
        webhook.post(ONE, dedupe_id="id")
        assert time.monotonic() - started < AT_ONCE_S


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
def test_what_is_signed_is_what_is_sent(content: Any) -> None:
    with misbehaving(answer(200)) as requests:
        _webhook(requests.url, KEY).post(content, dedupe_id="id-1")
    headers, body = _parsed(requests[0])
    expected = hmac.new(KEY.encode(), headers["x-trailwire-timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["x-trailwire-signature"] == f"v1={expected.hexdigest()}"
    assert abs(int(headers["x-trailwire-timestamp"]) - time.time()) < 5
    assert (headers["x-trailwire-id"], headers["content-type"]) == ("id-1", "application/json")
    assert json.loads(body)["v"] == 1


def test_without_a_key_there_is_no_signature() -> None:
    with misbehaving(answer(200)) as requests:
        _webhook(requests.url).post(ONE, dedupe_id="id-1")
    assert "x-trailwire-signature" not in _parsed(requests[0])[0]


def test_bytes_of_an_environment_that_are_no_text_sign_as_they_are() -> None:
    key = b"\xff\x00k".decode("utf-8", "surrogateescape")
    with misbehaving(answer(200)) as requests:
        _webhook(requests.url, key).post(ONE, dedupe_id="id-1")
    headers, body = _parsed(requests[0])
    expected = hmac.new(b"\xff\x00k", headers["x-trailwire-timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["x-trailwire-signature"] == f"v1={expected.hexdigest()}"


def test_a_refresh_fetches_address_and_key_anew() -> None:
    with misbehaving(answer(200)) as requests:
        address, key = Vault(requests.url), Vault("old", "new")
        webhook = Webhook("siem", address.secret(), key.secret(), Context())
        webhook.post(ONE, dedupe_id="1")
        webhook.refresh()
        webhook.post(ONE, dedupe_id="2")
    assert (address.fetches, key.fetches) == (2, 2)


def _parsed(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in pairs}, body


# ---- the example that docs/destinations.md gives receivers ----


def _example() -> dict[str, Any]:
    text = (ROOT / "docs/destinations.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def verify" in block]
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope


def test_the_documented_receiver_accepts_what_we_send_and_nothing_else() -> None:
    verify = _example()["verify"]
    with misbehaving(answer(200)) as requests:
        _webhook(requests.url, KEY).post(ONE, dedupe_id="id-1")
    headers, body = _parsed(requests[0])
    timestamp, signed = headers["x-trailwire-timestamp"], headers["x-trailwire-signature"]
    assert verify(KEY.encode(), timestamp, signed, body)
    assert not verify(KEY.encode(), timestamp, signed, body + b" ")
    assert not verify(KEY.encode(), str(int(timestamp) + 1), signed, body)
    assert not verify(b"another key", timestamp, signed, body)
    assert not verify(KEY.encode(), timestamp, signed.removeprefix("v1="), body)
    assert not verify(KEY.encode(), "", "", body)
    assert not verify(KEY.encode(), "soon", "v1=\u20ac", body)


def test_the_documented_receiver_refuses_what_is_older_than_five_minutes() -> None:
    from pipeline.destinations.webhook import signature

    verify, body = _example()["verify"], b"{}"
    for age_s, accepted in ((0, True), (290, True), (310, False), (-310, False)):
        timestamp = str(int(time.time()) - age_s)
        assert verify(KEY.encode(), timestamp, f"v1={signature(KEY, timestamp, body)}", body) is accepted
