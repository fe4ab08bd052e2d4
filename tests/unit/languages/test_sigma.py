"""Sigma rules: what they mean for a CloudTrail event, what they say about themselves, what is refused and where."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import RuleError
from pipeline.languages import sigma
from pipeline.languages.condition import Condition
from pipeline.printer import show

HEAD = "title: A rule\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n"


def rule(detection: str, condition: str = "sel") -> str:
    """Write a rule around the lines of its detection `sel`."""
    lines = "\n".join(f"    {line}" for line in detection.splitlines())
    return f"{HEAD}  sel:\n{lines}\n  condition: {condition}\n"


MATCHES: list[tuple[str, dict[str, Any], bool]] = [
    # strings: any case, the whole of it
    ("eventName: stoplogging", {"eventName": "StopLogging"}, True),
    ("eventName: Stop", {"eventName": "StopLogging"}, False),
    ("eventName: Stop", {}, False),
    ("eventName: Stop", {"eventName": None}, False),
    ("eventName: ''", {"eventName": ""}, True),
    ("eventName: ''", {}, False),
    ("eventName:\n- A\n- b", {"eventName": "B"}, True),
    ("eventName|cased: Stop", {"eventName": "stop"}, False),
    ("eventName|cased: St*", {"eventName": "Stop"}, True),
    ("eventName|contains|cased: OP", {"eventName": "Stop"}, False),
    ("a: straße", {"a": "STRASSE"}, True),
    # wildcards and their escapes
    ("a: 'b*d'", {"a": "bcccd"}, True),
    ("a: 'b?d'", {"a": "bcd"}, True),
    ("a: 'b?d'", {"a": "bd"}, False),
    ("a: 'b?d'", {"a": "b\nd"}, True),
    ("a: 'b\\*d'", {"a": "b*d"}, True),
    ("a: 'b\\*d'", {"a": "bcd"}, False),
    ("a: 'b\\?d'", {"a": "b?d"}, True),
    ("a: 'b\\\\d'", {"a": "b\\d"}, True),
    ("a: 'b\\d'", {"a": "b\\d"}, True),
    ("a: '*'", {"a": ""}, True),
    ("a: '*'", {"a": {"b": 1}}, True),
    ("a: '*'", {"a": []}, True),
    ("a: '*'", {"a": None}, False),
    ("a|contains: '*'", {}, False),
    ("a: '?*'", {"a": ""}, False),
    # contains, startswith, endswith, all
    ("a|contains: B", {"a": "abc"}, True),
    ("a|startswith: A", {"a": "abc"}, True),
    ("a|endswith: [x, C]", {"a": "abc"}, True),
    ("a|contains|all: [a, c]", {"a": "abc"}, True),
    ("a|contains|all: [a, d]", {"a": "abc"}, False),
    ("a|contains: 'b*d'", {"a": "abcde"}, True),
    # dotted fields, arrays anywhere
    ("a.b.c: x", {"a": {"b": {"c": "x"}}}, True),
    ("a.b: x", {"a": "x"}, False),
    ("a.b: x", {"a": [{"b": "y"}, {"b": ["z", "x"]}]}, True),
    ("a.b.c|contains: x", {"a": [[{"b": {"c": "axb"}}]]}, True),
    ("a[1].b: x", {"a": [{"b": "x"}, {"b": "y"}]}, False),
    ("a[1].b: y", {"a": [{"b": "x"}, {"b": "y"}]}, True),
    # booleans and numbers, written either way
    ("a: 'true'", {"a": True}, True),
    ("a: 'False'", {"a": False}, True),
    ("a: 'true'", {"a": "True"}, True),
    ("a: true", {"a": True}, True),
    ("a: true", {"a": "true"}, True),
    ("a: true", {"a": 1}, False),
    ("a: 'tr*'", {"a": True}, True),
    ("a: 5", {"a": 5}, True),
    ("a: 5", {"a": 5.0}, True),
    ("a: 5", {"a": "5"}, True),
    ("a: '5'", {"a": 5}, True),
    ("a: 5", {"a": True}, False),
    ("a: 123456789012", {"a": "123456789012"}, True),
    ("a: 1.5", {"a": 1.5}, True),
    ("a|gt: 5", {"a": 6}, True),
    ("a|gt: 5", {"a": 5}, False),
    ("a|gte: 5", {"a": 5}, True),
    ("a|lt: 5.5", {"a": 5}, True),
    ("a|lte: 5", {"a": "5"}, False),
    # null and exists
    ("a: null", {}, True),
    ("a: null", {"a": None}, True),
    ("a: null", {"a": []}, False),
    ("a: null", {"a": ""}, False),
    ("a.b: null", {"a": "x"}, True),
    ("a: [null, x]", {"a": "x"}, True),
    ("a|exists: true", {"a": None}, True),
    ("a|exists: true", {}, False),
    ("a|exists: false", {}, True),
    ("a.b|exists: true", {"a": [{}, {"b": 1}]}, True),
    # regexes: somewhere in the text, in their own case
    ("a|re: 'b.d'", {"a": "abcde"}, True),
    ("a|re: '^b'", {"a": "ab"}, False),
    ("a|re: B", {"a": "b"}, False),
    ("a|re|i: B", {"a": "b"}, True),
    ("a|re: 'b.d'", {"a": "b\nd"}, False),
    ("a|re|s: 'b.d'", {"a": "b\nd"}, True),
    ("a|re: 'x$'", {"a": "x\ny"}, False),
    ("a|re|m: 'x$'", {"a": "x\ny"}, True),
    ("a|re: 'a\\*+b\\d'", {"a": "a**b1"}, True),
    ("a|re|all: [a, b]", {"a": "ba"}, True),
    ("a|re: '\\d'", {"a": 5}, True),
    ("a|re|contains: 'b|d'", {"a": "xdx"}, True),
    # addresses
    ("a|cidr: 10.0.0.0/8", {"a": "10.1.2.3"}, True),
    ("a|cidr: [10.0.0.0/8, '2001:db8::/32']", {"a": "2001:DB8::1"}, True),
    ("a|cidr: 10.0.0.0/8", {"a": "cloudformation.amazonaws.com"}, False),
    # two fields
    ("a|fieldref: b", {"a": "X", "b": "x"}, True),
    ("a|fieldref: b", {"a": "x"}, False),
    ("a|fieldref: b", {}, False),
    ("a.b|fieldref|endswith: c.d", {"a": {"b": "user/bob"}, "c": {"d": "bob"}}, True),
    ("a|fieldref|startswith: b", {"a": "abc", "b": "ab"}, True),
    ("a|fieldref|contains: b", {"a": "abc", "b": "B"}, True),
    # values that are worked out
    ("a|base64: foo", {"a": "Zm9v"}, True),
    ("a|base64offset|contains: foo", {"a": "eGZvbw=="}, True),
    ("a|wide|base64: f", {"a": "ZgA="}, True),
    ("a|windash: ' -x'", {"a": " /x"}, True),
    ("a|neq: x", {"a": "y"}, True),
    ("a|neq: x", {"a": "X"}, False),
    # mappings and lists of mappings
    ("a: x\nb: y", {"a": "x"}, False),
    ("- a: x\n- b: y", {"b": "y"}, True),
    ("- a: x\n  b: y\n- c: z", {"a": "x", "c": "y"}, False),
    # objects that rules search like texts
    ("requestParameters|contains: Suspended", {"requestParameters": {"V": {"Status": ["suspended"]}}}, True),
    ("requestParameters|contains: Suspended", {"requestParameters": "is Suspended"}, True),
    ("requestParameters|contains: Suspended", {"userAgent": "Suspended"}, False),
    ("requestParameters|contains: 'layers='", {"requestParameters": {"layers": ["arn:aws:lambda:x"]}}, True),
    ("requestParameters|contains: 'layers='", {"requestParameters": {"layers": None}}, True),
    ("requestParameters|contains: 'layers='", {"requestParameters": {"a": [{"layers": []}]}}, True),
    ("requestParameters|contains: 'layers='", {"requestParameters": "{a=b, layers=[c]}"}, True),
    ("requestParameters|contains: 'layers='", {"requestParameters": {"a": "layers"}}, False),
    ("requestParameters|contains: 'layers='", {"layers": ["arn:aws:lambda:x"]}, False),
    ("requestParameters|contains: 'layers='", {"requestParameters": None}, False),
    ("requestParameters|contains: 'status=Susp'", {"requestParameters": {"a": {"status": "suspended"}}}, True),
    ("requestParameters|contains: 'status=Susp'", {"requestParameters": {"a": {"status": "Enabled"}}}, False),
    ("requestParameters|contains: 'public=true'", {"requestParameters": {"public": True}}, True),
    ("requestParameters|contains: 'count=4'", {"requestParameters": {"count": 42}}, True),
    ("requestParameters|contains|cased: 'status=Susp'", {"requestParameters": {"status": "suspended"}}, False),
    ("userAgent|contains: 'layers='", {"userAgent": {"layers": 1}}, False),
    ("responseElements|re: 'Fail(ed|ure)'", {"responseElements": {"ConsoleLogin": "Failure"}}, True),
    ("requestParameters|contains: '\"s3:Get*\"'", {"requestParameters": {"p": '{"Action":"s3:GetObject"}'}}, True),
    # keywords: anywhere in the message
    ("- accessdenied", {"errorCode": "AccessDenied"}, True),
    ("- errorCode", {"errorCode": "AccessDenied"}, True),
    ("- 'a*z'", {"x": "a", "y": "z"}, True),
    ("- 'he said \"no\"'", {"x": 'He said "no"'}, True),
    ("- 'tab\\\\le'", {"x": "tab\\le"}, True),
    ("- 'é'", {"x": "É"}, True),
    ("- 42", {"x": 42}, True),
    ("- nowhere\n- a: x", {"a": "x"}, True),
    ("'|all': [alpha, beta]", {"x": "alpha", "y": "beta"}, True),
    ("'|all': [alpha, gamma]", {"x": "alpha", "y": "beta"}, False),
    ("'|re': 'al.ha'", {"x": "alpha"}, True),
]


@pytest.mark.parametrize(("detection", "event", "expected"), MATCHES)
def test_a_detection_matches_as_sigma_says(detection: str, event: dict[str, Any], expected: bool) -> None:
    """One detection, one event."""
    assert sigma.parse(rule(detection)).matches(event) is expected


CONDITIONS = [
    ("a and b", "a and b"),
    ("a or b and c", "a or (b and c)"),
    ("(a or b) and not c", "(a or b) and not (c)"),
    ("not a and b", "not (a) and b"),
    ("not (a and not b)", "not (a and not (b))"),
    ("not not a", "a"),
    ("1 of sel*", "s or t"),
    ("any of sel*", "s or t"),
    ("all of sel*", "s and t"),
    ("1 of *_x", "s"),
    ("a and 1 of sel_* and not all of them", "a and (s or t) and not (a and b and c and s and t)"),
    ("[a, b]", "a or b"),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_conditions_combine_detections(condition: str, expected: str) -> None:
    """`them` leaves out names that begin with an underscore."""
    names = {"a": "a", "b": "b", "c": "c", "sel_x": "s", "sel_y": "t", "_own": "z"}
    detections = "".join(f"  {name}:\n    {field}|exists: true\n" for name, field in names.items())
    tree = sigma.parse(f"{HEAD}{detections}  condition: {condition}\n").tree
    assert show(tree).replace(" exists", "") == expected


def test_a_list_of_names_is_one_check() -> None:
    """However long it is."""
    tree = sigma.parse(rule("eventName: [C, B, a]")).tree
    assert show(tree) == 'eventName[] is one of "a", "b", "c" (any case)'


FACTS = """\
title: Someone stopped a trail
id: 5b1f6c3a-9d0e-4a57-8a43-0f3c1d2e4b5a
status: experimental
description: |
  Two lines
  of text.
