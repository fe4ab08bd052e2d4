"""A filter pattern as a condition, and how its text becomes one."""

from __future__ import annotations

from typing import Any

from pipeline.errors import PatternError, ProgramError
from pipeline.languages.condition import Condition, Program, canonical
from pipeline.languages.filter_pattern.cursor import BLANKS, Cursor
from pipeline.languages.filter_pattern.json_form import lower_json, read_json, write_json
from pipeline.languages.filter_pattern.message import read_object
from pipeline.languages.filter_pattern.space_form import SpaceProgram, necessary, read_space, write_space
from pipeline.languages.filter_pattern.syntax import AnyFields, JsonForm, SpaceForm, Syntax, Terms, WholeRegex
from pipeline.languages.filter_pattern.terms import (
    lower_terms,
    lower_whole_regex,
    read_terms,
    read_whole_regex,
    write_terms,
)
from pipeline.predicate import MAX_DEPTH, TRUE, Node, depth

MAX_LENGTH = 1024
"""Longest pattern, in characters (PutSubscriptionFilter and PutMetricFilter, `filterPattern`)."""

_CLOSING = {"{": "}", "[": "]", "%": "%"}


class FilterPattern(Condition, frozen=True, eq=False):
    """A CloudWatch Logs filter pattern. Two are equal if they say the same, however they are written."""

    syntax: Syntax = Terms()
    text: str = ""
    """The pattern as its author wrote it."""

    def __eq__(self, other: object) -> bool:
        """Compare what is said, not how it is written."""
        return isinstance(other, FilterPattern) and (self.tree, self.syntax) == (other.tree, other.syntax)

    def __hash__(self) -> int:
        """Equal patterns hash alike."""
        return hash((self.tree, self.syntax))

    def matches(self, message: str | dict[str, Any], raw: str | None = None) -> bool:
        """Tell whether the pattern matches a raw log message, JSON or not, or an event. Never raises.

        For an event, `raw` is the message it came from; None: as CloudTrail would have written it.
        """
        if isinstance(message, str):
            return self._matches_text(message)
        return self._decides(message, self._raw_of(message) if raw is None else raw)

    def _matches_text(self, message: str) -> bool:
        if not isinstance(self.syntax, JsonForm):
            return self._decides({}, message)
        event = read_object(message)
        return event is not None and self._decides(event, message)

    def _raw_of(self, event: dict[str, Any]) -> str:
        return "" if isinstance(self.syntax, JsonForm) else canonical(event)

    def _decides(self, event: dict[str, Any], raw: str) -> bool:
        try:
            return self.decide(event, raw).matched
        except ProgramError:
            return False

    def __str__(self) -> str:
        """Write the pattern in its canonical form, which parses to an equal one."""
        text = _write(self.syntax, tight=False)
        return text if len(text) <= MAX_LENGTH else _write(self.syntax, tight=True)


def parse(text: str) -> FilterPattern:
    """Compile a filter pattern; raises PatternError where AWS would reject it, or could not be trusted to accept it."""
    syntax, _ = read(text)
    return _compiled(syntax, text)


def program(source: str) -> Program:
    """Compile the program of a pattern that has one, again; raises PatternError."""
    compiled = parse(source).program
    if compiled is None:
        raise PatternError("this pattern is a predicate tree and has no program")
    return compiled


def read(text: str) -> tuple[Syntax, tuple[int, ...]]:
    """Read a pattern: what it says, and the positions of each `&&` whose precedence over a `||` is easily misread."""
    if not isinstance(text, str):
        raise PatternError("a filter pattern is a text")
    if len(text) > MAX_LENGTH:
        message = f"a pattern has {MAX_LENGTH} characters at most; this one has {len(text)}"
        raise PatternError(message, position=MAX_LENGTH, hint="split it into two filters, or use wildcards")
    _refuse_surrogates(text)
    cursor = Cursor(text, len(text) - len(text.lstrip(BLANKS)), len(text.rstrip(BLANKS)))
    return _read_form(cursor), tuple(cursor.unclear)


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PatternError("a pattern is valid Unicode text", position=error.start) from error


def _read_form(cursor: Cursor) -> Syntax:
    opening = cursor.peek()
    if opening not in _CLOSING or not opening:
        return read_terms(cursor)
    _enclose(cursor, opening)
    match opening:
        case "{":
            return read_json(cursor)
        case "[":
            return read_space(cursor)
        case _:
            return read_whole_regex(cursor)


def _enclose(cursor: Cursor, opening: str) -> None:
    """Stand between the opening and the closing bracket."""
    closing = _CLOSING[opening]
    if cursor.end - cursor.position < 2 or cursor.text[cursor.end - 1] != closing:  # noqa: PLR2004 - the two brackets
        hint = "to search for this character itself, put the term in double quotes" if opening != "{" else ""
        cursor.fail(f'a pattern that begins with "{opening}" must end with "{closing}"', at=cursor.end, hint=hint)
    cursor.position += 1
    cursor.end -= 1


def _compiled(syntax: Syntax, text: str) -> FilterPattern:
    match syntax:
        case Terms():
            return FilterPattern(_bounded(lower_terms(syntax)), None, syntax, text)
        case WholeRegex():
            return FilterPattern(lower_whole_regex(syntax), None, syntax, text)
        case JsonForm():
            return FilterPattern(_bounded(lower_json(syntax)), None, syntax, text)
        case SpaceForm(entries):
            if all(isinstance(entry, AnyFields) for entry in entries):
                return FilterPattern(TRUE, None, syntax, text)
            return _compiled_space(syntax, text)


def _compiled_space(syntax: SpaceForm, text: str) -> FilterPattern:
    compiled = SpaceProgram.of(syntax, text)
    for node in (*compiled.before, *compiled.after):
        _bounded(node)
    return FilterPattern(_bounded(necessary(syntax)), compiled, syntax, text)


def _bounded(tree: Node) -> Node:
    if depth(tree) > MAX_DEPTH:
        raise PatternError("the conditions are nested too deeply", hint="join conditions on one level where you can")
    return tree


def _write(syntax: Syntax, *, tight: bool) -> str:
    match syntax:
        case Terms():
            return write_terms(syntax, tight=tight)
        case WholeRegex(source):
            return f"%{source}%"
        case JsonForm():
            return write_json(syntax, tight=tight)
        case SpaceForm():
            return write_space(syntax, tight=tight)
