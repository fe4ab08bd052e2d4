"""Filter patterns against tables of cases: our own, and the public ones where they lie beside the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import PatternError
from pipeline.languages.filter_pattern import explain, parse

TABLES = Path(__file__).parent / "filter_pattern"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "filter_patterns"


@dataclass(frozen=True)
class Case:
    """One expectation: that a pattern matches a message or not, or (without a message) that it is rejected."""

    where: str
    pattern: str
    message: str = ""
    matches: bool | None = None
    hint: str = ""


def lines(name: str) -> Iterator[tuple[int, str, str]]:
    """Yield line number, key and text of every line that says something."""
    for number, line in enumerate((TABLES / name).read_text(encoding="utf-8").split("\n"), start=1):
        if not line or line.startswith("#"):
            continue
        key, _, text = line.partition(":")
        text = text.removeprefix(" ")
        yield number, key.removesuffix("*"), json.loads(text) if key.endswith("*") else text


def cases() -> Iterator[Case]:
    """Yield every case of the files that list them."""
    for name in ("terms.txt", "regex.txt", "json.txt", "space.txt", "rejected.txt"):
        pattern = ""
        rejected: Case | None = None
        for number, key, text in lines(name):
            where = f"{name}:{number}"
            if rejected:
                yield Case(rejected.where, rejected.pattern, hint=text if key == "hint" else "")
                rejected = None
            if key == "pattern":
                pattern = text
            elif key == "rejected":
                rejected = Case(where, text)
            elif key != "hint":
                yield Case(where, pattern, text, {"yes": True, "no": False}[key])
        if rejected:
            yield rejected


def truth_table() -> Iterator[Case]:
    """Yield a case for each cell of the table."""
    rows = [
        row for row in (TABLES / "truth_table.txt").read_text(encoding="utf-8").split("\n") if row[:1] not in ("", "#")
    ]
    columns = rows[0].removeprefix("columns:").split("|")
    for row in rows[1:]:
        text, *verdicts = row.rsplit(maxsplit=len(columns))
        message = "{}" if text == "-" else f'{{"a":{text}}}'
        for column, verdict in zip(columns, verdicts, strict=True):
            yield Case(
                f"{text} {column.strip()}", f"{{ $.a {column.strip()} }}", message, {"y": True, "n": False}[verdict]
            )


CASES = [*cases(), *truth_table()]


def test_the_tables_are_read_whole() -> None:
    """Several hundred cases of each kind are there, so that a typing error in a key cannot hide a file."""
    assert sum(case.matches is True for case in CASES) > 500
    assert sum(case.matches is False for case in CASES) > 800
    assert sum(case.matches is None for case in CASES) > 250


@pytest.mark.parametrize("case", [case for case in CASES if case.matches is not None], ids=lambda case: case.where)
def test_a_pattern_matches_what_the_table_says(case: Case) -> None:
    """A pattern matches what the tables say, and so does its canonical form."""
    pattern = parse(case.pattern)
    assert pattern.matches(case.message) is case.matches
    assert parse(str(pattern)) == pattern
    assert parse(str(pattern)).matches(case.message) is case.matches


@pytest.mark.parametrize("case", [case for case in CASES if case.matches is None], ids=lambda case: case.where)
def test_a_broken_pattern_is_rejected_with_a_place_and_a_hint(case: Case) -> None:
    """What the tables reject is rejected, with a place inside the pattern and the hint they name."""
    with pytest.raises(PatternError) as caught:
        parse(case.pattern)
    assert caught.value.position is not None
    assert 0 <= caught.value.position <= len(case.pattern)
    assert case.hint in caught.value.hint


def shared(name: str) -> list[dict[str, Any]]:
    """Read a file beside the project; empty where there is none."""
    path = SHARED / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.mark.skipif(not SHARED.exists(), reason="the public cases lie beside the project only where it is developed")
def test_the_public_cases_are_there() -> None:
    """The folder beside the project, where there is one, has the cases."""
    assert shared("cases_public.jsonl")
    assert shared("cloudtrail_patterns.jsonl")


@pytest.mark.parametrize("case", shared("cases_public.jsonl"), ids=lambda case: case["id"])
def test_a_public_case_holds(case: dict[str, Any]) -> None:
    """Every public case holds."""
    if case.get("valid", True):
        assert parse(case["pattern"]).matches(case["message"]) is case["matches"], case["why"]
    else:
        with pytest.raises(PatternError):
            parse(case["pattern"])


@pytest.mark.parametrize("case", shared("cloudtrail_patterns.jsonl"), ids=lambda case: case["name"])
def test_a_published_pattern_parses_or_not_as_it_should(case: dict[str, Any]) -> None:
    """Patterns published for CloudTrail parse, print and are explained, but for the broken ones."""
    if case["parses"]:
        pattern = parse(case["pattern"])
        assert parse(str(pattern)) == pattern
        assert explain(pattern).meaning
    else:
        with pytest.raises(PatternError):
            parse(case["pattern"])
