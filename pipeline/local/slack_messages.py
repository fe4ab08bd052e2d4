"""What stands in a Slack channel, and what Slack makes of a message's arguments before it takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.slack_blocks import MAX_ATTACHMENTS, MAX_MARKDOWN, MAX_MESSAGE_TEXT, block_errors, text_length

# docs.slack.dev, chat.postMessage: longer text is cut, not refused
MAX_TEXT = 40_000


class Refused(Exception):
    """Slack says no, with one of its codes."""

    def __init__(self, error: str, messages: tuple[str, ...] = (), **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """What the Web API answers."""
        body: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says."""

    text: str = ""
    """In mrkdwn; only the notification where there are blocks."""
    blocks: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    styled: bool = True
    """Marks in the text (`*bold*`) are markup; links and mentions are so in any case."""


@dataclass(frozen=True, slots=True)
class Post:
    """One message of a channel, with everything it said before it was edited."""

    channel: str
    """The channel's id."""
    ts: str
    """Its name within the channel."""
    content: Content
    posted_at: float
    """Seconds since 1970, by the workspace's clock."""
    author: str
    """The name the app goes by."""
    token: str = ""
    """Who posted it; empty for a webhook."""
    thread_ts: str | None = None
    """The message it replies to."""
    broadcast: bool = False
    """A reply that is shown in the channel, too."""
    client_msg_id: str = ""
    earlier: tuple[Content, ...] = ()
    """What it said before each edit, oldest first."""
    edited_at: float | None = None

    @property
    def text(self) -> str:
        """Its top-level text."""
        return self.content.text

    @property
    def blocks(self) -> tuple[dict[str, Any], ...]:
        """Its blocks, without those of its attachments."""
        return self.content.blocks

    @property
    def attachments(self) -> tuple[dict[str, Any], ...]:
        """Its attachments."""
        return self.content.attachments

    @property
    def in_channel(self) -> bool:
        """It is shown in the channel itself and not only in a thread."""
        return self.thread_ts is None or self.broadcast

    def all_text(self) -> str:
        """Everything a reader sees, in mrkdwn: the strings of blocks and attachments, or the text if there are none."""
        if not self.blocks and not self.attachments:
            return self.text
        return "\n".join(_strings([*self.blocks, *self.attachments]))


@dataclass(slots=True)
class Channel:
    """A public channel and its messages in the order of their ts."""

    id: str
    name: str
    archived: bool = False
    joined: bool = True
    """The app is a member; else it needs the scope `chat:write.public` to post."""
    posts: dict[str, Post] = field(default_factory=dict)
    by_client_msg_id: dict[str, str] = field(default_factory=dict)
    last_us: int = 0

    def next_ts(self, now: float) -> str:
        """Name a new message: its time in microseconds, unique in the channel and never going back."""
        self.last_us = max(round(now * 1_000_000), self.last_us + 1)
        return f"{self.last_us // 1_000_000}.{self.last_us % 1_000_000:06d}"


def read_content(args: Mapping[str, Any]) -> Content:
    """Read and check text, blocks and attachments as Slack does; raises Refused."""
    _check_characters(args)
    if args.get("markdown_text") is not None:
        return _markdown(args)
    content = Content(
        text=_text(args.get("text")),
        blocks=_objects(args.get("blocks"), "invalid_blocks_format"),
        attachments=_objects(args.get("attachments"), "invalid_attachments"),
        styled=args.get("mrkdwn") not in _FALSE,
    )
    if not content.text.strip() and not content.blocks and not content.attachments:
        raise Refused("no_text")
    if len(content.attachments) > MAX_ATTACHMENTS:
        raise Refused("too_many_attachments")
    _check_blocks(content)
    return content


def as_json(post: Post, replies: int = 0) -> dict[str, Any]:
    """Write a message as Slack's API returns it."""
    message: dict[str, Any] = {"type": "message", "text": post.text, "ts": post.ts, "bot_id": BOT_ID, "app_id": APP_ID}
    if post.token:
        message["user"] = USER_ID
    else:
        message["subtype"] = "bot_message"
    optional = {"thread_ts": post.thread_ts, "client_msg_id": post.client_msg_id, "reply_count": replies}
    message |= {key: value for key, value in optional.items() if value}
    if replies:
        message["thread_ts"] = post.ts
    if post.blocks:
        message["blocks"] = list(post.blocks)
    if post.attachments:
        message["attachments"] = list(post.attachments)
    if post.edited_at is not None:
        message["edited"] = {"user": USER_ID, "ts": f"{post.edited_at:.6f}"}
    return message


APP_ID = "A0TRAILWIRE"
BOT_ID = "B0TRAILWIRE"
USER_ID = "U0TRAILWIRE"


def _check_characters(args: Mapping[str, Any]) -> None:
    """Refuse lone surrogates: they aren't characters, and no UTF-8 request can carry them."""
    try:
        json.dumps(dict(args), ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Refused("invalid_arguments") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("invalid_arguments")
    return value[:MAX_TEXT]


def _markdown(args: Mapping[str, Any]) -> Content:
    if args.get("text") or args.get("blocks"):
        raise Refused("markdown_text_conflict")
    text = _text(args["markdown_text"])
    if not text.strip():
        raise Refused("no_text")
    if len(text) > MAX_MARKDOWN:
        raise Refused("msg_too_long")
    return Content(text=text, blocks=({"type": "markdown", "text": text},))


def _objects(value: Any, error: str) -> tuple[dict[str, Any], ...]:
    """Read a list that forms send as JSON text and JSON bodies as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError) as reason:
            raise Refused(error) from reason
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused(error)
    return tuple(value)


def _check_blocks(content: Content) -> None:
    errors = block_errors(list(content.blocks))
    for index, attachment in enumerate(content.attachments):
        if not isinstance(attachment, dict):
            raise Refused("invalid_attachments")
        inner = attachment.get("blocks")
        if inner is not None:
            inner = inner if isinstance(inner, list) else [inner]
            errors += block_errors(inner, f"/attachments/{index}/blocks")
    if errors:
        raise Refused("invalid_blocks", tuple(errors))
    if text_length([*content.blocks, *content.attachments]) > MAX_MESSAGE_TEXT:
        raise Refused("msg_blocks_too_long")


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    if not isinstance(value, dict):
        return []
    found = []
    for key, child in value.items():
        if isinstance(child, str) and key in _SHOWN:
            found.append(child)
        elif isinstance(child, dict | list):
            found += _strings(child)
    return found


_FALSE = (False, 0, "0", "false")
_SHOWN = {"text", "title", "pretext", "value", "footer", "alt_text", "author_name"}
