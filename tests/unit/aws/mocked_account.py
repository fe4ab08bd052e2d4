"""An empty AWS account inside this process, for the clients that `pipeline.aws` makes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto import mock_aws

from pipeline.aws.clients import client, forget_clients
from pipeline.local import moto_dynamodb
from pipeline.local.patching import Patches

REGION = "eu-west-1"
TABLE = "trailwire-state"

Check = Callable[[str, dict[str, Any]], None]
"""Looks at an operation's name and its parameters."""


@contextlib.contextmanager
def mocked_account() -> Iterator[None]:
    """Run a block in an account of its own."""
    settings = {"AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
    with mock.patch.dict(os.environ, settings), mock_aws():
        os.environ.pop("AWS_ENDPOINT_URL", None)
        forget_clients()
        patches = Patches()
        moto_dynamodb.mend(patches)
        try:
            yield
        finally:
            patches.undo()
            forget_clients()


def make_table(name: str = TABLE) -> None:
    """Make a table as infra/state.yml describes it."""
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def watch(service: str, check: Check) -> None:
    """Have every request to a service looked at before it is sent."""

    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        check(model.name, params)

    client(service).meta.events.register(f"provide-client-params.{service}", look)


class Refusals:
    """Answers that a service gives in place of its own, in order; None lets a request through."""

    def __init__(self, service: str, operation: str) -> None:
        self.answers: list[dict[str, Any] | None] = []
        self.requests = 0
        client(service).meta.events.register_first(f"before-call.{service}.{operation}", self._answer)

    def _answer(self, **_: Any) -> Any:
        self.requests += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            return None
        return mock.Mock(status_code=answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)), answer


def error(code: str, status: int = 400, **more: Any) -> dict[str, Any]:
    """Write an answer by which a service refuses."""
    return {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}


def lose_first_answers(service: str, operation: str) -> None:
    """Lose the first answer to every such request, after the service has done it: botocore asks once more."""

    def again(attempts: int, **_: Any) -> int | None:
        return 0 if attempts == 1 else None

    client(service).meta.events.register_first(f"needs-retry.{service}.{operation}", again)
