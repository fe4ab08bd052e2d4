"""The `jq` command as an independent witness for the jq rules in `jq_rules.txt`.

It runs another version of jq in another process and is asked about a whole file of events at once. No rule here goes
where versions differ: jq 1.6 rounds large integers, for one.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ProgramFailed
from pipeline.languages import jq
from pipeline.languages.condition import Condition

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data" / "cloudtrail"
JQ = shutil.which("jq") or ""
RULES = [line for line in (HERE / "jq_rules.txt").read_text().splitlines() if line and not line.startswith("#")]

pytestmark = pytest.mark.skipif(not JQ, reason="there is no jq command here")


def _own_events() -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((HERE / "sigma_events.json").read_text())
    return events


def _real_events() -> list[dict[str, Any]]:
    return [
        event
        for file in sorted(SHARED.glob("*.json.gz"))
        for event in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]


def _witness(rule: str, events: list[dict[str, Any]]) -> list[Any]:
    """Return, for each event, the command's first output; None where there is none or it fails."""
    program = f"try ([\n{rule}\n] | .[0]) catch null"  # in jq 1.6, first() does not get past a try
    lines = "\n".join(json.dumps(event) for event in events)
    command = [JQ, "-c", program]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def _ours(condition: Condition, event: dict[str, Any]) -> Any:
    """Return what the rule makes of the event, as the first output would be."""
    try:
        verdict = condition.decide(event, "")
    except ProgramFailed:
        return None
    return (verdict.annotation if verdict.annotation is not None else event) if verdict.matched else None


def _compare(rule: str, events: list[dict[str, Any]]) -> int:
    """Compare one rule on all events and return how many it matches."""
    condition = jq.parse(rule)
    expected = [None if output is False else output for output in _witness(rule, events)]
    for event, output in zip(events, expected, strict=True):
        assert _ours(condition, event) == (event if output is True else output), rule
    return sum(output is not None for output in expected)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_matches_our_events_as_the_command_does(rule: str) -> None:
    """The decision and the annotation are the command's."""
    _compare(rule, _own_events())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real events are not here")
def test_the_rules_match_real_events_as_the_command_does() -> None:
    """No real event divides the two, and most rules match some."""
    events = _real_events()
    matched = [_compare(rule, events) for rule in RULES]
    assert sum(count > 0 for count in matched) > len(RULES) / 2