references:
  - https://example.com/a
author: Somebody
date: 2022/10/09
tags:
  - attack.defense-evasion
  - attack.t1562.008
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventName: StopLogging
  condition: selection
fields:
  - eventName
falsepositives:
  - Maintenance
level: LEVEL
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("falsepositives: |\n  Rare, but\n    - maintenance\n", ("Rare, but\n  - maintenance",)),
        ("falsepositives:\n  - Maintenance: see the calendar\n", ("Maintenance: see the calendar",)),
        ("falsepositives:\n  - a: 1\n    b: [x, y]\n", ("a: 1; b: x; y",)),
        ("falsepositives: [7, null, true]\n", ("7", "True")),
        ("falsepositives: none\n", ("none",)),
        ("falsepositives:\n", ()),
    ],
)
def test_notes_that_are_no_list_of_texts_are_read_as_texts(written: str, read: tuple[str, ...]) -> None:
    """One paragraph, or a list whose entries hold a colon: what a rule matches does not hang on it."""
    assert sigma.parse(rule("a: x") + written).false_positives == read


@pytest.mark.parametrize("written", ["date: yesterday\n", "modified: 2024/13/44\n", "author: [a]\n", "fields: a\n"])
def test_what_no_alert_shows_never_stops_a_rule(written: str) -> None:
    """However it is written."""
    assert sigma.parse(rule("a: x") + written).tree == sigma.parse(rule("a: x")).tree


