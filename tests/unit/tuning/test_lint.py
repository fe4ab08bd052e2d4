"""What is doubtful about a configuration that can be used."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.rules import ruleset
from pipeline.tuning.finding import Finding
from pipeline.tuning.lint import lint

TODAY = dt.date(2026, 11, 21)
OUT = '[settings]\nerrors_to = ["out"]\n[[destination]]\nid = "out"\ntype = "stdout"\n'
ROUTED = f'[[route]]\ndestinations = ["out"]\n{OUT}'
RULE = '[[rule]]\nname = "a"\nevent_names = ["x"]\n'
TESTED = f'{RULE}[[rule.test]]\nevent = {{ eventName = "x" }}\n'

FINDINGS: list[tuple[str, list[tuple[str, str, str]]]] = [
    (TESTED + ROUTED, []),
    (RULE + ROUTED, [("rule-untested", "note", "trailwire.toml:1")]),
    (TESTED, [("rule-unrouted", "warning", "trailwire.toml:1"), ("no-destination", "warning", "[[destination]]")]),
    (
        f'{TESTED}[[route]]\naccounts = ["111122223333"]\ndestinations = ["out"]\n{OUT}',
        [("rule-unrouted", "warning", "trailwire.toml:1")],
    ),
    (
        f'{TESTED}[[route]]\nseverity = ["high"]\ndestinations = ["out"]\n{OUT}',
        [("rule-unrouted", "warning", "trailwire.toml:1")],
    ),
    (
        f'[[route]]\ndestinations = ["out"]\n[[route]]\ntags = ["t"]\ndestinations = ["out"]\n{OUT}',
        [("route-unreachable", "warning", "trailwire.toml:3")],
    ),
    (f'[[route]]\ntags = ["t"]\ndestinations = ["out"]\n{ROUTED}', []),
    (
        f'[[ignore]]\nreason = "r"\nuntil = 2026-11-20\nevent_names = ["x"]\n{ROUTED}',
        [("ignore-expired", "warning", "trailwire.toml:1")],
    ),
    (f'[[ignore]]\nreason = "r"\nuntil = 2026-11-21\nevent_names = ["x"]\n{ROUTED}', []),
    (
        f'[[ignore]]\nreason = "r"\nevent_names = ["x"]\n{ROUTED}',
        [("ignore-forever", "note", "trailwire.toml:1")],
    ),
    (f'[[ignore]]\nreason = "r"\nowner = "o"\nevent_names = ["x"]\n{ROUTED}', []),
    ("", [("no-destination", "warning", "[[destination]]")]),
    (
        '[[route]]\ndestinations = ["out"]\n[[destination]]\nid = "out"\ntype = "stdout"\n',
        [("no-errors-to", "note", "trailwire.toml:3")],
    ),
    (
        f'{ROUTED}[[destination]]\nid = "b"\ntype = "stdout"\n',
        [("destination-unused", "note", "trailwire.toml:8")],
    ),
    (
        f'{ROUTED}[[destination]]\nid = "b"\ntype = "slack"\nchannel = "C0123456789"\ntoken = "xoxb-1"\n',
        [("literal-secret", "warning", "trailwire.toml:12"), ("destination-unused", "note", "trailwire.toml:8")],
    ),
]
NEVER = [
    "jq_match = '.a | error'",
    "jq_match = 'select(.eventName == \"x\") | false'",
    'python = \'event["a"] == "x" and False\'',
    'event_pattern = \'{"detail": {"a": [1]}, "eventName": ["x"]}\'',
]


def _found(text: str) -> list[Finding]:
    def read(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    return lint(ruleset.parse(text, read), TODAY)


@pytest.mark.parametrize(("text", "expected"), FINDINGS)
def test_what_is_doubtful_is_found_where_it_stands(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Each finding has a code, a severity and a place; what is fine has none."""
    assert [(finding.code, finding.severity, finding.where) for finding in _found(text)] == expected


@pytest.mark.parametrize("condition", NEVER)
def test_a_rule_that_can_match_no_event_is_found(condition: str) -> None:
    """As far as its text tells: what a program computes is not known."""
    found = _found(f'[[rule]]\nname = "a"\n{condition}\n{ROUTED}')
    assert [finding.code for finding in found].count("never-matches") == 1
