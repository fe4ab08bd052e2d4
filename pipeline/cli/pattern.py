"""`trailwire pattern`: try CloudWatch Logs filter patterns before AWS does."""

from __future__ import annotations

import dataclasses

import click

from pipeline.cli.inputs import Inputs, format_option, paths_argument
from pipeline.cli.main import WRONG_INPUT
from pipeline.cli.output import json_line, visible
from pipeline.errors import PatternError
from pipeline.languages import filter_pattern

# A pattern of exclusions begins with a minus.
_SETTINGS = {"ignore_unknown_options": True}


@click.group()
def pattern() -> None:
    """Try and explain CloudWatch Logs filter patterns."""


@pattern.command(context_settings=_SETTINGS)
@format_option
@click.argument("text", metavar="PATTERN")
@paths_argument
def match(output: str, text: str, paths: tuple[str, ...]) -> int:
    """Write the messages in PATH... that PATTERN lets through, verbatim.

    A line of NDJSON or text is a message; the elements of arrays and of Records are compacted to one line.
    """
    parsed = parsed_or_shown(text, output)
    if parsed is None:
        return WRONG_INPUT
    inputs = Inputs(paths)
    for message in inputs:
        if not parsed.matches(message.text):
            continue
        if output == "json":
            json_line({"path": message.path, "index": message.index, "message": message.text})
        else:
            click.echo(message.text.encode("utf-8", "surrogateescape"))
    return WRONG_INPUT if inputs.unreadable else 0


@pattern.command(context_settings=_SETTINGS)
@format_option
@click.argument("text", metavar="PATTERN")
def explain(output: str, text: str) -> int:
    """Say in words what PATTERN means, and where it may surprise you."""
    parsed = parsed_or_shown(text, output)
    if parsed is None:
        return WRONG_INPUT
    explanation = filter_pattern.explain(parsed)
    if output == "json":
        json_line(dataclasses.asdict(explanation))
    else:
        click.echo(str(explanation))
    return 0


def parsed_or_shown(text: str, output: str) -> filter_pattern.FilterPattern | None:
    """Parse a pattern, or show where it goes wrong."""
    try:
        return filter_pattern.parse(text)
    except PatternError as error:
        if output == "json":
            json_line({"error": error.message, "position": error.position, "hint": error.hint})
        click.echo(pointed_out(text, error), err=True)
        return None


def pointed_out(text: str, error: PatternError) -> str:
    """Show a pattern's mistake under the pattern, as compilers do."""
    lines = [f"not a filter pattern: {error.message}"]
    if error.position is not None:
        start = max(0, error.position - 60)
        before, after = visible(text[start : error.position]), visible(text[error.position : error.position + 40])
        lines += [f"  {before}{after}", f"  {' ' * len(before)}^ position {error.position}"]
    lines += [f"  hint: {error.hint}"] if error.hint else []
    return "\n".join(lines)
