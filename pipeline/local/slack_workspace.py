"""A Slack workspace without the network: every call is decided here, by the clock the caller gives.

`SlackStandIn` puts it behind HTTP; a simulator calls `Workspace.post` itself, thousands of times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from pipeline.local.slack_answers import WEBHOOK_STATUS, Response, Throttled, enforce, misbehave, too_many
from pipeline.local.slack_faults import Faults
from pipeline.local.slack_history import channel_list, flag, history, replies
from pipeline.local.slack_limits import Limits, Meter
from pipeline.local.slack_messages import (
    APP_ID,
    BOT_ID,
    USER_ID,
    Channel,
    Content,
    Post,
    Refused,
    as_json,
    read_content,
)

TOKEN = "xoxb-stand-in"  # noqa: S105  opens nothing but the stand-in
DEFAULT_CHANNEL = "C0123456789"
TEAM_ID = "T0STANDIN"
SCOPES = frozenset({"chat:write", "channels:read", "channels:history"})


@dataclass(slots=True)
class _Token:
    scopes: frozenset[str]
    error: str = ""


class Workspace:
    """Channels, tokens and webhooks of one workspace, with Slack's limits and errors.

    Safe to call from several threads. It opens with the channel #security-alerts (`DEFAULT_CHANNEL`), the token
    `TOKEN`, and nothing said.
    """

    def __init__(self, limits: Limits | None = None, app_name: str = "Trailwire", team: str = "Stand-in") -> None:
        self.app_name = app_name
        self.team = team
        self.faults = Faults()
        self.collapses_repeats = True
        """A repeated client_msg_id in a channel answers with the first message. Undocumented: test without, too."""
        self.revision = 0
        """Grows with every change; the page looks at it."""
        self.calls: dict[str, int] = {}
        """How often each method was called, whatever came of it."""
        self._limits = limits or Limits()
        self._meter = Meter(self._limits)
        self._channels: dict[str, Channel] = {}
        self._tokens: dict[str, _Token] = {TOKEN: _Token(SCOPES)}
        self._webhooks: dict[str, str] = {}
        self._lock = RLock()
        self.add_channel("security-alerts", DEFAULT_CHANNEL)

    # ---- what a test or the demo sets up

    def add_channel(self, name: str, channel_id: str | None = None, *, joined: bool = True) -> str:
        """Open a public channel and return its id."""
        with self._lock:
            channel_id = channel_id or f"C{len(self._channels) + 1:010d}"
            self._channels[channel_id] = Channel(channel_id, name.lstrip("#"), joined=joined)
            self.revision += 1
            return channel_id

    def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self._channel(channel).archived = archived
        self.revision += 1

    def add_token(self, token: str, scopes: frozenset[str] = SCOPES) -> None:
        """Take this token from now on, also where it was revoked."""
        self._tokens[token] = _Token(scopes)

    def revoke(self, token: str, error: str = "token_revoked") -> None:
        """Refuse this token from now on: token_revoked, account_inactive, invalid_auth, token_expired, ..."""
        self._tokens.setdefault(token, _Token(frozenset())).error = error

    def add_webhook(self, channel: str, path: str | None = None) -> str:
        """Open an incoming webhook for the channel and return its path, `/services/T.../B.../...`."""
        number = len(self._webhooks) + 1
        path = path or f"/services/{TEAM_ID}/B{number:09d}/standin{number:017d}"
        self._webhooks[path] = self._channel(channel).id
        return path

    def remove_webhook(self, path: str) -> None:
        """Close a webhook: it answers `no_service` from now on."""
        del self._webhooks[path]

    # ---- what it looks like

    def channels(self) -> tuple[Channel, ...]:
        """Every channel, in the order they were opened; look, but change nothing."""
        with self._lock:
            return tuple(self._channels.values())

    def transcript(self, channel: str = DEFAULT_CHANNEL) -> tuple[Post, ...]:
        """Everything in a channel (id or name) as it reads now, replies included, in order of ts."""
        with self._lock:
            return tuple(self._channel(channel).posts.values())

    def replies(self, ts: str, channel: str = DEFAULT_CHANNEL) -> tuple[Post, ...]:
        """Return the replies to one message."""
        return tuple(post for post in self.transcript(channel) if post.thread_ts == ts)

    # ---- what apps call

    def post(self, method: str, token: str | None, args: Mapping[str, Any], now: float) -> Response:
        """Answer one call of the Web API at a time of the clock, in seconds since 1970. Never raises."""
        with self._lock:
            self.calls[method] = self.calls.get(method, 0) + 1
            channel = self._find(args.get("channel"))
            fault = self.faults.strike(method, channel.id if channel else str(args.get("channel", "")), now)
            if fault is None:
                return self._answer(method, token, args, now)
            if fault.accepted:
                self._answer(method, token, args, now)
            return misbehave(fault, {"ok": False, "error": fault.error})

    def webhook(self, path: str, payload: Any, now: float) -> Response:
        """Answer one POST to an incoming webhook; `payload` is None where it wasn't JSON. Never raises."""
        with self._lock:
            self.calls["webhook"] = self.calls.get("webhook", 0) + 1
            fault = self.faults.strike("webhook", self._webhooks.get(path, ""), now)
            if fault is None:
                return self._answer_webhook(path, payload, now)
            if fault.accepted:
                self._answer_webhook(path, payload, now)
            return misbehave(fault, "rate_limited" if fault.error == "ratelimited" else fault.error)

    def _answer(self, method: str, token: str | None, args: Mapping[str, Any], now: float) -> Response:
        try:
            scope, answer = _method(method)
            known = self._authenticate(token, scope)
            if method != "chat.postMessage":
                enforce(self._meter.admit_call(known, method, now))
            return Response(200, {"ok": True, **answer(self, known, args, now)})
        except Throttled as throttled:
            return too_many(throttled.wait_s, {"ok": False, "error": "ratelimited"})
        except Refused as refused:
            return Response(200, refused.body())

    def _answer_webhook(self, path: str, payload: Any, now: float) -> Response:
        try:
            self._post_to_webhook(path, payload, now)
        except Throttled as throttled:
            return too_many(throttled.wait_s, "rate_limited")
        except Refused as refused:
            return Response(WEBHOOK_STATUS.get(refused.error, 400), refused.error)
        return Response(200, "ok")

    def _post_to_webhook(self, path: str, payload: Any, now: float) -> None:
        if path not in self._webhooks:
            raise Refused("no_service")
        if not isinstance(payload, dict):
            raise Refused("invalid_payload")
        channel = self._channels[self._webhooks[path]]
        if channel.archived:
            raise Refused("channel_is_archived")
        self._store(channel, "", payload, read_content(payload), now)

    def _authenticate(self, token: str | None, scope: str | None) -> str:
        if not token:
            raise Refused("not_authed")
        known = self._tokens.get(token)
        if known is None:
            raise Refused("invalid_auth")
        if known.error:
            raise Refused(known.error)
        if scope and scope not in known.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(known.scopes)))
        return token

    def _find(self, name: Any) -> Channel | None:
        if not isinstance(name, str):
            return None
        by_id = self._channels.get(name)
        return by_id or next((c for c in self._channels.values() if c.name == name.removeprefix("#")), None)

    def _channel(self, name: Any) -> Channel:
        found = self._find(name)
        if found is None:
            raise Refused("channel_not_found")
        return found

    def _writable(self, token: str, name: Any) -> Channel:
        channel = self._channel(name)
        if channel.archived:
            raise Refused("is_archived")
        if not channel.joined and "chat:write.public" not in self._tokens[token].scopes:
            raise Refused("not_in_channel")
        return channel

    def _store(self, channel: Channel, token: str, args: Mapping[str, Any], content: Content, now: float) -> Post:
        thread_ts = _parent(channel, args.get("thread_ts"))
        enforce(self._meter.admit_post(channel.id, now))
        post = Post(
            channel=channel.id,
            ts=channel.next_ts(now),
            content=content,
            posted_at=now,
            author=self.app_name,
            token=token,
            thread_ts=thread_ts,
            broadcast=thread_ts is not None and flag(args.get("reply_broadcast")),
            client_msg_id=str(args.get("client_msg_id") or ""),
        )
        channel.posts[post.ts] = post
        if post.client_msg_id:
            channel.by_client_msg_id.setdefault(post.client_msg_id, post.ts)
        self.revision += 1
        return post

    # ---- the Web API's methods

    def _auth_test(self, _token: str, _args: Mapping[str, Any], _now: float) -> dict[str, Any]:
        return {
            "url": "http://127.0.0.1/",
            "team": self.team,
            "team_id": TEAM_ID,
            "user": self.app_name.lower(),
            "user_id": USER_ID,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
        }

    def _post_message(self, token: str, args: Mapping[str, Any], now: float) -> dict[str, Any]:
        channel = self._writable(token, args.get("channel"))
        content = read_content(args)
        known = channel.by_client_msg_id.get(str(args.get("client_msg_id") or ""))
        repeated = self.collapses_repeats and known is not None
        post = channel.posts[known] if repeated and known else self._store(channel, token, args, content, now)
        return {"channel": channel.id, "ts": post.ts, "message": as_json(post)}

    def _update(self, token: str, args: Mapping[str, Any], now: float) -> dict[str, Any]:
        channel = self._writable(token, args.get("channel"))
        post = channel.posts.get(str(args.get("ts", "")))
        if post is None:
            raise Refused("message_not_found")
        if post.token != token:
            raise Refused("cant_update_message")
        content = _updated(post.content, args)
        edited = replace(post, content=content, earlier=(*post.earlier, post.content), edited_at=now)
        channel.posts[post.ts] = edited
        self.revision += 1
        return {"channel": channel.id, "ts": post.ts, "text": edited.text, "message": as_json(edited)}

    def _history(self, _token: str, args: Mapping[str, Any], _now: float) -> dict[str, Any]:
        return history(self._channel(args.get("channel")), args)

    def _conversation_replies(self, _token: str, args: Mapping[str, Any], _now: float) -> dict[str, Any]:
        return replies(self._channel(args.get("channel")), args)

    def _list(self, _token: str, args: Mapping[str, Any], _now: float) -> dict[str, Any]:
        return channel_list(self._channels.values(), args)


