"""Slack channels, through the Web API."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.network import unavailable
from pipeline.destinations.rendering import rendered
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack_errors import delivery_error
from pipeline.render import slack as render
from pipeline.render.context import Context

if TYPE_CHECKING:
    from slack_sdk import WebClient

TIMEOUT_S = 5
API_URL = "https://slack.com/api/"


class Slack:
    """One channel, posted to with a bot token."""

    def __init__(self, name: str, channel: str, token: Secret, context: Context, api_url: str = "") -> None:
        self.id = name
        self.bucket = f"slack:{channel}"
        self.post_scope = f"chat.postMessage:{token.name}"
        self.edit_scope = f"chat.update:{token.name}"
        self._channel = channel
        self._token = token
        self._context = context
        self._api_url = (api_url or API_URL).rstrip("/") + "/"

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:
        """Post a message, or with `thread` a reply; see `Destination`."""
        message = rendered(render, content, self._context)
        arguments = (message.plain() if plain else message).payload()
        if thread:
            arguments["thread_ts"] = thread
        # Undocumented and best effort: Slack has been seen to fold two posts with the same id into one.
        response = self._call(
            lambda client: client.chat_postMessage(channel=self._channel, client_msg_id=dedupe_id, **arguments)
        )
        return Posted(str(response.get("channel") or self._channel), str(response.get("ts") or ""))

    def edit(self, posted: Posted, content: Content) -> None:
        """Replace a message; see `Destination`."""
        arguments = rendered(render, content, self._context).payload()
        for name in ("unfurl_links", "unfurl_media"):
            arguments.pop(name, None)  # chat.update does not know them
        self._call(lambda client: client.chat_update(channel=posted.channel, ts=posted.message, **arguments))

    def refresh(self) -> None:
        """Fetch the token anew at the next call."""
        self._token.forget()
        self.__dict__.pop("_client", None)

    @cached_property
    def _client(self) -> WebClient:
        from slack_sdk import WebClient

        # Its own retries are off: its default handler repeats a post that Slack may have taken.
        return WebClient(token=self._token.value(), base_url=self._api_url, timeout=TIMEOUT_S, retry_handlers=[])

    def _call(self, method: Callable[[WebClient], Any]) -> Any:
        from slack_sdk.errors import SlackApiError

        try:
            return method(self._client)
        except SlackApiError as error:
            raise self._failure(error.response) from error
        except (URLError, HTTPException, OSError) as error:
            raise unavailable(error) from error

    def _failure(self, response: Any) -> Exception:
        headers = {name.lower(): value for name, value in response.headers.items()}
        data = response.data if isinstance(response.data, dict) else {}
        code = str(data.get("error") or f"HTTP {response.status_code}")
        return delivery_error(code, response.status_code, headers.get("retry-after"), channel_scope=self.bucket)
