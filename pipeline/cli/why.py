"""`trailwire why`: why a rule matches an event or does not, and what would turn it over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from pipeline.alerts.route import first_route
from pipeline.cli.explained import as_tree, changes_as_rows, indented, told_change, told_changes
from pipeline.cli.inputs import Inputs, Message, config_option, format_option, load_config
from pipeline.cli.main import WRONG_INPUT
from pipeline.cli.output import clipped, counted, event_id, json_line, shown, visible
from pipeline.decode.json_text import read_event
from pipeline.errors import AuthorError, DecodeError, did_you_mean
from pipeline.event.summary import account_of
from pipeline.rules.explain import Answer, Explanation, answer, explain
from pipeline.rules.rule import Ignore, Rule, RuleSet

MOST_LINE = 240
"""Characters of the one line that a rule gets which does not match and was not asked for."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An ignore that holds for an event."""

    ignore: Ignore
    in_force: bool
    tree: Explanation


@dataclass(frozen=True, slots=True)
class Case:
    """One rule and one event."""

    rule: Rule
    event: dict[str, Any]
    answer: Answer
    ignores: tuple[Holding, ...]
    """Those that hold for the event, in their order, expired ones too; empty where the rule does not match."""
    destinations: tuple[str, ...]
    """Where it would be told, were it not suppressed."""
    route: str
    """`file:line` of the route that says so; empty where the rule does."""

    @property
    def suppressed_by(self) -> Ignore | None:
        """The ignore that suppresses the match."""
        return next((holding.ignore for holding in self.ignores if holding.in_force), None)


@click.command()
@config_option
@format_option
@click.option("--rule", "wanted", metavar="RULE", help="Only this rule, matching or not.")
@click.argument("event", metavar="EVENT")
def why(config: str | None, output: str, wanted: str | None, event: str) -> int:
    """Show why the rules match EVENT or do not: each condition, what the event says there, and the nearest change.

    EVENT: a file with one event or several, in any form that `match` reads; - for standard input.
    """
    ruleset = load_config(config)
    rules = _chosen(ruleset.rules, wanted)
    inputs = Inputs((event,))
    for message in inputs:
        read = _read(message, inputs)
        if read is None:
            continue
        cases = _cases(ruleset, rules, read, message.text)
        if output == "json":
            for case in cases:
                json_line(_as_row(case))
        else:
            click.echo(_title(message, read))
            _write_all(list(cases), all_in_full=wanted is not None)
    return WRONG_INPUT if inputs.unreadable else 0


def _chosen(rules: tuple[Rule, ...], wanted: str | None) -> tuple[Rule, ...]:
    if wanted is None:
        return rules
    chosen = tuple(rule for rule in rules if rule.name == wanted)
    if not chosen:
        hint = did_you_mean(wanted, [rule.name for rule in rules])
        raise AuthorError(visible(f'there is no rule "{wanted}"' + (f" (hint: {hint})" if hint else "")))
    return chosen


def _read(message: Message, inputs: Inputs) -> dict[str, Any] | None:
    try:
        return read_event(message.text)
    except DecodeError as error:
        inputs.complain(message.path, f"message {message.index}: {error}")
        return None


def _cases(ruleset: RuleSet, rules: tuple[Rule, ...], event: dict[str, Any], raw: str) -> Iterator[Case]:
    account = account_of(event)
    for rule in rules:
        found = answer(rule.condition, event, raw)
        route = first_route(ruleset.routes, rule, account, ruleset.settings.accounts.get(account, ""))
        yield Case(
            rule=rule,
            event=event,
            answer=found,
            ignores=tuple(_holding(ruleset.ignores, event, raw)) if found.matches else (),
            destinations=rule.destinations or (route.destinations if route else ()),
            route=route.where if route and not rule.destinations else "",
        )


def _holding(ignores: tuple[Ignore, ...], event: dict[str, Any], raw: str) -> Iterator[Holding]:
    today = dt.datetime.now(dt.UTC).date()
    for ignore in ignores:
        if ignore.condition.matches(event, raw):
            yield Holding(ignore, ignore.in_force(today), explain(ignore.condition.tree, event, raw))


# ---- JSON ----


