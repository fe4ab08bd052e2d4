"""A rule's test written as TOML, ready to be pasted below the rule."""

from __future__ import annotations

import json
import math
import re
import tomllib
from typing import Any

from pipeline.checks import scrub

_BASIC_PLANE = 0xFFFF
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def rule_test(name: str, event: dict[str, Any], *, matches: bool) -> str:
    """Write a `[[rule.test]]`. Events that TOML cannot hold (null, odd characters) are written as JSON to be saved.

    Reading the TOML gives the same event, value by value.
    """
    head = f"[[rule.test]]\nname = {_text(scrub(name))}\nmatches = {'true' if matches else 'false'}\n"
    inline = _value(event)
    if inline is not None and _reads_as(inline, event):
        return f"{head}event = {inline}\n"
    return f'# Save this as event.json, beside the configuration:\n# {json.dumps(event)}\n{head}event = "event.json"\n'


def _reads_as(inline: str, event: dict[str, Any]) -> bool:
    try:
        return repr(tomllib.loads(f"event = {inline}")["event"]) == repr(event)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False


def _value(value: Any) -> str | None:
    """Write a JSON value as TOML; None where TOML has no such value."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else None
        case list():
            parts = [_value(each) for each in value]
            return None if None in parts else f"[{', '.join(map(str, parts))}]"
        case _:
            members = [(_key(key), _value(each)) for key, each in value.items()]
            if any(each is None for _, each in members):
                return None
            return "{ " + ", ".join(f"{key} = {each}" for key, each in members) + " }" if members else "{}"


def _key(key: str) -> str:
    return key if _BARE.match(key) else _text(key)


def _text(text: str) -> str:
    """Write a basic string: JSON's escapes are TOML's. What cannot be printed is escaped, too."""
    return "".join(char if char.isprintable() else _escaped(char) for char in json.dumps(text, ensure_ascii=False))


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _BASIC_PLANE else f"\\U{ord(char):08x}"
