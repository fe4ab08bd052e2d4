"""The function's log: one JSON object a line, whatever an event put into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.runtime import logs

Log = Callable[..., None]
LEVELS: dict[str, Log] = {"DEBUG": logs.debug, "INFO": logs.info, "WARNING": logs.warning, "ERROR": logs.error}


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    yield
    logs.set_level("INFO")


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.isascii()
    return [json.loads(line) for line in captured.out.splitlines()]


SAID = [
    ("DEBUG", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    ("INFO", ["INFO", "WARNING", "ERROR"]),
    ("WARNING", ["WARNING", "ERROR"]),
    ("WARN", ["WARNING", "ERROR"]),
    ("ERROR", ["ERROR"]),
    ("CRITICAL", []),
    ("NONSENSE", ["INFO", "WARNING", "ERROR"]),
    ("", ["INFO", "WARNING", "ERROR"]),
]


@pytest.mark.parametrize(("level", "expected"), SAID)
def test_a_level_lets_through_itself_and_what_is_worse(
    level: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_level("ERROR")
    logs.set_level(level)
    for log in LEVELS.values():
        log("said")
    assert [line["level"] for line in written(capsys)] == expected


def test_a_line_names_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.warning("rule failed", rule="A", eventID="1", count=3)
    assert written(capsys) == [{"level": "WARNING", "message": "rule failed", "rule": "A", "eventID": "1", "count": 3}]


@pytest.mark.parametrize(
    "text",
    ['"}\n{"level":"ERROR"', "\r\n", "\u2028\u2029\x85", "\ud800", "\x1b[2J", "\x00", "é\U0001f600", "\\", "\uffff"],
)
def test_no_text_breaks_or_forges_a_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.info(text, reason=text, nested={text: [text]})
    assert written(capsys) == [{"level": "INFO", "message": text, "reason": text, "nested": {text: [text]}}]


def test_metrics_are_written_whatever_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_level("CRITICAL")
    logs.line({"_aws": {}})
    logs.text('{"v":1}')
    assert written(capsys) == [{"_aws": {}}, {"v": 1}]


def test_a_value_that_is_no_json_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.info("odd", reason=ValueError("x"))
    assert written(capsys)[0]["reason"] == "x"
