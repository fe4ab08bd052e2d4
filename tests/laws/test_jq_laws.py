"""Laws of jq rules: the guard never rejects what its program accepts, and no event makes a run raise anything else."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import jq
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.checks import scrub
from pipeline.errors import ProgramError
from pipeline.languages.condition import Verdict, canonical
from pipeline.languages.jq import syntax
from pipeline.languages.jq.engine import ENGINE
from pipeline.languages.jq.guard import guard
from pipeline.languages.jq.tokens import Unsupported
from pipeline.predicate import TRUE, Node, holds

SCALARS: list[Any] = [
    *[None, True, False, 0, 1, 2, -1, 5, 2**63, 10**30, 0.5, 1.0, float("inf"), float("-inf"), float("nan")],
    *["", "a", "A", "ab", "aB", "b\n", "\u017f", "ß", "ss", "\u212a", "x y", "\ufffd", "\ud800", "😀", "\ud83d\ude00"],
]
PROGRAM_PARTS = {
    "path": [".a", ".b", ".a.b", ".c", '."d"', '.["a"]', ".a[]", ".[]", ".a[0]", ".b[1].a", ".a[-1]", ".a?", ".b[]?.a"],
    "text": ['"a"', '"A"', '"ab"', '"b"', '""', '"ss"', '"k"', '"\ufffd"', '"x y"', '"😀"'],
    "const": ["null", "true", "false", "0", "1", "5", "-1", "0.5", "1.0", "[]", "{{}}", '"a"', '"A"', '"x y"', '""'],
    "regex": [
        *["a", "^a", "b$", "^(a|b)$", "a.b", "[ab]+", "^[^a]*$", "s", "ss", "k", "^$", "a|$", "(^a$|b)", "x y"],
        *["^.{{1,2}}$", "a?b*", "\\\\w"],
    ],
    "compare": ["==", "!=", "<", "<=", ">", ">="],
    "join": ["and", "or", "//", ",", "+"],
    "asks": ["startswith", "endswith", "contains", "IN", "index", ". == "],
    "finds": ["test", "match", "capture", "scan"],
    "flags": ['"i"', '"g"', "null", '"gx"'],
    "word": [
        *[
            "any",
            "all",
            "length",
            "type",
            "tostring",
            "first",
            "debug",
            "strings",
            "nulls",
            "values",
            "scalars",
            "keys",
        ],
        *["numbers", "booleans", "arrays", "objects", "iterables", "not", "ascii_downcase"],
    ],
    "maps": ["any", "all", "map", "first", "last", "select", "has", "index"],
    "leaf": [".", "$v", "empty", "error", "{path}", "{path}", "{path}", "{const}"],
    "expr": [
        *["{leaf}", "select({expr})", "select({path} {compare} {const})", "({expr} | {expr})", "({path} | {word})"],
        *["({path} {compare} {const})", "({expr} {compare} {expr})", "({expr} {join} {expr})", "({expr} | not)"],
        *["({path} | {asks}({text}))", "({path} | IN({const}, {const}))", "IN({expr}; {expr})", "({expr} | {word})"],
        *['({path} | {finds}("{regex}"))', '({path} | test("{regex}"; {flags}))', "({expr} | {maps}({expr}))"],
        *["({path} | ascii_downcase | {asks}({text}))", "([{const}, {text}] | index({expr}))", "[{expr}]"],
        *["any({expr}; {expr})", "all({expr}; {expr})", "limit(1; {expr})", "([{expr}] | length {compare} {const})"],
        *[
            "{{a: ({expr}), b: 1}}",
            '"x\\({expr})"',
            "(if {expr} then {expr} else {expr} end)",
            "(if {expr} then {expr} end)",
        ],
        *[
            "(try {expr} catch {expr})",
            "({path} as $v | {expr})",
            "({path} as {{a: $v}} | {expr})",
            "({expr})?",
            "(-{expr})",
        ],
        *["(def not: {path}; {expr})", "(reduce {path} as $v (null; {expr}))", "(label $out | {expr}, break $out)"],
        *["({path}.a = 1)", "({path} | has({text}))", "({path} // {const})", "(({path} // {const}) == {const})"],
        *["({expr} | first({expr}))", ".[{expr}]", "({expr}).a", "({path} | map({path} == {const}) | any)"],
    ],
}


def program(random: Random, kind: str = "expr", depth: int = 4) -> str:
    """Make up a program, inside and outside of what a guard understands."""
    template = random.choice(PROGRAM_PARTS["leaf" if kind == "expr" and depth <= 0 else kind])
    filled = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda found: program(random, found[1], depth - 1), template)
    return filled.replace("{{", "{").replace("}}", "}")


def value(random: Random, depth: int = 3) -> Any:
    """Make up a JSON value; deeper down, and most often, a scalar."""
    kind = random.random()
    if depth == 0 or kind < 0.5:
        return random.choice(SCALARS)
    if kind < 0.65:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice("abcd"): value(random, depth - 1) for _ in range(random.randrange(4))}


def event(random: Random) -> dict[str, Any]:
    """Make up an event that the paths above mostly lead into."""
    return {key: value(random) for key in "abcd" if random.random() < 0.8}


def guard_of(source: str) -> Node:
    """Return the guard as `jq.parse` would."""
    try:
        return guard(syntax.read(source))
    except Unsupported:
        return TRUE


def first_output(compiled: Any, one: dict[str, Any]) -> Any:
    """Return libjq's first output; None where there is none."""
    try:
        return next(iter(compiled.input_text(scrub(canonical(one)))), None)
    except ValueError:
        return None


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_a_guard_holds_for_every_event_its_program_accepts(seed: int) -> None:
    """Whatever the program and the event, if libjq's first output is neither null nor false, the tree holds."""
    random = Random(seed)
    for _ in range(40):
        source = f". as $v | {program(random)}"
        tree = guard_of(source)
        if tree == TRUE:
            continue
        compiled = jq.compile(source)
        for one in (event(random) for _ in range(6)):
            output = first_output(compiled, one)
            assert output is None or output is False or holds(tree, one), (source, one, output)


@settings(max_examples=200, deadline=None)
@given(source=st.sampled_from([".", ".a.b", ".a[0]", '.a | test("a")', "[.. | strings]", ".a + 1"]), seed=st.integers())
def test_a_run_answers_or_raises_a_program_error(source: str, seed: int) -> None:
    """Every event gets a verdict or a ProgramError, whatever is in it."""
    try:
        verdict = ENGINE.run(source, event(Random(seed)))
    except ProgramError:
        return
    assert isinstance(verdict, Verdict)


@settings(max_examples=300, deadline=None)
@given(source=st.text(max_size=40) | st.text(alphabet='.[]()|,"\\$as:;{}?/=! ab1', max_size=40))
def test_the_reader_reads_any_text_or_calls_it_unsupported(source: str) -> None:
    """No text makes the reader of jq's grammar raise anything but Unsupported."""
    guard_of(source)
