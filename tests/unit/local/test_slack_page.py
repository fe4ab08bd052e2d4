"""The page shows a channel as Slack does, and nothing said there becomes part of the page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from werkzeug.test import Client

from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_limits import Limits
from pipeline.local.slack_page import content_security_policy
from pipeline.local.slack_workspace import DEFAULT_CHANNEL, TOKEN, Workspace

NOW = 1_790_000_000.0
HOSTILE = (
    """</style></script><script>alert(1)</script><img src=x onerror=alert(2)>"' [[messages]] [[style]] &lt;b&gt;"""
)


@pytest.fixture
def slack() -> SlackStandIn:
    return SlackStandIn(Workspace(Limits(post_burst=1000)), clock=lambda: NOW)


def say(slack: SlackStandIn, now: float = NOW, **args: Any) -> str:
    answer = slack.workspace.post("chat.postMessage", TOKEN, {"channel": DEFAULT_CHANNEL, **args}, now)
    assert isinstance(answer.body, dict)
    assert answer.ok, answer.body
    return str(answer.body["ts"])


def page(slack: SlackStandIn, path: str = "/") -> str:
    return Client(slack._serve).get(path).get_data(as_text=True)


class _Page(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> _Page:
    parser = _Page()
    parser.feed(html)
    parser.close()
    return parser


def test_a_channel_shows_who_said_what_and_when(slack: SlackStandIn) -> None:
    say(slack, text="hello *there*")
    html = page(slack)
    assert "<b>Trailwire</b>" in html
    assert '<span class="app">APP</span>' in html
    assert "hello <b>there</b>" in html
    assert "# security-alerts" in " ".join(seen(html).text.split())


def test_every_kind_of_block_is_shown(slack: SlackStandIn) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "A header"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "A *section*"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "A field"}]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "plain_text", "text": "A context"}]},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "A link"}, "url": "https://example.com/"},
                {"type": "button", "text": {"type": "plain_text", "text": "A button"}},
                {"type": "overflow"},
            ],
        },
        {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "An image"},
        {"type": "markdown", "text": "# A heading\n**strong**"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "A cell"}]]},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "Rich text"}]}],
        },
    ]
    say(slack, text="not shown", blocks=blocks)
    html = page(slack)
    for text in (
        "A header",
        "A <b>section</b>",
        "A field",
        "<hr>",
        "A context",
        "A cell",
        "Rich text",
        "<b>strong</b>",
    ):
        assert text in html
    assert 'href="https://example.com/"' in html
    assert "An image" in html
    assert "not shown" not in html
    assert not [attrs for tag, attrs in seen(html).tags if "src" in attrs], "nothing is fetched from elsewhere"


@pytest.mark.parametrize(
    ("color", "fill"),
    [
        ("#E01E5A", "#E01E5A"),
        ("2eb67d", "#2eb67d"),
        ("danger", "#e01e5a"),
        ('"/><script>', "#dddddd"),
        (None, "#dddddd"),
    ],
)
def test_an_attachment_has_its_colour_beside_it(slack: SlackStandIn, color: Any, fill: str) -> None:
    fields = [{"title": "Who", "value": "alice", "short": True}]
    attachment = {"color": color, "title": "T", "text": "*beside*", "fields": fields, "footer": "F", "pretext": "P"}
    say(slack, text="a", attachments=[attachment])
    html = page(slack)
    assert f'fill="{fill}"' in html
    for text in ("<b>T</b>", "<b>beside</b>", "<b>Who</b><br>alice", "F", "P"):
        assert text in html


def test_threads_stand_below_their_message_and_edits_are_marked(slack: SlackStandIn) -> None:
    parent = say(slack, text="parent")
    say(slack, text="a reply", thread_ts=parent)
    assert "1 reply<" in page(slack)
    say(slack, text="another", thread_ts=parent)
    assert "2 replies" in page(slack)
    assert "(edited)" not in page(slack)
    edit = {"channel": DEFAULT_CHANNEL, "ts": parent, "text": "changed"}
    assert slack.workspace.post("chat.update", TOKEN, edit, NOW + 5).ok
    html = page(slack)
    assert "(edited)" in html
    assert "changed" in html
    assert html.index("changed") < html.index("a reply") < html.index("another")


def test_each_day_begins_with_its_name(slack: SlackStandIn) -> None:
    say(slack, text="monday", now=NOW)
    say(slack, text="later", now=NOW + 86_400 * 2)
    assert page(slack).count('class="day"') == 2


def test_hostile_text_stays_text_wherever_it_stands(slack: SlackStandIn) -> None:
    """However it is said, the page has the tags it has for harmless text, and the text can be read."""

    def shown(text: str) -> _Page:
        slack.workspace = Workspace(Limits(post_burst=1000), team=text, app_name=text)
        slack.workspace.add_channel(text, "C2")
        say(slack, text=text)
        say(slack, text="a", blocks=[{"type": "header", "text": {"type": "plain_text", "text": text[:150]}}])
        say(slack, text="a", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": text}}])
        attachment = {
            "color": text,
            "text": text,
            "title": text,
            "footer": text,
            "fields": [{"title": text, "value": text}],
        }
        say(slack, text="a", attachments=[attachment])
        return seen(page(slack))

    harmless, hostile = shown("harmless"), shown(HOSTILE)
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert "alert(1)" in hostile.text
    assert not [attrs for _, attrs in hostile.tags if "onerror" in attrs or "style" in attrs]


def test_the_page_allows_its_own_style_and_script_only(slack: SlackStandIn) -> None:
    answer = Client(slack._serve).get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy == content_security_policy()
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    html = answer.get_data(as_text=True)
    assert "style=" not in html.partition("<body")[2]


@pytest.mark.parametrize("path", ["/nothing", "/archives/", "/archives/C0", "/archives/../etc"])
def test_what_is_not_there_is_not_found(slack: SlackStandIn, path: str) -> None:
    assert Client(slack._serve).get(path).status_code == 404


def test_the_revision_tells_that_something_was_said(slack: SlackStandIn) -> None:
    before = page(slack, "/revision")
    assert page(slack, "/revision") == before
    say(slack, text="a")
    assert page(slack, "/revision") != before


def test_each_channel_has_its_page(slack: SlackStandIn) -> None:
    other = slack.workspace.add_channel("other")
    say(slack, text="only in one")
    assert "Nothing has been said here yet" in page(slack, f"/archives/{other}")
    assert "only in one" in page(slack, f"/archives/{DEFAULT_CHANNEL}")
    assert "only in one" not in page(slack, f"/archives/{other}")
