"""Where a valid filter pattern may mean something else than its author thinks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.languages.filter_pattern.combine import leaves
from pipeline.languages.filter_pattern.regexes import regex_check
from pipeline.languages.filter_pattern.syntax import (
    AnyFields,
    Comparison,
    Field,
    JsonForm,
    RegexText,
    SpaceForm,
    Syntax,
    Terms,
    Text,
    Value,
    WholeRegex,
)
from pipeline.languages.filter_pattern.values import QUOTED, wildcards

MOST_BYTES = 1024
"""The limit of 1,024 is documented in characters; whether AWS counts bytes is unknown."""

REGEX_PATTERNS_PER_LOG_GROUP = 5
"""Metric and subscription filters with a regex that one log group may have (CloudWatch Logs User Guide)."""


@dataclass(frozen=True, slots=True)
class Trap:
    """One way in which a pattern may surprise its author."""

    code: str
    """Stable name, such as `ne-absent`; docs/filter-patterns.md lists them."""
    severity: Literal["warning", "note"]
    """warning: this is most likely not what is meant; note: it may well be meant, but few expect it."""
    message: str
    hint: str = ""


def text_traps(text: str, syntax: Syntax, unclear: tuple[int, ...]) -> Iterator[Trap]:
    """Find the traps that lie in how the pattern is written."""
    if len(text.encode()) > MOST_BYTES:
        message = f"the pattern has more than {MOST_BYTES} bytes in UTF-8; AWS may count bytes, not characters"
        yield Trap("long-in-bytes", "note", message, "shorten it")
    if unclear and isinstance(syntax, JsonForm | SpaceForm):
        where = " and ".join(str(position) for position in unclear)
        message = f"&& binds tighter than ||: the && at position {where} joins only its two neighbours"
        yield Trap("mixed-and-or", "warning", message, "put parentheses around what belongs together")
    if isinstance(syntax, Terms):
        yield from _glued(text)


def _glued(text: str) -> Iterator[Trap]:
    found = re.search(r"(?<=\S)[-?]", QUOTED.sub('""', text))
    if found:
        hyphen = found[0] == "-"
        meaning = "must not occur" if hyphen else "is optional, and so ignored"
        message = f'the "{found[0]}" inside a word begins a new term: what follows it {meaning}'
        yield Trap("hyphen-splits" if hyphen else "question-splits", "warning", message, "quote the whole word")


def terms_traps(form: Terms) -> Iterator[Trap]:
    """Find the traps of a pattern of terms."""
    signs = {term.sign for term in form.terms}
    if "?" in signs and len(signs) > 1:
        ignored = ", ".join(f'"{term.text}"' for term in form.terms if term.sign == "?")
        message = f"terms with ? are ignored beside others: {ignored} changes nothing"
        yield Trap("optional-ignored", "warning", message, "drop them, or use two filters, or a regex: %one|two%")
    for term in form.terms:
        yield from _term_traps(term.text, term.sign)


def _term_traps(text: str, sign: str) -> Iterator[Trap]:
    if not text.strip():
        message = "a quoted blank matches only messages that contain a blank; 9 % of CloudTrail's have none"
        yield Trap("quoted-blank", "warning", message, "to match everything, leave the pattern empty")
    if text.lstrip()[:1] == "{" and "$." in text:
        message = "the pattern stands in quotes, so it is a text to be found in the message, not a condition"
        yield Trap("quoted-pattern", "warning", message, "remove the outer quotes")
    if "*" in text:
        message = f'the * in "{text}" is a literal asterisk'
        yield Trap("literal-star", "warning", message, "terms match anywhere in the message; remove the *")
    if text in ("AND", "OR", "NOT") and not sign:
        message = f'"{text}" is no operator here but a term that must occur'
        yield Trap("word-operator", "warning", message, "all terms must occur; ?a ?b is either; -a excludes")


def regex_traps(form: WholeRegex) -> Iterator[Trap]:
    """Find the traps of a stand-alone regex."""
    yield from _regex_value_traps(form.source)
    yield _quota()


def _quota() -> Trap:
    message = f"a log group takes {REGEX_PATTERNS_PER_LOG_GROUP} filters with regexes at most"
    return Trap("regex-quota", "note", message)


def _regex_value_traps(source: str) -> Iterator[Trap]:
    if regex_check(source, 0).passes_text(""):
        message = f"%{source}% finds the empty text, so it is found in everything"
        yield Trap("regex-matches-all", "warning", message, "demand at least one character: + instead of *")
    if " " in source:
        message = f"%{source}% has a blank, which the documentation does not list as allowed"
        yield Trap("regex-blank", "note", message, r"write \s")


def space_traps(form: SpaceForm) -> Iterator[Trap]:
    """Find the traps of a space-delimited pattern."""
    if not form.entries:
        return
    conditions = [entry for entry in form.entries if isinstance(entry, Field) and entry.condition]
    if not conditions:
        message = "no field has a condition: every line with enough fields matches; the names are only labels"
        hint = "to search for a text, quote it; to compare a field, write name = value"
        yield Trap("no-condition", "warning", message, hint)
    last = form.entries[-1]
    if isinstance(last, Field) and last.condition and not any(isinstance(entry, AnyFields) for entry in form.entries):
        message = f'"{last.name}" is the last field, so it is compared with the whole rest of the line'
        yield Trap("last-takes-rest", "warning", message, "put another field, or ..., behind it")
    for entry in conditions:
        assert entry.condition
        for leaf in leaves(entry.condition):
            if isinstance(leaf, Comparison):
                yield from value_traps(entry.name, leaf)


def value_traps(subject: str, comparison: Comparison) -> Iterator[Trap]:
    """Find the traps of a value that is compared with, in whatever form."""
    match comparison.value:
        case RegexText(source):
            yield from _regex_value_traps(source)
            yield _quota()
        case Text(text):
            yield from _star_traps(text)
            if comparison.operator == "!=" and _matches_all(comparison.value):
                message = f"{subject} != {text} never holds: every string and number matches {text}"
                yield Trap("never", "warning", message, "for an absent property write NOT EXISTS")


def _matches_all(value: Value) -> bool:
    return isinstance(value, Text) and not wildcards(value.text)[1]


def _star_traps(text: str) -> Iterator[Trap]:
    core = wildcards(text)[1]
    if "\\*" in text:
        message = f'"{text}": a backslash does not escape an asterisk; both are there, and an outer * is a wildcard'
        yield Trap("escaped-star", "warning", message, r"a regex can: %\*%")
    if core.startswith("*") or core.endswith("*"):
        message = f'"{text}": only one * a side is a wildcard, the next is a literal asterisk'
        yield Trap("double-star", "warning", message, "write one *")
    elif "*" in core:
        message = f'"{text}": a * in the middle is a literal asterisk here, and undefined in today\'s documentation'
        hint = "use a regex, or one condition for the beginning and one for the end"
        yield Trap("inner-star", "warning", message, hint)
