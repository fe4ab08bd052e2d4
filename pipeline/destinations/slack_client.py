"""slack_sdk's client, over our own way to the network and without a word in the log.

Its own way follows redirects with the token in hand, waits 5 s for each byte rather than for all of them, and takes
answers of any size and shape: a JSON list or a deeply nested one makes it raise AttributeError or RecursionError.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient

from pipeline.destinations.network import post

_READ_AT_MOST = 1_000_000
"""Slack's answer repeats the message, which is under 100 KB."""

_SILENT = logging.getLogger("pipeline.destinations.slack")
_SILENT.setLevel(logging.CRITICAL + 1)
"""slack_sdk writes requests and answers at DEBUG, and whatever answered in Slack's place at ERROR."""


class SilentClient(WebClient):
    """A client for one token; each call is one POST, bounded in time and size."""

    def __init__(self, token: str, api_url: str, timeout_s: float) -> None:
        # Its own retries are off: its default handler repeats a post that Slack may have taken.
        super().__init__(token=token, base_url=api_url, retry_handlers=[], logger=_SILENT)
        self._timeout_s = timeout_s

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Take the place of slack_sdk's own function (3.47); tests/flow/test_destinations.py notices when it moves."""
        body = req.data if isinstance(req.data, bytes) else b""
        headers = dict(req.header_items())
        answer = post(url, body, headers, read_at_most=_READ_AT_MOST, timeout_s=self._timeout_s)
        return {"status": answer.status, "headers": answer.headers, "body": _object(answer.body)}


def _object(body: bytes) -> str:
    """Return a JSON object's text as it is, and an empty object for everything else."""
    try:
        text = body.decode()
        return text if isinstance(json.loads(text), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"
