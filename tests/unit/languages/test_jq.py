"""jq rules: what matches, what is the annotation, what is refused, and which guard a program gets."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ProgramFailed, ProgramUndecided, RuleError
from pipeline.languages import jq
from pipeline.languages.condition import Verdict
from pipeline.languages.jq.regex import literal, translated
from pipeline.predicate import TRUE, holds
from pipeline.printer import show

EVENT: dict[str, Any] = {
    "eventName": "CreateUser",
    "responseElements": {"user": {"userName": "bob"}},
    "errorCode": None,
    "big": 12345678901234567890123,
    "odd": "\ud800",
    "nan": float("nan"),
}
NO, YES = Verdict(matched=False), Verdict(matched=True)

VERDICTS = [
    ('select(.eventName == "CreateUser") | "username: \\(.responseElements.user.userName)"', "username: bob"),
    ('select(.eventName == "CreateUser")', YES),
    ('select(.eventName == "DeleteUser")', NO),
    ('.eventName == "CreateUser"', YES),
    ('.eventName == "DeleteUser"', NO),
    (".", YES),
    ("empty", NO),
    (".errorCode", NO),
    (".missing", NO),
    (".missing.too", NO),
    ("false, true", NO),
    ("true, error", YES),
    (".responseElements.user", {"userName": "bob"}),
    ('.eventName | ascii_downcase | select(startswith("create"))', "createuser"),
    ("0", 0),
    ('""', ""),
    ("[]", []),
    (".odd", "\ufffd"),
    ("$__loc__.line", 1),
]


@pytest.mark.parametrize(("source", "expected"), VERDICTS)
def test_the_first_output_decides_and_annotates(source: str, expected: Any) -> None:
    """null, false and nothing do not match; true and the event itself match without a word; the rest is the word."""
    expected = expected if isinstance(expected, Verdict) else Verdict(matched=True, annotation=expected)
    assert jq.parse(source).decide(EVENT, "") == expected


@pytest.mark.parametrize("source", [".eventName.x", 'error("told")', ".eventName + 1", '{} | test("a")', ".a | error"])
def test_an_ordinary_failure_is_told_and_does_not_match(source: str) -> None:
    """Libjq's own words are kept."""
    with pytest.raises(ProgramFailed, match=r"^jq: "):
        jq.program(source).run(EVENT, "")
    assert not jq.parse(source).matches(EVENT)


def test_a_large_annotation_is_cut() -> None:
    """The beginning of its text remains."""
    verdict = jq.program(".long").run({"long": "x" * 100_000}, "")
    assert verdict.matched
    assert verdict.annotation == "x" * 32_768 + "…"


def test_an_annotation_nested_too_deeply_is_only_mentioned() -> None:
    """It still matches."""
    verdict = jq.program("reduce range(5000) as $i (.; [.])").run(EVENT, "")
    assert verdict == Verdict(matched=True, annotation="(nested too deeply to show)")


def test_a_program_is_made_again_from_its_source() -> None:
    """Equal sources make equal programs."""
    program = jq.parse(".a").program
    assert program is not None
    assert (program.language, program.source) == ("jq", ".a")
    assert jq.program(program.source) == program


REFUSED = [
    ("", "an empty jq program", None, None),
    ("  \n", "an empty jq program", None, None),
    ("select(", "unexpected end of file", 6, 1),
    ("foo.bar.baz", "foo/0 is not defined", 0, 1),
    (".a |\n  foo", "foo/0 is not defined", 7, 2),
    ('"é" | foo', "foo/0 is not defined", 6, 1),
    ("select(.a == 'x')", "INVALID_CHARACTER", 13, 1),
    ("$x", "$x is not defined", 0, 1),
    ("env.HOME", "`env` is not available", 0, None),
    ("$ENV", "`$ENV` is not available", 0, None),
    ('"\\(env.HOME)"', "`env` is not available", 3, None),
    ("[inputs]", "`inputs` is not available", 1, None),
    ("def f: input; f", "`input` is not available", 7, None),
    ("if halt then 1 else 2 end", "`halt` is not available", 3, None),
    ('# c\n import "a" as a; 1', "`import` is not available", 5, None),
    ('.a | test("(")', "end pattern with unmatched parenthesis", 5, None),
    ('.a | test("a"; "q")', "not a valid modifier", 5, None),
    (".a\0 | garbage", "cannot hold", 2, None),
    ('"\ud800"', "cannot hold", 1, None),
    (" " * 70_000, "an empty jq program", None, None),
    ("." + " " * 70_000, "more than 65536 characters", None, None),
]


@pytest.mark.parametrize(("source", "message", "position", "line"), REFUSED)
def test_what_cannot_be_a_rule_is_refused_where_it_stands(
    source: str, message: str, position: int | None, line: int | None
) -> None:
    """Syntax errors have libjq's place; what a rule may not do is named."""
    with pytest.raises(RuleError) as caught:
        jq.parse(source)
    assert message in caught.value.message
    assert (caught.value.position, caught.value.line) == (position, line)


@pytest.mark.parametrize("source", [".env", "{env: 1}", '{"a": 1, input: 2} | .input', "def env: 1; env", '"env"'])
def test_names_that_only_look_forbidden_are_allowed(source: str) -> None:
    """Fields, keys and own definitions may have any name."""
    assert jq.parse(source).program is not None


