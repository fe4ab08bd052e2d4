"""boto3 clients, made when first needed: importing boto3 and making one costs more than all the rest of a cold start.

Timeouts are short and retries few, because a Lambda that waits for a service can't hand over what it holds.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Any

_TIMEOUT_S = {"dynamodb": 1, "sqs": 1}
"""They answer within milliseconds, or are in trouble, and are asked when time is short; the rest get longer."""
_DEFAULT_TIMEOUT_S = 3
_ATTEMPTS = {"sns": 1, "ses": 1}
"""What is sent must not be sent twice because an answer got lost."""
_DEFAULT_ATTEMPTS = 2
_MAKING = Lock()


def client(service: str, region: str = "") -> Any:
    """Return the one client of a service, in the function's own region or another.

    Any thread may ask: clients may be shared between threads, only the making of them may not.
    """
    with _MAKING:
        return _client(service, region)


def forget_clients() -> None:
    """Make clients anew from now on, for the credentials and addresses that the environment then has."""
    with _MAKING:
        _client.cache_clear()


@lru_cache(maxsize=16)
def _client(service: str, region: str) -> Any:
    import logging

    import boto3
    from botocore.config import Config

    for name in ("botocore", "urllib3"):
        # At DEBUG they log whole answers, secrets among them, and Lambda can set the root logger to DEBUG.
        logging.getLogger(name).setLevel(logging.INFO)
    timeout_s = _TIMEOUT_S.get(service, _DEFAULT_TIMEOUT_S)
    config = Config(
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        retries={"total_max_attempts": _ATTEMPTS.get(service, _DEFAULT_ATTEMPTS), "mode": "standard"},
    )
    return boto3.client(service, region_name=region or None, config=config)


def failures() -> tuple[type[Exception], ...]:
    """Everything by which a service or the way to it can fail."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def error_code(error: Exception) -> str:
    """Name a failure in one word: the service's own, or that of the way to it."""
    response = getattr(error, "response", None)  # None also where a connection broke
    answer: dict[str, Any] = response if isinstance(response, dict) else {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)
