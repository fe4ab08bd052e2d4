"""Slack channels, through an incoming webhook: no token, no edits, no threads."""

from __future__ import annotations

from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import URLError

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.network import unavailable
from pipeline.destinations.rendering import rendered
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack import TIMEOUT_S
from pipeline.destinations.slack_errors import delivery_error
from pipeline.errors import Fault, Rejected
from pipeline.render import slack as render
from pipeline.render.context import Context

if TYPE_CHECKING:
    from slack_sdk.webhook import WebhookClient

_OK = 200


class SlackWebhook:
    """One webhook, which belongs to one channel."""

    edit_scope = ""

    def __init__(self, name: str, url: Secret, context: Context) -> None:
        self.id = name
        self.bucket = f"slack_webhook:{url.name}"
        self.post_scope = self.bucket
        self._url = url
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Post a message; see `Destination`. The answer names no message, so there is nothing to edit or to answer."""
        message = rendered(render, content, self._context)
        try:
            response = self._client.send_dict((message.plain() if plain else message).payload())
        except (URLError, HTTPException, OSError) as error:
            raise unavailable(error) from error
        if response.status_code == _OK:
            return Posted()
        headers = {name.lower(): value for name, value in response.headers.items()}
        # The body is the error's code; it may be anything where something else answers in Slack's place.
        code = response.body.strip()[:100]
        raise delivery_error(code, response.status_code, headers.get("retry-after"), channel_scope=self.bucket)

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """Fetch the address anew at the next call; see `Destination`."""
        self._url.forget()
        self.__dict__.pop("_client", None)

    @cached_property
    def _client(self) -> WebhookClient:
        from slack_sdk.webhook import WebhookClient

        url = self._url.value()
        if not url.startswith(("https://", "http://127.0.0.1")):
            raise Rejected("the webhook's address does not begin with https://", Fault.CREDENTIAL)
        return WebhookClient(url, timeout=TIMEOUT_S, retry_handlers=[])
