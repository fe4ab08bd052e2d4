"""Python expressions mean what Python makes of them over the flattened event, and their guard trees miss nothing.

The witness is Python's own `eval` of the rule over the event flattened by five lines of recursion.
"""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ProgramFailed, ProgramUndecided, RuleError
from pipeline.languages.python_expression import parse, program
from pipeline.languages.python_expression.flat_event import MISSING, flatten, lookup
from pipeline.predicate import MAX_DEPTH, depth, holds
from pipeline.printer import show

Json = Any


def flat(value: Json, name: str = "") -> dict[str, Json]:
    if isinstance(value, dict):
        return {k: v for key in value for k, v in flat(value[key], f"{name}{key}.").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in flat(item, f"{name}{index}.").items()}
    return {name[:-1]: value}


BUILTINS = {"any": any, "all": all, "len": len, "str": str, "int": int, "bool": bool, "max": max, "sorted": sorted}


def python_says(rule: str, event: Json) -> object:
    """Return the value, or the class of the exception."""
    try:
        return eval(rule, {"__builtins__": BUILTINS, "event": flat(event)})
    except Exception as error:  # noqa: BLE001 - a random rule raises anything
        return type(error)


# ---- random rules and events ----

NAMES = st.sampled_from(["a", "b", "0", "1", "a.b", "a.0", "", ".", "x"])
KEYS = st.sampled_from(["a", "b", "a.b", "a.0", "a.b.0", "b.1.a", "x", "a..b", ".", "", "a.a.b", "0.a", "a.00", "b.-1"])
TEXTS = st.sampled_from(
    ["", "a", "b", "ab", "Root", "root", "ROOT", "10.0.0.1", "é", "ß", "SS", "\u0131", "K", "ΑΣ", "x,y"]
)
BIG = st.sampled_from([2**53, 2**53 + 1, 10**30, int(1e300), 1e300, 1e16, 0.1, 2.5, -0.0, 1e308])
NUMBERS = st.one_of(st.integers(-2, 3), st.sampled_from([1.0, 0.0]), BIG)
ODD_NUMBERS = st.sampled_from([float("inf"), float("-inf"), float("nan")])
LEAVES = st.one_of(TEXTS, NUMBERS, ODD_NUMBERS, st.none(), st.booleans())
VALUES = st.recursive(
    LEAVES, lambda v: st.one_of(st.lists(v, max_size=2), st.dictionaries(NAMES, v, max_size=2)), max_leaves=6
)
EVENTS = st.dictionaries(NAMES, VALUES, max_size=4)

CONSTANTS = st.one_of(TEXTS, NUMBERS, st.none(), st.booleans()).map(repr)


@st.composite
def look_ups(draw: st.DrawFn) -> str:
    """Draw an expression for a value: mostly a field of the event."""
    key = repr(draw(KEYS))
    forms = [f"event[{key}]", f"event.get({key})", f"event.get({key}, {draw(CONSTANTS)})", f"event.get({key}, '')"]
    text = draw(st.sampled_from(forms))
    method = draw(
        st.sampled_from(["", "", "", "", ".lower()", ".upper()", ".casefold()", ".strip()", ".split(',')[0]"])
    )
    return f"{text}{method}"


@st.composite
def atoms(draw: st.DrawFn) -> str:
    """Draw a question about the event."""
    value, other = draw(look_ups()), draw(st.one_of(CONSTANTS, CONSTANTS, look_ups()))
    texts = ", ".join(repr(text) for text in draw(st.lists(TEXTS, min_size=1, max_size=3)))
    constants = ", ".join(draw(st.lists(CONSTANTS, min_size=1, max_size=3)))
    compare = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]))
    forms = [
        value,
        other,
        f"{value} {compare} {other}",
        f"{other} {compare} {value}",
        f"{value} {draw(st.sampled_from(['in', 'not in']))} [{constants}]",
        f"{value} in {{{constants}}}",
        f"{value} not in ({constants},)",
        f"{draw(TEXTS)!r} {draw(st.sampled_from(['in', 'not in']))} {value}",
        f"{value}.startswith(({texts},))",
        f"{value}.endswith({draw(TEXTS)!r})",
        f"{draw(KEYS)!r} {draw(st.sampled_from(['in', 'not in']))} event",
        f"{value} is {draw(st.sampled_from(['None', 'True', 'not None', 'not False']))}",
        f"len({value}) {draw(st.sampled_from(['>', '==']))} 1",
        f"str({value}) == {draw(TEXTS)!r}",
        f"{draw(CONSTANTS)} < {value} <= {draw(CONSTANTS)}",
        f"{value} + 'b' == 'ab'",
        f"any(t in {value} for t in [{texts}])",
        f"all([{value}, {other}])",
        f"any({other} in v for k, v in event.items() if k != 'x')",
        f"len(event) > {draw(st.integers(0, 3))}",
        f"f'{{{value}}}-b' == 'a-b'" if "'" not in value else value,
    ]
    return draw(st.sampled_from(forms))


