"""Slack in this process, behind the real destination and slack_sdk, and what readers of its channels were shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.alerts.alert import Alert
from pipeline.alerts.content import Content, Many, One, Reply
from pipeline.alerts.group import lead_of
from pipeline.alerts.ports import Destination, Posted
from pipeline.destinations.network import Answer
from pipeline.errors import Unavailable
from pipeline.local.simulation.taps import Invocation, Port, Taps
from pipeline.local.slack_answers import Response
from pipeline.local.slack_faults import Connection
from pipeline.local.slack_workspace import Workspace
from pipeline.state.protocol import State

API_URL = "https://slack.example/api/"
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to Slack and what became of it."""

    at_ms: int
    """When it was sent."""
    answered_ms: int
    method: str
    channel: str
    dedupe_id: str
    content: Content | None
    status: int
    """0: there was no answer."""
    error: str
    retry_after_s: int
    ts: str
    """The message it made or changed; empty where it had no effect."""


class Said(NamedTuple):
    """One thing a message says: this alert happened, so many times."""

    alert: Alert
    times: int
    is_first: bool
    """It is told here for the first time, and not counted again in a reply or a last word."""
    window: int = 0
    """The end of its group's window: one alert may, after a crash, lead two groups."""


@dataclass(slots=True)
class Shown:
    """One message of a channel: everything it ever said, oldest first."""

    channel: str
    ts: str
    at_ms: int
    contents: list[Content] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    stands: list[Said] = field(default_factory=list)
    """What it says now, after all edits."""


def said_of(content: Content | None) -> Iterator[Said]:
    """Yield what a message says happened."""
    match content:
        case One(alert, repeats):
            yield Said(alert, repeats.count if repeats else 1, is_first=True)
        case Reply(alert, repeats):
            yield Said(alert, repeats.count, is_first=False)
        case Many(alerts, counts):
            yield from (Said(alert, count, is_first=True) for alert, count in zip(alerts, counts, strict=True))


class Witness:
    """Sees every request to a workspace, and knows what each message says in Trailwire's own terms."""

    def __init__(self, workspace: Workspace, taps: Taps, state: State) -> None:
        self.workspace = workspace
        self._state = state
        self._windows: dict[str, int] = {}
        self.requests: list[Asked] = []
        self.messages: dict[tuple[str, str], Shown] = {}
        self._taps = taps

    def post(self, address: str, body: bytes, headers: Mapping[str, str], **_: Any) -> Answer:
        """Stand in for `pipeline.destinations.network.post`: the request goes to the workspace, not to a socket."""
        token = next(value for name, value in headers.items() if name.lower() == "authorization")
        method = address.removeprefix(API_URL)
        response = self._ask(method, token.removeprefix("Bearer "), json.loads(body))
        if response.connection is Connection.HANGS:
            self._taps.invocation.sleep(TIMEOUT_S)
            raise Unavailable("no answer in time", ambiguous=True)
        if response.connection is Connection.RESET:
            raise Unavailable("the connection broke", ambiguous=True)
        text = response.body if isinstance(response.body, str) else json.dumps(response.body)
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, text.encode())

    def _ask(self, method: str, token: str, args: dict[str, Any]) -> Response:
        invocation = self._taps.invocation
        began_ms = invocation.now_ms()

        def effect() -> Response:
            before = self.workspace.revision
            response = self.workspace.post(method, token, args, invocation.now_ms() / 1000)
            ts = self._changed(method, args, invocation) if self.workspace.revision != before else ""
            self.requests.append(_asked(began_ms, invocation, method, args, response, ts))
            return response

        return self._taps(Port.SLACK, method, effect, lambda: Response(0, {}, {}, Connection.RESET))

    def _changed(self, method: str, args: dict[str, Any], invocation: Invocation) -> str:
        channel, content = str(args["channel"]), invocation.container.content
        is_edit = method == "chat.update"
        ts = str(args["ts"]) if is_edit else self.workspace.transcript(channel)[-1].ts
        shown = self.messages.setdefault((channel, ts), Shown(channel, ts, invocation.now_ms()))
        shown.contents.append(content)
        shown.stands = []
        for said in said_of(content):
            window = shown.said[0].window if is_edit and shown.said else self._window(said)
            shown.stands.append(said._replace(window=window))
        shown.said += shown.stands
        return ts

    def _window(self, said: Said) -> int:
        """Tell the windows apart that one alert led: by the group that stands there as it is posted."""
        if said.is_first:
            group = self._state.read_groups([said.alert.group]).get(said.alert.group)
            lead = lead_of(group) if group is not None else None
            is_its_own = group is not None and lead is not None and lead.key == said.alert.key
            self._windows[said.alert.key] = group.window_until_ms if group is not None and is_its_own else 0
        return self._windows.get(said.alert.key, 0)


def _asked(
    began_ms: int, invocation: Invocation, method: str, args: dict[str, Any], response: Response, ts: str
) -> Asked:
    return Asked(
        at_ms=began_ms,
        answered_ms=invocation.now_ms(),
        method=method,
        channel=str(args.get("channel", "")),
        dedupe_id=str(args.get("client_msg_id", "")),
        content=invocation.container.content,
        status=response.status,
        error=response.error,
        retry_after_s=int(response.headers.get("Retry-After", 0)),
        ts=ts,
    )


class Observed:
    """A destination whose contents are noted before they are rendered."""

    def __init__(self, real: Destination, note: Callable[[Content], None]) -> None:
        self._real = real
        self._note = note
        self.id = real.id
        self.bucket = real.bucket
        self.post_scope = real.post_scope
        self.edit_scope = real.edit_scope

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:
        """See `Destination`."""
        self._note(content)
        return self._real.post(content, dedupe_id=dedupe_id, thread=thread, plain=plain)

    def edit(self, posted: Posted, content: Content) -> None:
        """See `Destination`."""
        self._note(content)
        self._real.edit(posted, content)

    def refresh(self) -> None:
        """See `Destination`."""
        self._real.refresh()
