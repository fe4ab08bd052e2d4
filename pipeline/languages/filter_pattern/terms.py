"""The unstructured form: literal texts that must, must not, or may occur in the message; and the stand-alone regex."""

from __future__ import annotations

import re

from pipeline.checks import Contains
from pipeline.languages.filter_pattern.cursor import BLANKS, Cursor
from pipeline.languages.filter_pattern.regexes import regex_check
from pipeline.languages.filter_pattern.syntax import Sign, Term, Terms, WholeRegex
from pipeline.languages.filter_pattern.values import is_word_character, read_quoted, write_quoted
from pipeline.predicate import RAW, Node, Test, all_of, any_of, negate

_BARE = re.compile(r"[\w.]+")


def read_terms(cursor: Cursor) -> Terms:
    """Read every term; raises PatternError."""
    terms: list[Term] = []
    cursor.skip_blanks()
    while not cursor.at_end():
        terms.append(_read_term(cursor))
        if not cursor.at_end() and cursor.peek() not in f"{BLANKS}-?":
            cursor.expected("a blank behind the term", "term")
        cursor.skip_blanks()
    return Terms(tuple(terms))


def _read_term(cursor: Cursor) -> Term:
    begin = cursor.position
    sign = _read_sign(cursor)
    if cursor.starts('"'):
        return Term(sign, read_quoted(cursor))
    bare = cursor.match(_BARE)
    if not bare or not _is_bare(bare[0]):
        cursor.position = begin
        cursor.expected("a term", "term")
    return Term(sign, bare[0])


def _read_sign(cursor: Cursor) -> Sign:
    if cursor.take("-"):
        return "-"
    return "?" if cursor.take("?") else ""


def _is_bare(text: str) -> bool:
    return all(is_word_character(char) or char in "_." for char in text)


def read_whole_regex(cursor: Cursor) -> WholeRegex:
    """Read what stands between the percent signs; raises PatternError."""
    source = cursor.text[cursor.position : cursor.end]
    if not source:
        cursor.fail("the regex is empty")
    inner = source.find("%")
    if inner >= 0:
        hint = "a stand-alone regex is the whole pattern: nothing stands beside it"
        cursor.fail("a regex contains no percent sign", at=cursor.position + inner, hint=hint)
    regex_check(source, cursor.position)
    return WholeRegex(source)


def write_terms(form: Terms, *, tight: bool) -> str:
    """Write the terms; `tight` leaves out the blanks that a sign makes unnecessary."""
    text = ""
    for term in form.terms:
        gap = " " if text and not (tight and term.sign) else ""
        text += f"{gap}{term.sign}{term.text if _is_bare(term.text) else write_quoted(term.text)}"
    return text


def lower_terms(form: Terms) -> Node:
    """Turn the terms into a tree on the raw message. `?` terms count only where there are no others."""
    if form.terms and all(term.sign == "?" for term in form.terms):
        return any_of(*(_occurs(term) for term in form.terms))
    needed = (term for term in form.terms if term.sign != "?")
    return all_of(*(negate(_occurs(term)) if term.sign else _occurs(term) for term in needed))


def _occurs(term: Term) -> Node:
    return Test(RAW, Contains(text=term.text))


def lower_whole_regex(form: WholeRegex) -> Node:
    """Turn the regex into a tree on the raw message."""
    return Test(RAW, regex_check(form.source, 0))
