"""Filter patterns as conditions: the tree, the program, the canonical form, limits, hostile patterns."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import PatternError
from pipeline.languages.condition import Condition, Verdict
from pipeline.languages.filter_pattern import MAX_LENGTH, FilterPattern, parse, program
from pipeline.predicate import TRUE, depth, holds
from pipeline.printer import show

EVENT = {"eventName": "StopLogging", "userIdentity": {"type": "Root"}, "readOnly": False, "n": 5}


# ---- as a condition


def test_an_event_and_its_message_are_judged_alike() -> None:
    """A pattern says the same of an event and of its message, JSON blanks notwithstanding."""
    pattern = parse('{ $.eventName = "Stop*" && $.readOnly IS FALSE }')
    assert pattern.matches(EVENT)
    assert pattern.matches('{"eventName": "StopLogging", "readOnly": false}')
    assert pattern.decide(EVENT, "") == Verdict(matched=True)
    assert holds(pattern.tree, EVENT)


def test_an_event_is_searched_as_cloudtrail_writes_it_unless_its_message_is_given() -> None:
    """Terms search an event as compact JSON, or the message that came with it."""
    pattern = parse(r'"\"eventName\":\"StopLogging\""')
    assert pattern.matches(EVENT)
    assert not pattern.matches(EVENT, '{"eventName": "StopLogging"}')
    assert pattern.matches(EVENT, 'x "eventName":"StopLogging"')


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", "always"),
        ("a -b", 'raw contains "a" and not (raw contains "b")'),
        ("?a ?b", 'raw contains "a" or raw contains "b"'),
        ("?a b", 'raw contains "b"'),
        ("%a.b%", "raw matches /a.b/"),
        ('{ $.a.b = "x*" }', 'a.b begins with "x"'),
        ("{ $.a = 5 }", 'a is "5" or a is the number 5'),
        ("{ $.a > 5 }", "a is a number > 5"),
        ("{ $.a[*] != x }", 'a exists and not (a[*] is "x")'),
        ("{ $.a NOT EXISTS }", "not (a exists)"),
        ("{ $.a IS NULL }", "a is null or (a is of type array and a[*] is null)"),
        ('{ $.a != "x" }', 'a is of type number or string and not (a is "x")'),
    ],
)
def test_a_form_that_needs_no_program_is_an_exact_tree(text: str, tree: str) -> None:
    """Terms, regexes and JSON conditions are trees and nothing else."""
    assert show(parse(text).tree) == tree
    assert parse(text).program is None


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("[a, b]", "always"),
        ("[a=ERROR, b]", 'raw contains "ERROR"'),
        ('[a="*x*" && a!=y, b=z]', 'raw contains "x" and raw contains "z"'),
        ("[a=x || a=y, b]", 'raw contains "x" or raw contains "y"'),
        ("[a=x || a=5, b]", "always"),
        ("[a=%x%, b]", "always"),
    ],
)
def test_the_tree_beside_a_program_asks_for_the_texts_it_cannot_do_without(text: str, tree: str) -> None:
    """A space-delimited pattern has a program, and a tree of the texts that must occur."""
    assert show(parse(text).tree) == tree
    assert parse(text).program is not None


def test_a_program_is_rebuilt_from_its_source() -> None:
    """A program's source compiles to the same program again."""
    text = "[level=ERROR || level=FATAL, ..., size>10]"
    compiled = parse(text).program
    assert compiled is not None
    assert (compiled.language, compiled.source) == ("filter_pattern", text)
    again = program(compiled.source)
    assert again == compiled
    assert again.run({}, "ERROR x 11").matched
    assert not again.run({}, "ERROR x 10").matched


def test_a_pattern_that_is_a_tree_has_no_program_to_rebuild() -> None:
    """Asking for the program of a tree is an error."""
    with pytest.raises(PatternError, match="has no program"):
        program("ERROR")


def test_every_form_says_whether_it_reads_the_raw_message() -> None:
    """Only JSON conditions do without the message."""
    assert parse("ERROR").reads_raw()
    assert parse("%x%").reads_raw()
    assert not parse("{ $.a = 1 }").reads_raw()


# ---- the canonical form

