"""Sigma rules for CloudTrail, read with pySigma where rule sets are compiled, and never in Lambda.

What is supported and how CloudTrail's events are compared: docs/sigma.md. What is not supported is a RuleError with its
line, never a rule that silently means less.
"""

from __future__ import annotations

from typing import Any, Literal

from pipeline.checks import OneOf, regex
from pipeline.errors import RuleError
from pipeline.languages.condition import Condition
from pipeline.languages.sigma import documents
from pipeline.languages.sigma.documents import Document
from pipeline.languages.sigma.metadata import readable
from pipeline.languages.sigma.values import field_tree, keyword_tree
from pipeline.predicate import MAX_DEPTH, AnyOf, Node, Path, Test, all_of, any_of, depth, negate

SeverityName = Literal["low", "medium", "high", "critical"]
_SEVERITIES: dict[str, SeverityName] = {
    "informational": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "critical",
}
_REFUSALS = (ValueError, TypeError, AttributeError)
"""How pySigma refuses: its errors are ValueErrors, and values of a type it does not expect fail where they are used."""
_NOT_RULES = {
    "correlation": "correlation rules count events over time, which one event cannot answer",
    "filter": "Sigma filters are not supported; write an [[ignore]]",
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

    _check_kind(document)
    _check_detections(document)
    try:
        parsed = Parsed.from_dict(readable(document.content))
    except _REFUSALS as error:
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


# ---- what pySigma would not say, or not say where ----


def _check_kind(document: Document) -> None:
    for key, reason in _NOT_RULES.items():
        if key in document.content:
            raise RuleError(f"this is not a rule about one event: {reason}", line=document.line(key))
    for key in ("title", "logsource", "detection"):
        if key not in document.content:
            raise RuleError(f"a Sigma rule needs `{key}`", line=document.line())
    source = document.content["logsource"]
    if not isinstance(source, dict) or (source.get("product"), source.get("service")) != ("aws", "cloudtrail"):
        raise RuleError(
            "the log source is not CloudTrail",
            line=document.line("logsource"),
            hint="logsource needs product: aws and service: cloudtrail",
        )


def _check_detections(document: Document) -> None:
    detections = document.content["detection"]
    if not isinstance(detections, dict):
        raise RuleError("`detection` is a mapping", line=document.line("detection"))
    if "timeframe" in detections:
        raise RuleError(
            "`timeframe` counts events over time, which one event cannot answer",
            line=document.line("detection", "timeframe"),
            hint="a rule's threshold does this",
        )
    if "condition" not in detections:
        raise RuleError("`detection` needs a `condition`", line=document.line("detection"))
    for name, detection in detections.items():
        if name != "condition":
            _check_detection(document, ("detection", name), detection)


def _check_detection(document: Document, keys: documents.Keys, detection: Any) -> None:
    """Check a mapping of fields, or a list of mappings and keywords, item by item, so that a mistake has a line."""
    if isinstance(detection, list):
        if not detection:
            raise RuleError(f"`{keys[-1]}` is empty", line=document.line(*keys))
        for index, item in enumerate(detection):
            _check_detection(document, (*keys, index), item)
    elif isinstance(detection, dict):
        if not detection:
            raise RuleError(f"`{keys[-1]}` is empty", line=document.line(*keys))
        for key, value in detection.items():
            _check_item(document, (*keys, str(key)), key, value)
    else:
        _check_item(document, keys, None, detection)


def _check_item(document: Document, keys: documents.Keys, key: Any, value: Any) -> None:
    from sigma.rule import SigmaDetectionItem

    line = document.line(*keys)
    if key is not None and not isinstance(key, str):
        raise RuleError(f"the field name {key!r} is not a text", line=line, hint="put it in quotes")
    try:
        if key is not None:
            _check_modifiers(frozenset(key.split("|")[1:]), value)
        item = SigmaDetectionItem.from_mapping(key, value)
        for one in item.value:
            keyword_tree(one) if item.field is None else field_tree(item.field, one)
    except _REFUSALS as error:
        raise RuleError(str(error), line=line) from error
    except RuleError as error:
        raise RuleError(error.message, line=line, hint=error.hint) from error


def _check_modifiers(modifiers: frozenset[str], value: Any) -> None:
    """Refuse combinations whose meaning would get lost."""
    if {"cased", "fieldref"} <= modifiers:
        raise RuleError("`cased` has no effect on `fieldref`")
    if "re" in modifiers:
        if modifiers & {"startswith", "endswith"}:
            raise RuleError("`startswith` and `endswith` have no effect on `re`", hint="write ^ and $ in the regex")
        _check_regexes(value)


def _check_regexes(value: Any) -> None:
    """Refuse what google-re2 refuses before pySigma tries it, which would log it."""
    for pattern in value if isinstance(value, list) else [value]:
        if not isinstance(pattern, str):
            raise RuleError(f"the regex {pattern!r} is not a text", hint="put it in quotes")
        try:
            regex(pattern)
        except ValueError as error:
            hint = "lookaround and backreferences are not supported"
            raise RuleError(f"the regex {pattern!r} is not supported: {error}", hint=hint) from error


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
    except _REFUSALS as error:
        hint = "a rule's threshold counts" if "|" in str(document.content["detection"]["condition"]) else ""
        raise RuleError(str(error), line=line, hint=hint) from error
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
            return _merged(any_of(*(_condition_tree(arg) for arg in condition.args)))
        case sigma.ConditionNOT():
            return negate(_condition_tree(condition.args[0]))
        case sigma.ConditionFieldEqualsValueExpression():
            return field_tree(condition.field, condition.value)
        case sigma.ConditionValueExpression():
            return keyword_tree(condition.value)
        case _:
            raise RuleError("a condition that stands for nothing")


def _merged(tree: Node) -> Node:
    """Let one check ask for all the texts of a list, as a list of fifty event names should."""
    if not isinstance(tree, AnyOf):
        return tree
    texts: dict[tuple[Path, bool, bool], frozenset[str]] = {}
    others: list[Node] = []
    for child in tree.children:
        if isinstance(child, Test) and isinstance(child.check, OneOf):
            key = (child.path, child.check.fold, child.check.numbers)
            texts[key] = texts.get(key, frozenset()) | child.check.texts
        else:
            others.append(child)
    lists = (
        Test(path, OneOf(texts=found, fold=fold, numbers=numbers)) for (path, fold, numbers), found in texts.items()
    )
    return any_of(*lists, *others)
