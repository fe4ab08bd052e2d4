"""The matcher: programs, order, failures, what it reads and what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    Prefix,
    Suffix,
    cidr,
    equals_number,
    one_of,
    regex,
)
from pipeline.errors import DecodeError, ProgramFailed, ProgramUndecided
from pipeline.languages.condition import Condition, Verdict
from pipeline.predicate import RAW, SPREAD, Node, Not, Some, all_of, any_of, exists
from pipeline.predicate import Test as Leaf
from pipeline.rules.describe import describe
from pipeline.rules.matcher import NOTHING, Match, Matcher
from pipeline.rules.rule import Rule, RuleFacts, RuleSet


@dataclass
class Scripted:
    """A program that does as it is told, and counts."""

    does: Verdict | Exception
    runs: int = 0
    language: str = "jq"
    source: str = "."

    def run(self, event: dict[str, Any], raw: str) -> Verdict:
        """Do it."""
        assert json.loads(raw) == event
        self.runs += 1
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


STOP = Leaf(("eventName",), one_of("StopLogging"))


def rule(name: str, tree: Node = STOP, program: Scripted | None = None) -> Rule:
    """Make a rule."""
    return Rule(RuleFacts(name), Condition(tree, program), "filter_pattern", "", "test:1")


def matcher(*rules: Rule) -> Matcher:
    """Make a matcher of rules."""
    return Matcher(RuleSet(rules))


def names(matches: list[Match]) -> list[str]:
    """Name the rules of matches."""
    return [match.rule.name for match in matches]


def test_matches_come_in_rule_order_with_the_event() -> None:
    """The order is the rule set's, whatever the index makes of it; the event is the whole event."""
    rules = rule("b", exists("x")), rule("a"), rule("c", Not(exists("y")))
    event = {"eventName": "StopLogging", "x": None, "z": [1]}
    found = matcher(*rules)
    assert found.match(event) == [Match(rule, event) for rule in rules]
    assert found.match_message(json.dumps(event)).matches == tuple(Match(rule, event) for rule in rules)


def test_the_text_that_counts_is_the_message_and_without_one_what_cloudtrail_would_write() -> None:
    """A blank that a log line has, and CloudTrail does not write, decides only where the line is given."""
    found = matcher(rule("blank", Leaf(RAW, Contains(text='": '))), rule("none", Leaf(RAW, Contains(text='":1'))))
    assert names(found.match({"a": 1})) == ["none"]
    assert names(found.match({"a": 1}, '{"a": 1}')) == ["blank"]
    assert names(list(found.match_message('{"a": 1}').matches)) == ["blank"]


def test_a_rule_with_many_alternatives_matches_once() -> None:
    """However many of its alternatives hold."""
    tree = any_of(*(exists(key) for key in "abcdef"))
    assert names(matcher(rule("r", tree)).match(dict.fromkeys("abcdef"))) == ["r"]


def test_nothing_matched_is_the_same_nothing() -> None:
    """What almost every event gets costs no object."""
    assert matcher(rule("r")).match_message("{}") is NOTHING
    assert matcher().match_message("{}") is NOTHING


def test_a_program_runs_only_where_its_tree_holds() -> None:
    """And what it computes is the annotation."""
    program = Scripted(Verdict(matched=True, annotation={"who": "alice"}))
    found = matcher(rule("r", STOP, program))
    assert found.match({"eventName": "Other"}) == []
    assert program.runs == 0
    (match,) = found.match({"eventName": "StopLogging"})
    assert (match.annotation, match.undecided) == ({"who": "alice"}, "")


