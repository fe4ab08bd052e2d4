"""Policies and firewall rules in a few words: who may do what, and what was opened to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from pipeline.decode.json_text import loads_slowly
from pipeline.errors import DecodeError
from pipeline.event.fields import as_text, at, entries, text_at, texts

_DOCUMENT_AT_MOST = 20_000
"""Characters; IAM's largest managed policy has 6,144, S3's bucket policies 20 KB."""

_STATEMENTS_SHOWN = 3
_ENTRIES_SHOWN = 3


def policy_in_words(policy: Any) -> str:
    """Return `Allow s3:GetObject on arn:... to everyone; ...` for a policy as text or object; empty if unreadable."""
    statements = _statements(policy)
    words = [_statement(statement) for statement in statements[:_STATEMENTS_SHOWN]]
    return "; ".join(filter(None, words)) + _more(len(statements) - _STATEMENTS_SHOWN)


def trusted_principals(policy: Any) -> str:
    """Return whom a role's trust policy allows in; empty if it cannot be read."""
    allowed = [statement for statement in _statements(policy) if text_at(statement, "Effect") == "Allow"]
    return _listed([name for statement in allowed for name in _principals(at(statement, "Principal"))])


def openings(request: Any, side: str) -> list[str]:
    """Return what security group rules open, such as `tcp 22 from 0.0.0.0/0 (anywhere)`; `side` is from or to."""
    flat = [request] if text_at(request, "ipProtocol") or text_at(request, "cidrIp") else []
    rules = [*entries(at(request, "ipPermissions")), *flat]
    return [_opening(rule, side) for rule in rules if isinstance(rule, dict)]


def _statements(policy: Any) -> list[Any]:
    document = _document(policy)
    statement = at(document, "Statement")
    return [statement] if isinstance(statement, dict) else entries(statement) if isinstance(statement, list) else []


def _document(policy: Any) -> Any:
    if not isinstance(policy, str):
        return policy
    text = policy[:_DOCUMENT_AT_MOST]
    try:
        return loads_slowly(unquote(text) if text.startswith("%7B") else text)
    except DecodeError:
        return None


def _statement(statement: Any) -> str:
    actions = _listed(texts(at(statement, "Action"))) or _but(texts(at(statement, "NotAction")))
    resources = _listed(texts(at(statement, "Resource")))
    principals = _listed(_principals(at(statement, "Principal")))
    parts = [text_at(statement, "Effect"), actions, resources and f"on {resources}", principals and f"to {principals}"]
    condition = " (with conditions)" if at(statement, "Condition") else ""
    return " ".join(filter(None, parts)) + condition


def _but(actions: list[str]) -> str:
    return f"everything but {_listed(actions)}" if actions else ""


def _principals(principal: Any) -> Iterator[str]:
    if principal == "*":
        yield "everyone"
    elif isinstance(principal, dict):
        for value in list(principal.values())[:_ENTRIES_SHOWN]:
            yield from ("everyone" if name == "*" else name for name in texts(value))


def _opening(entry: dict[str, Any], side: str) -> str:
    networks = [
        *(text_at(each, "cidrIp") for each in entries(at(entry, "ipRanges"))),
        *(text_at(each, "cidrIpv6") for each in entries(at(entry, "ipv6Ranges"))),
        *(text_at(each, "groupId") for each in entries(at(entry, "groups"))),
        *(text_at(each, "prefixListId") for each in entries(at(entry, "prefixListIds"))),
        text_at(entry, "cidrIp"),
        text_at(entry, "cidrIpv6"),
    ]
    named = [f"{network} (anywhere)" if network.endswith("/0") else network for network in networks if network]
    return f"{_ports(entry)} {side} {_listed(named) or 'nobody'}"


def _ports(entry: dict[str, Any]) -> str:
    protocol, low, high = (text_at(entry, key) for key in ("ipProtocol", "fromPort", "toPort"))
    if protocol == "-1" or not protocol:
        return "all traffic"
    if not low or low == "-1":
        return f"{protocol} all ports"
    return f"{protocol} {low}" + (f" to port {high}" if high not in {"", low} else "")


def _listed(names: list[str] | Iterator[str]) -> str:
    names = list(names)
    return ", ".join(names[:_ENTRIES_SHOWN]) + _more(len(names) - _ENTRIES_SHOWN)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def accounts_added(value: Any) -> str:
    """Return whom an image or snapshot was shared with: account ids, or `everyone` for the group `all`."""
    added = [as_text(at(entry, "userId")) or as_text(at(entry, "group")) for entry in entries(at(value, "add"))]
    return _listed(["everyone" if name == "all" else name for name in added if name])
