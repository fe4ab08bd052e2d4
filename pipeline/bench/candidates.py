"""What is timed: the decode floor, Trailwire's whole way from base64 to matches, and other ways to match."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import orjson

from pipeline.decode import kinesis
from pipeline.predicate import All, AnyOf, Node, Not, Some, Test, values_at
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import RuleSet


def floor(records: list[str]) -> int:
    """Decode as anybody would and match nothing: base64, zlib, orjson for the envelope and for every message."""
    count = 0
    for record in records:
        envelope = orjson.loads(zlib.decompress(base64.b64decode(record), 31))
        for entry in envelope["logEvents"]:
            orjson.loads(entry["message"])
            count += 1
    return count


def decoded_only(records: list[str]) -> int:
    """Decode to messages as Trailwire does, and stop there."""
    return sum(len(decoded.log_events) for record in records for decoded in kinesis.read({"kinesis": {"data": record}}))


def trailwire(matcher: Matcher, records: list[str]) -> int:
    """Do all that happens before a match becomes an alert; returns how many there are."""
    match, count = matcher.match_message, 0
    for record in records:
        for decoded in kinesis.read({"kinesis": {"data": record}}):
            for entry in decoded.log_events:
                count += len(match(entry.message).matches)
    return count


def messages_only(matcher: Matcher) -> Callable[[list[str]], int]:
    """Return Trailwire's way from messages to matches."""
    return lambda messages: sum(len(matcher.match_message(message).matches) for message in messages)


def closures(ruleset: RuleSet) -> Callable[[list[str]], int]:
    """Return the obvious way: every rule's tree as nested functions, asked one by one over an orjson dict."""
    asked = [_closure(rule.condition.tree) for rule in ruleset.rules]
    return lambda messages: sum(ask(event) for event in map(orjson.loads, messages) for ask in asked)


def evaluated(ruleset: RuleSet) -> Callable[[list[str]], int]:
    """Return what tools with Python rules do: `eval` of each rule's text over the flattened event."""
    names = {f"n{i}": rule.condition.matches for i, rule in enumerate(ruleset.rules)}
    texts = [f'{name}(event) and "eventName" in flat' for name in names]

    def run(messages: list[str]) -> int:
        count = 0
        for event in map(orjson.loads, messages):
            scope = {**names, "event": event, "flat": _flattened(event)}
            count += sum(bool(eval(text, scope)) for text in texts)  # noqa: S307 - the peer's way, our own texts
        return count

    return run


def _closure(node: Node) -> Callable[[Any], bool]:
    match node:
        case Test(path, check):
            return lambda event: any(check.passes(value) for value in values_at(path, event))
        case All(children):
            every = [_closure(child) for child in children]
            return lambda event: all(ask(event) for ask in every)
        case AnyOf(children):
            some = [_closure(child) for child in children]
            return lambda event: any(ask(event) for ask in some)
        case Not(child):
            inner = _closure(child)
            return lambda event: not inner(event)
        case Some(path, child):
            inner = _closure(child)
            return lambda event: any(inner(value) for value in values_at(path, event))
        case _:
            raise ValueError(node)


def _flattened(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in _flattened(inner, f"{name}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, inner in enumerate(value) for k, v in _flattened(inner, f"{name}.{i}").items()}
    return {name.removeprefix("."): value}
