"""What is doubtful about a configuration that can be used: the ways in which alerts get lost or nobody notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from pipeline.alerts.route import first_route
from pipeline.languages import event_pattern, filter_pattern
from pipeline.predicate import FALSE
from pipeline.rules.rule import Ignore, Route, Rule, RuleSet
from pipeline.tuning.finding import Finding

_ANY_ACCOUNT = "000000000000"
"""An account that no route names: where a rule is told of this one, it is told of all."""


def lint(ruleset: RuleSet, today: dt.date) -> list[Finding]:
    """Return every finding, in the order of the tables they are about."""
    return [
        *(Finding("literal-secret", "warning", note.where, note.message, note.hint) for note in ruleset.notes),
        *(finding for rule in ruleset.rules for finding in _rule(rule, ruleset)),
        *(finding for ignore in ruleset.ignores for finding in _ignore(ignore, today)),
        *_routes(ruleset.routes),
        *_destinations(ruleset),
    ]


def _rule(rule: Rule, ruleset: RuleSet) -> Iterator[Finding]:
    if not rule.tests and not rule.pack and rule.language != "sigma":
        hint = "give it a [[rule.test]] that it matches and one that it does not"
        yield Finding("rule-untested", "note", rule.where, f'rule "{rule.name}" has no tests', hint)
    if rule.condition.tree == FALSE and rule.language != "event_pattern":  # which says itself which part cannot match
        message = f'rule "{rule.name}" matches no event'
        yield Finding("never-matches", "warning", rule.where, message, "what must hold at the same time cannot")
    yield from _unrouted(rule, ruleset)
    yield from _traps(rule.language, rule.source, rule.where)


def _unrouted(rule: Rule, ruleset: RuleSet) -> Iterator[Finding]:
    if rule.destinations or first_route(ruleset.routes, rule, _ANY_ACCOUNT):
        return
    if any(first_route([route], rule, account) for route in ruleset.routes for account in route.accounts):
        message = f'rule "{rule.name}" is told of some accounts only; a match in any other account is told to nobody'
    else:
        message = f'rule "{rule.name}" is told to nobody: no destinations of its own, and no route admits it'
    yield Finding("rule-unrouted", "warning", rule.where, message, "add a last [[route]] with destinations alone")


def _traps(language: str, source: str, where: str) -> Iterator[Finding]:
    """Pass on what the pattern languages say about their own traps."""
    if language == "filter_pattern":
        for trap in filter_pattern.explain(source).traps:
            yield Finding(trap.code, trap.severity, where, trap.message, trap.hint)
    if language == "event_pattern":
        for remark in event_pattern.remarks(source):
            yield Finding("never-matches", "warning", where, f"{remark.where}: {remark.message}", remark.hint)


def _ignore(ignore: Ignore, today: dt.date) -> Iterator[Finding]:
    if not ignore.in_force(today):
        message = f'the ignore "{ignore.reason}" ended on {ignore.until} and no longer suppresses'
        yield Finding("ignore-expired", "warning", ignore.where, message, "remove it, or give it a later date")
    if ignore.until is None and not ignore.owner:
        message = f'the ignore "{ignore.reason}" has no owner and no end'
        yield Finding("ignore-forever", "note", ignore.where, message, "say who may be asked, or until when it holds")
    yield from _traps(ignore.language, ignore.source, ignore.where)


def _routes(routes: Iterable[Route]) -> Iterator[Finding]:
    earlier: list[Route] = []
    for route in routes:
        covering = next((other for other in earlier if _covers(other, route)), None)
        if covering is not None:
            message = f"no alert gets as far as this route: the one at {covering.where} takes them all"
            yield Finding("route-unreachable", "warning", route.where, message, "put the narrower route first")
        earlier.append(route)


def _covers(earlier: Route, later: Route) -> bool:
    """Tell whether everything that the later route admits is admitted by the earlier one."""
    return all(
        not mine or (theirs and set(theirs) <= set(mine))
        for mine, theirs in (
            (earlier.accounts, later.accounts),
            (earlier.severities, later.severities),
            (earlier.rules, later.rules),
            (earlier.tags, later.tags),
        )
    )


def _destinations(ruleset: RuleSet) -> Iterator[Finding]:
    if not ruleset.destinations:
        yield Finding("no-destination", "warning", "[[destination]]", "there is no destination: nobody would be told")
        return
    if not ruleset.settings.errors_to:
        hint = 'errors_to = ["..."] names the destinations that hear about Trailwire\'s own trouble'
        message = "nobody hears about rule failures, rejected messages and quarantined input"
        yield Finding("no-errors-to", "note", ruleset.destinations[0].where, message, hint)
    used = set(ruleset.settings.errors_to).union(
        *(rule.destinations for rule in ruleset.rules), *(route.destinations for route in ruleset.routes)
    )
    for destination in ruleset.destinations:
        if destination.id not in used:
            message = f'destination "{destination.id}" is used by no rule and no route'
            yield Finding("destination-unused", "note", destination.where, message)