_Method = Callable[[Workspace, str, Mapping[str, Any], float], dict[str, Any]]
# The scope each method asks of a token
_METHODS: dict[str, tuple[str | None, _Method]] = {
    "auth.test": (None, Workspace._auth_test),  # noqa: SLF001  the class's own table
    "chat.postMessage": ("chat:write", Workspace._post_message),  # noqa: SLF001
    "chat.update": ("chat:write", Workspace._update),  # noqa: SLF001
    "conversations.history": ("channels:history", Workspace._history),  # noqa: SLF001
    "conversations.replies": ("channels:history", Workspace._conversation_replies),  # noqa: SLF001
    "conversations.list": ("channels:read", Workspace._list),  # noqa: SLF001
}


def _method(name: str) -> tuple[str | None, _Method]:
    if name not in _METHODS:
        raise Refused("unknown_method", req_method=name)
    return _METHODS[name]


def _parent(channel: Channel, thread_ts: Any) -> str | None:
    if thread_ts is None or thread_ts == "":
        return None
    parent = channel.posts.get(thread_ts) if isinstance(thread_ts, str) else None
    if parent is None or parent.thread_ts is not None:
        raise Refused("thread_not_found")
    return parent.ts


def _updated(before: Content, args: Mapping[str, Any]) -> Content:
    """Blocks are kept only where neither blocks nor text is given, attachments wherever they aren't given."""
    kept = dict(args)
    if args.get("attachments") is None:
        kept["attachments"] = list(before.attachments)
    if args.get("text") is None and args.get("markdown_text") is None:
        kept["text"] = before.text
        if args.get("blocks") is None:
            kept["blocks"] = list(before.blocks)
    return read_content(kept)
