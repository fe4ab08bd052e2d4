"""Sigma rules for CloudTrail, read with pySigma where rule sets are compiled, and never in Lambda.

What is supported and how CloudTrail's events are compared: docs/sigma.md. What is not supported is a RuleError with its
line, never a rule that silently means less.
"""

from __future__ import annotations

from typing import Any, Literal

from pipeline.errors import RuleError
from pipeline.languages.condition import Condition
from pipeline.languages.sigma import documents
from pipeline.languages.sigma.checking import REFUSALS, check
from pipeline.languages.sigma.documents import Document
from pipeline.languages.sigma.metadata import readable
from pipeline.languages.sigma.values import field_tree, keyword_tree
from pipeline.predicate import MAX_DEPTH, Node, all_of, any_listed, any_of, depth, negate

SeverityName = Literal["low", "medium", "high", "critical"]
_SEVERITIES: dict[str, SeverityName] = {
    "informational": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}


class SigmaRule(Condition, frozen=True):
    """A Sigma rule: a condition without a program, and what the rule says about itself."""

    title: str = ""
    id: str = ""
    severity: SeverityName = "medium"
    """From `level`; informational is low, no level medium."""
    description: str = ""
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    status: str = ""
    line: int = 1
    """Where the rule begins in its file."""

    @property
    def condition(self) -> Condition:
        """The condition alone."""
        return Condition(self.tree)


def parse(text: str) -> SigmaRule:
    """Compile a file of exactly one rule; raises RuleError with a line."""
    rules = parse_documents(text)
    if len(rules) != 1:
        raise RuleError(f"{len(rules)} Sigma rules where one is expected", line=rules[1].line if rules else 1)
    return rules[0]


def parse_documents(text: str) -> list[SigmaRule]:
    """Compile every rule of a file, in order; raises RuleError with the line of the first mistake."""
    return [_rule(document) for document in documents.read(text)]


def _rule(document: Document) -> SigmaRule:
    from sigma.rule import SigmaRule as Parsed

    check(document)
    try:
        parsed = Parsed.from_dict(readable(document.content))
    except REFUSALS as error:
        raise RuleError(str(error), line=_line_of_metadata(document, str(error))) from error
    level = parsed.level.name.lower() if parsed.level else "medium"
    return SigmaRule(
        _tree(document, parsed),
        title=parsed.title,
        id=str(parsed.id or ""),
        severity=_SEVERITIES[level],
        description=(parsed.description or "").strip(),
        references=tuple(parsed.references),
        false_positives=tuple(parsed.falsepositives),
        tags=tuple(str(tag) for tag in parsed.tags),
        status=parsed.status.name.lower() if parsed.status else "",
        line=document.line(),
    )


def _line_of_metadata(document: Document, message: str) -> int:
    """Find the attribute that pySigma complains about by its name in the message."""
    aliases = {"identifier": "id", "false positives": "falsepositives", "reference": "references", "tag": "tags"}
    words = {aliases.get(word, word) for word in (*aliases, *document.content) if word in message.lower()}
    found = [document.line(word) for word in words if word in document.content]
    return min(found, default=document.line())


# ---- conditions ----


def _tree(document: Document, parsed: Any) -> Node:
    line = document.line("detection", "condition")
    try:
        conditions = [condition.parsed for condition in parsed.detection.parsed_condition]
        tree = any_of(*(_condition_tree(condition) for condition in conditions))
    except REFUSALS as error:
        raise RuleError(str(error), line=line) from error
    except RecursionError as error:
        raise RuleError("the condition is nested too deeply", line=line) from error
    if depth(tree) > MAX_DEPTH:
        raise RuleError("the condition is nested too deeply", line=line)
    return tree


def _condition_tree(condition: Any) -> Node:
    from sigma import conditions as sigma

    match condition:
        case sigma.ConditionAND():
            return all_of(*(_condition_tree(arg) for arg in condition.args))
        case sigma.ConditionOR():
            return any_listed(*(_condition_tree(arg) for arg in condition.args))
        case sigma.ConditionNOT():
            return negate(_condition_tree(condition.args[0]))
        case sigma.ConditionFieldEqualsValueExpression():
            return field_tree(condition.field, condition.value)
        case sigma.ConditionValueExpression():
            return keyword_tree(condition.value)
        case _:
            raise RuleError("a condition that stands for nothing")
