"""Any HTTPS endpoint: a JSON document by POST, signed.

    X-Trailwire-Id          the same for every attempt at one message
    X-Trailwire-Timestamp   seconds since 1970
    X-Trailwire-Signature   v1=<hex HMAC-SHA256 of "<timestamp>.<body>" by the shared secret>

Receivers compare the signature in constant time and refuse timestamps more than five minutes off: docs/destinations.md
has an example.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.network import TIMEOUT_S, Answer, post
from pipeline.destinations.rendering import rendered
from pipeline.destinations.retry_after import retry_after_s
from pipeline.destinations.secret import Secret
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable
from pipeline.render import document as render
from pipeline.render.context import Context
from pipeline.rules.destination_keys import is_endpoint

_SUCCESS, _REDIRECTED = range(200, 300), range(300, 400)
_RETRYABLE = frozenset({408, 425})
_CREDENTIAL = frozenset({401, 403, 407})
_DESTINATION = frozenset({404, 405, 410})
_TOO_MANY, _SERVER_ERROR, _NOT_NOW = 429, 500, 503


class Webhook:
    """One endpoint."""

    edit_scope = ""
    timeout_s = TIMEOUT_S

    def __init__(self, name: str, url: Secret, secret: Secret | None, context: Context) -> None:
        self.id = name
        self.bucket = f"webhook:{name}"
        self.post_scope = self.bucket
        self._url = url
        self._secret = secret
        self._context = context

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Post a document; see `Destination`. Any status from 200 to 299 is success, whatever the answer's body."""
        body = json.dumps(rendered(render, content, self._context), separators=(",", ":")).encode()
        answer = post(self._address(), body, self._headers(body, dedupe_id), timeout_s=self.timeout_s)
        if answer.status not in _SUCCESS:
            raise _failure(answer)
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: there is no edit scope."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """Fetch address and secret anew; see `Destination`."""
        self._url.forget()
        if self._secret is not None:
            self._secret.forget()

    def _address(self) -> str:
        address = self._url.value().strip()
        if not is_endpoint(address):
            raise Rejected("the webhook's address is not an https:// address", Fault.CREDENTIAL)
        return address

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


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body: hex HMAC-SHA256 over `timestamp.body`."""
    key = secret.encode("utf-8", "surrogateescape")  # an environment's bytes that are no text sign as they are
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _failure(answer: Answer) -> DeliveryError:
    status, retry_after = answer.status, answer.headers.get("retry-after")
    if status == _TOO_MANY or (status == _NOT_NOW and retry_after):
        return RateLimited(retry_after_s(retry_after))
    reason = f"HTTP {status}"
    if status in _RETRYABLE:
        return Unavailable(reason)
    if status >= _SERVER_ERROR or status < _SUCCESS.start:
        return Unavailable(reason, ambiguous=True)
    if status in _DESTINATION or status in _REDIRECTED:
        # No redirects: a message goes to the endpoint that was configured, and its signature to nobody else.
        return Rejected(reason, Fault.DESTINATION)
    return Rejected(reason, Fault.CREDENTIAL if status in _CREDENTIAL else Fault.MESSAGE)
