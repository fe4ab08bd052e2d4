"""The nearest change: as few as possible, close to what stands there, and true."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.checks import Cidr, Contains, Exists, Glob, InRange, Is, IsType, OneOf, Prefix, Suffix, one_of, regex
from pipeline.languages import event_pattern, filter_pattern, sigma
from pipeline.languages.condition import Condition
from pipeline.predicate import CHILD, SPREAD, All, Path, Same
from pipeline.predicate import Test as Leaf
from pipeline.rules.edits import ABSENT, Edit, edited, new_place, value_at
from pipeline.rules.explain import answer
from pipeline.rules.samples import failing, passing

STOP = '{"eventName": ["StopLogging", "DeleteTrail"], "errorCode": [{"exists": false}]}'
GROUPS = '{"a": {"b": [1], "c": ["x"]}}'


def changes(condition: Condition, event: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the changes as (place, what it becomes)."""
    return [(*change.place, change.after) for change in answer(condition, event).nearest]


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        (STOP, {"eventName": "StopLoging"}, [("eventName", "StopLogging")]),
        (STOP, {"eventName": "DeleteTrial"}, [("eventName", "DeleteTrail")]),
        (STOP, {}, [("eventName", "DeleteTrail")]),
        (STOP, {"eventName": None}, [("eventName", "DeleteTrail")]),
        (STOP, {"eventName": "StopLogging", "errorCode": "x"}, [("errorCode", ABSENT)]),
        (STOP, {"eventName": "Stop", "errorCode": "x"}, [("eventName", "StopLogging"), ("errorCode", ABSENT)]),
        (STOP, {"eventName": "StopLogging"}, [("eventName", "StopLoggingX")]),
        (GROUPS, {}, [("a", "b", 1), ("a", "c", "x")]),
        (GROUPS, {"a": None}, [("a", "b", 1), ("a", "c", "x")]),
        (GROUPS, {"a": [{"b": 1}, {"c": "x"}]}, [("a", 0, "c", "x")]),
        (GROUPS, {"a": []}, [("a", 0, "b", 1), ("a", 0, "c", "x")]),
        ('{"a": [{"numeric": [">", 3, "<", 4]}]}', {"a": 3}, [("a", 3.5)]),
        ('{"a": [{"cidr": "10.0.0.0/8"}]}', {"a": "192.0.2.1"}, [("a", "10.0.0.1")]),
        ('{"a": [{"anything-but": ["x"]}]}', {"a": "x"}, [("a", "xX")]),
        ('{"a": [{"wildcard": "a*b*c"}]}', {}, [("a", "abc")]),
        ('{"a": [null]}', {"a": 1}, [("a", None)]),
    ],
)
def test_the_nearest_change_of_event_patterns(
    pattern: str, event: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert changes(event_pattern.parse(pattern), event) == expected


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ("ERROR", {"a": "x"}, [("note", "ERROR")]),
        ("-mallory", {"a": "mallory", "b": "the mallory"}, [("a", ABSENT), ("b", ABSENT)]),
        ("{ $.a IS NULL }", {}, [("a", None)]),
        ("{ $.a NOT EXISTS }", {"a": {}}, [("a", ABSENT)]),
        ('{ $.a[*].b = "x" }', {"a": [{"b": 1}]}, [("a", 0, "b", "x")]),
        ("{ $.a[2] = 7 }", {"a": [1]}, [("a", 2, "7")]),
        ("{ $.a = %^ab[0-9]+c$% }", {}, [("a", "ab0c")]),
    ],
)
def test_the_nearest_change_of_filter_patterns(
    pattern: str, event: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert changes(filter_pattern.parse(pattern), event) == expected


def test_two_conditions_on_one_value_are_met_by_one_value() -> None:
    rule = sigma.parse(
        "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n"
        "  s: {eventName|startswith: Del, eventName|endswith: Trail}\n  condition: s\n"
    )
    assert changes(rule, {"eventName": "x"}) == [("eventName", "deltrail")]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"l": "x"}, [("r", "x")]),
        ({"r": "x"}, [("l", "x")]),
        ({}, [("l", "example"), ("r", "example")]),
        ({"l": "x", "r": "x"}, [("l", "XxX")]),
    ],
)
def test_fields_that_should_be_the_same_are_made_so(event: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert changes(Condition(Same(("l",), ("r",))), event) == expected


def test_what_cannot_be_turned_over_has_no_nearest_change() -> None:
    for tree in (All(), All((Leaf(("a",), one_of("x")), Leaf(("a",), one_of("y"))))):
        found = answer(Condition(tree), {})
        assert (found.nearest, found.suffices) == ((), False)


# ---- samples ----

CHECKS = [
    Exists(),
    IsType(frozenset({"array", "null"})),
    Is(None),
    Is(True),
    InRange(low=None, high=None),
    OneOf(texts=frozenset({"a", ""})),
    OneOf(texts=frozenset({"SS"}), fold=True),
    Prefix(text=""),
    Prefix(text="ß", fold=True),
    Suffix(text="x", numbers=True),
    Contains(text="x"),
    Glob(pieces=("a", "", "b")),
    regex(r"^arn:aws:iam::\d{12}:role/[^/]+$"),
    regex(r"(?i)stop|delete"),
    regex(r"\bx\b"),
    Cidr(network="10.0.0.0/8"),
    Cidr(network="::1/128"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: type(check).__name__)
@pytest.mark.parametrize("now", [ABSENT, None, "x", "x" * 10_000, 3, [], {}])
def test_samples_are_what_they_are_said_to_be(check: Any, now: Any) -> None:
    assert all(check.passes(value) for value in passing(check, now))
    assert passing(check)
    samples = failing(check, now)
    assert ABSENT in samples
    assert not any(value is not ABSENT and check.passes(value) for value in samples)


# ---- edits ----


@pytest.mark.parametrize(
    ("event", "edits", "expected"),
    [
        ({}, [(("a", "b", 1), "x")], {"a": {"b": [None, "x"]}}),
        ({"a": [1, 2, 3]}, [(("a", 0), ABSENT), (("a", 1), ABSENT)], {"a": [3]}),
        ({"a": 1}, [(("a", "b"), 2)], {"a": {"b": 2}}),
        ({"a": {"b": 1}}, [(("a", "b"), ABSENT)], {"a": {}}),
        ({"a": 1}, [(("b", "c"), ABSENT), (("a", 0), ABSENT)], {"a": 1}),
        ({}, [(("a", "c"), 2), (("a",), {"b": 1})], {"a": {"b": 1, "c": 2}}),
    ],
)
def test_edits_are_made_outer_places_first(event: Any, edits: list[tuple[Any, Any]], expected: Any) -> None:
    assert edited(event, tuple(Edit(place, value) for place, value in edits)) == expected


@pytest.mark.parametrize(
    ("path", "event", "expected"),
    [
        (("a", "b"), {}, ("a", "b")),
        (("a", SPREAD, "b"), {"a": [1]}, ("a", 1, "b")),
        (("a", CHILD), {}, ("a", 0)),
        (("a", SPREAD, CHILD), {}, ("a", "example")),
        (("a", CHILD), {"a": {"x": 1}}, ("a", "example")),
        (("a", 5_000_000), {}, None),
        ((), {}, None),
    ],
)
def test_a_new_place_is_one_that_the_path_selects(path: Path, event: Any, expected: Any) -> None:
    place = new_place(path, event)
    assert place == expected
    if place is not None:
        assert value_at(edited(event, (Edit(place, "x"),)), place) == "x"
