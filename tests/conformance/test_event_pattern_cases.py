"""Every case of event_pattern_cases.txt, asked of the compiled tree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import RuleError
from pipeline.languages.event_pattern import parse

TABLE = Path(__file__).with_name("event_pattern_cases.txt")


def cases() -> Iterator[tuple[int, str, str, str, str]]:
    """Yield line number, mark, pattern, event and remark of every case."""
    pattern = ""
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        text, _, remark = rest.partition(" ;; ")
        if mark == "?":
            pattern = text
        elif mark in ("+", "-"):
            yield number, mark, pattern, text, remark
        elif mark == "!":
            yield number, mark, text, "", remark


CASES = [pytest.param(*case[1:], id=f"line {case[0]}") for case in cases()]


@pytest.mark.parametrize(("mark", "pattern", "event", "remark"), CASES)
def test_a_pattern_does_what_the_table_says(mark: str, pattern: str, event: str, remark: str) -> None:
    """It matches, does not match or is refused."""
    if mark == "!":
        with pytest.raises(RuleError) as caught:
            parse(pattern)
        assert remark in caught.value.message
    else:
        assert parse(pattern).matches(json.loads(event)) == (mark == "+"), remark


def test_the_table_is_read_whole() -> None:
    """Hundreds of cases, and every line of the table is one, a pattern, a heading or a comment."""
    marks = {line.partition(" ")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    assert marks <= {"", "#", "##", "?", "+", "-", "!"}
    assert len(CASES) > 500
