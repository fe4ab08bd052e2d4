"""`trailwire match`: which rules the events in these files match."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import click

from pipeline.alerts.candidate import Sighting
from pipeline.alerts.suppress import suppressed_by
from pipeline.cli.inputs import Inputs, Message, config_option, format_option, load_config, paths_argument
from pipeline.cli.main import WRONG_INPUT
from pipeline.cli.output import event_id, json_line, text_line, visible
from pipeline.errors import DecodeError
from pipeline.rules.matcher import Match, Matcher
from pipeline.rules.rule import Ignore, RuleSet


@click.command()
@config_option
@format_option
@click.option("--suppressed", is_flag=True, help="Show also what an [[ignore]] suppresses.")
@paths_argument
def match(config: str | None, output: str, suppressed: bool, paths: tuple[str, ...]) -> int:
    """Show which rules the events in PATH... match: one line for each event and rule.

    PATH: CloudTrail files, single events, arrays, NDJSON or CloudWatch Logs envelopes, each plain or gzip; folders; -
    for standard input.
    """
    ruleset, inputs = load_config(config), Inputs(paths)
    matcher, ignores = Matcher(ruleset), _in_force(ruleset)
    for message in inputs:
        for found in _matches(matcher, message, inputs):
            ignore = suppressed_by(ignores, Sighting(found, "", "", 0, message.text))
            if ignore is None or suppressed:
                _write(found, ignore, output)
    return WRONG_INPUT if inputs.unreadable else 0


def _in_force(ruleset: RuleSet) -> list[Ignore]:
    today = dt.datetime.now(dt.UTC).date()
    return [ignore for ignore in ruleset.ignores if ignore.in_force(today)]


def _matches(matcher: Matcher, message: Message, inputs: Inputs) -> tuple[Match, ...]:
    try:
        verdicts = matcher.match_message(message.text)
    except DecodeError as error:
        inputs.complain(message.path, f"message {message.index}: {error}")
        return ()
    for failure in verdicts.failures:
        said = f'{message.path}: message {message.index}: rule "{failure.rule.name}": {failure.reason}'
        click.echo(visible(said), err=True)
    return verdicts.matches


def _write(found: Match, ignore: Ignore | None, output: str) -> None:
    row = as_row(found, ignore)
    if output == "json":
        json_line(row)
        return
    extra = [] if row["annotation"] is None else [json.dumps(row["annotation"])]
    extra += [f"could not be decided: {found.undecided}"] if found.undecided else []
    extra += [f"suppressed: {row['suppressed_by']}"] if ignore else []
    text_line(str(row["eventID"] or "-"), str(row["eventName"] or "-"), found.rule.name, *extra)


def as_row(found: Match, ignore: Ignore | None) -> dict[str, Any]:
    """Describe a match; these keys are always there."""
    event = found.event
    return {
        "rule": found.rule.name,
        "eventID": event_id(event),
        "eventName": event.get("eventName"),
        "annotation": found.annotation,
        "suppressed_by": ignore.reason if ignore else None,
        **({"undecided": found.undecided} if found.undecided else {}),
    }
