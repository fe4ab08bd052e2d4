"""What the environment says; read when a handler is first called, and again when it changes."""

from __future__ import annotations

import os

import msgspec


class Environment(msgspec.Struct, frozen=True):
    """Every variable Trailwire reads (boto3 reads its own, such as AWS_ENDPOINT_URL)."""

    config: str
    """TRAILWIRE_CONFIG: a path or `s3://bucket/key`, TOML or compiled."""
    state: str
    """TRAILWIRE_STATE: `memory:NAME` or `dynamodb:TABLE`."""
    outbox: str
    """TRAILWIRE_OUTBOX: a queue URL; empty: what cannot be sent is retried through the stream."""
    quarantine: str
    """TRAILWIRE_QUARANTINE: `s3://bucket/prefix` or a queue URL; empty: the log."""
    slack_api_url: str
    """SLACK_API_URL: a stand-in for Slack; empty: Slack."""
    log_level: str
    """LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""
    own_sessions: str
    """TRAILWIRE_OWN_SESSIONS: the ARN of each function's session, with blanks between: who reads the destinations'
    secrets; empty: any session of the function's name."""
    function_name: str
    """AWS_LAMBDA_FUNCTION_NAME, which Lambda sets: the session under which the function reads its own secrets."""


def read_environment() -> Environment:
    """Return the environment as it is now."""
    get = os.environ.get
    return Environment(
        config=get("TRAILWIRE_CONFIG") or "trailwire.toml",
        state=get("TRAILWIRE_STATE") or "memory:default",
        outbox=get("TRAILWIRE_OUTBOX") or "",
        quarantine=get("TRAILWIRE_QUARANTINE") or "",
        slack_api_url=get("SLACK_API_URL") or "",
        log_level=(get("LOG_LEVEL") or "INFO").upper(),
        own_sessions=get("TRAILWIRE_OWN_SESSIONS") or "",
        function_name=get("AWS_LAMBDA_FUNCTION_NAME") or "",
    )
