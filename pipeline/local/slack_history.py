"""What the Web API tells about channels and what was said in them, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.local.slack_messages import Channel, Post, Refused, as_json

DEFAULT_LIMIT = 100


def history(channel: Channel, args: Mapping[str, Any]) -> dict[str, Any]:
    """Answer conversations.history: what stands in the channel itself, newest first."""
    posts = [post for post in reversed(channel.posts.values()) if post.in_channel and _within(post, args)]
    counts = _reply_counts(channel)
    return _page([as_json(post, counts.get(post.ts, 0)) for post in posts], args, "messages")


def replies(channel: Channel, args: Mapping[str, Any]) -> dict[str, Any]:
    """Answer conversations.replies: the parent and its replies, oldest first; `ts` may name any of them."""
    named = channel.posts.get(str(args.get("ts", "")))
    if named is None:
        raise Refused("thread_not_found")
    parent = channel.posts[named.thread_ts or named.ts]
    found = [as_json(post) for post in channel.posts.values() if post.thread_ts == parent.ts]
    return _page([as_json(parent, len(found)), *found], args, "messages")


def channel_list(channels: Iterable[Channel], args: Mapping[str, Any]) -> dict[str, Any]:
    """Answer conversations.list."""
    listed = [
        {"id": c.id, "name": c.name, "is_channel": True, "is_archived": c.archived, "is_member": c.joined}
        for c in channels
    ]
    return _page(listed, args, "channels")


def flag(value: Any) -> bool:
    """Read a boolean argument: forms send text."""
    return value in (True, 1, "1", "true", "True")


def _within(post: Post, args: Mapping[str, Any]) -> bool:
    oldest, latest, inclusive = args.get("oldest"), args.get("latest"), flag(args.get("inclusive"))
    if oldest and (post.ts < str(oldest) or (post.ts == str(oldest) and not inclusive)):
        return False
    return not (latest and (post.ts > str(latest) or (post.ts == str(latest) and not inclusive)))


def _reply_counts(channel: Channel) -> dict[str, int]:
    counts: dict[str, int] = {}
    for post in channel.posts.values():
        if post.thread_ts:
            counts[post.thread_ts] = counts.get(post.thread_ts, 0) + 1
    return counts


def _page(items: list[dict[str, Any]], args: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Cut one page out of a list; the cursor is where the next one begins."""
    start, limit = _number(args.get("cursor"), 0), _number(args.get("limit"), DEFAULT_LIMIT)
    end = start + max(1, limit)
    more = end < len(items)
    return {
        key: items[start:end],
        "has_more": more,
        "response_metadata": {"next_cursor": str(end) if more else ""},
    }


def _number(value: Any, default: int) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 10 else default  # noqa: PLR2004  no count has more digits
