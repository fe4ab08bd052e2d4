"""Every case of python_expression_cases.txt, asked of the program and of the whole condition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import ProgramFailed, RuleError
from pipeline.languages.python_expression import parse

TABLE = Path(__file__).with_name("python_expression_cases.txt")


def cases() -> Iterator[tuple[int, str, str, str, str]]:
    """Yield line number, mark, rule, event and remark of every case."""
    rule = ""
    for number, line in enumerate(TABLE.read_text(encoding="utf-8").splitlines(), start=1):
        mark, _, rest = line.partition(" ")
        text, _, remark = rest.partition(" ;; ")
        if mark == "?":
            rule = text
        elif mark in ("+", "-", "x"):
            yield number, mark, rule, text, remark
        elif mark == "!":
            yield number, mark, text, "", remark


CASES = [pytest.param(*case[1:], id=f"line {case[0]}") for case in cases()]


@pytest.mark.parametrize(("mark", "rule", "event", "remark"), CASES)
def test_a_rule_does_what_the_table_says(mark: str, rule: str, event: str, remark: str) -> None:
    """It matches, does not match, fails or is refused."""
    if mark == "!":
        with pytest.raises(RuleError) as caught:
            parse(rule)
        assert remark in caught.value.message
        return
    condition, value = parse(rule), json.loads(event)
    assert condition.program is not None
    assert condition.matches(value) == (mark == "+"), remark
    if mark == "x":
        with pytest.raises(ProgramFailed):
            condition.program.run(value, "")
    else:
        assert condition.program.run(value, "").matched == (mark == "+"), remark


def test_the_table_is_read_whole() -> None:
    """Every line of the table is a case, a rule, a heading or a comment."""
    marks = {line.partition(" ")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    assert marks <= {"", "#", "##", "?", "+", "-", "x", "!"}
    assert len(CASES) > 180
