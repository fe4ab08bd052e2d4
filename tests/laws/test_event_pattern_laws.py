"""Event patterns mean what EventBridge's documentation says, checked against an evaluator written from it.

The witness below works as the documentation describes matching: the event is a list of leaf fields, each with the array
elements it stands in; a pattern matches if leaves can be chosen for all its fields that no array tells apart.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import RuleError
from pipeline.languages import event_pattern
from pipeline.languages.condition import Condition
from pipeline.predicate import MAX_DEPTH, depth, holds
from pipeline.printer import show

Json = Any
Membership = dict[int, int]
Leaf = tuple[tuple[str, ...], Json, Membership]

# ---- the witness ----


def naive_match(pattern: dict[str, Json], event: Json) -> bool:
    leaves = list(leaves_of(event, (), {}, itertools.count()))
    return any(choose(dict(rule), leaves, {}) for rule in sub_rules(pattern, ()))


def leaves_of(value: Json, path: tuple[str, ...], inside: Membership, arrays: Iterator[int]) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, (*path, key), inside, arrays)
    elif isinstance(value, list):
        number = next(arrays)
        for index, inner in enumerate(elements(value)):
            held = {**inside, number: index} if isinstance(inner, dict) else inside
            yield from leaves_of(inner, path, held, arrays)
    else:
        yield path, value, inside


def elements(values: list[Json]) -> Iterator[Json]:
    """Yield what arrays inside arrays hold: only objects in different elements are told apart."""
    for value in values:
        if isinstance(value, list):
            yield from elements(value)
        else:
            yield value


def sub_rules(pattern: dict[str, Json], path: tuple[str, ...]) -> list[list[tuple[tuple[str, ...], list[Json]]]]:
    rules: list[list[tuple[tuple[str, ...], list[Json]]]] = [[]]
    for key, value in pattern.items():
        if key == "$or":
            options = [rule for branch in value for rule in sub_rules(branch, path)]
        elif isinstance(value, dict):
            options = sub_rules(value, (*path, key))
        else:
            options = [[((*path, key), value)]]
        rules = [rule + option for rule in rules for option in options]
    return rules


def choose(rule: dict[tuple[str, ...], list[Json]], leaves: list[Leaf], held: Membership) -> bool:
    """Pick a leaf, or absence, for every field; what is absent is looked for once everything else is picked."""
    return any(True for _ in picks(list(rule.items()), leaves, held, []))


def picks(
    fields: list[tuple[tuple[str, ...], list[Json]]], leaves: list[Leaf], held: Membership, gone: list[tuple[str, ...]]
) -> Iterator[bool]:
    if not fields:
        if not any(path in gone and consistent(held, inside) for path, _, inside in leaves):
            yield True
        return
    (path, values), rest = fields[0], fields[1:]
    for found, value, inside in leaves:
        if found == path and consistent(held, inside) and any(accepts(wanted, value) for wanted in values):
            yield from picks(rest, leaves, {**held, **inside}, gone)
    if {"exists": False} in values:
        yield from picks(rest, leaves, held, [*gone, path])


def consistent(held: Membership, inside: Membership) -> bool:
    return all(held.get(array, index) == index for array, index in inside.items())


def accepts(wanted: Json, value: Json) -> bool:
    if not isinstance(wanted, dict):
        return same(wanted, value)
    ((name, argument),) = wanted.items()
    if name == "exists":
        return bool(argument)
    if name == "anything-but":
        return not any(excluded(argument, value))
    if name == "numeric":
        return in_order(argument, value)
    return isinstance(value, str) and text_accepts(name, argument, value)


def same(wanted: Json, value: Json) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return wanted is value
    if isinstance(wanted, str) != isinstance(value, str):
        return False
    return wanted == value if isinstance(wanted, str) else Decimal(repr(wanted)) == Decimal(repr(value))


def excluded(argument: Json, value: Json) -> Iterator[bool]:
    if isinstance(argument, dict):
        ((name, inner),) = argument.items()
        for text in inner if isinstance(inner, list) else [inner]:
            yield isinstance(value, str) and text_accepts(name, text, value)
    else:
        for item in argument if isinstance(argument, list) else [argument]:
            yield same(item, value)


def text_accepts(name: str, argument: Json, value: str) -> bool:
    if isinstance(argument, dict):
        ((_, text),) = argument.items()
        return text_accepts(name, text.casefold(), value.casefold())
    if name == "prefix":
        return bool(value[: len(argument)] == argument)
    if name == "suffix":
        return argument == "" or bool(value[-len(argument) :] == argument)
    if name == "equals-ignore-case":
        return bool(value.casefold() == argument.casefold())
    if name == "cidr":
        try:
            return bool(ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False))
        except ValueError:
            return False
    parts = re.findall(r"\\.|\*|[^\\*]", argument, re.DOTALL)
    regex = "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, value, re.DOTALL) is not None


def in_order(argument: list[Json], value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 5e9:
        return False
    number = Decimal(repr(value))
    tests = {"=": number.__eq__, "<": number.__lt__, "<=": number.__le__, ">": number.__gt__, ">=": number.__ge__}
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(tests[operator](Decimal(repr(bound))) for operator, bound in pairs)


# ---- random patterns and events ----

KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.one_of(st.sampled_from(["a", "b", "ab", "A", ""]), st.text(alphabet="abA*.", max_size=4))
SOME_TEXTS = TEXTS.filter(bool)
ADDRESSES = st.sampled_from(["10.0.0.1", "10.1.2.3", "192.168.0.9", "2001:db8::1", "2001:db8::ffff", "10.0.0"])
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 1.0, 2.5, -1e0, 5e9, 6_000_000_000]))
LEAVES = st.one_of(TEXTS, ADDRESSES, NUMBERS, st.none(), st.booleans())

WILDCARDS = st.lists(st.sampled_from(["a", "b", "*", "\\*", "\\\\", ".", "A"]), max_size=5).map("".join)
WILDCARDS = WILDCARDS.map(lambda text: text.replace("**", "*").replace("**", "*"))
BOUNDS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, 2.5]))
NUMERIC = st.one_of(
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), BOUNDS).map(list),
    st.tuples(st.sampled_from([">", ">="]), st.just(-1), st.sampled_from(["<", "<="]), BOUNDS).map(list),
)
INNER = st.one_of(
    TEXTS,
    NUMBERS.filter(lambda n: n <= 5e9),
    st.lists(TEXTS, min_size=1, max_size=2),
    st.lists(st.integers(-3, 3), min_size=1, max_size=2),
    st.builds(lambda k, v: {k: v}, st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), SOME_TEXTS),
    st.builds(lambda v: {"wildcard": v}, st.one_of(WILDCARDS, st.lists(WILDCARDS, min_size=1, max_size=2))),
)
MATCHERS = st.one_of(
    st.builds(lambda k, v: {k: v}, st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), TEXTS),
    st.builds(lambda k, v: {k: {"equals-ignore-case": v}}, st.sampled_from(["prefix", "suffix"]), TEXTS),
    WILDCARDS.map(lambda v: {"wildcard": v}),
    st.booleans().map(lambda v: {"exists": v}),
    st.just({"exists": False}),
    NUMERIC.map(lambda v: {"numeric": v}),
    INNER.map(lambda v: {"anything-but": v}),
    st.sampled_from(["10.0.0.0/8", "10.0.0.1/32", "2001:db8::/64", "0.0.0.0/0"]).map(lambda v: {"cidr": v}),
)
VALUES = st.one_of(
    st.lists(st.one_of(LEAVES, MATCHERS), min_size=1, max_size=4), st.lists(MATCHERS, min_size=1, max_size=3)
)


@st.composite
def objects(draw: st.DrawFn, depth_left: int) -> dict[str, Json]:
    """Draw a pattern object: fields, inner objects, and now and then a `$or`."""
    result: dict[str, Json] = {}
    with_or = depth_left > 0 and draw(st.integers(0, 3)) == 0
    for key in draw(st.lists(KEYS, unique=True, min_size=0 if with_or else 1, max_size=3)):
        result[key] = draw(objects(depth_left - 1) if depth_left and draw(st.booleans()) else VALUES)
    if with_or:
        result["$or"] = [draw(objects(depth_left - 1)) for _ in range(draw(st.integers(2, 3)))]
    return result


PATTERNS = objects(2)
EVENTS = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(KEYS, v, max_size=3)), max_leaves=12
    ),
    max_size=3,
)


def compiled(pattern: dict[str, Json]) -> Condition | None:
    try:
        return event_pattern.parse(pattern)
    except RuleError:
        return None


@settings(max_examples=250, deadline=None)
@given(PATTERNS, st.lists(EVENTS, min_size=1, max_size=4))
def test_the_tree_is_exact(pattern: dict[str, Json], events: list[Json]) -> None:
    """A pattern's tree holds for exactly the events that its documentation says it matches."""
    condition = compiled(pattern)
    if condition is None:
        return
    for event in events:
        assert holds(condition.tree, event) == naive_match(pattern, event), (pattern, event, show(condition.tree))


