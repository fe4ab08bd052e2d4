"""Text is shown as Slack shows it, and hostile text stays text."""

from __future__ import annotations

import re
from datetime import UTC
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.local.slack_mrkdwn import mrkdwn_to_html, plain_to_html

LINK = 'target="_blank" rel="noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("*bold* _italic_ ~gone~", "<b>bold</b> <i>italic</i> <s>gone</s>"),
        ("*bold _and italic_*", "<b>bold <i>and italic</i></b>"),
        ("(*bold*),", "(<b>bold</b>),"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("* not bold * nor *this", "* not bold * nor *this"),
        ("*over\nlines*", "*over<br>lines*"),
        ("`code *plain* :x:`", "<code>code *plain* :x:</code>"),
        ("```a\n*b*\n```", "<pre>a\n*b*</pre>"),
        ("> one\n&gt; two\nthree", "<blockquote>one<br>two</blockquote>three"),
        ("a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('"quoted" & \'so\'', "&quot;quoted&quot; &amp; &#x27;so&#x27;"),
        ("<https://x.y/?a=1&amp;b=2|a & *b*>", f'<a href="https://x.y/?a=1&amp;b=2" {LINK}>a &amp; *b*</a>'),
        ("*<https://x.y|bold link>*", f'<b><a href="https://x.y" {LINK}>bold link</a></b>'),
        ("see https://x.y/z.", f'see <a href="https://x.y/z" {LINK}>https://x.y/z</a>.'),
        ("<javascript:alert(1)|click>", "&lt;javascript:alert(1)&gt;"),
        ("<data:text/html,x>", "&lt;data:text/html,x&gt;"),
        ("`<https://x.y|in code>`", f'<code><a href="https://x.y" {LINK}>in code</a></code>'),
        ("<!here> <!channel>", '<span class="mention loud">@here</span> <span class="mention loud">@channel</span>'),
        ("<@U123> <#C1|general>", '<span class="mention">@U123</span> <span class="mention">#general</span>'),
        ("<!subteam^S1|@oncall>", '<span class="mention">@oncall</span>'),
        (":warning: :no_such_emoji:", "⚠️ :no_such_emoji:"),
        ("\x000\x00", "0"),
        ("", ""),
    ],
)  # fmt: skip
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, html: str) -> None:
    assert mrkdwn_to_html(text, UTC) == html


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("<!date^1700000000^{date_num} {time_secs}|x>", "2023-11-14 10:13:20 PM"),
        ("<!date^1700000000^{date_long}|x>", "Tuesday, November 14th, 2023"),
        ("<!date^1700000000^{date_short_pretty} at {time}|x>", "Nov 14, 2023 at 10:13 PM"),
        ("<!date^1700000000^{date}^https://x.y|x>", "November 14th, 2023"),
        ("<!date^soon^{date}|fallback &amp; more>", "fallback & more"),
        ("<!date^1700000000^{nonsense}|fallback>", "fallback"),
        ("<!date^99999999999999999999^{date}|fallback>", "fallback"),
        ("<!date^1700000000|fallback>", "fallback"),
    ],
)
def test_a_date_is_shown_by_the_reader_s_clock(token: str, shown: str) -> None:
    assert unescape(re.sub(r"<[^>]*>", "", mrkdwn_to_html(token, UTC))) == shown


def test_plain_text_knows_entities_and_emoji_and_no_markup() -> None:
    assert plain_to_html("*a* <!here> &lt;b&gt; :fire:\nc") == "*a* &lt;!here&gt; &lt;b&gt; 🔥<br>c"


def test_text_that_is_not_styled_has_links_and_mentions_only() -> None:
    assert mrkdwn_to_html("*a* <!here>\n> b", styled=False) == '*a* <span class="mention loud">@here</span><br>&gt; b'


def test_a_verbatim_text_has_no_links_of_its_own() -> None:
    assert mrkdwn_to_html("https://x.y", verbatim=True) == "https://x.y"


class _Tags(HTMLParser):
    """What a browser would make of it."""

    allowed = frozenset({"b", "i", "s", "br", "a", "pre", "code", "blockquote", "span", "time"})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.allowed
        names = {name for name, _ in attrs}
        assert names <= {"href", "target", "rel", "class", "datetime", "title"}
        href = dict(attrs).get("href")
        assert href is None or href.startswith(("https://", "http://", "mailto:", "tel:"))


pieces = st.sampled_from(
    """
    < > & &lt; &amp; " ' * _ ~ ` ``` | ! @ 0 :x: <!here> <script> https://a.b/ javascript: onclick="x" <a <b>
    <!date^1^{date}|
    """.split()  # noqa: SIM905  a paragraph of pieces is read at a glance
) | st.sampled_from(["\n", " ", "\x00", "<a href='x'>"])


@example("<https://x/`<https://a onclick=b |z>`|y>")
@example('<!date^1^{date}|`<https://a onclick=b |"z>`>')
@given(st.lists(pieces | st.text(max_size=3), max_size=30).map("".join))
def test_no_text_becomes_markup_of_its_own(text: str) -> None:
    """Whatever the text, a browser finds only tags and attributes that Slack's markup stands for."""
    parser = _Tags()
    parser.feed(mrkdwn_to_html(text, UTC))
    parser.feed(mrkdwn_to_html(text, UTC, styled=False))
    parser.feed(plain_to_html(text))
    parser.close()


@pytest.mark.parametrize(
    "text", ["<" * 40_000, "*a" * 20_000, "`" * 40_001, "_" * 40_000, "<!date^1^" * 4_000, "*_~" * 13_000]
)
def test_long_hostile_text_is_shown_at_once(text: str) -> None:
    assert mrkdwn_to_html(text)
