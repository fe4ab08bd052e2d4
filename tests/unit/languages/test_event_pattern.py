"""Event patterns: where mistakes are reported, what trees look like, what is remarked on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pipeline.errors import RuleError
from pipeline.languages.event_pattern import parse, remarks, wrap
from pipeline.languages.event_pattern.reading import MAX_LENGTH, MAX_NESTING
from pipeline.predicate import FALSE
from pipeline.printer import show


@pytest.mark.parametrize(
    ("text", "position", "line"),
    [
        ('{"a": "x"}', 6, 1),
        ('{"a": ["x"], "b":  "x"}', 19, 1),
        ('{\n  "detail": {\n    "eventName": ["x", {"prefx": "y"}]\n  }\n}', 39, 3),
        ('{"a": [{"anything-but": ["x", 1]}]}', 24, 1),
        ('{"\\u0022,": ["x"], "b": [{"numeric": [">", 2, "<", 1]}]}', 37, 1),
        ('{"$or": [{"a": ["x"]}, {"b": {}}]}', 29, 1),
        ('{"a": ["x"]', 11, 1),
        ("[1]", 0, 1),
    ],
)
def test_a_mistake_is_reported_where_it_stands(text: str, position: int, line: int) -> None:
    """Position counts characters of the pattern's text, line its lines."""
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.line) == (position, line)


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ({"detail": {"eventName": "X"}}, "detail.eventName: ", 'write "eventName": ["X"]'),
        ({"detail": {"eventName": {"prefix": "X"}}}, "detail.eventName.prefix: ", '[{"prefix": "X"}]'),
        ({"a": [{"prefx": "X"}]}, "a[0]: ", 'did you mean "prefix"?'),
        ({"a": [{"regex": "X"}]}, "a[0]: ", "known are prefix, suffix"),
        ({"a": []}, "a: ", '[{"exists": false}]'),
        ({"a": [{"numeric": ["<", 5, ">", 0]}]}, "a[0].numeric: ", '[">", 0, "<=", 5]'),
        ({"a": [{"numeric": [">", "5"]}]}, "a[0].numeric: ", "without quotes"),
        ({"a": [{"wildcard": ["x"]}]}, "a[0].wildcard: ", "only anything-but takes a list"),
        ({"a b": "x"}, '["a b"]: ', 'write "a b": ["x"]'),
        ({"a": [dt.date(2026, 1, 1)]}, "a[0]: ", "write it as a string"),
    ],
)
def test_a_mistake_says_which_key_and_how_to_mend_it(pattern: dict[str, Any], message: str, hint: str) -> None:
    """The key path is in the message, of tables, too."""
    with pytest.raises(RuleError) as caught:
        parse(pattern)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint
    assert caught.value.position is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a":' * (MAX_NESTING + 1) + '["x"]' + "}" * (MAX_NESTING + 1),
        '{"a": ["' + "x" * MAX_LENGTH + '"]}',
        '{"a": [' + "9" * 10_000 + "]}",
        '{"a": [1e999999999999999999]}',
        '{"a": [-1e-999999]}',
        "{" + ", ".join(f'"$or": [{{"a{i}": [1]}}, {{"b{i}": [1]}}]' for i in range(10)) + "}",
    ],
)
def test_hostile_patterns_are_refused(text: str) -> None:
    """Depth, length, huge numbers and exploding alternatives end in a RuleError."""
    with pytest.raises(RuleError):
        parse(text)


def test_a_table_nested_too_deeply_is_refused() -> None:
    """Tables are bounded like text."""
    table: dict[str, Any] = {"a": ["x"]}
    for _ in range(MAX_NESTING):
        table = {"a": table}
    with pytest.raises(RuleError, match="nested deeper"):
        parse(table)


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ('{"a": ["x", "y", {"prefix": "z"}]}', 'a[] is one of "x", "y" or a[] begins with "z"'),
        ('{"source": ["aws.ec2"]}', 'eventSource is "ec2.amazonaws.com"'),
        ('{"detail": {"userIdentity": {"type": ["Root"]}}}', 'userIdentity[].type[] is "Root"'),
        ('{"detail": {"eventName": ["X"]}, "region": ["r"]}', 'awsRegion is "r" and eventName[] is "X"'),
        ('{"a": [{"exists": true}]}', "a[] is a plain value"),
        ('{"a": {"b": ["x", {"exists": false}]}}', 'not (a[].b[] is a plain value) or a[].b[] is "x"'),
        ('{"a": {"b": {"c": ["x", {"exists": false}]}}}', 'not (a[].b[].c[] is a plain value) or a[].b[].c[] is "x"'),
        ('{"version": ["0"], "detail": {"a": ["x"]}}', 'a[] is "x"'),
        ('{"version": ["1"], "detail": {"a": ["x"]}}', "never"),
        ('{"a": [{"wildcard": "*x*"}, {"wildcard": "x*"}]}', 'a[] contains "x" or a[] begins with "x"'),
    ],
)
def test_trees_are_plain(pattern: str, tree: str) -> None:
    """What can be indexed by path is not hidden below other nodes."""
    assert show(parse(pattern).tree) == tree


