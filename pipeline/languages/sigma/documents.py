"""Sigma's YAML: text -> documents that remember on which line everything stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RuleError

MAX_TEXT_CHARS = 1_000_000
"""Longest file that is read."""

Keys = tuple[str | int, ...]
"""The way to a value in a document: keys of mappings and indexes of lists."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a Sigma file, what a global document added to it included."""

    content: dict[str, Any]
    lines: dict[Keys, int]
    """Line, from 1, of each key and list element."""

    def line(self, *keys: str | int) -> int:
        """Return the line of a value, or of the nearest thing around it that is known."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)


def read(text: str) -> list[Document]:
    """Read a file of one or more rules; raises RuleError with a line.

    `action: global` is merged into the documents after it, `action: repeat` builds on the one before, `action: reset`
    forgets the global document.
    """
    shared = previous = Document({}, {})
    found: list[Document] = []
    for document in _raw_documents(text):
        action = document.content.pop("action", None)
        if action == "global":
            shared = document
        elif action == "reset":
            shared = Document({}, {})
        elif action in (None, "repeat"):
            previous = _merged(previous if action == "repeat" else shared, document)
            found.append(previous)
        else:
            raise RuleError(f"unknown action {action!r}", line=document.line("action"))
    return found


def _raw_documents(text: str) -> Iterator[Document]:
    import yaml

    if len(text) > MAX_TEXT_CHARS:
        raise RuleError(f"a Sigma file of more than {MAX_TEXT_CHARS} characters")
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            lines = dict(_lines(node))
            content = loader.construct_document(node)
            if content is None:
                continue
            if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
                raise RuleError("a Sigma rule is a YAML mapping", line=lines[()])
            yield Document(content, lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise RuleError(f"not YAML: {error.problem or error.context}", line=mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleError(f"not YAML: {error}") from error


def _lines(root: Any) -> Iterator[tuple[Keys, int]]:
    """Yield the line of every key and element; raises RuleError for keys that stand twice and for aliases.

    An alias can make a small file stand for an enormous one, and no published rule uses any.
    """
    import yaml

    seen: set[int] = set()
    stack: list[tuple[Keys, Any]] = [((), root)]
    yield (), root.start_mark.line + 1
    while stack:
        path, node = stack.pop()
        if id(node) in seen:
            raise RuleError("YAML aliases are not supported", line=node.start_mark.line + 1)
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                line = key.start_mark.line + 1
                if key.value in keys:
                    raise RuleError(f"`{key.value}` stands twice in one mapping", line=line)
                keys.add(str(key.value))
                yield (*path, str(key.value)), line
                stack.append(((*path, str(key.value)), value))
        elif isinstance(node, yaml.ScalarNode) and path[:1] == ("detection",):
            _check_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                yield (*path, index), value.start_mark.line + 1
                stack.append(((*path, index), value))


def _check_scalar(node: Any) -> None:
    """Refuse what YAML reads as something else than its author sees: `No` (false), 012345670123 (octal), 1:30 (90)."""
    surprising = (node.tag == "tag:yaml.org,2002:bool" and node.value.lower() not in ("true", "false")) or (
        node.tag == "tag:yaml.org,2002:int" and not re.fullmatch(r"[-+]?(?:0|[1-9][0-9]*)", node.value)
    )
    if surprising:
        kind = "a boolean" if node.tag.endswith("bool") else "another number"
        line = node.start_mark.line + 1
        raise RuleError(f"YAML reads {node.value} as {kind}", line=line, hint=f"put it in quotes: '{node.value}'")


def _merged(base: Document, document: Document) -> Document:
    return Document(_deep_update(base.content, document.content), base.lines | document.lines)


def _deep_update(base: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in update.items():
        old = merged.get(key)
        merged[key] = _deep_update(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