CANONICAL = [
    ("  ", ""),
    ('"ERROR"  x', "ERROR x"),
    ("a-b?c", "a -b ?c"),
    ('"two words"', '"two words"'),
    ("% a%", "% a%"),
    ("{$.a=x&&($.b=1||($.c!=2))}", '{ $.a = "x" && ($.b = 1 || $.c != 2) }'),
    ("{ ($.a=x)&&($.b=y)||$.c=z }", '{ ($.a = "x" && $.b = "y") || $.c = "z" }'),
    ("{ $.a[*].b is null || $.['k'][01] not exists }", "{ $.a.*.b IS NULL || $.k[1] NOT EXISTS }"),
    ("{ $.['a b'] = %x% }", "{ $.['a b'] = %x% }"),
    (r'{ $.a = "c:\d\\" || $.a = "\"" }', r'{ $.a = "c:\d\\" || $.a = "\"" }'),
    ("[a,,b=1||(b=2&&b!=x),...]", '[a, , b = 1 || (b = 2 && b != "x"), ...]'),
    ("[ ]", "[]"),
    ("[,]", "[, ]"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_a_pattern_has_one_canonical_form(text: str, canonical: str) -> None:
    """Patterns that say the same print alike, and what is printed parses to an equal pattern."""
    pattern = parse(text)
    assert str(pattern) == canonical
    assert parse(canonical) == pattern
    assert hash(parse(canonical)) == hash(pattern)


def test_patterns_that_say_something_else_are_unequal() -> None:
    """Number and text, names and order of terms make a difference."""
    assert parse("{ $.a = 1 }") != parse('{ $.a = "1" }')
    assert parse("{ $.a = 1 }") != parse("{ $.a = 1.0 }")
    assert parse("[a=1]") != parse("[b=1]")
    assert parse("a b") != parse("b a")


@pytest.mark.parametrize(
    "text",
    [
        "{" + "||".join(f"$.e=N{number}" for number in range(1000))[:1021].rsplit("||", 1)[0] + "}",
        "-".join("a" * 500),
        "[" + ",".join(f"a{number}=b" for number in range(1000))[:1021].rsplit(",", 1)[0] + "]",
    ],
)
def test_a_canonical_form_too_long_to_be_a_pattern_is_written_tightly(text: str) -> None:
    """The printed form never exceeds the length limit, even where a readable one would."""
    pattern = parse(text)
    assert len(str(pattern)) <= MAX_LENGTH
    assert parse(str(pattern)) == pattern


# ---- limits and monsters


def test_length_counts_every_character_as_it_stands() -> None:
    """The limit counts characters, the blanks around the pattern included."""
    assert parse("x" * MAX_LENGTH).matches("x" * MAX_LENGTH)
    assert parse("é" * MAX_LENGTH)
    with pytest.raises(PatternError) as caught:
        parse("x" * MAX_LENGTH + " ")
    assert caught.value.position == MAX_LENGTH


def test_a_pattern_is_a_text() -> None:
    """Anything but a text is rejected like a broken pattern."""
    anything: Any = None
    with pytest.raises(PatternError):
        parse(anything)


@pytest.mark.parametrize("count", [1, 100, 508])
def test_nested_parentheses_are_read_however_many_there_are(count: int) -> None:
    """Five hundred parentheses mean no more than one pair."""
    pattern = parse("{" + "(" * count + "$.a=1" + ")" * count + "}")
    assert pattern == parse("{ $.a = 1 }")


def _alternating(leaf: str, opening: str, closing: str) -> str:
    """Nest || and && as deeply as the length limit allows."""
    begin, end = opening, closing
    for joiner in ["||", "&&"] * 200:
        longer = f"{begin}{leaf}{joiner}("
        if len(longer) + len(leaf) + len(end) + 1 > MAX_LENGTH:
            break
        begin, end = longer, f"){end}"
    return f"{begin}{leaf}{end}"


@pytest.mark.parametrize(
    "text",
    [
        _alternating("$.a=1", "{", "}"),
        _alternating("$.a[*]=1", "{", "}").replace("[*]", ""),
        _alternating("$.a!=1", "{", "}"),
        _alternating("a=1", "[", "]"),
        _alternating("a!=1", "[", "]"),
        _alternating("a=x", "[", "]"),
    ],
)
def test_the_deepest_pattern_is_answered(text: str) -> None:
    """The deepest nesting stays within what trees may be, prints, and answers."""
    pattern = parse(text)
    assert depth(pattern.tree) <= 200
    assert parse(str(pattern)) == pattern
    assert isinstance(pattern.matches('{"a":1}'), bool)
    assert isinstance(pattern.matches("1"), bool)


@pytest.mark.parametrize(
    "text",
    [
        "%" + "a*" * 500 + "b%",
        "%" + "a?" * 400 + "a" * 200 + "b%",
        "%" + ".*" * 400 + "x%",
        "%[^b]{900}c%",
        "%a.{900}b%",
        "%" + "[ab]{30}" * 60 + "c%",
        "{ $.a = %" + "a*" * 400 + "b% }",
        "[a=%" + "a*" * 400 + "b%, b]",
    ],
)
def test_a_catastrophic_regex_is_answered(text: str) -> None:
    """Regexes that take backtracking engines for ever are answered."""
    pattern = parse(text)
    assert not pattern.matches("a" * 20_000)
    assert not pattern.matches('{"a":"' + "a" * 20_000 + '"}')


def test_a_regex_too_large_for_the_engine_is_rejected() -> None:
    """A regex whose repetitions are too many is rejected."""
    for text in ("%" + "[^a]{1000}" * 100 + "%", "%a{1000}b{1000}c%", "{ $.a = %" + "[ab]{30}" * 70 + "% }"):
        with pytest.raises(PatternError, match="too large"):
            parse(text)
    assert parse("%^a{999}b{0,1000}$%").matches("a" * 999 + "b")


@pytest.mark.parametrize("mark", ['"', "[", "]", '" ', "[ ", '"a', "[a", '""', "[]"])
def test_a_line_of_nothing_but_marks_is_split(mark: str) -> None:
    """Unclosed quotes and brackets cost no more than a pass over the line."""
    line = mark * 100_000
    assert parse("[..., last]").matches(line)
    assert parse("[a, ..., b!=x]").matches(f"{line} y")


@pytest.mark.parametrize(
    "message",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a":' + "[" * 3000 + "]" * 3000 + "}",
        '{"a":' + "9" * 100_000 + "}",
        '{"a":-' + "9" * 5000 + "}",
        '{"a":1' + "0" * 400 + "}",
        '{"a":1e' + "9" * 5000 + "}",
        '{"a":"' + "\\ud800" * 1000 + '"}',
        "\ud800",
        "\x00" * 1000,
        "{" * 1000,
        '{"a":1}' + " " * 100_000 + "x",
    ],
)
def test_a_hostile_message_is_answered(message: str) -> None:
    """No message makes a pattern raise."""
    for text in (
        "x",
        "-x",
        "%x%",
        "{ $.a = 5 }",
        "{ $.a != 5 }",
        '{ $.a = "*5*" }',
        "{ $.a < 1e2147483647 }",
        "[a=5, ...]",
        "[a>1]",
    ):
        assert isinstance(parse(text).matches(message), bool)


def test_a_number_of_too_many_digits_does_not_hide_the_event() -> None:
    """Python refuses to read integers of more than 4,300 digits; the event around one is still an event."""
    assert parse("{ $.b = 1 }").matches('{"a":' + "9" * 5000 + ',"b":1}')


@pytest.mark.parametrize(
    "event", [{"a": float("nan")}, {"a": float("inf")}, {"a": "\ud800"}, {"\ud800": 1}, {"a": {"b": [[]]}}]
)
def test_a_hostile_event_is_answered(event: dict[str, object]) -> None:
    """No event makes a pattern raise."""
    for text in ("x", "%x%", "{ $.a = 5 }", "{ $.a[*] != 5 }", "{ $.a IS NULL }", "[a=5, ...]"):
        assert isinstance(parse(text).matches(event), bool)


def test_the_package_shows_its_contract() -> None:
    """A filter pattern is a Condition, and one that matches everything is the true tree."""
    assert issubclass(FilterPattern, Condition)
    assert parse("[...]").tree == TRUE
