"""Rules that stand in Sigma files: a file, or a folder of them, becomes as many rules as it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pipeline.errors import RuleError
from pipeline.rules.rule import Rule, RuleFacts, RuleTest, Severity, default_group_by, default_repeat
from pipeline.rules.rule_tests import Read
from pipeline.rules.section import UNREADABLE, Section, reason_of

if TYPE_CHECKING:
    from pipeline.languages.sigma import SigmaRule

SUFFIXES = (".yml", ".yaml")


def read_sigma(
    section: Section,
    source: Any,
    read: Read,
    *,
    facts: RuleFacts,
    destinations: tuple[str, ...],
    tests: tuple[RuleTest, ...],
) -> Iterator[Rule]:
    """Yield every rule of the file or folder `source`; mistakes are recorded at the line of their own file.

    What the `[[rule]]` says wins over what the Sigma rule says of itself.
    """
    if not isinstance(source, str) or not source:
        section.problem("sigma", '"sigma" must be the path of a file or a folder')
        return
    files = [(path, _rules(section, path, text)) for path, text in _texts(section, source, read)]
    if files and not any(rules != [] for _, rules in files):
        section.problem("sigma", f"{source} holds no rule")
    found = [(path, rule) for path, rules in files for rule in rules or ()]
    if tests and len(found) > 1:
        section.problem("test", f"tests need one rule, and {source} holds {len(found)}")
    for path, rule in found:
        yield Rule(
            facts=_facts(section, facts, rule, is_only=len(found) == 1),
            condition=rule.condition,
            language="sigma",
            source=path,
            where=f"{path}:{rule.line}",
            destinations=destinations,
            tests=tests if len(found) == 1 else (),
        )


def _texts(section: Section, source: str, read: Read) -> Iterator[tuple[str, str]]:
    content = _read(section, source, read)
    if isinstance(content, str):
        yield source, content
        return
    files = [path for path in content or [] if path.endswith(SUFFIXES)]
    if content is not None and not files:
        section.problem("sigma", f"{source} holds no file that ends in {' or '.join(SUFFIXES)}")
    for path in files:
        text = _read(section, path, read)
        if isinstance(text, str):
            yield path, text


def _read(section: Section, path: str, read: Read) -> str | list[str] | None:
    try:
        return read(path)
    except UNREADABLE as error:
        section.problem("sigma", f'cannot read "{path}": {reason_of(error)}')
    return None


def _rules(section: Section, path: str, text: str) -> list[SigmaRule] | None:
    """Read the rules of a file; None where a mistake in it was recorded."""
    from pipeline.languages import sigma

    try:
        return sigma.parse_documents(text)
    except RuleError as error:
        section.document.problem_at(f"{path}:{error.line or 1}", f"sigma: {error.message}", error.hint)
        return None


def _facts(section: Section, facts: RuleFacts, rule: SigmaRule, *, is_only: bool) -> RuleFacts:
    severity = facts.severity if section.has("severity") else Severity(rule.severity)
    name = facts.name if facts.name and is_only else ": ".join(filter(None, (facts.name, rule.title)))
    return replace(
        facts,
        name=name,
        severity=severity,
        description=facts.description or rule.description,
        tags=tuple(dict.fromkeys((*facts.tags, *rule.tags))),
        references=facts.references or rule.references,
        false_positives=facts.false_positives or rule.false_positives,
        id=rule.id,
        repeat=facts.repeat if section.has("repeat") else default_repeat(severity),
        group_by=facts.group_by if section.has("group_by") else default_group_by(severity),
    )
