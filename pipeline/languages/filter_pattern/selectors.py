"""Property selectors such as `$.userIdentity.type`, `$.items[0].id`, `$.tags.*` and `$.['cluster.name']`."""

from __future__ import annotations

import re

from pipeline.languages.filter_pattern.cursor import Cursor
from pipeline.languages.filter_pattern.values import is_word_character
from pipeline.predicate import CHILD, Child, Path, Step

MOST_WILDCARDS_IN_SELECTOR = 1
MOST_WILDCARDS_IN_PATTERN = 3
"""Wildcard selectors allowed (CloudWatch Logs User Guide; the first also recorded)."""

LARGEST_INDEX = 2**31 - 1

_NAME = re.compile(r"[\w-]+")
_KEY = re.compile(r"\['([^'\"\[\]]+)'\]")
_INDEX = re.compile(r"\[([0-9]+)\]")
_EVERY = re.compile(r"\[\*\]")


def read_selector(cursor: Cursor) -> Path:
    """Read a selector up to the character that cannot belong to it; raises PatternError."""
    begin = cursor.position
    if not cursor.starts("$."):
        cursor.expected('a selector such as "$.eventName"', "selector")
    cursor.take("$")
    path: list[Step] = []
    while cursor.take("."):
        path.append(_read_step(cursor))
        while cursor.starts("["):
            path.append(_read_bracket(cursor))
    if path.count(CHILD) > MOST_WILDCARDS_IN_SELECTOR:
        cursor.fail("a selector may have one wildcard only", at=begin)
    return tuple(path)


def _read_step(cursor: Cursor) -> Step:
    if cursor.take("*"):
        return CHILD
    key = cursor.match(_KEY)
    if key:
        return key[1]
    begin = cursor.position
    name = cursor.match(_NAME)
    if not name or not _is_plain(name[0]):
        cursor.position = begin
        cursor.expected('a property name behind the "."', "step")
    return name[0]


def _read_bracket(cursor: Cursor) -> Step:
    if cursor.match(_EVERY):
        return CHILD
    index = cursor.match(_INDEX)
    if not index:
        cursor.expected("an index such as [0], or [*]", "step")
    if int(index[1]) > LARGEST_INDEX:
        cursor.fail("the index is too large", at=index.start())
    return int(index[1])


def _is_plain(name: str) -> bool:
    return all(is_word_character(char) or char in "_-" for char in name)


def write_selector(path: Path) -> str:
    """Write a selector so that reading it gives the same path."""
    return "$" + "".join(_write_step(step) for step in path)


def _write_step(step: Step) -> str:
    match step:
        case str():
            return f".{step}" if _is_plain(step) else f".['{step}']"
        case Child():
            return ".*"
        case _:
            return f"[{step}]"
