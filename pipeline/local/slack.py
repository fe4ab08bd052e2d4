"""The Slack stand-in: Slack's Web API, incoming webhooks and a page to look at, on 127.0.0.1.

    with SlackStandIn() as slack:
        WebClient(token=slack.token, base_url=slack.api_url).chat_postMessage(channel=slack.channel, text="hello")
        assert [post.text for post in slack.transcript()] == ["hello"]

What it takes and refuses is `Workspace`'s affair; this is only its way to the network.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as HttpResponse

from pipeline.local.loopback import LoopbackServer
from pipeline.local.slack_answers import Response
from pipeline.local.slack_faults import Connection, Faults
from pipeline.local.slack_messages import Post
from pipeline.local.slack_page import channel_page, content_security_policy
from pipeline.local.slack_workspace import DEFAULT_CHANNEL, TOKEN, Workspace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# A caller who waits longer for an answer that never comes is cut off
HANG_S = 60.0


class SlackStandIn:
    """A workspace behind HTTP while the `with` block runs; `clock` gives the seconds since 1970."""

    token = TOKEN
    channel = DEFAULT_CHANNEL

    def __init__(self, workspace: Workspace | None = None, clock: Callable[[], float] = time.time) -> None:
        self.workspace = workspace or Workspace()
        self.url = ""
        self._clock = clock
        self._server = LoopbackServer(self._serve)
        self._stopping = Event()

    @property
    def api_url(self) -> str:
        """The Web API's address, for `WebClient(base_url=...)` and SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def faults(self) -> Faults:
        """What goes wrong on command."""
        return self.workspace.faults

    def transcript(self, channel: str = DEFAULT_CHANNEL) -> tuple[Post, ...]:
        """Everything in a channel as it reads now."""
        return self.workspace.transcript(channel)

    def webhook_url(self, channel: str = DEFAULT_CHANNEL) -> str:
        """Open an incoming webhook for the channel and return its address."""
        return self.url + self.workspace.add_webhook(channel)

    def channel_url(self, channel: str = DEFAULT_CHANNEL) -> str:
        """The page that shows the channel."""
        return f"{self.url}/archives/{channel}"

    def start(self) -> Self:
        """Listen; `url` is known from here on."""
        self._stopping.clear()
        self.url = self._server.start()
        return self

    def stop(self) -> None:
        """Stop listening; the transcript stays."""
        self._stopping.set()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        request = Request(environ)
        answer = self._answer(request)
        if isinstance(answer, Response):
            if answer.connection is not Connection.ANSWERED:
                self._break(environ, answer.connection)
            answer = _as_http(answer)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response | HttpResponse:
        now = self._clock()
        if request.path.startswith("/api/"):
            args = _arguments(request)
            return self.workspace.post(request.path.removeprefix("/api/"), _token(request, args), args, now)
        if request.path.startswith("/services/") and request.method == "POST":
            return self.workspace.webhook(request.path, _payload(request), now)
        return self._page(request.path)

    def _page(self, path: str) -> HttpResponse:
        if path == "/revision":
            return HttpResponse(f"{self.workspace.revision}\n", mimetype="text/plain")
        named = path.removeprefix("/archives/") if path.startswith("/archives/") else None
        page = channel_page(self.workspace, named) if named or path == "/" else None
        if page is None:
            return HttpResponse("There is nothing here.\n", status=404, mimetype="text/plain")
        headers = {"Content-Security-Policy": content_security_policy(), "X-Content-Type-Options": "nosniff"}
        return HttpResponse(page, headers=headers, mimetype="text/html")

    def _break(self, environ: WSGIEnvironment, how: Connection) -> None:
        """Leave the caller without an answer; werkzeug takes the ConnectionError as a caller who went away."""
        if how is Connection.HANGS:
            self._stopping.wait(HANG_S)
        connection: socket.socket = environ["werkzeug.socket"]
        # lingering for zero seconds makes close() send a reset instead of a proper end
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        raise ConnectionResetError(f"the connection {how} on command")


def _as_http(response: Response) -> HttpResponse:
    if isinstance(response.body, str):
        return HttpResponse(response.body, response.status, dict(response.headers), mimetype="text/plain")
    body = json.dumps(response.body)
    return HttpResponse(body, response.status, dict(response.headers), mimetype="application/json")


def _arguments(request: Request) -> Mapping[str, Any]:
    """Read a call's arguments: JSON, or a form (url-encoded or multipart), and whatever the address carries."""
    args: dict[str, Any] = request.args.to_dict()
    if request.mimetype == "application/json":
        body = _json(request.get_data())
        args |= body if isinstance(body, dict) else {}
    else:
        args |= request.form.to_dict()
    return args


def _token(request: Request, args: Mapping[str, Any]) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    given = args.get("token")
    return given if isinstance(given, str) else None


def _payload(request: Request) -> Any:
    """Read what was posted to a webhook: JSON, or a form whose `payload` is JSON; None where it can't be read."""
    if request.mimetype == "application/x-www-form-urlencoded" and "payload" in request.form:
        return _json(request.form["payload"].encode())
    return _json(request.get_data())


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
