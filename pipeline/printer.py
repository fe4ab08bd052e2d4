"""Predicate trees in words, as messages, explanations and findings print them."""

from __future__ import annotations

import json

from pipeline.checks import (
    AnyCheck,
    Cidr,
    Contains,
    Exists,
    Glob,
    InRange,
    Is,
    IsType,
    OneOf,
    Prefix,
    Regex,
    Suffix,
    Text,
)
from pipeline.predicate import RAW, All, AnyOf, Child, Node, Not, Path, Same, Some, Test


def show_path(path: Path) -> str:
    """Print a path as people write it: `userIdentity.type`, `resources[*].ARN`, `a[]`, `raw`."""
    if path == RAW:
        return "raw"
    text = ""
    for step in path:
        match step:
            case str() if _is_plain(step):
                text += f".{step}"
            case str() | int():
                text += f"[{json.dumps(step)}]"
            case Child():
                text += "[*]"
            case _:
                text += "[]"
    return text.removeprefix(".") or "it"


def _is_plain(key: str) -> bool:
    """Tell whether a key needs no quotes: ASCII letters, digits, `_` and, but for the first, `-`; no digit first."""
    return key.isascii() and key[:1] != "-" and key.replace("-", "_").isidentifier()


def show(node: Node) -> str:
    """Print a tree on one line, fully bracketed where it matters."""
    match node:
        case Test(path, check):
            return f"{show_path(path)} {show_check(check)}"
        case Same(left, right, how, fold):
            return f"{show_path(left)} {how} field {show_path(right)}" + (" (any case)" if fold else "")
        case Not(child):
            return f"not ({show(child)})"
        case Some(path, child):
            return f"some {show_path(path)} with ({show(child)})"
        case All(children):
            return " and ".join(_bracketed(child) for child in children) or "always"
        case AnyOf(children):
            return " or ".join(_bracketed(child) for child in children) or "never"


def _bracketed(node: Node) -> str:
    return f"({show(node)})" if isinstance(node, All | AnyOf) and len(node.children) > 1 else show(node)


def show_check(check: AnyCheck) -> str:
    """Print a check as the predicate of a sentence: `is "StopLogging"`, `begins with "Delete"`, `exists`."""
    text = _show_check(check)
    return f"{text} (any case)" if isinstance(check, Text) and check.fold else text


_PLAIN = frozenset({"string", "number", "boolean", "null"})
"""The types of what EventBridge calls a leaf: neither an array nor an object."""


def _show_check(check: AnyCheck) -> str:
    match check:
        case Exists():
            return "exists"
        case Is(value):
            return f"is {json.dumps(value)}"
        case IsType(types):
            return "is a plain value" if types == _PLAIN else f"is of type {' or '.join(sorted(types))}"
        case InRange():
            return _show_range(check)
        case OneOf(texts=texts):
            listed = ", ".join(_quoted(text) for text in sorted(texts))
            return f"is {listed}" if len(texts) == 1 else f"is one of {listed}"
        case Prefix(text=text):
            return f"begins with {_quoted(text)}"
        case Suffix(text=text):
            return f"ends with {_quoted(text)}"
        case Contains(text=text):
            return f"contains {_quoted(text)}"
        case Glob(pieces=pieces):
            return f"is like {_quoted('*'.join(pieces))}"
        case Regex(pattern=pattern):
            return f"matches /{pattern}/"
        case Cidr(network=network):
            return f"is an address in {network}"


def _show_range(check: InRange) -> str:
    if check.low is not None and check.low == check.high:
        return f"is the number {check.low}"
    low = f"{'>' if check.low_open else '>='} {check.low}" if check.low is not None else ""
    high = f"{'<' if check.high_open else '<='} {check.high}" if check.high is not None else ""
    return " ".join(("is a number", " and ".join(part for part in (low, high) if part))).rstrip()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
