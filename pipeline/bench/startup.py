"""What a cold start costs, each measured in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from pipeline.bench.rules import rule_set
from pipeline.rules import compiled
from pipeline.rules.rule import DestinationConfig

_BEFORE = {
    "in Lambda": """
import awslambdaric.bootstrap  # Lambda has started Python and this before it imports a handler
import sys
sys.modules["typing_extensions"] = None  # msgspec imports it where it is installed; it is not shipped
""",
    "in a bare Python": "",
}
_CODE = {
    "matcher": """
from pipeline.rules import compiled
from pipeline.rules.matcher import Matcher
with open(os.environ["TRAILWIRE_CONFIG"], "rb") as file:
    Matcher(compiled.load(file.read()))
""",
    "handler": """
from pipeline.runtime import handlers
handlers.kinesis({"Records": []}, None)
""",
    "boto3": """
import boto3
boto3.client("dynamodb")
""",
}
_TIMED = """
import os, time
started = time.process_time()
{code}
print(time.process_time() - started)
"""
_DEPLOYED = {
    "TRAILWIRE_STATE": "dynamodb:trailwire",
    "TRAILWIRE_OUTBOX": "https://sqs.us-east-1.amazonaws.com/111122223333/outbox",
    "TRAILWIRE_QUARANTINE": "s3://trailwire-quarantine",
    "AWS_LAMBDA_FUNCTION_NAME": "trailwire",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}
"""As the deployment sets it: nothing of it is contacted before there is something to tell."""

Times = dict[str, dict[str, list[float]]]
"""Processor seconds of every round: `matcher` (imports, reading and indexing the rules), `handler` (all until its first
call has answered) and `boto3` (with one client), each after Lambda's own start and in a bare Python."""


def startup_seconds(rules: int, rounds: int) -> Times:
    """Time what a start with that many rules takes.

    All find their bytecode made, as in a deployed package; a first round makes it and is not counted.
    """
    whole = msgspec.structs.replace(
        rule_set(rules), destinations=(DestinationConfig("stdout", "stdout", {}, "trailwire.toml:1"),)
    )
    found: Times = {where: {name: [] for name in _CODE} for where in _BEFORE}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.json"
        file.write_bytes(compiled.dump(whole))
        for i in range(rounds + 1):
            for where, before in _BEFORE.items():
                for name, code in _CODE.items():
                    seconds = _timed(folder, file, before + _TIMED.format(code=code))
                    if i:
                        found[where][name].append(seconds)
    return found


def _timed(folder: str, config: Path, code: str) -> float:
    """Run code in a process of its own; its last line says what it took."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {**_DEPLOYED, "TRAILWIRE_CONFIG": str(config), "PYTHONPYCACHEPREFIX": folder}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)  # noqa: S603 - our own code
    return float(done.stdout.splitlines()[-1])