def test_one_reference_may_stand_without_a_list() -> None:
    """And one tag."""
    parsed = sigma.parse(rule("a: x") + "references: https://example.com/a\ntags: attack.t1078\n")
    assert (parsed.references, parsed.tags) == (("https://example.com/a",), ("attack.t1078",))


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("informational", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("critical", "critical"),
    ],
)
def test_a_rule_says_what_it_says_about_itself(level: str, severity: str) -> None:
    """Everything that reaches an alert."""
    parsed = sigma.parse(FACTS.replace("LEVEL", level))
    assert parsed.title == "Someone stopped a trail"
    assert parsed.id == "5b1f6c3a-9d0e-4a57-8a43-0f3c1d2e4b5a"
    assert parsed.status == "experimental"
    assert parsed.description == "Two lines\nof text."
    assert parsed.references == ("https://example.com/a",)
    assert parsed.false_positives == ("Maintenance",)
    assert parsed.tags == ("attack.defense-evasion", "attack.t1562.008")
    assert parsed.severity == severity
    assert parsed.condition == Condition(parsed.tree)


def test_without_a_level_a_rule_is_medium() -> None:
    """As every other rule."""
    assert sigma.parse(rule("a: b")).severity == "medium"


def test_a_file_may_hold_several_rules() -> None:
    """Each knows its line; empty documents are nothing."""
    text = rule("a: x") + "---\n---\n" + rule("b: y")
    rules = sigma.parse_documents(text)
    assert [show(one.tree) for one in rules] == ['a[] is "x" (any case)', 'b[] is "y" (any case)']
    assert [one.line for one in rules] == [1, 11]
    with pytest.raises(RuleError, match="2 Sigma rules where one is expected"):
        sigma.parse(text)