@pytest.mark.parametrize(
    ("does", "matched", "undecided", "failed"),
    [
        (Verdict(matched=False), False, "", ""),
        (ProgramFailed("no key x"), False, "", "no key x"),
        (ProgramUndecided("too many steps"), True, "too many steps", ""),
        (ProgramUndecided(), True, "no reason given", ""),
        (ZeroDivisionError("engine"), True, "ZeroDivisionError: engine", ""),
        (RecursionError(), True, "RecursionError: ", ""),
    ],
)
def test_what_a_program_does_harms_no_other_rule(
    does: Verdict | Exception, matched: bool, undecided: str, failed: str
) -> None:
    """An ordinary failure is no match and is told; a limit or an engine's own failure is told as undecided."""
    found = matcher(rule("before"), rule("r", STOP, Scripted(does)), rule("after"))
    verdicts = found.match_message('{"eventName": "StopLogging"}')
    assert names(list(verdicts.matches)) == ["before", *(["r"] if matched else []), "after"]
    assert [match.undecided for match in verdicts.matches if match.rule.name == "r"] == [undecided] * matched
    assert [(failure.rule.name, failure.reason) for failure in verdicts.failures] == [("r", failed)] * bool(failed)


@pytest.mark.parametrize("depth", [100, 900, 3_000, 100_000])
@pytest.mark.parametrize("digits", [1, 4_300, 4_301, 50_000])
def test_nothing_that_somebody_puts_into_a_request_hides_it(digits: int, depth: int) -> None:
    """Python reads no integers of 5,000 digits and no 1,000 levels; what stands beside them is matched all the same."""
    odd = f'"x":{"[" * depth}{"9" * digits}{"]" * depth},"y":-{"9" * digits}'
    found = matcher(rule("r", Leaf(("eventName",), one_of("StopLogging"))), rule("never", Leaf(("y",), one_of("z"))))
    for message in (f'{{{odd},"eventName":"StopLogging"}}', f'{{"eventName":"StopLogging",{odd}}}'):
        assert names(list(found.match_message(message).matches)) == ["r"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "not JSON"),
        ("not json", "not JSON"),
        ('{"eventName": "StopLogging"', "not JSON"),
        ('{"other": 01}', "not JSON"),
        ('{"other": "\x01"}', "not JSON"),
        ('{"other": ' + "1" * 5000, "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ('{"a":' + "[" * 100_000 + "]" * 99_999 + "}", "not JSON"),
        ("[]", "not an object"),
        ('"text"', "not an object"),
        ("1e400", "not an object"),
    ],
)
def test_what_cannot_be_read_raises_even_where_no_rule_looks(raw: str, reason: str) -> None:
    """A message is undecodable by itself, not because of the rules."""
    for found in (matcher(), matcher(rule("r"))):
        with pytest.raises(DecodeError) as caught:
            found.match_message(raw)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    "raw",
    [
        '{"eventName":"StopLogging"}',
        '\n{ "eventName" :\t"\\u0053topLogging" } ',
        '{"event\\u004eame":"StopLogging"}',
        '{"eventName":"Other","eventName":"StopLogging"}',
        '{"eventName":"StopLogging","userAgent":"\\ud800"}',
        '{"\\udc00":1,"eventName":"StopLogging"}',
        '{"eventName":"StopLogging","userAgent":"\ud800"}',
        '{"eventName":"StopLogging","x":1e400}',
        '{"x":NaN,"eventName":"StopLogging"}',
        '{"eventName":"StopLogging","x":"' + "y" * 100_000 + '"}',
        '{"eventName":"StopLogging","userIdentity":"nobody"}',
        '{"eventName":"StopLogging","userIdentity":[{"type":"Root"}]}',
    ],
)
def test_no_way_of_writing_hides_an_event_name(raw: str) -> None:
    """What an attacker can put beside the name, or do to its spelling, changes nothing."""
    found = matcher(rule("r"), rule("root", Leaf(("userIdentity", "type"), one_of("Root"))))
    assert names(list(found.match_message(raw).matches)) == ["r"]


