"""Slack channels, through the Web API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.network import TIMEOUT_S
from pipeline.destinations.rendering import rendered
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack_errors import FORM, REFUSED_ARGUMENT, delivery_error
from pipeline.errors import DeliveryError, Fault, Rejected
from pipeline.render import slack as render
from pipeline.render.context import Context
from pipeline.render.slack import SlackMessage

if TYPE_CHECKING:
    from slack_sdk.web.slack_response import SlackResponse

API_URL = "https://slack.com/api/"

_TOKEN = re.compile(r"[!-~]{1,500}")
_NOT_FOR_EDITS = ("unfurl_links", "unfurl_media", "mrkdwn")
"""What chat.postMessage takes and chat.update does not list (docs.slack.dev, chat.update)."""


class Slack:
    """One channel, posted to with a bot token."""

    timeout_s = TIMEOUT_S

    def __init__(self, name: str, channel: str, token: Secret, context: Context, api_url: str = "") -> None:
        self.id = name
        self.bucket = f"slack:{channel.removeprefix('#')}"
        self.post_scope = f"chat.postMessage:{token.name}"
        self.edit_scope = f"chat.update:{token.name}"
        self._channel = channel
        self._token = token
        self._context = context
        self._api_url = (api_url or API_URL).rstrip("/") + "/"

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:
        """Post a message, or with `thread` a reply; see `Destination`.

        Where Slack holds something against the thread or the id only, the message goes once more without it.
        """
        message = rendered(render, content, self._context)
        arguments = (message.plain() if plain else message).payload()
        # Undocumented and best effort: Slack has been seen to fold two posts with the same id into one.
        arguments["client_msg_id"] = dedupe_id
        if thread:
            arguments["thread_ts"] = thread
        return self._post(arguments)

    def edit(self, posted: Posted, content: Content) -> None:
        """Replace a message; see `Destination`. Where Slack refuses how it looks, plain text takes its place."""
        message = rendered(render, content, self._context)
        try:
            self._update(posted, message)
        except Rejected as rejection:
            if rejection.reason not in FORM:
                raise
            self._update(posted, message.plain())

    def refresh(self) -> None:
        """Fetch the token anew at the next call."""
        self._token.forget()

    def _post(self, arguments: dict[str, Any]) -> Posted:
        try:
            response = self._call("chat.postMessage", {"channel": self._channel, **arguments})
        except Rejected as rejection:
            refused = REFUSED_ARGUMENT.get(rejection.reason, "")
            if refused not in arguments:
                raise
            return self._post({name: value for name, value in arguments.items() if name != refused})
        # The channel's id, where the configuration has its name or a person's id: edits take nothing else.
        return Posted(str(response.get("channel") or self._channel), str(response.get("ts") or ""))

    def _update(self, posted: Posted, message: SlackMessage) -> None:
        # What is not given stays as it was, so everything is given.
        arguments = {"blocks": [], "attachments": [], **message.payload()}
        for name in _NOT_FOR_EDITS:
            del arguments[name]
        self._call("chat.update", {"channel": posted.channel, "ts": posted.message, **arguments})

    def _call(self, method: str, arguments: dict[str, Any]) -> SlackResponse:
        from slack_sdk.errors import SlackApiError

        from pipeline.destinations.slack_client import SilentClient

        token = self._token.value().strip()
        if not _TOKEN.fullmatch(token):
            raise Rejected("the token has characters that no token has", Fault.CREDENTIAL)
        try:
            return SilentClient(token, self._api_url, self.timeout_s).api_call(method, json=arguments)
        except SlackApiError as error:
            raise self._failure(error.response) from None  # its text quotes the whole answer
        except ValueError:
            raise Rejected("SLACK_API_URL is not an address", Fault.DESTINATION) from None

    def _failure(self, response: Any) -> DeliveryError:
        code, headers = response.data.get("error"), response.headers
        return delivery_error(code, response.status_code, headers.get("retry-after"), channel_scope=self.bucket)
