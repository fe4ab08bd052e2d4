"""Lambda without docker, and with pollers of its own.

Seen in moto 5.2.5: `LambdaFunction.invoke` runs docker and calls every error handled; a stream or queue with a mapping
invokes the function at once, for each record, from within the put (`Stream.put_record`, `Queue.add_message`).
"""

from __future__ import annotations

from base64 import b64encode
from threading import Thread
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.kinesis.models import kinesis_backends
from moto.sqs.models import sqs_backends

from pipeline.local.patching import Patches
from pipeline.local.sandbox import Deployment, Run, Sandboxes

# AWS Lambda API reference, Invoke: the log's tail
LOG_TAIL_BYTES = 4096


def mend(patches: Patches, sandboxes: Sandboxes) -> None:
    """Run functions in `sandboxes`, and leave streams and queues to the pollers, until the patches are undone."""

    def invoke(function: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes | str:
        event = (body.encode() if isinstance(body, str) else body) or b"{}"
        if request_headers.get("x-amz-invocation-type") == "Event":
            Thread(target=_run, args=(function, sandboxes, event), daemon=True).start()
            return ""
        run = _run(function, sandboxes, event)
        if run.answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = b64encode(run.log.encode()[-LOG_TAIL_BYTES:]).decode()
        return run.answer.payload

    def create(backend: Any, spec: dict[str, Any]) -> Any:
        mapping = before(backend, spec)
        _leave_to_pollers(backend, mapping.event_source_arn)
        return mapping

    patches.replace(LambdaFunction, "invoke", invoke)
    before = patches.replace(LambdaBackend, "create_event_source_mapping", create)


def _run(function: Any, sandboxes: Sandboxes, event: bytes) -> Run:
    run = sandboxes.invoke(_deployment(function), event)
    function.logs_backend.ensure_log_group(function.logs_group_name)
    if run.log.strip():
        function.save_logs(run.log)
    return run


def _deployment(function: Any) -> Deployment:
    return Deployment(
        name=function.function_name,
        arn=function.function_arn,
        code=function.code_bytes,
        handler=function.handler,
        environment=tuple(sorted((name, str(value)) for name, value in function.environment_vars.items())),
        timeout_s=float(function.timeout),
        memory_mb=int(function.memory_size),
    )


def _leave_to_pollers(backend: Any, source_arn: str) -> None:
    """Take the mapping from the list that makes moto invoke the function itself."""
    streams = kinesis_backends[backend.account_id][backend.region_name].streams.values()
    queues = sqs_backends[backend.account_id][backend.region_name].queues.values()
    for source in [*(s for s in streams if s.arn == source_arn), *(q for q in queues if q.queue_arn == source_arn)]:
        source.lambda_event_source_mappings.clear()
