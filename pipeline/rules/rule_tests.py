"""A rule's own tests as its configuration writes them: a `[[rule.test]]` is one, or one for each entry of `each`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.decode.json_text import read_event
from pipeline.errors import DecodeError
from pipeline.rules.rule import RuleTest
from pipeline.rules.section import UNREADABLE, Section, reason_of

Read = Callable[[str], str | list[str]]
"""Reads a path as the configuration writes it: a file's text, or for a folder the sorted paths of the files in it.
Raises OSError (or LookupError) where there is neither, and UnicodeDecodeError where a file is no text."""


def read_tests(section: Section, read: Read) -> Iterator[RuleTest]:
    """Yield the tests of one `[[rule.test]]`; mistakes are recorded at their lines."""
    name = section.text("name")
    matches = section.truth("matches", default=True)
    event = _read_event(section, read)
    changes = _read_changes(section)
    section.finish()
    where = section.where()
    if not section.has("each"):
        yield RuleTest(event=event, matches=matches, name=name, where=where)
    for change in changes:
        label = ", ".join(_shown(change))
        full = f"{name}: {label}" if name else label
        yield RuleTest(event=_laid_over(event, change), matches=matches, name=full, where=where)


def _read_changes(section: Section) -> list[dict[str, Any]]:
    changes = section.take("each")
    if changes is None:
        return []
    if not isinstance(changes, list) or not changes or not all(isinstance(one, dict) and one for one in changes):
        hint = 'each = [{ eventName = "StopLogging" }, { eventName = "DeleteTrail" }]'
        section.problem("each", '"each" must be a list of tables, what to lay over the event', hint)
        return []
    if any(map(_has_dates, changes)):
        section.problem("each", "an event is JSON, which has no dates", "put the time in quotes")
        return []
    return changes


def _laid_over(event: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the change's values in place of its own; tables are laid over tables key by key."""
    changed = dict(event)
    for key, value in change.items():
        old = changed.get(key)
        changed[key] = _laid_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return changed


def _shown(change: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Write a change in words: `userIdentity.type = "Root"`."""
    for key, value in change.items():
        if isinstance(value, dict) and value:
            yield from _shown(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} = {json.dumps(value, ensure_ascii=False)}"


def _read_event(section: Section, read: Read) -> dict[str, Any]:
    value = section.take("event")
    if isinstance(value, dict):
        if _has_dates(value):
            section.problem("event", "an event is JSON, which has no dates", "put the time in quotes")
            return {}
        return value
    if not isinstance(value, str):
        section.problem("", '"event" must be a table, or the path of a file with one event')
        return {}
    try:
        text = read(value)
        if isinstance(text, str):
            return read_event(text)
        section.problem("event", f'"{value}" is a folder; a test reads one event')
    except UNREADABLE as error:
        section.problem("event", f'cannot read "{value}": {reason_of(error)}')
    except DecodeError as error:
        section.problem("event", f'"{value}" is not an event: {error}')
    return {}


def _has_dates(value: Any) -> bool:
    """Tell whether TOML read a date or a time somewhere in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dt.date | dt.time) or any(map(_has_dates, inner))
