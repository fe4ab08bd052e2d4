"""What each check passes, value by value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.checks import (
    AnyCheck,
    Contains,
    Exists,
    Glob,
    InRange,
    Is,
    IsType,
    OneOf,
    Prefix,
    Suffix,
    address_of,
    cidr,
    equals_number,
    like,
    number_text,
    one_of,
    regex,
    scrub,
)

INF, NAN = float("inf"), float("nan")
ODD: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, 10**400, INF, NAN, "", "a", "\ud800", [], ["a"], {}, {"a": 1})

TABLE: list[tuple[AnyCheck, list[Any], list[Any]]] = [
    # check, values that pass, values that do not
    (Exists(), list(ODD), []),
    (Is(value=None), [None], [False, 0, "", "null", [], {}]),
    (Is(value=True), [True], [1, 1.0, "true", None]),
    (Is(value=False), [False], [0, 0.0, "false", None, ""]),
    (IsType(frozenset({"number"})), [0, -0.0, 10**400, NAN], [True, "1", None]),
    (IsType(frozenset({"string", "null"})), ["", None], [0, [], {}, False]),
    (IsType(frozenset({"array", "object"})), [[], {}], ["", None, 0]),
    (equals_number(1), [1, 1.0], [True, "1", 2, NAN]),
    (equals_number(2**64 + 1), [2**64 + 1], [2**64, float(2**64)]),
    (equals_number(Decimal("0.1")), [0.1], [0.1 + 1e-17 + 0.2, "0.1"]),
    (InRange(low=Decimal(0), low_open=True), [1, 0.1, 10**400], [0, -0.0, -1, INF, NAN, True]),
    (InRange(low=Decimal(1), high=Decimal(2), high_open=True), [1, 1.5], [2, 0.999, 2.0]),
    (InRange(), [0, 1.5], [INF, -INF, NAN, False, "0", None]),
    (one_of("a", "b"), ["a", "b"], ["A", "", "ab", ["a"], None]),
    (one_of("1", "1000.0", numbers=True), [1, "1", 1e3], [1.0, True, 1000]),
    (one_of("Straße", fold=True), ["STRASSE", "straße"], ["Strase"]),
    (OneOf(texts=frozenset()), [], ["", None]),
    (Prefix(text="Ab"), ["Ab", "Abc"], ["ab", "xAb", "", "A"]),
    (Prefix(text="Ab", fold=True), ["aB", "ABc"], ["b"]),
    (Prefix(text="1", numbers=True), [1, 12.5, "1x"], [True, 21]),
    (Suffix(text="yz"), ["yz", "xyz"], ["yzx", "z"]),
    (Suffix(text="", fold=True), ["", "a"], [0, None, []]),
    (Contains(text="b"), ["abc", "b"], ["aBc", "", ["b"]]),
    (Contains(text="SS", fold=True), ["ß", "miss"], ["s"]),
    (Glob(pieces=("a", "b")), ["ab", "aXb", "aabb"], ["a", "b", "abc", "xab"]),
    (Glob(pieces=("a", "a")), ["aa", "aba"], ["a"]),
    (Glob(pieces=("a", "b", "b")), ["abb", "axbxb"], ["ab", "axb"]),
    (Glob(pieces=("", "b", "b", "")), ["bb", "xbybz"], ["b", ""]),
    (Glob(pieces=("a",)), ["a"], ["aa", "", "A"]),
    (Glob(pieces=("", "")), ["", "x"], [0, None]),
    (regex("^a.c$"), ["abc", "a\ud800c"], ["abcd", "a\nc", 5]),
    (regex("B", fold=True), ["abc"], ["ac"]),
    (regex("^1", numbers=True), [1, 1.5, "1"], [True, 21]),
    (cidr("10.0.0.0/8"), ["10.1.2.3"], ["11.0.0.0", "010.1.2.3", "10.1", "10.1.2.3 ", "10.0.0.0/8", 167838211, ""]),
    (cidr("10.1.2.3/8"), ["10.9.9.9"], ["::ffff:10.1.2.3"]),
    (cidr("2001:db8::/32"), ["2001:DB8::1"], ["2001:db9::1", "10.0.0.1", "2001:db8::1::", "x:"]),
]


LIKE: list[tuple[tuple[str, ...], AnyCheck]] = [
    # pieces with anything between, the simplest check
    (("a",), one_of("a")),
    (("",), one_of("")),
    (("a", ""), Prefix(text="a")),
    (("", "a"), Suffix(text="a")),
    (("", "a", ""), Contains(text="a")),
    (("", "", "a", ""), Contains(text="a")),
    (("a", "b"), Glob(pieces=("a", "b"))),
    (("a", "", "b"), Glob(pieces=("a", "b"))),
    (("", ""), Glob(pieces=("", ""))),
    (("", "", ""), Glob(pieces=("", ""))),
]


@pytest.mark.parametrize(("pieces", "check"), LIKE)
def test_pieces_become_the_simplest_check_that_means_them(pieces: tuple[str, ...], check: AnyCheck) -> None:
    """What may be any text twice in a row may be any text."""
    assert like(*pieces) == check


@pytest.mark.parametrize(("check", "passing", "failing"), TABLE)
def test_a_check_passes_these_values_and_not_those(check: AnyCheck, passing: list[Any], failing: list[Any]) -> None:
    """The table is the specification."""
    assert [value for value in passing if not check.passes(value)] == []
    assert [value for value in failing if check.passes(value)] == []


@pytest.mark.parametrize("check", [row[0] for row in TABLE])
def test_no_value_makes_a_check_raise(check: AnyCheck) -> None:
    """Whatever stands in an event, a check says yes or no."""
    for value in ODD:
        assert check.passes(value) in (True, False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1.0"), (1e3, "1000.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e-7, "0.0000001"), (INF, "inf")],
)
def test_a_number_is_written_as_cloudwatch_logs_compares_it(value: float, text: str) -> None:
    """Recorded from the service, but for infinities, which no rule can write."""
    assert number_text(value) == text


def test_a_number_of_any_length_has_a_text() -> None:
    """Python's own str refuses beyond 4,300 digits."""
    assert number_text(10**5000) == "1" + "0" * 5000


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("plain", "plain"),
        ("\ud800", "\ufffd"),
        ("a\udfffb", "a\ufffdb"),
        ("😀", "😀"),
        ("\ud800\ud800x", "\ufffd\ufffdx"),
    ],
)
def test_scrubbing_replaces_lone_surrogates_and_nothing_else(text: str, scrubbed: str) -> None:
    """What engines and services refuse becomes the replacement character."""
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.4.5", "1.2.3.256", "0x1.2.3.4", "1.2.3.04", "\u0661.2.3.4", "AWS Internal", "a:b"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    """CloudTrail puts service names where addresses stand; shortened and octal forms are refused."""
    assert address_of(text) is None


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "[z-a]"])
def test_a_regex_beyond_linear_time_is_refused(pattern: str) -> None:
    """Lookaround and backreferences are no part of google-re2."""
    with pytest.raises(ValueError, match=r"."):
        regex(pattern)


@pytest.mark.parametrize("network", ["", "10.0.0.0/33", "ten", "10.0.0/8"])
def test_what_is_no_network_is_refused(network: str) -> None:
    """When the rule is compiled, not when an event comes."""
    with pytest.raises(ValueError, match=r"network|netmask|octets"):
        cidr(network)
