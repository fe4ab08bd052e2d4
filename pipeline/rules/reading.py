"""Reading rules, ignores, routes and settings from the tables of a configuration."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, get_args

from pipeline.errors import RuleError
from pipeline.languages.condition import Condition
from pipeline.predicate import FALSE
from pipeline.rules.language import MODULES, compile_condition
from pipeline.rules.rule import (
    GROUP_BY,
    GroupField,
    Ignore,
    Repeat,
    Route,
    Rule,
    RuleFacts,
    Settings,
    Severity,
    Threshold,
    default_group_by,
    default_repeat,
)
from pipeline.rules.rule_tests import Read, read_tests
from pipeline.rules.section import Section

_GROUP_FIELDS: tuple[GroupField, ...] = get_args(GroupField)
_MENTIONS = ("here", "channel")


def read_rule(section: Section, read: Read, *, pack: str = "") -> Iterator[Rule]:
    """Yield the rules of one `[[rule]]`: one, or for `sigma` as many as its files hold."""
    key = language_key(section)
    own_name = section.text("name", required=key != "sigma")
    facts = _read_facts(section, own_name)
    destinations = section.texts("destinations")
    tests = tuple(test for table in section.sections("test") for test in read_tests(table, read))
    source = section.take(key) if key else None
    section.finish(*MODULES)
    if not key:
        return
    if key == "sigma":
        from pipeline.rules.sigma_files import read_sigma

        yield from read_sigma(section, source, read, facts=facts, destinations=destinations, tests=tests)
        return
    yield Rule(
        facts=facts,
        condition=_read_condition(section, key, source),
        language=key,
        source=_source_text(source),
        where=section.where(),
        destinations=destinations,
        pack=pack,
        tests=tests,
    )


def _source_text(source: Any) -> str:
    """A rule's text; lists and tables as JSON, which their languages read, too."""
    return source if isinstance(source, str) else json.dumps(source, default=str)


def language_key(section: Section) -> str:
    """Return the one language key a rule or ignore is written with, or record that there is not exactly one."""
    given = [key for key in MODULES if section.has(key)]
    if len(given) == 1:
        return given[0]
    for key in given:
        section.take(key)
    found = f"has {' and '.join(given)}" if given else "has none"
    section.problem("", f"exactly one of {', '.join(MODULES)} says what matches; this {found}")
    return ""


def _read_facts(section: Section, name: str) -> RuleFacts:
    severity = Severity(section.choice("severity", Severity, Severity.MEDIUM))
    return RuleFacts(
        name=name,
        severity=severity,
        description=section.text("description"),
        runbook=section.text("runbook"),
        tags=section.texts("tags"),
        references=section.texts("references"),
        false_positives=section.texts("false_positives"),
        repeat=Repeat(section.choice("repeat", Repeat, default_repeat(severity))),
        group_by=_group(section, "group_by", default_group_by(severity)),
        threshold=_read_threshold(section.section("threshold")) if section.has("threshold") else None,
    )


def override_facts(section: Section, facts: RuleFacts) -> RuleFacts:
    """Return the facts with what a `[pack.NAME.override."RULE"]` table changes of them."""
    return RuleFacts(
        name=facts.name,
        severity=Severity(section.choice("severity", Severity, facts.severity)),
        description=section.text("description", facts.description),
        runbook=section.text("runbook", facts.runbook),
        tags=section.texts("tags", facts.tags),
        references=section.texts("references", facts.references),
        false_positives=section.texts("false_positives", facts.false_positives),
        repeat=Repeat(section.choice("repeat", Repeat, facts.repeat)),
        group_by=_group(section, "group_by", facts.group_by),
        threshold=_read_threshold(section.section("threshold")) if section.has("threshold") else facts.threshold,
        id=facts.id,
    )


def _group(section: Section, name: str, default: tuple[str, ...]) -> tuple[GroupField, ...]:
    chosen = section.choices(name, _GROUP_FIELDS, default)
    return tuple(group_field for group_field in _GROUP_FIELDS if group_field in chosen)


def _read_threshold(section: Section) -> Threshold:
    threshold = Threshold(
        count=section.whole("count", 1, low=1, high=1_000_000),
        within_s=section.whole("within_s", 300, low=1, high=86_400),
        by=_group(section, "by", GROUP_BY),
    )
    if section.is_table and not section.has("count"):
        section.problem("", '"count" is missing')
    section.finish()
    return threshold


def _read_condition(section: Section, key: str, source: Any) -> Condition:
    try:
        return compile_condition(key, source)
    except RuleError as error:
        document = section.document
        line = document.places.first_line_of_text((*section.key, key))
        if isinstance(source, str):
            line += error.line - 1 if error.line else source[: error.position or 0].count("\n")
        where = f"{document.name}:{line}"
        document.problem_at(where, f"{key}: {_plain(error)}", error.hint)
        return Condition(tree=FALSE)


def _plain(error: RuleError) -> str:
    place = f" at position {error.position}" if error.position is not None else ""
    return f"{error.message}{place}"


def read_ignore(section: Section) -> Ignore:
    """Read one `[[ignore]]`."""
    key = language_key(section)
    source = section.take(key) if key else None
    reason = section.text("reason", required=True)
    owner, until = section.text("owner"), _read_date(section, "until")
    section.finish(*MODULES)
    if key == "sigma":
        section.problem("sigma", "an ignore cannot be a Sigma rule", "write it as event_pattern or filter_pattern")
        key = ""
    return Ignore(
        reason=reason,
        condition=_read_condition(section, key, source) if key else Condition(tree=FALSE),
        language=key,
        source=_source_text(source),
        where=section.where(),
        owner=owner,
        until=until,
    )


def _read_date(section: Section, name: str) -> dt.date | None:
    value = section.take(name)
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    section.problem(name, f'"{name}" must be a date', f"write {name} = 2027-01-31, without quotes")
    return None


def read_route(section: Section) -> Route:
    """Read one `[[route]]`."""
    destinations = section.texts("destinations")
    if not destinations:
        section.problem("", 'a route needs "destinations"')
    route = Route(
        destinations=destinations,
        where=section.where(),
        accounts=section.texts("accounts"),
        severities=tuple(Severity(word) for word in section.choices("severity", Severity)),
        rules=section.texts("rules"),
        tags=section.texts("tags"),
        mention=_read_mention(section),
    )
    section.finish()
    return route


def _read_mention(section: Section) -> str:
    mention = section.text("mention").removeprefix("@")
    is_id = mention[:1] in ("U", "W", "S") and mention.isalnum() and mention.isupper()
    if mention and mention not in _MENTIONS and not is_id:
        section.problem("mention", f'"mention" must be here, channel, or the id of a user or group, not "{mention}"')
        return ""
    return mention


def read_settings(section: Section) -> Settings:
    """Read `[settings]`."""
    accounts = section.section("accounts")
    names = {account: accounts.text(account) for account in accounts.names()}
    defaults = Settings()
    settings = Settings(
        accounts=names,
        errors_to=section.texts("errors_to"),
        group_window_s=section.whole("group_window_s", defaults.group_window_s, low=30, high=86_400),
        edit_interval_s=section.whole("edit_interval_s", defaults.edit_interval_s, low=5, high=900),
        channel_interval_ms=section.whole("channel_interval_ms", defaults.channel_interval_ms, low=1, high=60_000),
        channel_burst=section.whole("channel_burst", defaults.channel_burst, low=1, high=100),
        daily_report=section.truth("daily_report", default=defaults.daily_report),
    )
    section.finish()
    return settings
