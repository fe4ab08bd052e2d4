"""pySigma's SQLite back end as an independent witness for the Sigma rules in `sigma/`.

Each detection is turned into SQL by the back end, asked of one row that holds the event's fields, and the condition is
put together from the answers. What differs in SQLite, and is therefore kept out of the comparison:

- NOT of a comparison with NULL is NULL there, so negation is done outside of SQL;
- a column holds one value, so a detection whose field leads to an array or an object is left out for that event;
- a boolean is the text `true` or `false`, and NOCASE and LIKE fold ASCII letters only;
- a number is never equal to its text, so no rule here compares them;
- every text is greater than every number, so a text is left out where the field is compared with one.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from pipeline.languages import sigma

HERE = Path(__file__).parent
RULES = sorted((HERE / "sigma").glob("*.yml"))
SHARED = HERE.parents[2] / "shared" / "data" / "cloudtrail"


class NotOneValue(Exception):
    """SQLite cannot be asked about this field of this event."""


def own_events() -> list[dict[str, Any]]:
    """Read the events written for these tests."""
    events: list[dict[str, Any]] = json.loads((HERE / "sigma_events.json").read_text())
    return events


def real_events() -> list[dict[str, Any]]:
    """Read the published events."""
    return [
        event
        for file in sorted(SHARED.glob("*.json.gz"))
        for event in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]


def column(event: dict[str, Any], field: str) -> Any:
    """Return what a column holds for a field; None where it is missing."""
    value: Any = event
    for key in field.split("."):
        if isinstance(value, list):
            raise NotOneValue(field)
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list | dict):
        raise NotOneValue(field)
    return str(value).lower() if isinstance(value, bool) else value


def search(pattern: str, value: Any) -> bool:
    """SQLite's REGEXP, which it leaves to its users."""
    return value is not None and re.search(pattern, str(value)) is not None


def fields_of(detection: Any) -> set[str]:
    """Name the fields a detection reads."""
    if isinstance(detection, list):
        return {field for item in detection for field in fields_of(item)}
    references = {value for key, value in detection.items() if "fieldref" in key}
    return {key.split("|")[0] for key in detection} | references


class Witness:
    """One rule, as SQL for each of its detections."""

    def __init__(self, text: str) -> None:
        rule = yaml.safe_load(text)
        self.detections = {name: value for name, value in rule["detection"].items() if name != "condition"}
        self.condition = self.in_python(rule["detection"]["condition"])
        self.queries = {name: self.query(rule, name) for name in self.detections}
        self.database = sqlite3.connect(":memory:")
        self.database.create_function("REGEXP", 2, search)

    def close(self) -> None:
        """Close the database, or Python warns of it some time later."""
        self.database.close()

    def query(self, rule: dict[str, Any], name: str) -> str:
        """Return the condition of one detection in SQL."""
        alone = rule | {"detection": {name: self.detections[name], "condition": name}}
        backend: Any = sqliteBackend
        (query,) = backend().convert(SigmaCollection.from_dicts([alone]))
        return str(query).split(" WHERE ", 1)[1]

    def in_python(self, condition: str) -> str:
        """Spell out `1 of` and `all of`."""

        def spread(found: re.Match[str]) -> str:
            pattern = ".*" if found[2] == "them" else found[2].replace("*", ".*")
            names = [name for name in self.detections if re.fullmatch(pattern, name)]
            return "(" + (" and " if found[1] == "all" else " or ").join(names) + ")"

        return re.sub(r"\b(1|all) of (\S+)", spread, condition)

    def answer(self, event: dict[str, Any], name: str) -> bool:
        """Ask the database about one event and one detection."""
        row = {field: column(event, field) for field in sorted(fields_of(self.detections[name]))}
        if re.search(r" [<>]=? ", self.queries[name]) and any(isinstance(value, str) for value in row.values()):
            raise NotOneValue(name)
        columns = ", ".join(f'"{field}" COLLATE NOCASE' for field in row)
        self.database.execute("DROP TABLE IF EXISTS logs")
        self.database.execute(f"CREATE TABLE logs ({columns})")
        self.database.execute("INSERT INTO logs VALUES (" + ", ".join("?" * len(row)) + ")", list(row.values()))
        found: list[tuple[int]] = self.database.execute(
            f"SELECT COALESCE(({self.queries[name]}), 0) FROM logs"
        ).fetchall()
        return found == [(1,)]

    def matches(self, event: dict[str, Any]) -> bool:
        """Tell whether the rule matches."""
        answers = {name: self.answer(event, name) for name in self.detections}
        return bool(eval(self.condition, {}, answers))


def compare(path: Path, events: list[dict[str, Any]]) -> tuple[int, int]:
    """Return how many events were compared and how many matched; fails where the witness disagrees."""
    text = path.read_text()
    rule = sigma.parse(text)
    compared = matched = 0
    with contextlib.closing(Witness(text)) as witness:
        for event in events:
            try:
                expected = witness.matches(event)
            except NotOneValue:
                continue
            assert rule.matches(event) is expected, (path.name, event)
            compared, matched = compared + 1, matched + expected
    return compared, matched


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_rule_matches_our_events_as_the_witness_says(path: Path) -> None:
    """Every rule is compared on most events, matches some and leaves some."""
    events = own_events()
    compared, matched = compare(path, events)
    assert compared > len(events) / 2
    assert 0 < matched < compared


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real events are not here")
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_rule_matches_real_events_as_the_witness_says(path: Path) -> None:
    """No real event divides the two engines."""
    events = real_events()
    compared, _ = compare(path, events)
    assert compared > len(events) / 10