# ---- the wrapped event ----

SERVICES = st.sampled_from(["ec2", "s3", "a.ws", "aws", "", "sws.s", "signin"])
EVENT_SOURCES = st.one_of(
    SERVICES.map(lambda s: f"{s}.amazonaws.com"), st.sampled_from(["ec2", "amazonaws.com", ".AMAZONAWS.com", "", 7])
)
SOURCE_PARTS = st.lists(st.sampled_from(["a", "w", "s", ".", "aws.", "ec2", "*", "S3", ".amazonaws.com"]), max_size=4)
SOURCE_TEXTS = st.one_of(SOURCE_PARTS.map("".join), SERVICES.map(lambda s: f"aws.{s}"))
SOURCE_MATCHERS = st.one_of(
    SOURCE_TEXTS,
    st.builds(
        lambda k, v: {k: v}, st.sampled_from(["prefix", "suffix", "wildcard", "equals-ignore-case"]), SOURCE_TEXTS
    ),
    st.builds(lambda k, v: {k: {"equals-ignore-case": v}}, st.sampled_from(["prefix", "suffix"]), SOURCE_TEXTS),
    SOURCE_TEXTS.map(lambda v: {"anything-but": v}),
    st.builds(lambda k, v: {"anything-but": {k: v}}, st.sampled_from(["prefix", "suffix", "wildcard"]), SOURCE_TEXTS),
    MATCHERS,
    LEAVES,
)
KINDS = ["AwsApiCall", "AwsConsoleSignIn", "AwsServiceEvent", "AwsVpceEvent"]
DETAIL_TYPES = st.sampled_from(["AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail", "Scheduled Event"])
TYPE_MATCHERS = st.one_of(
    DETAIL_TYPES, DETAIL_TYPES.map(lambda v: {"anything-but": v}), st.just({"prefix": "AWS "}), MATCHERS
)
WRAPPER_PATTERNS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.lists(SOURCE_MATCHERS, min_size=1, max_size=2),
        "detail-type": st.lists(TYPE_MATCHERS, min_size=1, max_size=2),
        "account": VALUES,
        "region": VALUES,
        "time": VALUES,
        "version": st.lists(st.one_of(st.just("0"), MATCHERS), min_size=1, max_size=2),
        "resources": VALUES,
        "other": st.one_of(VALUES, st.fixed_dictionaries({"a": VALUES})),
        "detail": st.one_of(PATTERNS, VALUES),
    },
).filter(lambda p: bool(p.keys() & {"source", "detail-type", "detail"}))
SMALL_EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "eventSource": EVENT_SOURCES,
        "eventType": st.one_of(st.sampled_from(KINDS), st.none()),
        "recipientAccountId": LEAVES,
        "userIdentity": st.one_of(st.fixed_dictionaries({}, optional={"accountId": LEAVES}), st.none()),
        "awsRegion": LEAVES,
        "eventTime": LEAVES,
        "a": LEAVES,
        "b": st.dictionaries(KEYS, LEAVES, max_size=2),
    },
)


