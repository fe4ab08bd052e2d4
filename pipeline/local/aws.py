"""An AWS account on this machine: moto in this process, mended where it differs from AWS in what the pipeline needs.

    with EmbeddedAws() as aws:
        aws.client("kinesis").create_stream(StreamName="trailwire", ShardCount=2)

Code under test that makes its own clients finds it through `aws.environment()` (AWS_ENDPOINT_URL and credentials).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import boto3
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kinesis.models import Shard
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from pipeline.local import moto_dynamodb, moto_lambda, moto_logs
from pipeline.local.log_delivery import LogDelivery
from pipeline.local.loopback import LoopbackServer
from pipeline.local.patching import Patches
from pipeline.local.sandbox import Sandboxes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REGION = "us-east-1"
ACCOUNT_ID: str = DEFAULT_ACCOUNT_ID
# The version whose inner parts were looked at. A patch release keeps them; anything else must be looked at again
MOTO = (5, 2)


class EmbeddedAws:
    """One empty account, 123456789012 in us-east-1, while the `with` block runs; one at a time in a process."""

    region = REGION
    account_id = ACCOUNT_ID
    _running: ClassVar[EmbeddedAws | None] = None

    def __init__(self, delivery_linger_s: float = 0.1) -> None:
        self.url = ""
        self._application = DomainDispatcherApplication(create_backend_app)
        self._server = LoopbackServer(self._serve)
        self._patches = Patches()
        self._delivery = LogDelivery(moto_logs.put_to_stream, delivery_linger_s)
        self._clients: dict[str, Any] = {}
        self._lock = RLock()
        self._knows_cloudformation = False

    def start(self) -> Self:
        """Start it; `url` is known from here on."""
        _check_moto()
        if EmbeddedAws._running is not None:
            raise RuntimeError("one embedded AWS runs in this process already: moto keeps its state in the process")
        EmbeddedAws._running = self
        moto_api_backend.reset()
        _mend_kinesis(self._patches)
        moto_dynamodb.mend(self._patches)
        moto_logs.mend(self._patches, self._delivery)
        self._delivery.start()
        self.url = self._server.start()
        self._sandboxes = Sandboxes(self.environment())
        moto_lambda.mend(self._patches, self._sandboxes)
        return self

    def stop(self) -> None:
        """Stop it and forget everything in it."""
        if EmbeddedAws._running is not self:
            return
        self._delivery.stop()
        self._server.stop()
        self._sandboxes.close()
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._patches.undo()
        self._knows_cloudformation = False
        moto_api_backend.reset()
        EmbeddedAws._running = None

    def client(self, service: str) -> Any:
        """Return boto3's client for a service; the same one each time."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    endpoint_url=self.url,
                    region_name=REGION,
                    aws_access_key_id="embedded",
                    aws_secret_access_key="embedded",  # noqa: S106  moto takes any
                    config=Config(proxies={}),
                )
            return self._clients[service]

    def environment(self) -> Mapping[str, str]:
        """Return the variables that point boto3, the command lines and a deployed function here, past any proxy."""
        given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        past_proxies = f"{given},127.0.0.1" if given else "127.0.0.1"
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": past_proxies,
            "no_proxy": past_proxies,
        }

    def flush_logs(self) -> None:
        """Send what subscription filters let through and still linger; when this returns it is in the streams."""
        self._delivery.flush()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if not self._knows_cloudformation and "/cloudformation/" in environ.get("HTTP_AUTHORIZATION", ""):
            self._learn_cloudformation()
        return self._application(environ, start_response)

    def _learn_cloudformation(self) -> None:
        """Mend CloudFormation at its first use: it takes a second that most uses of this need not wait for."""
        from pipeline.local import moto_cloudformation

        with self._lock:
            if not self._knows_cloudformation:
                moto_cloudformation.mend(self._patches)
                self._knows_cloudformation = True


def _check_moto() -> None:
    found = version("moto")
    if tuple(map(int, found.split(".")[:2])) != MOTO:
        wanted = ".".join(map(str, MOTO))
        raise RuntimeError(f"the embedded AWS mends moto {wanted}.x from outside; this is moto {found}")


def _mend_kinesis(patches: Patches) -> None:
    """Number records one at a time: in moto 5.2.5 two threads may give two records of a shard one number."""
    lock = RLock()

    def put(shard: Any, *args: Any, **kwargs: Any) -> str:
        with lock:
            return str(before(shard, *args, **kwargs))

    before = patches.replace(Shard, "put_record", put)