def test_a_global_document_is_part_of_those_after_it() -> None:
    """And `repeat` builds on the rule before."""
    text = (
        "action: global\ntitle: Shared\nlogsource: {product: aws, service: cloudtrail}\n"
        "detection:\n  base:\n    a: x\n  condition: base and own\n---\n"
        "detection:\n  own:\n    b: y\n---\n"
        "action: repeat\ndetection:\n  own:\n    b: z\n"
    )
    assert [show(one.tree) for one in sigma.parse_documents(text)] == [
        'a[] is "x" (any case) and b[] is "y" (any case)',
        'a[] is "x" (any case) and b[] is "z" (any case)',
    ]


@pytest.mark.parametrize("text", ["", "\n---\n", "# nothing\n"])
def test_a_file_without_rules_has_none(text: str) -> None:
    """Whoever reads a folder decides what that means."""
    assert sigma.parse_documents(text) == []


BROKEN = [
    (rule("a|expand: '%x%'"), 7, "placeholders"),
    (rule("b: x\na|hour: 5"), 8, "parts of a time"),
    (rule("a|nonsense: 5"), 7, "Unknown modifier"),
    (rule("a|contains: 5"), 7, "incompatible"),
    (rule("a|gt: x"), 7, "incompatible"),
    (rule("a|cidr: 10.0.0.0/99"), 7, "cidr"),
    (rule("a|re: '(?=x)'"), 7, "is not supported"),
    (rule("a|re: '('"), 7, "is not supported"),
    (rule("a|re: 5"), 7, "is not a text"),
    (rule("a|re|startswith: x"), 7, "no effect"),
    (rule("a|cased|fieldref: x"), 7, "no effect"),
    (rule("a|exists: maybe"), 7, "incompatible"),
    (rule("- a: x\n- b|nonsense: y"), 8, "Unknown modifier"),
    (rule("a:\n  b: c"), 7, "a mapping is not a value"),
    (rule("a: [[x]]"), 7, "a list in a list"),
    (rule("a: []"), 7, "an empty list"),
    (rule("a: 2020-01-01"), 7, "YAML reads 2020-01-01 as a date"),
    (rule("1: x"), 7, "not a text"),
    (rule("a: .inf"), 7, "number"),
    (rule("MFAUsed: No"), 7, "YAML reads No as a boolean"),
    (rule("account: 012345670123"), 7, "YAML reads 012345670123 as another number"),
    (rule("requestParameters|contains: '\"fromPort\":22'"), 7, "is an object"),
    (rule("a: x\na: y"), 8, "stands twice"),
    (rule("a: &x y\nb: *x"), 7, "aliases"),
    (rule("a: [x"), 8, "not YAML"),
    (rule("a: x", "sel | count() > 5"), 8, "`| count() > 5` counts or relates events over time"),
    (rule("a: x", "2 of sel*"), 8, "`2 of` is not supported"),
    (rule("a: x", "null"), 8, "is a text"),
    (rule("a: x", "[]"), 8, "an empty list"),
    (rule("a: x", "[sel, 5]"), 8, "is a text"),
    (rule("a: x", "sel and other"), 8, "not defined"),
    (rule("a: x", "1 of other*"), 8, "doesn't match any detection"),
    (rule("a: x", "sel AND sel"), 8, "is written and"),
    (rule("a: x", "sel sel"), 8, "Expected end of text"),
    (rule("a: x", "''"), 8, ""),
    (rule("a: x") + "  timeframe: 5m\n", 9, "timeframe"),
    (HEAD + "  sel: []\n  condition: sel\n", 6, "is empty"),
    (HEAD + "  sel: {}\n  condition: sel\n", 6, "is empty"),
    (HEAD + "  sel:\n    a: x\n", 5, "needs a `condition`"),
    (HEAD.replace("aws", "azure") + "  sel:\n    a: x\n  condition: sel\n", 2, "not CloudTrail"),
    (HEAD.replace("  service: cloudtrail\n", "") + "  sel:\n    a: x\n  condition: sel\n", 2, "not CloudTrail"),
    ("title: x\n", 1, "needs `logsource`"),
    ("title: x\nlogsource: {product: aws, service: cloudtrail}\ndetection: x\n", 3, "is a mapping"),
    ("- a\n", 1, "is a YAML mapping"),
    ("1: a\n", 1, "is a YAML mapping"),
    ("a: \x07\n", None, "not YAML"),
    ("action: sing\n", 1, "unknown action"),
    ("title: x\ncorrelation:\n  type: event_count\n", 2, "correlation"),
    ("title: x\nfilter:\n  rules: any\n", 2, "filters"),
    (rule("a: x") + "level: urgent\n", 9, "level"),
    (rule("a: x") + "id: '7'\n", 9, "identifier"),
    (rule("a: x") + "id: 7\n", 1, ""),
    (rule("a: x", "not (sel and " * 150 + "sel" + ")" * 150), 8, "nested too deeply"),
    ("[" * 5000, None, ""),
]


