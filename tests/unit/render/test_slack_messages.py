"""What Slack messages say, where and to whom."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.event.summary import summarize
from pipeline.render import Context, slack
from pipeline.render.limits import Block, blocks_that_fit, field_sections, lines_that_fit, section
from pipeline.render.slack import SlackMessage
from pipeline.render.slack_message import mention
from pipeline.rules.rule import RuleFacts, Settings, Severity

CONTEXT = Context.of(Settings(accounts={"111122223333": "production"}))
EVENT = {
    "eventSource": "cloudtrail.amazonaws.com",
    "eventName": "StopLogging",
    "eventTime": "2026-07-01T14:02:11Z",
    "awsRegion": "us-east-1",
    "recipientAccountId": "111122223333",
    "sourceIPAddress": "198.51.100.7",
    "requestParameters": {"name": "main"},
    "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": "111122223333"},
    "eventID": "0c7f2a91-3b1d-4f6e-9a51-6d1f0b7e4c10",
}
AT_MS = 1_782_914_531_000


def make(event: dict[str, Any] | None = None, **more: Any) -> Alert:
    """Build an alert on a stopped trail."""
    rule = RuleFacts("Trail tampering", Severity.CRITICAL, runbook="https://wiki.example.com/x")
    summary = summarize({**EVENT, **(event or {})})
    return Alert(
        **{
            "key": "k",
            "group": "g",
            "destination": "d",
            "rule": rule,
            "event": summary,
            "first_seen_ms": AT_MS + 5_000,
            **more,
        }
    )


def all_text(message: SlackMessage) -> str:
    """Return all text of a message's blocks, line by line."""
    blocks: list[Block] = [*message.blocks, *message.beside_bar]
    parts = [[block.get("text"), *block.get("fields", []), *block.get("elements", [])] for block in blocks]
    return "\n".join(part["text"] for each in parts for part in each if part)


def test_the_first_glance_says_what_matters() -> None:
    message = slack.alert(make(mention="here"), CONTEXT)
    assert message.text == "🔴 Critical: Trail tampering: alice called StopLogging on trail main"
    top = message.blocks[0]["text"]["text"]
    assert top == "🔴 *Critical: Trail tampering* <!here>\n*alice* called *StopLogging* on *trail main*"
    shown = all_text(message)
    for fact in ("production (111122223333), us-east-1", "198.51.100.7", "|Event in CloudTrail>", "|Runbook>"):
        assert fact in shown
    assert f"<!date^{AT_MS // 1000}^{{date_short_pretty}} at {{time_secs}}|2026-07-01 14:02:11 UTC>" in shown


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"errorCode": "AccessDenied"}, "*alice* was denied *StopLogging* on *trail main*"),
        ({"errorCode": "TrailNotFoundException"}, "*alice* tried *StopLogging* on *trail main*, which failed"),
        ({"requestParameters": None}, "*alice* called *StopLogging*"),
        ({"eventName": "ConsoleLogin"}, "*alice* signed in to the AWS console"),
        ({"eventName": "ConsoleLogin", "errorMessage": "no"}, "*alice* failed to sign in to the AWS console"),
    ],
)
def test_the_sentence_says_how_it_ended(event: dict[str, Any], sentence: str) -> None:
    assert slack.alert(make(event), CONTEXT).blocks[0]["text"]["text"].split("\n")[1] == sentence


@pytest.mark.parametrize(
    ("lag_ms", "words"),
    [
        (59_000, ""),
        (60_000, ", seen 1 min later"),
        (7_200_000, ", seen 2 h later"),
        (200_000_000, ", seen 2 days later"),
        (-5, ""),
    ],
)
def test_a_notable_delay_is_told(lag_ms: int, words: str) -> None:
    shown = all_text(slack.alert(make(first_seen_ms=AT_MS + lag_ms), CONTEXT))
    assert f"14:02:11 UTC>{words}\n" in shown + "\n"
    assert ("later" in shown) is bool(words)


@pytest.mark.parametrize(
    ("who", "token"),
    [
        ("here", "<!here>"),
        ("channel", "<!channel>"),
        ("U012AB3CD", "<@U012AB3CD>"),
        ("W012AB3CD", "<@W012AB3CD>"),
        ("S012AB3CD", "<!subteam^S012AB3CD>"),
        ("", ""),
        ("everyone", ""),
        ("here> <!channel", ""),
        ("U012AB3CD\n", ""),
    ],
)
def test_only_the_four_known_mentions_exist(who: str, token: str) -> None:
    assert mention(who) == token


def test_a_cross_account_caller_is_named() -> None:
    alert = make({"userIdentity": {"type": "AWSAccount", "accountId": "999988887777", "principalId": "AIDAX"}})
    assert "*Caller's account*\n999988887777" in all_text(slack.alert(alert, CONTEXT))