GUARDS = [
    ('select(.eventName == "CreateUser") | "x\\(.a)"', 'eventName is "CreateUser"'),
    ('select(.a.b == "x" and .c != "y")', 'a.b is "x" and not (c is "y")'),
    ('select(.a == "x" or .b == "y")', 'a is "x" or b is "y"'),
    ('select(.a == "x" | not)', 'not (a is "x")'),
    ("select(.a == null)", "not (a is of type array or boolean or number or object or string)"),
    ("select(.a == true)", "a is true"),
    ("select(.a == 5)", "a is the number 5"),
    ('select(.a | startswith("x"))', 'a begins with "x"'),
    ('.a | select(endswith("x")) | "y"', 'a ends with "x"'),
    ('select(.a | contains("x"))', 'a contains "x"'),
    ('select(.a | test("^(Delete|Put)"))', "a matches /\\A(?:Delete|Put)/"),
    ('select(.a | test("Policy$"))', "a matches /Policy(?:\\n?\\z)/"),
    ('select(.a | test("a\\\\.b"))', 'a contains "a.b"'),
    ('select(.a | test("\\\\w+"))', "always"),
    ('select(.a | test("abc"; "i"))', 'a contains "abc" (any case)'),
    ('select(.a | IN("x", "y"))', 'a is one of "x", "y"'),
    ('select(.a | IN("x", "y") | not)', 'not (a is "x") and not (a is "y")'),
    ('.a as $n | select(["x", "y"] | index($n))', 'a is one of "x", "y" or a is of type array'),
    ('select(["x", "y"] | any(. == "x"))', "always"),
    ('select(.a[] == "x")', 'a[*] is "x"'),
    ('select(any(.a[]; .b == "x"))', 'a[*].b is "x"'),
    ('select([.a[] | select(.b == "x")] | length > 0)', 'a[*].b is "x"'),
    ('select(.a | map(.b == "x") | any)', 'a[*].b is "x"'),
    ('select(.a["b"][0]."c"? == "x")', 'a.b[0].c is "x"'),
    ('select(.a | has("b"))', "a.b exists"),
    ('select((.a | ascii_downcase) == "x")', 'a is of type string and a is "x" (any case)'),
    ('if .a == "x" then .b == "y" else false end', 'a is "x" and b is "y"'),
    ('.a == "x" and (.b | fromjson | .c)', 'a is "x"'),
    ('select(.a == "\ufffd")', "always"),
    ('select(.a == "😀")', "always"),
    ("select(.a == 12345678901234567890)", "always"),
    ("def select(f): .; select(.a == 1)", "always"),
    (".a |= 1", "always"),
    ("1 as $x | .a == $x", "a is the number 1"),
    ("empty", "never"),
    ('select(.a == "x") # a comment', 'a is "x"'),
]


@pytest.mark.parametrize(("source", "guard"), GUARDS)
def test_a_guard_says_what_can_be_told_from_the_program(source: str, guard: str) -> None:
    """What is not understood is always true."""
    assert show(jq.parse(source).tree) == guard


@pytest.mark.parametrize("depth", [10, 50, 100, 500])
def test_a_deeply_nested_program_still_compiles(depth: int) -> None:
    """Beyond what the reader follows there is no guard, and never an error."""
    assert jq.parse("(" * depth + '.a == "x"' + ")" * depth).matches({"a": "x"})


def test_a_guard_that_would_be_enormous_is_left_out() -> None:
    """Hundreds of alternatives that nothing joins cost more than they save."""
    source = " or ".join(f"(.a{n} and .b{n})" for n in range(900))
    assert jq.parse(source).tree == TRUE


REGEXES = [
    ("abc", "abc"),
    ("^a|b$", "\\Aa|b(?:\\n?\\z)"),
    ("^(a|b)$", "\\A(?:a|b)(?:\\n?\\z)"),
    ("[a-z]+\\.x{1,3}?", None),
    ("[^a]{2,}", "[^a]{2,}"),
    ("a$b", None),
    ("(a$)b", None),
    ("a**", None),
    ("a++", None),
    ("(?=a)", None),
    ("(?i)a", None),
    ("\\d", None),
    ("\\bx", None),
    ("[[:alpha:]]", None),
    ("[a&&b]", None),
    ("a{", None),
    ("(a", None),
    ("a)", None),
    ("é", None),
    ("*a", None),
]


@pytest.mark.parametrize(("pattern", "expected"), REGEXES)
def test_only_regexes_that_both_engines_read_alike_are_translated(pattern: str, expected: str | None) -> None:
    """The others are left to libjq."""
    assert translated(pattern) == expected


@pytest.mark.parametrize(("pattern", "text"), [("ab c", "ab c"), ("a\\.b", "a.b"), ("a.b", None), ("a\\d", None)])
def test_a_regex_without_operators_is_a_text(pattern: str, text: str | None) -> None:
    """Escaped punctuation is itself."""
    assert literal(pattern) == text


@pytest.mark.parametrize(
    "source",
    [
        "select(.a | IN({}))".format(", ".join(f'"{n}"' for n in range(500))),
        "select({})".format(" or ".join(f'.a == "{n}"' for n in range(500))),
        ".a as $a | select([{}] | index($a))".format(", ".join(f'"{n}"' for n in range(500))),
    ],
)
def test_a_long_list_of_names_keeps_its_guard(source: str) -> None:
    """One check asks for all of them."""
    condition = jq.parse(source)
    assert len(show(condition.tree)) < 6000
    assert condition.matches({"a": "499"})
    assert not holds(condition.tree, {"a": "500"})


def test_undecided_is_not_a_match() -> None:
    """`matches` has no third answer; `decide` tells."""
    condition = jq.parse('select(.a | test("^(\\\\w+)+$"))')
    event = {"a": "a" * 60 + "!"}
    assert not condition.matches(event)
    with pytest.raises(ProgramUndecided):
        condition.decide(event, "")