@pytest.mark.parametrize(("text", "line", "message"), BROKEN)
def test_what_is_not_supported_is_refused_where_it_stands(text: str, line: int | None, message: str) -> None:
    """Never a rule that silently means less."""
    with pytest.raises(RuleError) as caught:
        sigma.parse_documents(text)
    assert message.lower() in caught.value.message.lower()
    assert caught.value.line == line


HINTS = [
    (rule("a: x", "sel | count(b) by c > 20"), "`condition: sel` is a rule for each event"),
    (rule("a: x", "sel | near other"), "threshold of a [[rule]]"),
    (rule("a: x") + "  timeframe: 5m\n", "threshold of a [[rule]]"),
    ("title: x\ncorrelation:\n  type: event_count\n", "threshold of a [[rule]]"),
    (rule("a|contains: 5"), "put it in quotes"),
    (rule("a|contain: x"), 'did you mean "contains"?'),
    (rule("a|nonsense: x"), "docs/sigma.md"),
    (rule("a:\n  b: c"), "`a.b: value`"),
    (rule("a: []"), "`field: null`"),
    (rule("a: x", "2 of sel*"), "1 of, any of and all of"),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_a_refusal_says_what_to_do(text: str, hint: str) -> None:
    """The whole public folder holds rules that count over time, and their readers did not write them."""
    with pytest.raises(RuleError) as caught:
        sigma.parse_documents(text)
    assert hint in caught.value.hint