def test_what_cannot_match_is_never() -> None:
    """A wrapped pattern that asks for what no wrapped event has is known to match nothing."""
    assert parse({"source": ["aws.ec2"], "eventName": ["X"]}).tree == FALSE


@pytest.mark.parametrize(
    ("pattern", "where", "message", "hint"),
    [
        ({"source": ["aws.s3"], "eventName": ["X"]}, "eventName", "inside detail", '"detail": {"eventName": ...}'),
        ({"source": ["aws.s3"], "details": {"a": ["X"]}}, "details", "has no", 'did you mean "detail"?'),
        ({"account": ["1"]}, "account", "CloudTrail event itself", "source, detail-type or detail"),
        (
            {"detail-type": ["AWS Console Signin via CloudTrail"]},
            "detail-type",
            "no CloudTrail event",
            'did you mean "AWS Console Sign In via CloudTrail"?',
        ),
        ({"detail-type": ["Scheduled Event"]}, "detail-type", "no CloudTrail event", "known are AWS API Call"),
        ({"source": ["s3.amazonaws.com"]}, "source", "no CloudTrail event", 'did you mean "aws.s3"?'),
        ({"detail.eventName": ["X"]}, '["detail.eventName"]', "a dot in its name", "one object inside the other"),
        ({"a": {"anything-but": ["x"]}}, "a.anything-but", "name of a field", '[{"anything-but": ...}]'),
        ({"$or": [{"source": ["s3"]}, {"detail": {"a.b": [1]}}]}, "$or[0].source", "no CloudTrail", "aws.s3"),
    ],
)
def test_what_nobody_can_mean_is_remarked_on(pattern: dict[str, Any], where: str, message: str, hint: str) -> None:
    """EventBridge accepts these, and they match nothing."""
    parse(pattern)
    first = remarks(pattern)[0]
    assert first.where == where
    assert message in first.message
    assert hint in first.hint


def test_a_sound_pattern_gets_no_remark() -> None:
    """A usual rule, fields that are named like matchers included, is left alone."""
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "account": ["111122223333"],
        "detail": {"eventName": ["ListObjects"], "requestParameters": {"prefix": ["x"]}},
    }
    assert remarks(pattern) == ()
    assert remarks('{"eventName": ["StopLogging"]}') == ()


def test_wrapping_follows_the_event() -> None:
    """The wrapper's fields are the event's own, and the event is its detail."""
    event = {
        "eventSource": "signin.amazonaws.com",
        "eventType": "AwsConsoleSignIn",
        "eventTime": "2026-01-02T03:04:05Z",
        "eventID": "e-1",
        "awsRegion": "eu-west-1",
        "userIdentity": {"accountId": "111122223333"},
    }
    assert wrap(event) == {
        "version": "0",
        "id": "e-1",
        "detail-type": "AWS Console Sign In via CloudTrail",
        "source": "aws.signin",
        "account": "111122223333",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": event,
    }


def test_wrapping_leaves_out_what_is_no_text() -> None:
    """Odd types in the event leave the wrapper's fields out; an event without a type is an API call."""
    odd = {"eventSource": 7, "eventTime": [], "userIdentity": "x", "recipientAccountId": {}, "awsRegion": None}
    assert wrap(odd) == {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "resources": [],
        "detail": odd,
    }


def test_conditions_are_values() -> None:
    """The same pattern gives the same condition, which has no program and reads no raw text."""
    condition = parse('{"a": ["x"]}')
    assert condition == parse({"a": ["x"]})
    assert condition.program is None
    assert not condition.reads_raw()
