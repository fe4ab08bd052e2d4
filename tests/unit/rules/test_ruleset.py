"""Reading configurations: what is right is read whole, and every mistake is told at once, with its place and a hint."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.rules import compiled, ruleset
from pipeline.rules.rule import Repeat, Route, RuleSet, Settings, Severity, Threshold

HERE = Path(__file__).parent
STOP_LOGGING = '{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"}'
FILES: dict[str, str | list[str]] = {
    "fixtures/events/stop_logging.json": STOP_LOGGING,
    "list.json": "[1]",
    "folder": ["folder/event.json"],
}


def _read(path: str) -> str | list[str]:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def _parse(text: str) -> RuleSet:
    return ruleset.parse(text, _read)


# ---- what is right ----

DESIGNED = """
packs = ["baseline"]

[settings]
errors_to = ["security"]
[settings.accounts]
111122223333 = "production"

[[rule]]
name = "Trail tampering"
description = "Someone stopped, changed or deleted a trail"
severity = "critical"
filter_pattern = '{ ($.eventName = "StopLogging") || ($.eventName = "DeleteTrail") }'
destinations = ["security"]
runbook = "https://wiki.example.com/trail"
tags = ["cloudtrail"]
repeat = "thread"
group_by = ["rule", "account", "actor"]
[[rule.test]]
event = "fixtures/events/stop_logging.json"
matches = true
[[rule.test]]
name = "another call"
event = { eventName = "DescribeTrails" }
matches = false

[[ignore]]
reason = "CI assumes this role hourly"
owner = "platform"
until = 2027-01-31
event_pattern = '{"userIdentity": {"userName": ["ci"]}}'

[[route]]
severity = ["high", "critical"]
destinations = ["security"]
mention = "@here"

[[route]]
destinations = ["security"]

[[destination]]
id = "security"
type = "slack"
channel = "C0123456789"
token = "secretsmanager:trailwire/slack"
"""


def test_a_whole_configuration_is_read_as_it_is_written() -> None:
    rules = _parse(DESIGNED)
    own = rules.rules[-1]
    assert {rule.pack for rule in rules.rules[:-1]} == {"baseline"}
    assert (own.name, own.facts.severity, own.facts.repeat) == ("Trail tampering", Severity.CRITICAL, Repeat.THREAD)
    assert own.facts.group_by == ("rule", "account", "actor")
    assert (own.language, own.where, own.destinations) == ("filter_pattern", "trailwire.toml:9", ("security",))
    assert [(test.matches, test.name, test.where) for test in own.tests] == [
        (True, "", "trailwire.toml:19"),
        (False, "another call", "trailwire.toml:22"),
    ]
    assert all(own.condition.matches(test.event) is test.matches for test in own.tests)
    assert rules.settings == Settings(accounts={"111122223333": "production"}, errors_to=("security",))
    (ignore,) = rules.ignores
    assert (ignore.reason, ignore.owner, ignore.until) == (
        "CI assumes this role hourly",
        "platform",
        dt.date(2027, 1, 31),
    )
    assert rules.routes == (
        Route(
            destinations=("security",),
            severities=(Severity.HIGH, Severity.CRITICAL),
            mention="here",
            where="trailwire.toml:33",
        ),
        Route(destinations=("security",), where="trailwire.toml:38"),
    )
    (destination,) = rules.destinations
    assert destination.options == {"channel": "C0123456789", "token": "secretsmanager:trailwire/slack"}
    assert rules.notes == ()


TATTLETAIL = r"""
[[rule]]
name = "User made"
jq_match = 'select(.eventName == "CreateUser") | "new user: \(.responseElements.user.userName)"'
description = "Somebody made an IAM user"
destinations = ["Main topic", "Warnings", "Post"]

[[rule]]
name = "Key made"
jq_match = 'select(.eventName == "CreateAccessKey")'
description = "Somebody made an access key"
destinations = ["Main topic", "Warnings", "Post"]

[[destination]]
id = "Main topic"
type = "sns"
sns_arn = "arn:aws:sns:us-east-1:1234567890:tails"

[[destination]]
id = "Warnings"
type = "slack_webhook"
webhook_url = "https://hooks.example.com/services/T000/B000/xxxx"