@pytest.mark.parametrize(
    ("tree", "event", "holds"),
    [
        (Leaf(("n",), equals_number(2**70)), {"n": 2**70}, True),
        (Leaf(("n",), equals_number(2**70)), {"n": 2**70 + 1}, False),
        (Leaf(("n",), equals_number(1)), {"n": True}, False),
        (Leaf(("n",), one_of("1", numbers=True)), {"n": 1}, True),
        (Leaf(("n",), one_of("1", numbers=True)), {"n": 1.0}, False),
        (Leaf(("n",), one_of("1.0", numbers=True)), {"n": 1.0}, True),
        (Leaf(("a", SPREAD), one_of("x")), {"a": "x"}, True),
        (Leaf(("a", SPREAD), one_of("x")), {"a": ["y", ["x"]]}, True),
        (Leaf(("a", SPREAD), one_of("x")), {"a": []}, False),
        (Leaf(("a",), IsType(frozenset({"null"}))), {"a": None}, True),
        (Leaf(("a",), Is(None)), {"a": None}, True),
        (Leaf(("a",), Is(None)), {"a": False}, False),
        (Leaf(("a",), Is(value=True)), {"a": True}, True),
        (Leaf(("a",), Is(value=True)), {"a": 1}, False),
        (Not(Leaf(("a",), Is(value=False))), {"a": False}, False),
        (Leaf(("a", SPREAD), Is(value=False)), {"a": [None, False]}, True),
        (Leaf(("n",), InRange(low=Decimal(2), low_open=True)), {"n": 2.5}, True),
        (Leaf(("n",), InRange(low=Decimal(2), low_open=True)), {"n": 2}, False),
        (Leaf(("a", "b"), Exists()), {"a": None}, False),
        (Not(Leaf(("a", "b"), Exists())), {"a": "text"}, True),
        (Leaf(("k", 'with " quote'), one_of("x")), {"k": {'with " quote': "x"}}, True),
        (Leaf(("k\ud800",), one_of("x")), {"k\ud800": "x"}, True),
        (Leaf(("ip",), cidr("10.0.0.0/7")), {"ip": "11.2.3.4"}, True),
        (Leaf(("ip",), cidr("10.0.0.0/7")), {"ip": "011.2.3.4"}, False),
        (Leaf(("ip",), cidr("::ffff:0:0/96")), {"ip": "::ffff:1.2.3.4"}, True),
        (Leaf(("ip",), cidr("10.0.0.0/8")), {"ip": "::a00:1"}, False),
        (Leaf(("ip",), cidr("0.0.0.0/0")), {"ip": "::1"}, False),
        (all_of(Leaf(("a",), Prefix(text="a")), Leaf(("a",), Contains(text="z"))), {"a": "abz"}, True),
        (all_of(Leaf(("a",), Prefix(text="a")), Leaf(("a",), Contains(text="z"))), {"a": "ab"}, False),
        (Leaf(RAW, Contains(text='"a":1')), {"a": 1}, True),
        (Some(("a",), Leaf(RAW, Contains(text='"a":1'))), {"a": 1}, True),
        (Some(RAW, Leaf((SPREAD,), Exists())), {}, True),
    ],
)
def test_odd_values_and_paths_are_neither_missed_nor_mistaken(tree: Node, event: dict[str, Any], holds: bool) -> None:
    """Each was once, or easily could be, a missed or a false match."""
    assert bool(matcher(rule("r", tree)).match(event)) is holds
    raw = json.dumps(event, separators=(",", ":"))
    assert bool(matcher(rule("r", tree)).match_message(raw).matches) is holds


TEXT_CHECKS: list[AnyCheck] = [
    *(Prefix(text=text) for text in ("", "D", "Delete", "DeleteTrail", "DeleteTrailX", "E", "Cx")),
    *(Suffix(text=text) for text in ("", "l", "Trail", "eTrail", "DeleteTrail", "xDeleteTrail", "m")),
    *(Prefix(text=text, fold=True) for text in ("d", "DELETE", "deleted")),
    *(Suffix(text=text, fold=True) for text in ("L", "TRAIL", "trails")),
    *(
        Glob(pieces=pieces)
        for pieces in (("DeleteTrail",), ("Delete",), ("D", "l"), ("D", "x", "l"), ("", "e", "T", ""))
    ),
    *(Glob(pieces=("D", part, "")) for part in ("T", "t", "tT", "Tr", "x")),
    *(Glob(pieces=("", part, "l")) for part in ("T", "t", "tT", "Tr", "x")),
    *(Contains(text=text) for text in ("", "eT", "et", "Trail", "x")),
    *(Contains(text=text, fold=True) for text in ("ET", "et", "trailx")),
    *(regex(pattern) for pattern in ("^D", "^d", "l$", "(e.){3}", "x|T")),
    *(regex(pattern, fold=True) for pattern in ("^d", "TR", "x|t$", "EtE")),
    *(one_of(text) for text in ("DeleteTrail", "deletetrail")),
    *(one_of(text, fold=True) for text in ("deletetrail", "DELETE")),
]


