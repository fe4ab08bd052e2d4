"""Laws of filter patterns, against a witness that knows only the truth tables and shares no code with the package.

The witness works on generated descriptions, from which the pattern's text is written beside it.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Any

import pytest
from filter_pattern_witness import (
    NUMBER_TEXTS,
    condition_holds,
    decided,
    line_matches,
    regexes_in,
    wildcards_in,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PatternError
from pipeline.languages.condition import canonical
from pipeline.languages.filter_pattern import FilterPattern, explain, parse
from pipeline.predicate import holds

LAW = settings(max_examples=300, deadline=None)

# ---- events: few keys and values, so that patterns often hit

TEXTS = ["", "x", "xy", "yx", "x*", "X", "1", "1.0", "01", "true", "null", "x y", '"', "\\", "\ud800x", "\u00e9"]
SCALARS = [*NUMBER_TEXTS.values(), math.inf, *TEXTS, True, False, None]
KEYS = ["a", "b", "a.b"]

values = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
events = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)

# ---- conditions on JSON, as (steps, operator, kind, literal)

REGEXES = ["x", "^x$", "^[0-9]+$", "y|1", "x*"]
LITERALS = ["0", "1", "1.0", "+1", "-1", "12", "01", ".5", "1e3", "9007199254740992", "1e309"]
WILDS = ["x", "x*", "*x", "*x*", "*", "**", "**x", "***", "x*y", "*1", "1*", "true", "\\", '"']

steps = st.lists(st.sampled_from([".a", ".b", ".['a.b']", "[0]", "[1]", "[*]", ".*"]), min_size=1, max_size=3).filter(
    lambda found: not found[0].startswith("[") and sum("*" in step for step in found) <= 1
)
operands = (
    st.tuples(st.sampled_from(["=", "!="]), st.just("text"), st.sampled_from(WILDS))
    | st.tuples(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.just("number"), st.sampled_from(LITERALS))
    | st.tuples(st.sampled_from(["=", "!="]), st.just("regex"), st.sampled_from(REGEXES))
)
unary = st.sampled_from([("IS NULL", "", ""), ("IS TRUE", "", ""), ("IS FALSE", "", ""), ("NOT EXISTS", "", "")])
conditions = st.tuples(steps, operands | unary)


def expressions(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Join conditions at random: a leaf, or ("&&" or "||", parts)."""
    joined = lambda inner: st.tuples(st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=3))  # noqa: E731 - a strategy
    return st.recursive(leaves.map(lambda leaf: ("leaf", leaf)), joined, max_leaves=4)


# ---- laws of the form in braces

SELECTORS = [[".a"], [".a", ".b"], [".a", "[*]"], [".a", ".*", ".b"], [".*"], [".a", "[1]"], [".['a.b']"]]
OPERANDS = [
    *itertools.product(["=", "!="], ["text"], WILDS),
    *itertools.product(["=", "!=", "<", "<=", ">", ">="], ["number"], LITERALS),
    *itertools.product(["=", "!="], ["regex"], REGEXES),
    *((word, "", "") for word in ("IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS")),
]
NESTED = [[], {}, [None], [1, None], [[None]], [[1]], ["x", "y"], [True], [math.inf], [{"b": None}], [{"b": [None]}]]
NODES = [*SCALARS, *NESTED, {"b": 1}, {"b": "x"}, {"b": None}, {"b": math.inf}, {"c": {"b": 1}}, {"b": {"b": "x"}}]
EVENTS: list[dict[str, Any]] = [{}, *({"a": node} for node in NODES), *({"a.b": node} for node in SCALARS)]


def json_pattern(expression: Any) -> str:
    """Write an expression as a pattern in braces."""
    return f"{{ {written(expression, lambda steps_: '$' + ''.join(steps_))} }}"


@pytest.mark.parametrize("selector", SELECTORS, ids="".join)
def test_every_condition_means_on_every_value_what_the_truth_tables_say(selector: list[str]) -> None:
    """Package and witness agree on the whole grid of operators, values and nodes."""
    for operand in OPERANDS:
        tree = parse(json_pattern(("leaf", (selector, operand)))).tree
        for event in EVENTS:
            assert holds(tree, event) is condition_holds((selector, operand), event), (operand, event)


json_expressions = expressions(conditions).filter(lambda found: regexes_in(found) <= 2 and wildcards_in(found) <= 3)


@LAW
@given(json_expressions, events)
def test_json_conditions_mean_what_the_truth_tables_say(expression: Any, event: dict[str, Any]) -> None:
    """For every pattern in braces and every event, the package and the witness agree, on the event and on its tree."""
    pattern = parse(json_pattern(expression))
    expected = decided(expression, lambda leaf: condition_holds(leaf, event))
    assert pattern.matches(event) is expected
    assert holds(pattern.tree, event) is expected
    assert parse(str(pattern)) == pattern
    explain(pattern)


@LAW
@given(json_expressions, events)
def test_an_event_and_its_text_are_judged_alike(expression: Any, event: dict[str, Any]) -> None:
    """A pattern says the same of an event and of its message, whichever blanks and escapes the message has."""
    pattern = parse(json_pattern(expression))
    texts = [json.dumps(event), json.dumps(event, indent=1, ensure_ascii=False), canonical(event)]
    for text in texts:
        assert pattern.matches(text.replace("Infinity", "1e309")) is pattern.matches(event)


# ---- laws of terms

terms = st.lists(
    st.tuples(st.sampled_from(["", "", "-", "?"]), st.sampled_from(["a", "b", "ab", ".", "a b", '"', "\\", "*"])),
    max_size=4,
)
lines = st.text(alphabet='ab .*"\\[]1x\n\t\ud800', max_size=12)


