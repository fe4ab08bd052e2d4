"""Any HTTPS endpoint: a JSON document by POST, signed.

    X-Trailwire-Id          the same for every attempt at one message
    X-Trailwire-Timestamp   seconds since 1970
    X-Trailwire-Signature   v1=<hex HMAC-SHA256 of "<timestamp>.<body>" by the shared secret>

Receivers compare the signature in constant time and refuse timestamps more than five minutes off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.rendering import rendered
from pipeline.destinations.secret import Secret
from pipeline.destinations.slack_errors import retry_after_s
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.render import document as render
from pipeline.render.context import Context

if TYPE_CHECKING:
    from urllib3 import PoolManager

TIMEOUT_S = 5.0
_SUCCESS = range(200, 300)
_RETRYABLE = frozenset({408, 425})
_CREDENTIAL = frozenset({401, 403, 407})
_DESTINATION = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
_TOO_MANY, _SERVER_ERROR = 429, 500


class Webhook:
    """One endpoint."""

    edit_scope = ""

    def __init__(self, name: str, url: str, secret: Secret | None, context: Context) -> None:
        self.id = name
        self.bucket = f"webhook:{name}"
        self.post_scope = self.bucket
        self._url = url
        self._secret = secret
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Post a document; see `Destination`."""
        from urllib3.exceptions import HTTPError, NewConnectionError

        body = json.dumps(rendered(render, content, self._context), separators=(",", ":")).encode()
        try:
            response = self._pool.request("POST", self._url, body=body, headers=self._headers(body, dedupe_id))
        except NewConnectionError as error:
            raise Unavailable(type(error).__name__) from error
        except HTTPError as error:
            raise Unavailable(type(error).__name__, ambiguous=True) from error
        if response.status not in _SUCCESS:
            raise _failure(response.status, response.headers.get("Retry-After"))
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """Fetch the secret anew; see `Destination`."""
        if self._secret is not None:
            self._secret.forget()

    def _headers(self, body: bytes, dedupe_id: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "trailwire",
            "X-Trailwire-Id": dedupe_id,
            "X-Trailwire-Timestamp": timestamp,
        }
        if self._secret is not None:
            headers["X-Trailwire-Signature"] = f"v1={signature(self._secret.value(), timestamp, body)}"
        return headers

    @cached_property
    def _pool(self) -> PoolManager:
        from urllib3 import PoolManager

        # No retries and no redirects: a message goes to the endpoint that was configured, once.
        return PoolManager(timeout=TIMEOUT_S, retries=False)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body: hex HMAC-SHA256 over `timestamp.body`."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _failure(status: int, retry_after: str | None) -> DeliveryError:
    if status == _TOO_MANY:
        return RateLimited(retry_after_s(retry_after))
    if status in _RETRYABLE:
        return Unavailable(f"HTTP {status}")
    if status >= _SERVER_ERROR:
        return Unavailable(f"HTTP {status}", ambiguous=True)
    if status in _DESTINATION:
        return Rejected(f"HTTP {status}", Fault.DESTINATION)
    return Rejected(f"HTTP {status}", Fault.CREDENTIAL if status in _CREDENTIAL else Fault.MESSAGE)
