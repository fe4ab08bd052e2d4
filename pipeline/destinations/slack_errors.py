"""What each answer of Slack means for the message, the channel and the credential.

Source: Slack's chat.postMessage, rate-limit and incoming-webhook pages. Rules for editing: one code, one row. A code
that is in no row spoils its message only: it is tried once more as plain text, then goes to the error destination.
"""

from __future__ import annotations

from pipeline.errors import DeliveryError, Fault, RateLimited, Rejected, Unavailable

DEFAULT_RETRY_AFTER_S = 30.0
MAX_RETRY_AFTER_S = 3_600.0
"""Slack asks for seconds to minutes; an absurd header must not silence a channel for days."""

RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
"""`ratelimited` comes with HTTP 429; `rate_limited` may come with HTTP 200 and concerns the channel."""

RETRYABLE = frozenset({"service_unavailable", "request_timeout", "team_added_to_org", "org_login_required"})

AMBIGUOUS = frozenset({"internal_error", "fatal_error"})
"""Part of the work may have been done."""

DESTINATION = frozenset(
    {
        "cannot_reply_to_message",
        "channel_is_archived",
        "channel_not_found",
        "is_archived",
        "message_limit_exceeded",
        "messages_tab_disabled",
        "no_permission",
        "not_in_channel",
        "posting_to_general_channel_denied",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "team_disabled",
        "user_not_found",
    }
)

CREDENTIAL = frozenset(
    {
        "access_denied",
        "account_inactive",
        "action_prohibited",
        "ekm_access_denied",
        "invalid_auth",
        "invalid_token",
        "missing_scope",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "not_allowed_token_type",
        "not_authed",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)


def delivery_error(code: str, status: int, retry_after: str | None, *, channel_scope: str) -> DeliveryError:
    """Turn an answer of Slack into the class of failure it is.

    `code` is Slack's error code or a webhook's body, `status` the HTTP status, `retry_after` the header's text,
    `channel_scope` what a `rate_limited` without a 429 blocks.
    """
    if status == 429 or code in RATE_LIMITED:  # noqa: PLR2004 - HTTP's number
        return RateLimited(retry_after_s(retry_after), "" if status == 429 else channel_scope)  # noqa: PLR2004
    if code in AMBIGUOUS:
        return Unavailable(code, ambiguous=True)
    if code in RETRYABLE:
        return Unavailable(code)
    if status >= 500:  # noqa: PLR2004
        return Unavailable(f"HTTP {status}", ambiguous=True)
    if code in DESTINATION:
        return Rejected(code, Fault.DESTINATION)
    if code in CREDENTIAL:
        return Rejected(code, Fault.CREDENTIAL)
    return Rejected(code, Fault.MESSAGE)


def retry_after_s(header: str | None) -> float:
    """Read a Retry-After header, which Slack writes in seconds."""
    try:
        seconds = float(header) if header is not None else DEFAULT_RETRY_AFTER_S
    except ValueError:
        return DEFAULT_RETRY_AFTER_S
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_S) if seconds == seconds else DEFAULT_RETRY_AFTER_S  # noqa: PLR0124