@LAW
@given(terms, lines)
def test_terms_are_substrings(found_terms: list[tuple[str, str]], line: str) -> None:
    """All plain terms occur and no excluded one does; optional ones count only where there are no others."""
    quoted = [sign + '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for sign, text in found_terms]
    pattern = parse(" ".join(quoted))
    if found_terms and all(sign == "?" for sign, _ in found_terms):
        expected = any(text in line for _, text in found_terms)
    else:
        expected = all((text in line) is (sign == "") for sign, text in found_terms if sign != "?")
    assert pattern.matches(line) is expected
    assert parse(str(pattern)) == pattern


# ---- laws of the space-delimited form


def field_regexes(found_entries: list[Any]) -> int:
    """Count the regexes, of which a pattern has two at most."""
    return sum(regexes_in(entry) for entry in found_entries if type(entry) is tuple)


field_conditions = expressions(st.tuples(st.just([]), operands))
entries = st.lists(st.just("...") | st.none() | field_conditions, min_size=1, max_size=4).filter(
    lambda found: (
        found != [None]
        and found.count("...") <= 1
        and sum(regexes_in(entry) for entry in found if type(entry) is tuple) <= 2
    )
)


def space_pattern(found_entries: list[Any]) -> str:
    """Write entries as a space-delimited pattern."""
    texts = [
        entry if type(entry) is str else "" if entry is None else written(entry, lambda _, name=f"f{place}": name)
        for place, entry in enumerate(found_entries)
    ]
    return f"[{','.join(texts)}]"


@LAW
@given(entries, lines)
def test_fields_are_split_and_compared_as_the_reference_says(found_entries: list[Any], line: str) -> None:
    """Package and witness agree on every line; the tree beside the program admits whatever the program accepts."""
    pattern = parse(space_pattern(found_entries))
    assert pattern.matches(line) is line_matches(found_entries, line)
    assert holds(pattern.tree, {}, line) or not pattern.matches(line)
    assert parse(str(pattern)) == pattern


SHAPES: list[list[Any]] = [
    list(shape)
    for size in (1, 2, 3)
    for shape in itertools.product([None, "...", "here"], repeat=size)
    if "here" in shape and shape.count("...") < 2
]
LINES = [
    *["", " ", "x", " x", "x ", "x y", "x  y ", '"x"', '"x" y', '"x"y', "[x] y", '"x y', "[x y", 'y "x"', 'y "x" '],
    *["1", "1.0 x", "x 1.0", "+1", "01", ".5 .5", "1e3", "1e309", "nan", "1x", "12 12 12 12", '""', "[] []", "y [x]x"],
    *["x\ny\tx", "x* y x*", "inf", "-1", "1 -1 1", "9007199254740993"],
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_field_is_found_and_compared_on_every_line(shape: list[Any]) -> None:
    """Package and witness agree on the whole grid of operators, values, places in the pattern and lines."""
    for operand in OPERANDS[:-4]:
        found_entries = [("leaf", ([], operand)) if entry == "here" else entry for entry in shape]
        if field_regexes(found_entries) > 2:
            continue
        pattern = parse(space_pattern(found_entries))
        for line in LINES:
            assert pattern.matches(line) is line_matches(found_entries, line), (operand, line)


# ---- laws of any text

TOKENS = [
    *'{}[]()%"$.,*-?=<>!&|\\ \n\t1ax_:\u00e9\ud800',
    *[
        "$.a",
        "&&",
        "||",
        "IS",
        "NULL",
        "TRUE",
        "NOT",
        "EXISTS",
        "...",
        '"x"',
        "%x%",
        "!=",
        "1e3",
        "['k']",
        "[*]",
        "[0]",
        ".*",
    ],
]
soup = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)
patterns = (
    soup
    | soup.map(lambda text: f"{{ $.a{text} }}")
    | soup.map(lambda text: f"[a{text}]")
    | soup.map(lambda text: f"%{text}%")
)


def parsed(text: str) -> FilterPattern | PatternError:
    """Return the pattern, or the error it raises."""
    try:
        return parse(text)
    except PatternError as error:
        return error


@settings(max_examples=1500, deadline=None)
@given(patterns | st.text(max_size=40), st.text(max_size=20) | soup)
def test_any_text_is_a_pattern_or_a_located_error(text: str, message: str) -> None:
    """A text either raises PatternError with a place in it, or prints back to an equal pattern and answers."""
    pattern = parsed(text)
    if isinstance(pattern, PatternError):
        assert pattern.position is not None
        assert 0 <= pattern.position <= len(text)
        return
    assert len(str(pattern)) <= 1024
    assert parse(str(pattern)) == pattern
    assert pattern.matches(message) is parse(str(pattern)).matches(message)
    assert explain(text).canonical == str(pattern)


@LAW
@given(soup.map(lambda text: f"%{text}%"), lines)
def test_a_regex_means_the_same_to_another_engine(text: str, line: str) -> None:
    """Whatever regex is accepted, Python's engine finds the same with it."""
    pattern = parsed(text)
    if isinstance(pattern, PatternError):
        return
    source = re.sub(r"(?<!\\)\$", r"\\Z", text.strip(" \t\r\n")[1:-1])
    if "\\" in text or "[" in text:
        return  # escapes and classes are read differently enough that the tables hold them
    assert pattern.matches(line) is (re.search(source, line, re.ASCII) is not None)


@LAW
@given(patterns)
def test_the_tight_and_the_readable_form_are_one_pattern(text: str) -> None:
    """Blanks around and between tokens, and the length they cost, change nothing."""
    pattern = parsed(text)
    if isinstance(pattern, PatternError):
        return
    assert parse(f" \n{pattern}\t ") == pattern
