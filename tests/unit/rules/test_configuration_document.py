"""docs/configuration.md lists every key, and every setting with its default, as the code has them."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from pipeline.rules.language import MODULES
from pipeline.rules.rule import Ignore, Route, RuleFacts, Settings
from pipeline.runtime.environment import Environment

DOCUMENT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text("utf-8")
NOT_WRITTEN = {"where", "condition", "language", "source", "id"}
"""What reading adds to a table's own keys."""


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    table = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n| ", 1)[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def _keys(heading: str) -> set[str]:
    cells = [row[0] for row in _rows(heading)]
    return {name for cell in cells if "[" not in cell for name in re.findall(r"`(\w+)`", cell)}


def test_every_setting_stands_there_with_its_default() -> None:
    listed = {row[0].strip("`"): tomllib.loads(f"it = {row[1].strip('`')}")["it"] for row in _rows("`[settings]`")}
    assert listed == msgspec.json.decode(msgspec.json.encode(Settings()))


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("`[[rule]]`", {*RuleFacts.__struct_fields__, *MODULES, "destinations"}),
        ("`[[ignore]]`", {*Ignore.__struct_fields__}),
        ("`[[route]]`", {*Route.__struct_fields__, "severity"} - {"severities"}),
        (
            "The environment",
            {f"TRAILWIRE_{name}" for name in ("CONFIG", "STATE", "OUTBOX", "QUARANTINE", "OWN_SESSIONS")},
        ),
    ],
)
def test_every_key_of_a_table_stands_there(heading: str, keys: set[str]) -> None:
    assert _keys(heading) - {"SLACK_API_URL", "LOG_LEVEL"} == keys - NOT_WRITTEN


def test_the_environment_is_what_the_handlers_read() -> None:
    """All but the function's name, which Lambda sets."""
    assert len(_rows("The environment")) == len(Environment.__struct_fields__) - 1


def test_an_override_may_change_every_fact_but_the_name() -> None:
    (row,) = [row for row in _rows("`[pack.NAME]`") if "override" in row[0]]
    assert set(re.findall(r"`(\w+)`", row[-1])) == {*RuleFacts.__struct_fields__, "destinations"} - {"name", "id"}