@st.composite
def rules(draw: st.DrawFn, depth_left: int = 2) -> str:
    """Draw a rule: questions joined by and, or, not and conditions."""
    if depth_left == 0 or draw(st.integers(0, 3)) == 0:
        return draw(atoms())
    first, second = draw(rules(depth_left - 1)), draw(rules(depth_left - 1))
    forms = [
        f"({first}) and ({second})",
        f"({first}) or ({second})",
        f"not ({first})",
        f"not (({first}) or ({second}))",
    ]
    forms += [f"({first}) if ({second}) else ({draw(atoms())})", f"bool({first})", f"not (({first}) and ({second}))"]
    return draw(st.sampled_from(forms))


@settings(max_examples=150, deadline=None)
@given(rules(), st.lists(EVENTS, min_size=1, max_size=4))
def test_a_rule_is_what_python_makes_of_it(rule: str, events: list[Json]) -> None:
    """A program matches when Python's result is True itself, and fails when Python raises."""
    condition = parse(rule)
    assert condition.program is not None
    for event in events:
        expected = python_says(rule, event)
        try:
            matched = condition.program.run(event, "").matched
        except ProgramFailed:
            assert isinstance(expected, type), (rule, event, expected)
        else:
            assert not isinstance(expected, type), (rule, event, expected)
            assert matched == (expected is True), (rule, event, expected)


@settings(max_examples=150, deadline=None)
@given(rules(), st.lists(EVENTS, min_size=1, max_size=4))
def test_the_guard_misses_nothing(rule: str, events: list[Json]) -> None:
    """Whatever event Python accepts, the guard tree admits."""
    condition = parse(rule)
    assert depth(condition.tree) <= MAX_DEPTH
    for event in events:
        if python_says(rule, event) is True:
            assert holds(condition.tree, event), (rule, event, show(condition.tree))
            assert condition.matches(event)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text("ab.01", max_size=4), VALUES, max_size=3), st.text("ab.01", max_size=8))
def test_looking_up_is_flattening(event: Json, key: str) -> None:
    """A key found in the nested event is the key of the flattened event, collisions included."""
    expected = flat(event)
    assert repr(flatten(event)) == repr(expected)
    for each in (key, *expected):
        assert repr(lookup(event, each)) == repr(expected.get(each, MISSING))


TOKENS = st.sampled_from(
    [
        *(
            "event",
            "event[",
            "['a']",
            ".get(",
            "'a'",
            "f'{",
            "}'",
            "x",
            "1",
            "9",
            "\n",
            "[",
            "]",
            "(",
            ")",
            "{",
            "}",
            "()",
        ),
        *("and", "or", "not", "in", "is", "for", "if", "else", "lambda", "None", "any", "str", "startswith", "join"),
        *("==", "<", "**", "*", "+", "-", "%", ",", ":", ".", ":=", "__class__", "replace"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(TOKENS, max_size=10).map(" ".join), EVENTS)
def test_any_text_compiles_or_is_refused(text: str, event: Json) -> None:
    """A text is compiled or refused with a RuleError, and a program raises ProgramFailed or ProgramUndecided only."""
    try:
        condition = parse(text)
    except RuleError:
        return
    assert program(text) == condition.program
    assert condition.program is not None
    with contextlib.suppress(ProgramFailed, ProgramUndecided):
        condition.program.run(event, "")
