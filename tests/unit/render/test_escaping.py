"""Text that others chose, made safe to show."""

from __future__ import annotations

import pytest

from pipeline.render.escaping import (
    code,
    defused,
    from_event,
    is_safe_url,
    link,
    strong,
    unformatted,
    visible,
    without_links,
)

ODD = "\ufffd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("  a \t b\r\nc  ", "a b c"),
        ("a\u2028b\u2029c\x85d\u00a0e\u3000f", "a b c d e f"),
        ("x\u202egpj", f"x{ODD}gpj"),
        ("a\u200bb\u200dc\ufeffd\u00ade", f"a{ODD}b{ODD}c{ODD}d{ODD}e"),
        ("\x00\x1b[31m\x7f\x9b", f"{ODD}{ODD}[31m{ODD}{ODD}"),
        ("\ud800x", f"{ODD}x"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\U000e0041tag", f"{ODD}tag"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302"),
        ("\u3164", ODD),
        ("\ufffe\uffff", ODD * 2),
        ("Zoë 王 مرحبا", "Zoë 王 مرحبا"),
        ("", ""),
    ],
)
def test_everything_in_a_text_can_be_seen(text: str, shown: str) -> None:
    assert visible(text, 100) == shown


@pytest.mark.parametrize("char", ["x", "\U0001f600", "&"])
def test_a_long_text_is_cut_by_characters_and_says_so(char: str) -> None:
    assert visible(char * 50, 10) == char * 9 + "…"
    assert visible(char * 10, 10) == char * 10


def test_a_credential_is_gone_before_the_text_is_cut() -> None:
    """A token that the cut would shorten is still a token."""
    assert "ghp_" not in from_event("x" * 30 + " ghp_" + "a1B2" * 9, 40)


@pytest.mark.parametrize(
    ("text", "mrkdwn"),
    [
        ("alice", "alice"),
        ("user AWSReservedSSO_Admin_0123", "user AWSReservedSSO_Admin_0123"),
        ("a *b* c", "a `*b*` c"),
        ("_x_", "`_x_`"),
        ("~x~ `y`", "`~x~` `y`"),
        ("a`b", "`a'b`"),
        ("```", "`'''`"),
        (":skull:", "`:skull:`"),
        ("arn:aws:iam::1:user/x", "`arn:aws:iam::1:user/x`"),
        ("2001:db8::1", "`2001:db8::1`"),
        ("> quote", "`&gt;` quote"),
        ("&gt; quote", "`&amp;gt;` quote"),
        ("<!here> & co", "&lt;!here&gt; &amp; co"),
        ("https://x.example", "https://x.example"),
    ],
)
def test_words_that_slack_would_format_become_code(text: str, mrkdwn: str) -> None:
    assert unformatted(text) == mrkdwn


@pytest.mark.parametrize(
    ("text", "mrkdwn"), [("a b", "*a b*"), ("a*b", "`a*b`"), ("a_", "`a_`"), ("<x>", "*&lt;x&gt;*")]
)
def test_a_name_stands_out(text: str, mrkdwn: str) -> None:
    assert strong(text) == mrkdwn


def test_a_code_span_holds_no_backtick() -> None:
    assert code("`a`b`") == "`a'b`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://evil.com", "http:|//evil.|com"),
        ("mallory@evil.com", "mallory@|evil.|com"),
        ("@here #general", "@|here #|general"),
        ("198.51.100.7", "198.51.100.7"),
        (":skull: 10: x", ":|skull: 10: x"),
        ("<!here> &", "&lt;!here&gt; &amp;"),
    ],
)
def test_nothing_links_by_itself_where_slack_offers_no_verbatim(text: str, shown: str) -> None:
    assert defused(text).replace("\u2060", "|") == shown


def test_plain_text_has_no_addresses() -> None:
    assert without_links("see https://evil.com or WWW.evil.com") == "see https[:]//evil.com or www[.]evil.com"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://wiki.example.com/a/b?c=d&e=f#g", True),
        ("http://localhost:8080", True),
        ("https://example.com?x", True),
        ("https://[::1]/", False),
        ("javascript:alert(1)", False),
        ("https://user:pw@evil.com/", False),
        ("https://good.com@evil.com/", False),
        ("https://x.com/a|b", False),
        ("https://x.com/a>b", False),
        ("https://x.com/a b", False),
        ("https://x.com/\n", False),
        ("https://x.com/\u202e", False),
        ("https://bücher.example/", False),
        ("//x.com", False),
        ("HTTPS://x.com", False),
        ("", False),
        ("https://x.com/" + "a" * 3000, False),
    ],
)
def test_only_addresses_that_mean_what_they_look_like_are_linked(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe


def test_a_link_keeps_its_shape() -> None:
    assert link("https://x.com/?a=1&b=2", "a|b <c>") == "<https://x.com/?a=1&amp;b=2|a/b &lt;c&gt;>"
