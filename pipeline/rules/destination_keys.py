"""What each type of destination needs to know, and which of it is secret. docs/destinations.md says it for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.event.region import REGION
from pipeline.rules.rule import SECRET_KEYS, DestinationConfig
from pipeline.rules.section import Section

SECRET_REFERENCES = ("secretsmanager:", "ssm:", "env:")
"""A secret is written as a reference: `secretsmanager:NAME[#json-key]`, `ssm:/path` or `env:NAME`."""

IS_LITERAL = "holds a literal secret"
"""How the note about one ends; packaging looks for it."""

MAX_RECIPIENTS = 50
"""SES takes so many in one message (botocore's model of SendEmail)."""

_CHANNEL = re.compile(r"#?[\w.-]{1,80}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{1,12}:[A-Za-z0-9_-]{1,256}(\.fifo)?", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
"""An address as SES takes it: ASCII (a domain with other letters in its `xn--` form), without a display name."""
_PRINTABLE = re.compile(r"[!-~]{1,2000}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class DestinationType:
    """The keys of one type: each of `one_of` groups needs exactly one of its keys."""

    one_of: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()


TYPES = {
    "slack": DestinationType(one_of=(("channel",), ("token",))),
    "slack_webhook": DestinationType(one_of=(("webhook_url",),)),
    "sns": DestinationType(one_of=(("sns_arn", "topic_arn"),)),
    "ses": DestinationType(one_of=(("from_email",), ("to_emails", "to_email")), optional=("region",)),
    "webhook": DestinationType(one_of=(("url",),), optional=("secret",)),
    "stdout": DestinationType(),
}
"""Every type. `sns_arn`, `webhook_url`, `from_email` and `to_emails` are cloudtrail-tattletail's names."""

_CANONICAL = {"topic_arn": "sns_arn", "to_email": "to_emails"}


def is_endpoint(address: str) -> bool:
    """Tell whether alerts may be posted to this address: https, or http on this machine, and nothing odd in it."""
    if not _PRINTABLE.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and not parts.fragment and port != 0
    return bool(host) and plain and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def read_destination(section: Section) -> DestinationConfig:
    """Read one `[[destination]]`; what is wrong with it is recorded in its document."""
    name = section.text("id", required=True)
    kind = section.choice("type", TYPES, "stdout") if section.has("type") else section.text("type", required=True)
    options: dict[str, Any] = {}
    for keys in TYPES.get(kind, DestinationType()).one_of:
        _read_one_of(section, kind, keys, options)
    for key in TYPES.get(kind, DestinationType()).optional:
        if section.has(key):
            options[key] = _read_option(section, key)
    section.finish()
    return DestinationConfig(id=name, type=kind, options=options, where=section.where())


def _read_one_of(section: Section, kind: str, keys: tuple[str, ...], options: dict[str, Any]) -> None:
    given = [key for key in keys if section.has(key)]
    if not given:
        section.problem("", f'a destination of type {kind} needs "{keys[0]}"')
    if len(given) > 1:
        section.problem(given[1], f'"{given[0]}" and "{given[1]}" mean the same', "keep one of them")
    for key in given:
        options[_CANONICAL.get(key, key)] = _read_option(section, key)


def _read_option(section: Section, key: str) -> Any:
    if key == "to_emails":
        addresses = section.texts(key)
        if not addresses:
            section.problem(key, f'"{key}" must name at least one address')
        if len(addresses) > MAX_RECIPIENTS:
            hint = "give them one mailing list's address, or write a second destination"
            section.problem(key, f'"{key}" names {len(addresses)} addresses; SES takes {MAX_RECIPIENTS}', hint)
    elif key == "to_email":
        addresses = (section.text(key, required=True),)
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
        case "region":
            _check(section, key, REGION, value, "a region such as eu-west-1")
        case _ if key in SECRET_KEYS:
            _check_secret(section, key, value)
    return value


def _check(section: Section, key: str, shape: re.Pattern[str], value: str, expected: str) -> None:
    if value and not shape.fullmatch(value):
        section.problem(key, f'"{key}" must be {expected}, not "{value}"')


def _check_secret(section: Section, key: str, value: str) -> None:
    """Check a reference, or a literal value; never quotes it."""
    kind, colon, name = value.partition(":")
    if colon and kind + colon in SECRET_REFERENCES:
        if not name.partition("#")[0].strip():
            section.problem(key, f'"{key}" refers to nothing: {kind}: needs a name after it')
        return
    if key in {"url", "webhook_url"} and value and not is_endpoint(value):
        begins = value.startswith("https://")
        section.problem(key, f'"{key}" must {"be a whole address" if begins else "begin with https://"}')
    if key != "url":
        section.document.note(
            (*section.key, key),
            f'"{key}" {IS_LITERAL}',
            "keep it elsewhere and refer to it: secretsmanager:NAME, ssm:/path or env:NAME",
        )