def _as_row(case: Case) -> dict[str, Any]:
    found, event, ignore = case.answer, case.event, case.suppressed_by
    return {
        "rule": case.rule.name,
        "eventID": event_id(event),
        "eventName": event.get("eventName"),
        "matches": found.matches,
        "annotation": found.annotation,
        "failure": found.failure or None,
        "undecided": found.undecided or None,
        "suppressed_by": ignore.reason if ignore else None,
        "destinations": list(case.destinations),
        "tree": as_tree(found.tree),
        "nearest": changes_as_rows(found.nearest),
        "nearest_suffices": found.suffices,
        "ignores": [
            {
                "reason": holding.ignore.reason,
                "where": holding.ignore.where,
                "until": holding.ignore.until.isoformat() if holding.ignore.until else None,
                "in_force": holding.in_force,
                "tree": as_tree(holding.tree),
            }
            for holding in case.ignores
        ],
    }


# ---- text ----


def _title(message: Message, event: dict[str, Any]) -> str:
    identity = event_id(event)
    parts = [shown(event["eventName"]) if "eventName" in event else "an event without eventName"]
    parts += [shown(identity)] if identity else []
    return " ".join(parts) + f" ({visible(message.path)}, message {message.index})"


def _write_all(cases: list[Case], *, all_in_full: bool) -> None:
    """Write the rules that match in full, then a line for each of the others."""
    in_full = [case for case in cases if all_in_full or case.answer.matches]
    for case in in_full:
        _write(case)
    rest = [case for case in cases if not (all_in_full or case.answer.matches)]
    if rest:
        click.echo(f"\n  {counted(len(rest), 'rule')} {'does' if len(rest) == 1 else 'do'} not match:")
    for case in rest:
        click.echo(f"    {clipped(visible(_in_one_line(case)), MOST_LINE)}")
    click.echo("")


def _write(case: Case) -> None:
    rule, found = case.rule, case.answer
    click.echo(f"\n  {visible(rule.name)}: {'matches' if found.matches else 'does not match'} ({visible(rule.where)})")
    for line in (*indented(found.tree), *_computed(found), *told_changes(found), *_told_to(case)):
        click.echo(f"    {line}")


def _in_one_line(case: Case) -> str:
    found = case.answer
    if found.failure:
        return f"{case.rule.name}: its program failed: {found.failure}"
    if not found.nearest:
        return f"{case.rule.name}: its program says no" if found.computes and found.tree.verdict else case.rule.name
    count = counted(len(found.nearest), "change")
    least = "" if found.suffices else "at least "
    return f"{case.rule.name}: {least}{count} away: {'; '.join(map(told_change, found.nearest))}"


def _computed(found: Answer) -> Iterator[str]:
    """Say what the program said, for rules that compute."""
    if found.failure:
        yield visible(f"its program failed: {clipped(found.failure, MOST_LINE)}")
    elif found.undecided:
        yield visible(f"could not be decided, so it is told: {clipped(found.undecided, MOST_LINE)}")
    elif found.computes and not found.tree.verdict:
        yield "its program is not asked: the conditions above rule the event out"
    elif found.computes:
        yield f"its program says {'yes' if found.matches else 'no'}"
    if found.annotation is not None:
        yield f"annotation: {shown(found.annotation, MOST_LINE)}"


def _told_to(case: Case) -> Iterator[str]:
    if not case.answer.matches:
        return
    for holding in case.ignores:
        yield _ignored(holding, first=holding.ignore is case.suppressed_by)
        yield from (f"  {line}" for line in indented(holding.tree))
    places = ", ".join(map(visible, case.destinations)) or "nobody: no destinations, and no route admits it"
    by = f" (route at {visible(case.route)})" if case.route else ""
    yield f"{'would be told to' if case.suppressed_by else 'told to'}: {places}{by}"


def _ignored(holding: Holding, *, first: bool) -> str:
    ignore = holding.ignore
    place = visible(f'"{ignore.reason}" ({ignore.where}{f", until {ignore.until}" if ignore.until else ""})')
    if not holding.in_force:
        return f"an ignore that is over would have suppressed it: {place}"
    return f"{'suppressed by' if first else 'the ignore holds, too:'} {place}"