[[destination]]
id = "Post"
type = "ses"
to_emails = ["one@example.com", "two@example.com"]
from_email = "trail@example.com"
"""


def test_a_configuration_with_cloudtrail_tattletails_keys_works_unchanged() -> None:
    rules = _parse(TATTLETAIL)
    assert [destination.options for destination in rules.destinations] == [
        {"sns_arn": "arn:aws:sns:us-east-1:1234567890:tails"},
        {"webhook_url": "https://hooks.example.com/services/T000/B000/xxxx"},
        {"from_email": "trail@example.com", "to_emails": ["one@example.com", "two@example.com"]},
    ]
    user, key = rules.rules
    event = {"eventName": "CreateUser", "responseElements": {"user": {"userName": "eve"}}}
    assert user.condition.decide(event, "").annotation == "new user: eve"
    assert not key.condition.matches(event)
    assert user.destinations == ("Main topic", "Warnings", "Post")
    assert user.facts.severity is Severity.MEDIUM
    (note,) = rules.notes
    assert (note.where, note.message) == ("trailwire.toml:22", '"webhook_url" holds a literal secret')
    assert note.hint == "keep it elsewhere and refer to it: secretsmanager:NAME, ssm:/path or env:NAME"


def test_nothing_at_all_is_a_configuration() -> None:
    assert _parse("") == RuleSet()


def test_critical_rules_are_grouped_by_event_name_too_and_repeat_in_a_thread() -> None:
    high, critical = _parse(
        '[[rule]]\nname = "a"\nevent_names = ["x"]\nseverity = "high"\n'
        '[[rule]]\nname = "b"\nevent_names = ["x"]\nseverity = "critical"\n'
    ).rules
    assert (high.facts.group_by, high.facts.repeat) == (("rule", "account", "actor"), Repeat.EDIT)
    assert (critical.facts.group_by, critical.facts.repeat) == (
        ("rule", "account", "actor", "eventName"),
        Repeat.THREAD,
    )


def test_a_threshold_counts_by_what_it_says() -> None:
    (rule,) = _parse(
        '[[rule]]\nname = "a"\nevent_names = ["x"]\nthreshold = { count = 5, by = ["sourceIPAddress", "rule"] }\n'
    ).rules
    assert rule.facts.threshold == Threshold(count=5, within_s=300, by=("rule", "sourceIPAddress"))


def test_an_event_pattern_may_be_a_table() -> None:
    (rule,) = _parse('[[rule]]\nname = "a"\n[rule.event_pattern]\neventName = ["x"]\n').rules
    assert rule.condition.matches({"eventName": "x"})


def test_each_lays_its_entries_over_the_event() -> None:
    """A test for each entry, and none for the event itself; tables are merged key by key."""
    text = """
