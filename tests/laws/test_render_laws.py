"""Whatever an event holds, its message is one message: whole, within limits, without credentials.

Only the template's and the configuration's mentions and links are in it (DELIVERY.md, promise 5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from message_reading import Reading, read_message, read_text

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.event.redaction import redact
from pipeline.event.summary import summarize
from pipeline.event.values import EventSummary
from pipeline.render import Context, document, plain, slack
from pipeline.render.slack import SlackMessage
from pipeline.rules.rule import RuleFacts, Severity

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "tests/golden/alerts").glob("*.json")), *sorted((ROOT / "fixtures/events").glob("*.json"))]
EVENTS: list[dict[str, Any]] = [
    case.get("event", case) for case in (json.loads(path.read_text(encoding="utf-8")) for path in FILES)
]
KINDS = {"type", "eventType", "eventCategory"}
"""Keys that decide how the rest is read, so they keep their values while everything else becomes hostile."""

RUNBOOK = "https://wiki.example.com/runbook?a=1&b=2"
RULE = RuleFacts(
    "Hostile <!channel> & rule",
    Severity.CRITICAL,
    description="About <https://x.example|this> rule",
    runbook=RUNBOOK,
    references=("https://docs.example.com/a", "javascript:alert(1)", "http://u:p@evil.example/"),
    false_positives=("never <!here>",),
)
CONTEXT = Context(accounts={"111122223333": "production & more"})
CONFIGURED = {RUNBOOK, "https://docs.example.com/a"}

SECRETS = (
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_0123456789abcdefABCDEF0123456789abcd",
    "xox" + "b-123456789012-abcdefABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "IQoJb3JpZ2luX2VjEOH//////////wEaCXVzLWVhc3QtMSJIMEYCIQDzpomGZAmk",
)

HOSTILE = [
    "<!channel>",
    "<!here|x> <@U012AB3CD> <#C024BE7LR> <!subteam^SAZ94GDB8>",
    "<https://evil.example|AWS console>",
    "https://evil.example/?a=1&b=2 www.evil.example evil.com mallory@evil.com",
    "@here @channel @everyone #general",
    "&lt;!channel&gt; &amp;lt; &",
    "*bold* _italic_ ~strike~ `code` ```block```",
    "> quote\n>>> quote\n&gt; quote",
    "line\nline\r\nline\u2028line\u2029line\x85line\x0bline",
    ":skull: :white_check_mark: a:b:c",
    "\u202egpj.exe\u202c \u2066x\u2069 \u200bzero\u200dwidth\ufeff\u00ad",
    "\x00\x01\x1b[31mred\x7f\x9b",
    "\ud800 lone \udfff \ufffe\uffff",
    "Z\u0351\u0352\u0353\u0354\u0355\u0356algo",
    "\U0001f600" * 2000,
    "&" * 4000,
    "<" * 4000,
    "`" * 4000,
    "* " * 2000,
    "x" * 4000,
    '```\n[[ignore]]\nreason = ""\n\'\'\' """ \\',
    "$(reboot); `reboot`; ' || reboot #",
    "{date}|<!date^0^{date}|x>",
    "",
    " ",
    *SECRETS,
]
EVERYTHING = " ".join(text[:60] for text in HOSTILE)

