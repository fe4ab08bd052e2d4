"""What a cold start costs, each measured in a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.bench.rules import rule_set
from pipeline.rules import compiled

_PIPELINE = """
import sys, time
import awslambdaric.bootstrap  # Lambda has started Python and this before it imports a handler
sys.modules["typing_extensions"] = None  # msgspec imports it where it is installed; it is not shipped
started = time.process_time()
from pipeline.rules import compiled
from pipeline.rules.matcher import Matcher
from pipeline.decode import kinesis
with open(sys.argv[1], "rb") as file:
    Matcher(compiled.load(file.read()))
print(time.process_time() - started)
"""
_BOTO3 = """
import time
import awslambdaric.bootstrap
started = time.process_time()
import boto3
boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
print(time.process_time() - started)
"""


def startup_ms(rules: int, rounds: int) -> tuple[float, float]:
    """Return the medians of two: imports, loading and compiling that many rules; and boto3 with one client.

    Both find their bytecode made, as in a deployed package; a first round makes it and is not counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.json"
        file.write_bytes(compiled.dump(rule_set(rules)))
        pairs = [(_timed_ms(folder, _PIPELINE, str(file)), _timed_ms(folder, _BOTO3)) for _ in range(rounds + 1)]
    ours, boto3s = zip(*pairs[1:], strict=True)
    return statistics.median(ours), statistics.median(boto3s)


def _timed_ms(folder: str, code: str, *arguments: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = folder
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)  # noqa: S603 - our own code
    return float(done.stdout) * 1000
