"""The page that shows the stand-in's channels as Slack shows them: one document, nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from pipeline.local.slack_messages import Channel, Post
from pipeline.local.slack_mrkdwn import clock, ordinal
from pipeline.local.slack_render import content_html
from pipeline.local.slack_workspace import Workspace

# A message within this many seconds of the same author's last one stands below it without a head of its own
SAME_HEAD_S = 300
# A page shows the latest messages; a longer transcript is the API's affair
MAX_SHOWN = 500


def channel_page(workspace: Workspace, channel_id: str | None) -> str | None:
    """Return the page of a channel (the first one where none is named), or None where there is no such channel."""
    channels = {channel.id: channel for channel in workspace.channels()}
    channel = channels.get(channel_id or next(iter(channels)))
    if channel is None:
        return None
    posts = workspace.transcript(channel.id)
    parts = {
        "style": _asset("slack.css"),
        "script": _asset("slack.js"),
        "policy": escape(content_security_policy()),
        "team": escape(workspace.team),
        "initial": escape(workspace.team[:1].upper()),
        "app": escape(workspace.app_name),
        "channel": escape(channel.name),
        "channels": "".join(_sidebar_entry(entry, channel) for entry in channels.values()),
        "count": str(len(posts)),
        "messages": messages_html(posts),
        "revision": str(workspace.revision),
    }
    page = _asset("slack.html")
    # the parts are put in together, so that none is looked at for the names of others
    return "".join(
        parts[piece[2:-2]] if piece.startswith("[[") and piece[2:-2] in parts else piece for piece in _split(page)
    )


def messages_html(posts: tuple[Post, ...]) -> str:
    """Show a channel's messages in their order, each with its thread, a divider before each day."""
    threads: dict[str, list[Post]] = {}
    for post in posts:
        if post.thread_ts:
            threads.setdefault(post.thread_ts, []).append(post)
    html: list[str] = []
    before: Post | None = None
    for post in [post for post in posts if post.in_channel][-MAX_SHOWN:]:
        if before is None or _day(before) != _day(post):
            html.append(f'<div class="day"><span>{_day_name(post)}</span></div>')
            before = None
        html.append(_message(post, before, threads.get(post.ts, [])))
        before = post
    return "".join(html) or '<div class="empty">Nothing has been said here yet.</div>'


@cache
def content_security_policy() -> str:
    """Allow this page its own style and script by their hashes, and nothing else."""
    style, script = (_hash(_asset(name)) for name in ("slack.css", "slack.js"))
    own = f"style-src '{style}'; script-src '{script}'; connect-src 'self'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


@cache
def _asset(name: str) -> str:
    return files("pipeline.local").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _split(page: str) -> list[str]:
    pieces: list[str] = []
    for chunk in page.split("[["):
        name, closed, rest = chunk.partition("]]")
        pieces += [f"[[{name}]]", rest] if pieces and closed else [chunk]
    return pieces


def _sidebar_entry(entry: Channel, shown: Channel) -> str:
    current = ' class="current" aria-current="page"' if entry.id == shown.id else ""
    archived = " (archived)" if entry.archived else ""
    return f'<a{current} href="/archives/{escape(entry.id)}"><span>#</span>{escape(entry.name)}{archived}</a>'


def _message(post: Post, before: Post | None, replies: list[Post]) -> str:
    joined = before is not None and post.posted_at - before.posted_at < SAME_HEAD_S and not _is_rich(post)
    head = f'<div class="gutter"><time>{clock(_local(post))[:-3]}</time></div>' if joined else _AVATAR
    name = "" if joined else _head(post)
    return (
        f'<article class="message{" joined" if joined else ""}" id="p{post.ts.replace(".", "")}">{head}'
        f'<div class="body">{name}{content_html(post)}{_thread(replies)}</div></article>'
    )


def _is_rich(post: Post) -> bool:
    return bool(post.blocks or post.attachments)


def _head(post: Post) -> str:
    at = _local(post)
    return (
        f'<div class="head"><b>{escape(post.author)}</b><span class="app">APP</span>'
        f'<time datetime="{at.isoformat()}" title="{at:%Y-%m-%d %H:%M:%S %Z}">{clock(at)}</time></div>'
    )


def _thread(replies: list[Post]) -> str:
    if not replies:
        return ""
    count = f"{len(replies)} {'reply' if len(replies) == 1 else 'replies'}"
    shown = "".join(
        f'<article class="message reply" id="p{post.ts.replace(".", "")}">{_AVATAR}'
        f'<div class="body">{_head(post)}{content_html(post)}</div></article>'
        for post in replies
    )
    last = clock(_local(replies[-1]))
    summary = f'<span class="mini-avatar">{_LOGO}</span><b>{count}</b><span class="last">Last reply at {last}</span>'
    return f'<details class="thread" open><summary>{summary}</summary>{shown}</details>'


def _local(post: Post) -> datetime:
    return datetime.fromtimestamp(post.posted_at, UTC).astimezone()


def _day(post: Post) -> str:
    return f"{_local(post):%Y-%m-%d}"


def _day_name(post: Post) -> str:
    at = _local(post)
    today = datetime.now(UTC).astimezone().date()
    days = (today - at.date()).days
    return {0: "Today", 1: "Yesterday"}.get(days) or f"{at:%A}, {at:%B} {ordinal(at.day)}"


_LOGO = (
    '<svg viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="8" fill="#1f6feb"/>'
    '<path d="M7 24c5-1 6-10 11-10s4 7 11 6" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/>'
    '<circle cx="29" cy="12" r="3.2" fill="#ffd33d"/></svg>'
)
_AVATAR = f'<div class="avatar">{_LOGO}</div>'