[[rule]]
name = "a"
event_names = ["StopLogging"]
[[rule.test]]
name = "calls"
event = { eventName = "x", userIdentity = { type = "IAMUser", userName = "bob" } }
each = [
  { eventName = "StopLogging" },
  { eventName = "DeleteTrail", userIdentity = { type = "Root" } },
]
[[rule.test]]
event = { eventName = "x" }
each = [{ tags = ["y"] }]
"""
    (rule,) = _parse(text).rules
    bob = {"type": "IAMUser", "userName": "bob"}
    assert [(test.name, test.event, test.where) for test in rule.tests] == [
        ('calls: eventName = "StopLogging"', {"eventName": "StopLogging", "userIdentity": bob}, "trailwire.toml:5"),
        (
            'calls: eventName = "DeleteTrail", userIdentity.type = "Root"',
            {"eventName": "DeleteTrail", "userIdentity": bob | {"type": "Root"}},
            "trailwire.toml:5",
        ),
        ('tags = ["y"]', {"eventName": "x", "tags": ["y"]}, "trailwire.toml:12"),
    ]


@pytest.mark.parametrize("secret", ["secretsmanager:a/b#key", "ssm:/a/b", "env:SLACK_TOKEN"])
def test_a_secret_that_is_referred_to_leaves_no_note(secret: str) -> None:
    text = f'[[destination]]\nid = "a"\ntype = "slack"\nchannel = "#ops"\ntoken = "{secret}"\n'
    assert _parse(text).notes == ()


# ---- what is wrong ----


def _mistakes() -> list[tuple[str, str, list[str]]]:
    cases = []
    for block in (HERE / "configuration_mistakes.txt").read_text().split("\n### ")[1:]:
        title, *lines = block.splitlines()
        text = "".join(f"{line}\n" for line in lines if not line.startswith("> "))
        cases.append((title, text, [line.removeprefix("> ") for line in lines if line.startswith("> ")]))
    return cases


MISTAKES = _mistakes()


@pytest.mark.parametrize(("title", "text", "expected"), MISTAKES, ids=[title for title, _, _ in MISTAKES])
def test_every_mistake_is_told_at_once_where_it_stands(title: str, text: str, expected: list[str]) -> None:
    del title
    with pytest.raises(ConfigError) as raised:
        _parse(text)
    assert [str(problem) for problem in raised.value.problems] == expected


@pytest.mark.parametrize(("title", "text", "expected"), MISTAKES, ids=[title for title, _, _ in MISTAKES])
def test_every_problem_names_a_line_of_the_file(title: str, text: str, expected: list[str]) -> None:
    del title
    for problem in expected:
        file, line, _ = problem.split(":", 2)
        assert file == "trailwire.toml"
        assert 1 <= int(line) <= len(text.splitlines())


def test_carriage_returns_do_not_shift_lines() -> None:
    with pytest.raises(ConfigError) as raised:
        _parse('packs = []\r\n[[rule]]\r\nname = "a"\r\nfilter_pattern = """\r\n{ $.a == 1 }"""\r\n')
    assert raised.value.problems[0].where == "trailwire.toml:5"


# ---- files ----


def test_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "stop.json").write_text(STOP_LOGGING)
    file = tmp_path / "rules.toml"
    file.write_text('[[rule]]\nname = "a"\nevent_names = ["StopLogging"]\n[[rule.test]]\nevent = "events/stop.json"\n')
    (rule,) = ruleset.load(file).rules
    assert rule.tests[0].event["eventName"] == "StopLogging"
    assert rule.where == f"{file}:1"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("odd.json", 'cannot read "odd.json": not UTF-8 text: invalid start byte at byte 2'),
        ("a\\u0000b", 'cannot read "a\0b": not a path'),
        ("a" * 300, f'cannot read "{"a" * 300}": File name too long'),
        ("ok.json/b", 'cannot read "ok.json/b": Not a directory'),
    ],
)
def test_paths_that_lead_to_nothing_readable_are_mistakes(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "odd.json").write_bytes(b"{}\xff")
    (tmp_path / "ok.json").write_bytes(b"\xef\xbb\xbf{}")
    file = tmp_path / "rules.toml"
    text = '[[rule]]\nname = "a"\nevent_names = ["x"]\n[[rule.test]]\nevent = "ok.json"\n[[rule.test]]\nevent = '
    file.write_text(f'{text}"{path}"\n')
    with pytest.raises(ConfigError) as raised:
        ruleset.load(file)
    assert [str(problem) for problem in raised.value.problems] == [f"{file}:7: {says}"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "rules.toml"
    file.write_bytes(b'\xef\xbb\xbf[[rule]]\r\nname = "a"\r\nevent_names = ["x"]\r\n')
    assert [rule.name for rule in ruleset.load(file).rules] == ["a"]


def test_a_number_that_python_cannot_read_is_a_mistake_with_a_place() -> None:
    with pytest.raises(ConfigError) as raised:
        _parse(f"packs = []\n[settings]\ngroup_window_s = {'9' * 5000}\n")
    assert [str(problem) for problem in raised.value.problems] == ["trailwire.toml:3: this number has too many digits"]


@pytest.mark.parametrize("deep", [".a" * 3000 + " = 1", " = " + "{ a = " * 220 + "1" + " }" * 220])
@pytest.mark.parametrize("table", ["[[rule.test]]\nevent", "[[ignore]]\nevent_pattern", "[settings]\naccounts"])
def test_what_is_nested_beyond_sense_is_a_mistake_with_a_place(table: str, deep: str) -> None:
    with pytest.raises(ConfigError) as raised:
        _parse(f'[[rule]]\nname = "a"\nevent_names = ["x"]\n{table}{deep}\n')
    assert [str(problem) for problem in raised.value.problems] == ["trailwire.toml:5: nested too deeply to be read"]


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ruleset.load(tmp_path / "trailwire.toml")


def test_bytes_that_are_no_text_are_a_mistake_with_a_place(tmp_path: Path) -> None:
    file = tmp_path / "trailwire.toml"
    file.write_bytes(b"packs = []\n# caf\xe9\n")
    with pytest.raises(ConfigError, match="toml:2: not UTF-8 text: invalid continuation byte at byte 16"):
        ruleset.load(file)


def test_a_compiled_rule_set_is_loaded_as_such(tmp_path: Path) -> None:
    file = tmp_path / "trailwire.json"
    before = _parse(TATTLETAIL)
    file.write_bytes(compiled.dump(before))
    assert ruleset.load(file) == compiled.load(compiled.dump(before))


def test_without_a_reader_no_path_can_be_followed() -> None:
    text = '[[rule]]\nname = "a"\nevent_names = ["x"]\n[[rule.test]]\nevent = "a.json"\n'
    with pytest.raises(ConfigError, match="only compiled configurations can refer to files from here"):
        ruleset.from_bytes(text.encode(), name="trailwire.toml")
