"""The compiled form of a rule set, printed for people: what is indexed at each path, and what is asked rule by rule."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.printer import show, show_path
from pipeline.rules.column import Column
from pipeline.rules.matcher import Matcher


def describe(matcher: Matcher) -> str:
    """Print a matcher: its columns, the likeliest to rule out first, and the clauses that need more."""
    index = matcher.index
    head = f"{len(matcher.rules):,} rules as {len(index.clauses):,} clauses over {len(index.columns):,} columns"
    return "\n".join([head, "", *map(_column, index.columns), "", *_asked_last(matcher)])


def _column(column: Column) -> str:
    wanted = sum(literal.wanted for literal in column.literals.values())
    unwanted = len(column.literals) - wanted
    parts = [f"wanted by {wanted:,}" if wanted else "", f"unwanted by {unwanted:,}" if unwanted else ""]
    counts = " and ".join(part for part in parts if part)
    return f"{show_path(column.path)}: {counts} of the clauses; {column.kinds()}"


def _asked_last(matcher: Matcher) -> Iterator[str]:
    """Say which rules no index anchors, and what is asked of an event only once a clause's columns are satisfied."""
    for number, clause in enumerate(matcher.index.clauses):
        name = matcher.rules[matcher.rule_of[number]].name
        anchored = "" if any(literal.wanted for literal in clause.literals) else " (nothing anchors it)"
        if clause.rest:
            yield f"asked last, {name}{anchored}: {' and '.join(map(show, clause.rest))}"
        elif anchored:
            unwanted = " and ".join(map(str, clause.literals)) or "always"
            yield f"{name}{anchored}: {unwanted}"
    for rule in matcher.rules:
        if rule.condition.program is not None:
            yield f"then its program, {rule.name}: {rule.condition.program.language}"
