"""Secrets by reference: `secretsmanager:NAME[#key]`, `ssm:/path`, `env:NAME`; anything else is the secret itself.

Values are kept for five minutes: each read is a CloudTrail event of its own, which this very pipeline will see.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache, TTLCache

from pipeline.aws.clients import client, error_code, failures
from pipeline.errors import Fault, Rejected, Unavailable

TTL_S = 300
MAX_SECRETS = 256
_GONE = frozenset(
    {
        "AccessDeniedException",
        "DecryptionFailure",
        "InvalidKeyId",
        "InvalidParameterException",
        "InvalidRequestException",
        "ParameterNotFound",
        "ParameterVersionNotFound",
        "ParamValidationError",
        "ResourceNotFoundException",
        "ValidationException",
    }
)
"""What asking again does not mend. Secrets Manager and Systems Manager API references: GetSecretValue, GetParameter."""


class Secrets:
    """All secrets of one configuration."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._values: TTLCache[str, str] = TTLCache(MAX_SECRETS, TTL_S, monotonic)
        self._last: LRUCache[str, str] = LRUCache(MAX_SECRETS)

    def get(self, reference: str) -> str:
        """Return a secret; while its store does not answer, the last one it gave.

        Raises Rejected where it does not exist or must not be read, Unavailable where its store has never answered.
        """
        value = self._values.get(reference)  # one look: it may expire between two
        return self._fetched(reference) if value is None else value

    def forget(self, reference: str) -> None:
        """Fetch it anew next time: whoever took it refuses it now."""
        self._values.pop(reference, None)
        self._last.pop(reference, None)

    def _fetched(self, reference: str) -> str:
        try:
            value = _fetch(reference)
        except Unavailable:
            last = self._last.get(reference)
            if last is None:
                raise
            return last
        self._values[reference] = self._last[reference] = value
        return value


def _fetch(reference: str) -> str:
    kind, _, name = reference.partition(":")
    match kind:
        case "env":
            return _present(os.environ.get(name), f"the environment has no {name}")
        case "secretsmanager":
            return _from_secrets_manager(name)
        case "ssm":
            return _from_ssm(name)
        case _:
            return reference


def _from_secrets_manager(name: str) -> str:
    name, _, key = name.partition("#")
    response = _asked("Secrets Manager", name, lambda: client("secretsmanager").get_secret_value(SecretId=name))
    text = _present(response.get("SecretString"), f"secret {name} has no text")
    if not key:
        return text
    try:
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"secret {name} is not JSON, yet #{key} is asked of it", Fault.CREDENTIAL) from error
    value = members.get(key) if isinstance(members, dict) else None
    return _present(value if isinstance(value, str) else None, f"secret {name} has no text under {key}")


def _from_ssm(name: str) -> str:
    response = _asked("SSM", name, lambda: client("ssm").get_parameter(Name=name, WithDecryption=True))
    return _present(response["Parameter"].get("Value"), f"parameter {name} has no text")


def _asked(store: str, name: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except failures() as error:
        code = error_code(error)
        if code in _GONE:
            raise Rejected(f"{store} does not give {name}: {code}", Fault.CREDENTIAL) from error
        raise Unavailable(f"{store} does not answer: {code}") from error


def _present(value: str | None, otherwise: str) -> str:
    if not value:
        raise Rejected(otherwise, Fault.CREDENTIAL)
    return value
