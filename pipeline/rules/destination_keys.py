"""What each type of destination needs to know, and which of it is secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pipeline.rules.rule import DestinationConfig
from pipeline.rules.section import Section

SECRET_REFERENCES = ("secretsmanager:", "ssm:", "env:")
"""A secret is written as a reference: `secretsmanager:NAME[#json-key]`, `ssm:/path` or `env:NAME`."""

_CHANNEL = re.compile(r"#?[\w-]{1,80}")
_TOPIC_ARN = re.compile(r"arn:aws[\w-]*:sns:[\w-]+:\d+:[\w.-]+")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


@dataclass(frozen=True, slots=True)
class DestinationType:
    """The keys of one type: each of `one_of` groups needs exactly one of its keys."""

    one_of: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()


TYPES = {
    "slack": DestinationType(one_of=(("channel",), ("token",))),
    "slack_webhook": DestinationType(one_of=(("webhook_url",),)),
    "sns": DestinationType(one_of=(("sns_arn", "topic_arn"),)),
    "ses": DestinationType(one_of=(("from_email",), ("to_emails", "to_email"))),
    "webhook": DestinationType(one_of=(("url",),), optional=("secret",)),
    "stdout": DestinationType(),
}
"""Every type. `sns_arn`, `webhook_url`, `from_email` and `to_emails` are cloudtrail-tattletail's names."""

_CANONICAL = {"topic_arn": "sns_arn", "to_email": "to_emails"}
_SECRETS = ("token", "webhook_url", "secret")


def read_destination(section: Section) -> DestinationConfig:
    """Read one `[[destination]]`; what is wrong with it is recorded in its document."""
    name = section.text("id", required=True)
    kind = section.choice("type", TYPES, "stdout") if section.has("type") else section.text("type", required=True)
    options: dict[str, Any] = {}
    for keys in TYPES.get(kind, DestinationType()).one_of:
        given = [key for key in keys if section.has(key)]
        if not given:
            section.problem("", f'a destination of type {kind} needs "{keys[0]}"')
        for key in given:
            options[_CANONICAL.get(key, key)] = _read_option(section, key)
    for key in TYPES.get(kind, DestinationType()).optional:
        if section.has(key):
            options[key] = _read_option(section, key)
    section.finish()
    return DestinationConfig(id=name, type=kind, options=options, where=section.where())


def _read_option(section: Section, key: str) -> Any:
    if key == "to_emails":
        addresses: Any = section.texts(key)
        if not addresses:
            section.problem(key, f'"{key}" must name at least one address')
    elif key == "to_email":
        addresses = (section.text(key),)
    else:
        return _read_text_option(section, key)
    for address in addresses:
        _check(section, key, _ADDRESS, address, "an e-mail address")
    return list(addresses)


def _read_text_option(section: Section, key: str) -> str:
    value = section.text(key, required=True)
    match key:
        case "channel":
            _check(section, key, _CHANNEL, value, "a channel id such as C0123456789, or a channel name")
        case "sns_arn" | "topic_arn":
            _check(section, key, _TOPIC_ARN, value, "the ARN of an SNS topic")
        case "from_email":
            _check(section, key, _ADDRESS, value, "an e-mail address")
        case "url":
            _check_url(section, key, value)
        case _ if key in _SECRETS:
            _check_secret(section, key, value)
    return value


def _check(section: Section, key: str, shape: re.Pattern[str], value: str, expected: str) -> None:
    if value and not shape.fullmatch(value):
        section.problem(key, f'"{key}" must be {expected}, not "{value}"')


def _check_url(section: Section, key: str, value: str) -> None:
    if value and not value.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        section.problem(key, f'"{key}" must begin with https://')


def _check_secret(section: Section, key: str, value: str) -> None:
    if value.startswith(SECRET_REFERENCES):
        return
    if key == "webhook_url":
        _check_url(section, key, value)
    section.document.note(
        (*section.key, key),
        f'"{key}" holds a literal secret',
        "keep it elsewhere and refer to it: secretsmanager:NAME, ssm:/path or env:NAME",
    )
