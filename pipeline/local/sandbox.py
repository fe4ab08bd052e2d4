"""A deployed zip, unpacked and run under AWS' own runtime interface client (awslambdaric), without docker."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from pipeline.local.runtime_api import Answer, RuntimeApi


@dataclass(frozen=True, slots=True)
class Deployment:
    """A function as it was deployed."""

    name: str
    arn: str
    code: bytes
    """The zip."""
    handler: str
    environment: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 3.0
    memory_mb: int = 128


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation's answer and what it logged."""

    answer: Answer
    log: str


class Sandbox:
    """One process of one function. After a timeout or a death it is `spent`."""

    def __init__(self, deployment: Deployment, root: Path, environment: Mapping[str, str]) -> None:
        self.spent = False
        self._deployment = deployment
        self._api = RuntimeApi(deployment.arn)
        self._api.start()
        # a file, not a pipe: whatever was written before the answer came is in it
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in `close`
        self._process = subprocess.Popen(  # noqa: S603  the user's own handler, as Lambda would run it
            [sys.executable, "-m", "awslambdaric", deployment.handler],
            cwd=root,
            env=_process_environment(deployment, root, self._api.address, environment),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def invoke(self, event: bytes) -> Run:
        """Run the handler on an event, for at most the function's timeout."""
        start = self._log.seek(0, io.SEEK_END)
        answer = self._api.invoke(event, self._deployment.timeout_s, lambda: self._process.poll() is None)
        if answer is None:
            answer = Answer(_timed_out(self._deployment.timeout_s), failed=True)
            self._process.kill()
            self._process.wait()
        self.spent = self._process.poll() is not None
        return Run(answer, self._read_log(start))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._api.stop()
        self._log.close()

    def _read_log(self, start: int) -> str:
        # the process writes at the end of the same open file: the offset is shared and must be put back
        data = os.pread(self._log.fileno(), self._log.seek(0, io.SEEK_END) - start, start)
        return data.decode(errors="replace")


class Sandboxes:
    """The processes of every function: idle ones are used again, as many run at once as there are invocations."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._roots: dict[bytes, tempfile.TemporaryDirectory[str]] = {}
        self._idle: dict[Deployment, list[Sandbox]] = {}
        self._lock = Lock()

    def invoke(self, deployment: Deployment, event: bytes) -> Run:
        """Run a function in an idle process, or in a new one."""
        sandbox = self._take(deployment)
        run = sandbox.invoke(event)
        if sandbox.spent:
            sandbox.close()
        else:
            with self._lock:
                self._idle.setdefault(deployment, []).append(sandbox)
        return run

    def close(self) -> None:
        """End every process and forget the code."""
        with self._lock:
            for sandbox in [sandbox for idle in self._idle.values() for sandbox in idle]:
                sandbox.close()
            for root in self._roots.values():
                root.cleanup()
            self._idle.clear()
            self._roots.clear()

    def _take(self, deployment: Deployment) -> Sandbox:
        with self._lock:
            self._forget_older(deployment)
            idle = self._idle.get(deployment)
            if idle:
                return idle.pop()
            return Sandbox(deployment, self._unpacked(deployment.code), self._environment)

    def _forget_older(self, deployment: Deployment) -> None:
        """End the processes that run what this function was before it was deployed again."""
        for older in [known for known in self._idle if known.arn == deployment.arn and known != deployment]:
            for sandbox in self._idle.pop(older):
                sandbox.close()

    def _unpacked(self, code: bytes) -> Path:
        if code not in self._roots:
            root = tempfile.TemporaryDirectory(prefix="trailwire-function-")
            zipfile.ZipFile(io.BytesIO(code)).extractall(root.name)
            self._roots[code] = root
        return Path(self._roots[code].name)


def _process_environment(
    deployment: Deployment, root: Path, runtime_api: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that Lambda sets, and those of the function; nothing else of this process' own."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(root),
        "LAMBDA_RUNTIME_DIR": str(root),
        "_HANDLER": deployment.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": deployment.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployment.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{deployment.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]embedded",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **environment,
        **dict(deployment.environment),
    }


def _timed_out(timeout_s: float) -> bytes:
    message = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} Task timed out after {timeout_s:.2f} seconds"
    return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode()