@st.composite
def wrapper_patterns(draw: st.DrawFn) -> dict[str, Json]:
    pattern = draw(WRAPPER_PATTERNS)
    return {"$or": [pattern, draw(WRAPPER_PATTERNS)]} if draw(st.booleans()) else pattern


@settings(max_examples=250, deadline=None)
@given(wrapper_patterns(), st.lists(SMALL_EVENTS, min_size=1, max_size=4))
def test_a_wrapped_pattern_asks_for_the_wrapped_event(pattern: dict[str, Json], events: list[Json]) -> None:
    """The tree over the bare event holds exactly when the pattern matches what `wrap` makes of it."""
    condition = compiled(pattern)
    if condition is None:
        return
    for event in events:
        expected = naive_match(pattern, event_pattern.wrap(event))
        assert holds(condition.tree, event) == expected, (pattern, event, show(condition.tree))


@settings(max_examples=300, deadline=None)
@given(PATTERNS)
def test_text_and_table_are_one_language(pattern: dict[str, Json]) -> None:
    """A pattern compiles to the same tree, or is refused alike, as JSON text and as a table."""
    text, as_table = json.dumps(pattern), compiled(pattern)
    if as_table is None:
        with pytest.raises(RuleError) as caught:
            event_pattern.parse(text)
        assert caught.value.position is not None
        assert caught.value.line == 1
    else:
        assert event_pattern.parse(text) == as_table
        assert depth(as_table.tree) <= MAX_DEPTH


JSON_VALUES = st.recursive(
    st.one_of(LEAVES, st.sampled_from(["exists", "=", "<"])),
    lambda v: st.one_of(
        st.lists(v, max_size=3),
        st.dictionaries(
            st.sampled_from(["a", "$or", "prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "wildcard"]),
            v,
            max_size=2,
        ),
    ),
    max_leaves=10,
)


@settings(max_examples=250, deadline=None)
@given(JSON_VALUES, EVENTS)
def test_any_json_compiles_or_is_refused(value: Json, event: Json) -> None:
    """Whatever JSON stands where a pattern should is compiled or refused with a located error, and nothing else."""
    text = json.dumps(value)
    try:
        condition = event_pattern.parse(text)
    except RuleError:
        with pytest.raises(RuleError) as caught:
            event_pattern.remarks(text)
        assert caught.value.line is not None
    else:
        event_pattern.remarks(text)
        assert holds(condition.tree, event) in (True, False)
