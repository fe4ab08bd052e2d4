"""jq rules, as cloudtrail-tattletail has them: the language `jq_match`.

A program matches an event unless its first output is null, false or missing. An output other than true or the event
itself is the annotation. Further outputs are never computed. Semantics and limits: docs/jq.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.errors import RuleError
from pipeline.languages.condition import Condition, Verdict
from pipeline.languages.jq import nodes, syntax, worker
from pipeline.languages.jq.engine import ENGINE
from pipeline.languages.jq.guard import guard, regex_arguments
from pipeline.languages.jq.tokens import Unsupported
from pipeline.predicate import TRUE, Node

MAX_SOURCE_CHARS = 65_536
"""Longest program that is read."""

_PLACE = re.compile(
    r"jq: error: (?P<what>.*?)(?: at <top-level>, line (?P<line>\d+), column (?P<column>\d+):|$)", re.DOTALL
)
_ELSEWHERE: dict[str, str] = {
    "env": "a rule decides by the event alone; environment variables hold secrets",
    "$ENV": "a rule decides by the event alone; environment variables hold secrets",
    "input": "a rule sees one event; there is no next input",
    "inputs": "a rule sees one event; there is no next input",
    "input_filename": "events have no file name",
    "input_line_number": "events have no line number",
    "get_search_list": "rules have no modules",
    "modulemeta": "rules have no modules",
    "halt": "use empty for no match",
    "halt_error": "use error, or empty for no match",
}
_REGEX_FUNCTIONS = frozenset({"test", "match", "capture", "scan", "split", "splits", "sub", "gsub"})


@dataclass(frozen=True, slots=True)
class JqProgram:
    """A compiled jq rule. libjq compiles it when it first runs."""

    source: str
    language: Literal["jq"] = field(default="jq", init=False)

    def run(self, event: dict[str, Any], raw: str) -> Verdict:  # noqa: ARG002 - part of the protocol
        """Decide one event by the program's first output; raises ProgramFailed or ProgramUndecided."""
        return ENGINE.run(self.source, event)


def parse(text: str) -> Condition:
    """Compile a jq rule; raises RuleError with the place where libjq names one.

    The tree holds for every event the program accepts, and for as few others as can be told from its text.
    """
    _check_text(text)
    _check_compiles(text)
    try:
        tree = syntax.read(text)
    except Unsupported:
        return Condition(TRUE, program(text))
    _check_functions(tree, text)
    return Condition(_guard(tree), program(text))


def program(source: str) -> JqProgram:
    """Return the program of a source that `parse` accepted; nothing is compiled yet."""
    return JqProgram(source)


def _guard(tree: nodes.Syntax) -> Node:
    try:
        return guard(tree)
    except RecursionError:
        return TRUE  # a guard only ever saves work


def _check_text(text: str) -> None:
    if not text.strip():
        raise RuleError("an empty jq program", hint='write a condition, such as select(.eventName == "StopLogging")')
    if len(text) > MAX_SOURCE_CHARS:
        raise RuleError(f"a jq program of more than {MAX_SOURCE_CHARS} characters")
    for place, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise RuleError("a character that jq programs cannot hold", position=place)
    module = re.match(r"(?:\s|#[^\n]*\n)*(import|include|module)\b", text)
    if module is not None:
        raise RuleError(
            f"`{module[1]}` is not available in rules", position=module.start(1), hint="rules have no modules"
        )


def _check_compiles(text: str) -> None:
    complaint = ENGINE.check(worker.COMPILE, text)
    if complaint is None:
        return
    found = _PLACE.search(complaint)
    if found is None:
        raise RuleError(complaint)
    what = found["what"].strip()
    if found["line"] is None:
        raise RuleError(what, hint=_hint(what, text))
    line, column = int(found["line"]), int(found["column"])
    raise RuleError(what, position=_position(text, line, column), line=line, hint=_hint(what, text))


def _position(text: str, line: int, column: int) -> int:
    """Turn libjq's line and column, which count bytes, into a position in the text."""
    lines = text.split("\n")
    before = sum(len(one) + 1 for one in lines[: line - 1])
    within = lines[line - 1].encode()[: column - 1].decode(errors="ignore") if line <= len(lines) else ""
    return min(before + len(within), len(text))


def _hint(what: str, text: str) -> str:
    if "is not defined" in what and re.match(r"\w+/0", what):
        return f"a field is written with a dot (.{what.split('/', maxsplit=1)[0]}), a text with quotes"
    if "syntax error" in what and ("||" in text or "&&" in text):
        return "write and, or"
    if "syntax error" in what and "'" in text:
        return "texts are quoted with double quotes"
    if "INVALID_CHARACTER" in what:
        return 'write .["field"] for names with other characters than letters, digits and _'
    return ""


def _check_functions(tree: nodes.Syntax, text: str) -> None:
    defined = {node.name for node in nodes.walk(tree) if isinstance(node, nodes.Define)}
    for node in nodes.walk(tree):
        if isinstance(node, nodes.Call) and node.name not in defined:
            _check_available(node.name, text)
            if node.name in _REGEX_FUNCTIONS:
                _check_regex(node, text)
        elif isinstance(node, nodes.Var):
            _check_available(f"${node.name}", text)


def _check_available(name: str, text: str) -> None:
    if name in _ELSEWHERE:
        position = _first(name, text)
        raise RuleError(f"`{name}` is not available in rules", position=position, hint=_ELSEWHERE[name])


def _first(name: str, text: str) -> int | None:
    """Return where a name stands first, as a word of its own; the syntax tree does not remember."""
    found = re.search(rf"(?<![\w.$]){re.escape(name)}(?!\w)", text)
    return found.start() if found else None


def _check_regex(call: nodes.Call, text: str) -> None:
    """Try a regex that stands in the program on an empty text, so that a broken one is found before it is needed."""
    texts = regex_arguments(call.args)
    if texts is None:
        return
    complaint = ENGINE.check(worker.CHECK_REGEX, "", json.dumps(texts))
    if complaint is not None:
        flags = "modifier" in complaint
        hint = "the flags are g, i, l, n, p, s and x" if flags else 'backslashes are doubled in jq texts: "\\\\."'
        message = f'`{call.name}("{texts[0]}")`: {complaint}'
        raise RuleError(message, position=_first(call.name, text), hint=hint)
