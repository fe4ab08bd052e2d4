"""What a destination's table may say: every mistake with its line, and never a secret in the message."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.rules.destination_keys import TYPES, is_endpoint
from pipeline.rules.ruleset import parse

ROOT = Path(__file__).parents[3]


def _read(keys: str) -> Any:
    rules = parse(f'[[destination]]\nid = "x"\n{keys}\n', lambda path: path)
    (destination,) = rules.destinations
    return destination.options, [note.message for note in rules.notes]


def _problems(keys: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _read(keys)
    return [str(problem) for problem in caught.value.problems]


ADDRESSES = [
    ("https://hooks.slack.com/services/T0/B0/x", True),
    ("https://example.com:8443/a?b=c", True),
    ("https://[2001:db8::1]/hook", True),
    ("https://192.0.2.1/", True),
    ("http://127.0.0.1:8080/hook", True),
    ("http://localhost/hook", True),
    ("http://[::1]:8080/hook", True),
    ("http://example.com/hook", False),
    ("http://127.0.0.1.evil.example/", False),
    ("http://localhost.evil.example/", False),
    ("http://127.0.0.1@evil.example/", False),
    ("https://user@example.com/", False),
    ("https://user:password@example.com/", False),
    ("https://example.com/#fragment", False),
    ("https://example.com:0/", False),
    ("https://example.com:99999/", False),
    ("https://example.com:x/", False),
    ("https://", False),
    ("https:///path", False),
    ("https://[::1/", False),
    ("https://example.com/a b", False),
    ("https://example.com/\r\nX: 1", False),
    ("https://ex\u00e4mple.com/", False),
    ("HTTPS://example.com/", True),
    ("ftp://example.com/", False),
    ("file:///etc/passwd", False),
    ("example.com", False),
    ("", False),
    ("https://example.com/" + "a" * 3000, False),
]


@pytest.mark.parametrize(("address", "expected"), ADDRESSES)
def test_alerts_are_posted_to_https_addresses_and_this_machine_only(address: str, expected: bool) -> None:
    assert is_endpoint(address) is expected


GOOD: list[tuple[str, dict[str, Any]]] = [
    (
        'type = "slack"\nchannel = "#sec.ops"\ntoken = "env:TOKEN"',
        {"channel": "#sec.ops", "token": "env:TOKEN"},
    ),
    (
        'type = "sns"\ntopic_arn = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:alerts.fifo"',
        {"sns_arn": "arn:aws-us-gov:sns:us-gov-west-1:111122223333:alerts.fifo"},
    ),
    (
        'type = "ses"\nfrom_email = "a+b@mail.example.com"\nto_email = "c@example.com"\nregion = "eu-west-1"',
        {"from_email": "a+b@mail.example.com", "to_emails": ["c@example.com"], "region": "eu-west-1"},
    ),
    ('type = "webhook"\nurl = "https://example.com/x"', {"url": "https://example.com/x"}),
    (
        'type = "webhook"\nurl = "ssm:/hook"\nsecret = "secretsmanager:a/b#c"',
        {"url": "ssm:/hook", "secret": "secretsmanager:a/b#c"},
    ),
]


@pytest.mark.parametrize(("keys", "options"), GOOD)
def test_what_is_right_is_read_without_a_note(keys: str, options: dict[str, Any]) -> None:
    assert _read(keys) == (options, [])


LITERAL = [
    ('type = "slack"\nchannel = "C1"\ntoken = "xoxb-1"', "token"),
    ('type = "slack_webhook"\nwebhook_url = "https://hooks.slack.com/services/T/B/x"', "webhook_url"),
    ('type = "webhook"\nurl = "https://example.com/x"\nsecret = "s3cret"', "secret"),
]


@pytest.mark.parametrize(("keys", "key"), LITERAL)
def test_a_literal_secret_is_noted_and_not_quoted(keys: str, key: str) -> None:
    assert _read(keys)[1] == [f'"{key}" holds a literal secret']


BAD = [
    (
        'type = "ses"\nfrom_email = "a@example.com"\nto_emails = [' + '"x@example.com",' * 51 + "]",
        [
            (
                'trailwire.toml:5: "to_emails" names 51 addresses; SES takes 50 '
                "(hint: give them one mailing list's address, or write a second destination)"
            )
        ],
    ),
    (
        'type = "ses"\nfrom_email = "a@example.com"\nto_email = "a@example.com"\nto_emails = ["b@example.com"]',
        ['trailwire.toml:5: "to_emails" and "to_email" mean the same (hint: keep one of them)'],
    ),
    (
        'type = "ses"\nfrom_email = "a@example.com\\r\\nBcc: b@example.com"\nto_email = "a@b"\nregion = "Europe"',
        [
            'trailwire.toml:4: "from_email" must be an e-mail address, not "a@example.com\r\nBcc: b@example.com"',
            'trailwire.toml:5: "to_email" must be an e-mail address, not "a@b"',
            'trailwire.toml:6: "region" must be a region such as eu-west-1, not "Europe"',
        ],
    ),
    (
        'type = "slack"\nchannel = "C1"\ntoken = "secretsmanager:"',
        ['trailwire.toml:5: "token" refers to nothing: secretsmanager: needs a name after it'],
    ),
    (
        'type = "slack"\nchannel = "C1"\ntoken = "secretsmanager:#key"',
        ['trailwire.toml:5: "token" refers to nothing: secretsmanager: needs a name after it'],
    ),
    (
        'type = "webhook"\nurl = "https://user:password@example.com/"',
        ['trailwire.toml:4: "url" must be a whole address'],
    ),
    (
        'type = "webhook"\nurl = "http://127.0.0.1.evil.example/"',
        ['trailwire.toml:4: "url" must begin with https://'],
    ),
    (
        'type = "slack_webhook"\nwebhook_url = "hooks.slack.com/secret-path"',
        ['trailwire.toml:4: "webhook_url" must begin with https://'],
    ),
    (
        'type = "sns"\nsns_arn = "arn:aws:sns:eu-west-1:111122223333:alerts.fifo.fifo"',
        [
            (
                'trailwire.toml:4: "sns_arn" must be the ARN of an SNS topic, not '
                '"arn:aws:sns:eu-west-1:111122223333:alerts.fifo.fifo"'
            )
        ],
    ),
]


@pytest.mark.parametrize(("keys", "problems"), BAD)
def test_what_cannot_be_right_is_told_with_its_line(keys: str, problems: list[str]) -> None:
    assert _problems(keys) == problems


def test_the_documentations_examples_are_right_and_every_type_has_one() -> None:
    text = (ROOT / "docs/destinations.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    for example in examples:
        assert parse(example, lambda path: path).notes == ()
    kinds = [tomllib.loads(example)["destination"][0]["type"] for example in examples]
    assert sorted(kinds) == sorted(TYPES)
    for kind, keys in TYPES.items():
        for key in (key for group in keys.one_of for key in group):
            assert f"`{key}`" in text or f"{key} = " in text, (kind, key)
