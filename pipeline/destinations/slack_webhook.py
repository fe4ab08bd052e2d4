"""Slack channels, through an incoming webhook: no token, no edits, no threads."""

from __future__ import annotations

import json

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.network import TIMEOUT_S, post
from pipeline.destinations.rendering import rendered
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack_errors import OF_WEBHOOKS, delivery_error
from pipeline.errors import Fault, Rejected
from pipeline.render import slack as render
from pipeline.render.context import Context
from pipeline.rules.destination_keys import is_endpoint

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "trailwire"}
_OK, _REFUSED = 200, 400
_READ_AT_MOST = 1_000
"""The answer is `ok`, or a code."""


class SlackWebhook:
    """One webhook, which belongs to one channel."""

    edit_scope = ""
    timeout_s = TIMEOUT_S

    def __init__(self, name: str, url: Secret, context: Context) -> None:
        self.id = name
        self.bucket = f"slack_webhook:{url.name}"
        self.post_scope = self.bucket
        self._url = url
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Post a message; see `Destination`. The answer names no message, so there is nothing to edit or to answer."""
        message = rendered(render, content, self._context)
        body = json.dumps((message.plain() if plain else message).payload()).encode()
        answer = post(self._address(), body, _HEADERS, read_at_most=_READ_AT_MOST, timeout_s=self.timeout_s)
        code = answer.body.decode("utf-8", "replace").strip()
        if answer.status == _OK and code == "ok":
            return Posted()
        # A 200 that does not say `ok` comes from something in Slack's place: nobody knows who has read the message.
        code = "" if answer.status == _OK and code != "rate_limited" else code
        status = _REFUSED if code in OF_WEBHOOKS else answer.status
        raise delivery_error(code, status, answer.headers.get("retry-after"), channel_scope=self.bucket)

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """Fetch the address anew at the next call; see `Destination`."""
        self._url.forget()

    def _address(self) -> str:
        address = self._url.value().strip()
        if not is_endpoint(address):
            raise Rejected("the webhook's address is not an https:// address", Fault.CREDENTIAL)
        return address