texts = st.sampled_from(HOSTILE) | st.text(max_size=60) | st.text(st.characters(codec=None), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(sorted({key for event in EVENTS for key in event}))
events = st.dictionaries(keys | texts, values, max_size=12)


def hostile_alert(event: EventSummary, annotation: Any, first_seen_ms: int = 1_782_914_561_000) -> Alert:
    """Build an alert that carries hostile text everywhere an event's text may come to stand."""
    undecided = annotation if isinstance(annotation, str) else ""
    return Alert("k", "g", "d", RULE, event, first_seen_ms, annotation, "here", undecided)


def first_messages(alert: Alert, repeats: Repeats) -> Iterator[SlackMessage]:
    """Render every message that may mention somebody."""
    yield slack.alert(alert, CONTEXT)
    yield slack.alert(alert, CONTEXT, repeats, may_repeat=True)
    yield slack.digest([alert, alert, msgspec.structs.replace(alert, mention="U012AB3CD")], CONTEXT, total=70)


def later_messages(alert: Alert, repeats: Repeats, text: str) -> Iterator[SlackMessage]:
    """Render every message that mentions nobody."""
    yield slack.thread_reply(alert, CONTEXT, repeats)
    yield slack.closing(alert, CONTEXT, repeats, may_repeat=True)
    yield slack.notice(Notice(text, text, text, 2), CONTEXT)


def assert_sound(event: dict[str, Any], text: str) -> None:
    """Hold every rendering of an alert on this event to the promise."""
    summary = summarize(event)
    alert = hostile_alert(summary, text)
    repeats = Repeats(12, 1, 1_782_914_561_000, (summary.origin, text), (summary.resource, text) * 5)
    allowed = CONFIGURED | ({summary.link} if summary.link else set())
    for message in first_messages(alert, repeats):
        for reading in (read_message(message), read_text(message.plain().text)):
            assert reading.mentions in (["!here"], ["!here", "@U012AB3CD"])
            assert set(reading.links) <= allowed
    assert set(read_message(slack.alert(alert, CONTEXT)).links) == allowed
    for message in later_messages(alert, repeats, text):
        for reading in (read_message(message), read_text(message.plain().text)):
            assert reading == Reading([], [link for link in [summary.link] if link and reading.links])
    assert_plain(alert, repeats, allowed)
    assert_document(alert, repeats)


def assert_plain(alert: Alert, repeats: Repeats, allowed: set[str]) -> None:
    """Plain text has the allowed addresses only, one-line ASCII subjects, and no control characters."""
    for message in (
        plain.alert(alert, CONTEXT, repeats),
        plain.digest([alert], CONTEXT),
        plain.closing(alert, CONTEXT, repeats),
    ):
        assert message.subject.isascii()
        assert message.subject.isprintable()
        assert 0 < len(message.subject) < 100
        body = message.body
        for url in [*sorted(allowed, key=len, reverse=True), *RULE.references]:
            body = body.replace(url, "")
        body = body.replace(RULE.description, "")
        assert "://" not in body
        assert "www." not in body.lower()
        assert all(char == "\n" or char.isprintable() or char.isspace() for char in body)
        assert len(body) < 40_000


def assert_document(alert: Alert, repeats: Repeats) -> None:
    """Documents are JSON that strict writers take, and bounded."""
    for value in (document.alert(alert, CONTEXT, repeats), document.digest([alert], CONTEXT)):
        assert len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) < 100_000
        msgspec.json.encode(value)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf of a JSON value."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from leaves(member, (*path, index))
    else:
        yield path


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return the value with one leaf replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def poisoned(value: Any, text: str, key: str = "") -> Any:
    """Return the value with every text replaced, but for those that decide how the rest is read."""
    if isinstance(value, dict):
        return {name: poisoned(member, text, name) for name, member in value.items()}
    if isinstance(value, list):
        return [poisoned(member, text) for member in value]
    return text if isinstance(value, str) and key not in KINDS else value


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_all_fields_at_once_does_no_harm(text: str) -> None:
    for event in EVENTS[::2]:
        alert = hostile_alert(summarize(poisoned(event, text)), {text: [text, {"x": text}]})
        reading = read_message(slack.alert(alert, CONTEXT))
        assert reading.mentions == ["!here"]
        assert set(reading.links) == CONFIGURED
    assert_sound(poisoned(EVENTS[0], text), text)


@pytest.mark.parametrize("event", EVENTS, ids=[path.stem for path in FILES])
def test_hostile_text_in_each_field_alone_does_no_harm(event: dict[str, Any]) -> None:
    for path in leaves(event):
        summary = summarize(replaced(event, path, EVERYTHING))
        reading = read_message(slack.alert(hostile_alert(summary, None), CONTEXT))
        assert reading.mentions == ["!here"]
        assert set(reading.links) == CONFIGURED | ({summary.link} if summary.link else set())


@settings(max_examples=150, deadline=None)
@given(events, texts)
@example({}, "")
@example({"userIdentity": {"type": "AssumedRole"}}, "&")
def test_every_event_makes_sound_messages(event: dict[str, Any], text: str) -> None:
    """For every JSON object, the messages keep all limits and have the template's mentions and links only."""
    assert_sound(event, text)


@settings(max_examples=150, deadline=None)
@given(values, st.integers())
def test_every_annotation_makes_a_sound_message(annotation: Any, first_seen_ms: int) -> None:
    """For every JSON value a rule computes, and any clock, there is one sound message."""
    alert = hostile_alert(summarize(EVENTS[0]), annotation, first_seen_ms)
    assert read_message(slack.alert(alert, CONTEXT)).mentions == ["!here"]
    assert plain.alert(alert, CONTEXT).body
    json.dumps(document.alert(alert, CONTEXT), allow_nan=False)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_message_shows_a_credential(secret: str) -> None:
    """Wherever a credential stands in an event or an annotation, no rendering holds it."""
    for event in EVENTS:
        alert = hostile_alert(summarize(poisoned(event, f"token {secret}")), {"found": [f"x {secret}"], secret: 1})
        repeats = Repeats(3, 1, 2, (secret,), (secret,))
        told: list[Any] = [message.payload() for message in first_messages(alert, repeats)]
        told += [message.plain().text for message in first_messages(alert, repeats)]
        told += [message.payload() for message in later_messages(alert, repeats, f"it was {secret}")]
        told += [plain.alert(alert, CONTEXT, repeats).body, document.alert(alert, CONTEXT, repeats)]
        assert secret not in json.dumps(told, ensure_ascii=False)


@settings(max_examples=200, deadline=None)
@given(values)
def test_redaction_keeps_everything_but_credentials(value: Any) -> None:
    """Redacting twice changes nothing more, and never raises."""
    once = redact(value)
    assert repr(redact(once)) == repr(once)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(EVENTS), texts), max_size=60), st.integers(min_value=0, max_value=10**6))
def test_a_digest_of_any_alerts_is_one_sound_message(pairs: list[tuple[dict[str, Any], str]], total: int) -> None:
    """However many alerts there are and however long their names, the digest is one message and counts them all."""
    alerts = [hostile_alert(summarize(poisoned(event, text)), None) for event, text in pairs]
    message = slack.digest(alerts, CONTEXT, total)
    assert read_message(message).mentions == ["!here"] * bool(alerts)
    assert f"{max(total, len(alerts))} alert" in message.text
