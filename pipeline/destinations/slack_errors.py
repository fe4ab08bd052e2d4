"""What each answer of Slack means for the message, the channel and the credential.

Source: Slack's pages on chat.postMessage, chat.update, rate limits and incoming webhooks. Rules for editing: one code,
one row. A code that is in no row spoils its message only: it is tried once more as plain text, then goes to the error
destination. An answer without a code does not come from Slack, but from whatever stands in its way.
"""

from __future__ import annotations

import re

from pipeline.destinations.retry_after import retry_after_s
from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable

RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
"""`ratelimited` comes with HTTP 429; `rate_limited` may come with HTTP 200 and concerns the channel."""

RETRYABLE = frozenset(
    {"external_channel_migrating", "org_login_required", "request_timeout", "service_unavailable", "team_added_to_org"}
)

AMBIGUOUS = frozenset({"internal_error", "fatal_error"})
"""Part of the work may have been done."""

DESTINATION = frozenset(
    {
        "cannot_reply_to_message",
        "channel_is_archived",
        "channel_not_found",
        "deprecated_endpoint",
        "is_archived",
        "message_limit_exceeded",
        "messages_tab_disabled",
        "method_deprecated",
        "no_permission",
        "not_in_channel",
        "posting_to_general_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "user_not_found",
    }
)

CREDENTIAL = frozenset(
    {
        "access_denied",
        "accesslimited",
        "account_inactive",
        "action_prohibited",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "invalid_token",
        "missing_scope",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "not_allowed_token_type",
        "not_authed",
        "team_access_not_granted",
        "team_disabled",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)

FORM = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
    }
)
"""About how a message looks: the same in plain text may pass."""

OF_WEBHOOKS = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_blocks",
        "invalid_payload",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "no_text",
        "posting_to_general_channel_denied",
        "team_disabled",
        "too_many_attachments",
        "user_not_found",
    }
)
"""What incoming webhooks answer, with statuses that are documented for some only: the code counts, whatever its status.
None is worth another try."""

REFUSED_ARGUMENT = {
    "cannot_reply_to_message": "thread_ts",
    "invalid_thread_ts": "thread_ts",
    "restricted_action_non_threadable_channel": "thread_ts",
    "restricted_action_thread_locked": "thread_ts",
    "thread_not_found": "thread_ts",
    "duplicate_channel_not_found": "client_msg_id",
    "duplicate_message_not_found": "client_msg_id",
}
"""What Slack holds against one argument only. Without it the message passes: a reply whose thread is gone or locked
stands in the channel, for an alert must not vanish with somebody else's message."""

_CODE = re.compile(r"[a-z][a-z0-9_]{1,63}", re.ASCII)
_OK, _REDIRECTED, _TOO_LARGE, _TOO_MANY, _SERVER_ERROR, _NOT_NOW = 200, 300, 413, 429, 500, 503
_HTTP_RETRYABLE = frozenset({408, 425})


def delivery_error(code: object, status: int, retry_after: str | None, *, channel_scope: str) -> DeliveryError:
    """Turn an answer of Slack, or of what stands in its way, into the class of failure it is.

    `code` is Slack's error code or a webhook's body, and not to be trusted; `status` the HTTP status, `retry_after`
    the header's text, `channel_scope` what a `rate_limited` without a 429 blocks.
    """
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    if status == _TOO_MANY or code in RATE_LIMITED:
        return RateLimited(retry_after_s(retry_after), "" if status == _TOO_MANY else channel_scope)
    if status == _NOT_NOW and retry_after:
        return RateLimited(retry_after_s(retry_after))
    if status >= _SERVER_ERROR or code in AMBIGUOUS:
        return Unavailable(code or f"HTTP {status}", ambiguous=True)
    if code in RETRYABLE:
        return Unavailable(code)
    return _rejection(code) if code else _not_slacks(status)


def _rejection(code: str) -> Rejected:
    if code in DESTINATION:
        return Rejected(code, Fault.DESTINATION)
    return Rejected(code, Fault.CREDENTIAL if code in CREDENTIAL else Fault.MESSAGE)


def _not_slacks(status: int) -> DeliveryError:
    """Judge an answer without a code. One that reports success may even be Slack's, cut short on its way."""
    if status < _REDIRECTED:
        return Unavailable(f"HTTP {status} with an answer that is not Slack's", ambiguous=True)
    if status in _HTTP_RETRYABLE:
        return Unavailable(f"HTTP {status}")
    if status == _TOO_LARGE:
        return Rejected(f"HTTP {status}", Fault.MESSAGE)
    return Rejected(f"HTTP {status} from something that is not Slack", Fault.DESTINATION)