@pytest.mark.parametrize("text", ["DeleteTrail", "deletetrail", "Delete", "D", "", "xDeleteTrail", "DeleteTrailx" * 50])
def test_of_many_checks_of_one_text_each_says_what_it_says_alone(text: str) -> None:
    """However they are indexed: beginnings inside beginnings, endings inside endings, any case, patterns in one set."""
    found = matcher(*(rule(str(i), Leaf(("eventName",), check)) for i, check in enumerate(TEXT_CHECKS)))
    expected = [str(i) for i, check in enumerate(TEXT_CHECKS) if check.passes(text)]
    assert names(found.match({"eventName": text})) == expected
    assert names(list(found.match_message(json.dumps({"eventName": text})).matches)) == expected


@pytest.mark.parametrize("text", ["x needle7 y", "\ud800needle7", "x" * 5000 + "needle7"])
def test_many_searches_in_one_field_find_each_their_own(text: str) -> None:
    """The set that answers for all of them at once says what each says alone, also where it cannot read the text."""
    rules = [rule(f"has {i}", Leaf(("ua",), Contains(text=f"needle{i}"))) for i in range(20)]
    rules += [rule(f"like {i}", Leaf(("ua",), regex(f"e{i}( |$)"))) for i in range(20)]
    rules += [rule("odd", Leaf(("ua",), Contains(text="\ud800")))]
    expected = [found.name for found in rules if found.condition.matches({"ua": text})]
    assert "has 7" in expected
    assert names(matcher(*rules).match({"ua": text})) == expected


def test_a_tree_too_wide_to_multiply_out_still_says_the_same() -> None:
    """Four conjuncts of twenty alternatives would be 160,000 clauses."""
    tree = all_of(*(any_of(*(exists(f"{group}{i}") for i in range(20))) for group in "abcd"))
    found = matcher(rule("r", tree))
    assert len(found.index.clauses) <= 64
    assert found.match({"a3": 1, "b4": 1, "c5": 1, "d6": 1})
    assert not found.match({"a3": 1, "b4": 1, "c5": 1})


def test_the_compiled_form_can_be_read() -> None:
    """Columns with their counts, what is asked last, what nothing anchors, and who computes."""
    text = describe(
        matcher(
            rule("named", all_of(STOP, Not(exists("errorCode")))),
            rule("same element", Some(("items",), all_of(exists("a"), Not(exists("b"))))),
            rule("absent", Not(exists("eventID"))),
            rule("computed", STOP, Scripted(Verdict(matched=True))),
        )
    )
    assert "4 rules as 4 clauses" in text
    assert "eventName: wanted by 2 of the clauses; 1 exact" in text
    assert "asked last, same element: some items with (a exists and not (b exists))" in text
    assert "absent (nothing anchors it): not (eventID exists)" in text
    assert "then its program, computed: jq" in text


def test_hundreds_of_keys_of_one_object_are_each_found() -> None:
    """An object of which very many keys are read is read whole; which rules match stays the same."""
    rules = [rule(f"{i}", Leaf(("requestParameters", f"p{i}", "x"), one_of("on"))) for i in range(200)]
    rules += [rule("two", all_of(*(Leaf(("requestParameters", f"p{i}", "x"), one_of("on")) for i in (3, 4))))]
    rules += [rule("not", Not(Leaf(("requestParameters", "p5", "x"), one_of("on"))))]
    found = matcher(*rules)
    on = {"x": "on"}
    assert names(found.match({"requestParameters": {"p3": on, "p150": on, "p7": "on"}})) == ["3", "150", "not"]
    assert names(found.match({"requestParameters": {"p3": on, "p4": on, "p5": on}})) == ["3", "4", "5", "two"]
    nothing: list[Any] = [None, "p3", ["p3"], {}]
    for odd in nothing:
        assert names(found.match({"requestParameters": odd})) == ["not"]