def test_an_undecided_rule_says_so() -> None:
    assert "⚠️ *Could not be decided:* too slow" in all_text(slack.alert(make(undecided="too slow"), CONTEXT))


def test_an_ambiguous_resend_says_that_it_may_repeat() -> None:
    assert "may repeat" in all_text(slack.alert(make(), CONTEXT, may_repeat=True))
    assert "may repeat" not in all_text(slack.alert(make(), CONTEXT))


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        ("opened to <everyone>", "*The rule says*  opened to &lt;everyone&gt;"),
        (17, "*The rule says*  17"),
        (False, "*The rule says*  false"),
        ({"a": [1]}, '*The rule says*\n```{"a": [1]}```'),
        ({"a": "x" * 60, "b": "y" * 60}, f'*The rule says*\n```a: "{"x" * 60}"\nb: "{"y" * 60}"```'),
        ([], "*The rule says*\n```[]```"),
        ("", "*The rule says*  (an empty text)"),
    ],
)
def test_the_annotation_is_shown_as_what_it_is(annotation: Any, shown: str) -> None:
    assert shown in all_text(slack.alert(make(annotation=annotation), CONTEXT))


def test_no_annotation_says_nothing() -> None:
    assert "The rule says" not in all_text(slack.alert(make(annotation=None), CONTEXT))


def test_an_edit_counts_the_repeats() -> None:
    repeats = Repeats(17, AT_MS, AT_MS + 420_000, ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"), ("trail a",))
    line = next(line for line in all_text(slack.alert(make(), CONTEXT, repeats)).split("\n") if "🔁" in line)
    assert line.startswith("🔁 Seen 17 times so far: <!date^")
    assert line.endswith(", from 192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 other, on trail a")
    closed = slack.alert(make(), CONTEXT, msgspec.structs.replace(repeats, closed=True))
    assert "Seen 17 times in all" in all_text(closed)
    assert "🔁" not in all_text(slack.alert(make(), CONTEXT, Repeats(1, AT_MS, AT_MS)))


def test_replies_and_notices_mention_nobody() -> None:
    repeats = Repeats(3, AT_MS, AT_MS)
    alert = make(mention="channel")
    for message in (
        slack.thread_reply(alert, CONTEXT, repeats),
        slack.closing(alert, CONTEXT, repeats),
        slack.notice(Notice("x", "<!channel>"), CONTEXT),
    ):
        assert "<!" not in all_text(message).replace("<!date^", "")


def test_a_digest_lists_the_severest_first_folds_equals_and_counts_the_rest() -> None:
    low = make(rule=RuleFacts("Minor", Severity.LOW))
    message = slack.digest([low, make(), low, make({"requestParameters": {"name": "b"}})], CONTEXT, total=9)
    first, second = message.beside_bar[0]["text"]["text"].split("\n")
    assert first.startswith("🔴 *Trail tampering* *x2*: alice called StopLogging on trail main in production, ")
    assert second.startswith("🔵 *Minor* *x2*: ")
    assert "and 5 more" in all_text(message)
    assert message.text == "🔴 9 alerts, told together"
    assert slack.digest([low, make()], CONTEXT).text == "🔴 2 alerts (1 critical, 1 low), told together"


def test_a_huge_digest_is_one_message_that_counts_what_it_leaves_out() -> None:
    alerts = [make({"userIdentity": {"type": "IAMUser", "userName": f"user-{n}"}}) for n in range(500)]
    message = slack.digest(alerts, CONTEXT)
    lines = [line for line in all_text(message).split("\n") if "called" in line]
    assert f"and {500 - len(lines)} more" in all_text(message)
    assert 20 < len(lines) < 60


def test_the_text_only_form_stands_for_the_whole_message() -> None:
    """Slack refused the blocks: the reader still learns who, what, where, when, and whom it concerns."""
    text = slack.alert(make(mention="here"), CONTEXT).plain()
    assert text.payload().keys() == {"text", "unfurl_links", "unfurl_media", "parse", "mrkdwn"}
    for part in (
        "<!here>",
        "alice called StopLogging",
        "production (111122223333)",
        "14:02:11",
        "<https://wiki.example.com/x>",
    ):
        assert part in text.text


def test_lines_and_blocks_that_do_not_fit_are_left_out_whole() -> None:
    assert lines_that_fit(["aaaa", "bbbb", "c"], 9) == (["aaaa"], 4)
    blocks = [section("a" * 3000), section("b" * 3000), section("c" * 10)]
    assert [block["text"]["text"][0] for block in blocks_that_fit(blocks, 3_100)] == ["a", "c"]
    assert [len(block["fields"]) for block in field_sections(["x"] * 23 + [""])] == [10, 10, 3]
