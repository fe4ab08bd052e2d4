"""Every code of Slack, and every status of what may stand in Slack's place, in its class of failure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.destinations.slack_errors import (
    AMBIGUOUS,
    CREDENTIAL,
    DESTINATION,
    FORM,
    OF_WEBHOOKS,
    RATE_LIMITED,
    REFUSED_ARGUMENT,
    RETRYABLE,
    delivery_error,
)
from pipeline.errors import DeliveryError, RateLimited, Rejected, Unavailable

CODES = """
retry          service_unavailable request_timeout team_added_to_org org_login_required external_channel_migrating
ambiguous      internal_error fatal_error
limited        ratelimited rate_limited
message        invalid_blocks invalid_blocks_format msg_blocks_too_long attachment_payload_limit_exceeded
message        too_many_attachments markdown_text_conflict invalid_metadata_format invalid_metadata_schema
message        metadata_too_large msg_too_long no_text invalid_arguments invalid_payload invalid_attachments
message        message_not_found cant_update_message edit_window_closed thread_not_found as_user_not_supported
message        duplicate_message_not_found duplicate_channel_not_found a_code_of_tomorrow
destination    channel_not_found not_in_channel is_archived restricted_action restricted_action_read_only_channel
destination    restricted_action_thread_only_channel restricted_action_non_threadable_channel no_permission
destination    restricted_action_thread_locked cannot_reply_to_message messages_tab_disabled message_limit_exceeded
destination    channel_is_archived posting_to_general_channel_denied user_not_found method_deprecated
destination    deprecated_endpoint
credential     invalid_auth not_authed account_inactive token_revoked token_expired missing_scope
credential     not_allowed_token_type two_factor_setup_required ekm_access_denied access_denied team_not_found
credential     accesslimited enterprise_is_restricted team_access_not_granted team_disabled action_prohibited
credential     no_service no_service_id no_active_hooks no_team invalid_token
"""
TABLE = [(code, row.split()[0]) for row in CODES.strip().splitlines() for code in row.split()[1:]]

STATUSES: list[tuple[int, str | None, object]] = [
    (200, None, "ambiguous: HTTP 200 with an answer that is not Slack's"),
    (204, None, "ambiguous: HTTP 204 with an answer that is not Slack's"),
    (302, None, "destination: HTTP 302 from something that is not Slack"),
    (400, None, "destination: HTTP 400 from something that is not Slack"),
    (403, None, "destination: HTTP 403 from something that is not Slack"),
    (404, None, "destination: HTTP 404 from something that is not Slack"),
    (407, None, "destination: HTTP 407 from something that is not Slack"),
    (408, None, "retry: HTTP 408"),
    (413, None, "message: HTTP 413"),
    (425, None, "retry: HTTP 425"),
    (429, None, "limited: 30"),
    (429, "12", "limited: 12"),
    (429, "nonsense", "limited: 30"),
    (500, None, "ambiguous: HTTP 500"),
    (502, None, "ambiguous: HTTP 502"),
    (503, None, "ambiguous: HTTP 503"),
    (503, "9", "limited: 9"),
    (504, None, "ambiguous: HTTP 504"),
]


def _class(error: DeliveryError) -> str:
    match error:
        case RateLimited():
            return "limited"
        case Unavailable():
            return "ambiguous" if error.ambiguous else "retry"
        case Rejected():
            return str(error.fault)
    raise AssertionError(error)


@pytest.mark.parametrize(("code", "expected"), TABLE)
def test_every_code_is_in_its_class(code: str, expected: str) -> None:
    error = delivery_error(code, 200, None, channel_scope="slack:C1")
    assert _class(error) == expected
    assert code in str(error) or expected == "limited"


def test_every_code_in_the_code_is_in_the_table_once() -> None:
    table = [code for code, _ in TABLE]
    rows = [*RATE_LIMITED, *RETRYABLE, *AMBIGUOUS, *DESTINATION, *CREDENTIAL]
    assert len(rows) == len(set(rows))
    assert {*rows, *FORM, *OF_WEBHOOKS, *REFUSED_ARGUMENT} - {"invalid_thread_ts"} <= set(table)
    assert len(table) == len(set(table))


@pytest.mark.parametrize(("status", "retry_after", "expected"), STATUSES)
def test_an_answer_without_a_code_is_judged_by_its_status(status: int, retry_after: str | None, expected: str) -> None:
    error = delivery_error("", status, retry_after, channel_scope="slack:C1")
    told = f"{error.retry_after_s:g}" if isinstance(error, RateLimited) else error.reason  # type: ignore[attr-defined]  # both others have one
    assert f"{_class(error)}: {told}" == expected


def test_a_server_error_may_have_posted_whatever_its_code() -> None:
    """HTTP 503 with service_unavailable says that Slack is down, not that nothing was done."""
    assert _class(delivery_error("service_unavailable", 503, None, channel_scope="")) == "ambiguous"
    assert _class(delivery_error("invalid_auth", 500, None, channel_scope="")) == "ambiguous"


@pytest.mark.parametrize(
    ("code", "status", "scope"),
    [("ratelimited", 429, ""), ("rate_limited", 429, ""), ("rate_limited", 200, "slack:C1"), ("", 429, "")],
)
def test_a_429_blocks_the_method_and_a_limit_in_a_200_the_channel(code: str, status: int, scope: str) -> None:
    error = delivery_error(code, status, "5", channel_scope="slack:C1")
    assert isinstance(error, RateLimited)
    assert (error.retry_after_s, error.scope) == (5, scope)


HOSTILE: list[Any] = [
    "<html><script>alert(1)</script>",
    "Bearer xoxb-1-secret",
    "x" * 10_000,
    "two words",
    "line\nbreak",
    None,
    17,
    {"a": 1},
    ["invalid_auth"],
    True,
]


@pytest.mark.parametrize("code", HOSTILE)
def test_what_is_no_code_is_quoted_nowhere(code: Any) -> None:
    error = delivery_error(code, 400, None, channel_scope="slack:C1")
    assert str(error) == "HTTP 400 from something that is not Slack (destination)"


@given(
    st.text(max_size=100) | st.none() | st.integers() | st.sampled_from([code for code, _ in TABLE]),
    st.integers(100, 599),
    st.none() | st.text(max_size=20),
)
def test_every_answer_is_a_delivery_error_of_few_words(code: Any, status: int, retry_after: str | None) -> None:
    """Law: any code, status and header make an error whose text is short and printable ASCII."""
    text = str(delivery_error(code, status, retry_after, channel_scope="slack:C1"))
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 120
