"""`trailwire test`: the rules' own tests, and whether they would notice a small change to a rule."""

from __future__ import annotations

import fnmatch
import time
from collections import Counter
from collections.abc import Iterator

import click

from pipeline.cli.explained import told_changes
from pipeline.cli.inputs import config_option, format_option, load_config
from pipeline.cli.junit import Timed, junit
from pipeline.cli.main import FINDINGS
from pipeline.cli.mutate import mutate as judge_mutants
from pipeline.cli.output import clipped, counted, json_line, save, shown, visible
from pipeline.errors import AuthorError, did_you_mean
from pipeline.rules.explain import Explanation, deciding
from pipeline.rules.rule import Rule
from pipeline.rules.testing import RuleTestResult, explained, run_tests, said

DOTS = {"passed": ".", "failed": "F", "error": "E"}
MOST_LEAVES = 5
"""Conditions that are named where a test fails."""
MOST_SAID = 200
"""Characters of a condition that a failure quotes."""


@click.command()
@config_option
@format_option
@click.option("--junit", "junit_file", metavar="FILE", help="Write the results there as JUnit XML, too.")
@click.option("-k", "wanted", metavar="RULE", help="Only rules whose name contains this (* and ? are wildcards).")
@click.option("--mutate", is_flag=True, help="Change the rules a little, and list the changes that no test notices.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each test; name the rules that have none.")
def test(
    config: str | None, output: str, junit_file: str | None, wanted: str | None, mutate: bool, verbose: bool
) -> int:
    """Run the rules' own tests, each [[rule.test]].

    Exit 1 if one fails, or with --mutate if a change goes unnoticed.
    """
    if mutate and junit_file:
        raise click.UsageError("--junit writes the results of tests, and --mutate has none")
    rules = _chosen(load_config(config).rules, wanted)
    if mutate:
        return judge_mutants(rules, output, verbose)
    began = time.perf_counter()
    results = list(_results(rules, dots=output == "text"))
    _write(results, output, verbose)
    if junit_file:
        save(junit_file, junit(results).encode())
    _summarise(results, rules, time.perf_counter() - began, verbose)
    return FINDINGS if any(result.outcome != "passed" for result, _, _ in results) else 0


def _chosen(rules: tuple[Rule, ...], wanted: str | None) -> tuple[Rule, ...]:
    if not wanted:
        return rules
    glob = wanted.casefold() if set(wanted) & set("*?") else f"*{_literal(wanted.casefold())}*"
    chosen = tuple(rule for rule in rules if fnmatch.fnmatchcase(rule.name.casefold(), glob))
    if not chosen:
        hint = did_you_mean(wanted, [rule.name for rule in rules])
        raise AuthorError(
            f'no rule\'s name contains "{visible(wanted)}"' + (f" (hint: {visible(hint)})" if hint else "")
        )
    return chosen


def _literal(text: str) -> str:
    return text.replace("[", "[[]")


def _results(rules: tuple[Rule, ...], *, dots: bool) -> Iterator[Timed]:
    """Run every test; on the way print a dot for each, on a line for each file."""
    file = None
    for rule in rules:
        began = time.perf_counter()
        for result in run_tests(rule):
            seconds, here = time.perf_counter() - began, result.test.where.rpartition(":")[0]
            if dots:
                lead = "" if here == file else f"{'' if file is None else chr(10)}{visible(here)} "
                click.echo(f"{lead}{DOTS[result.outcome]}", nl=False, err=True)
            file = here
            yield result, seconds, _told(result)
            began = time.perf_counter()
    if dots and file is not None:
        click.echo("", err=True)


def _told(result: RuleTestResult) -> list[str]:
    """Say why a test failed: what was expected, the conditions that decided, and the nearest change."""
    if result.outcome == "passed":
        return []
    found = explained(result)
    leaves = list(deciding(found.tree))
    lines = [result.reason, *(f"{clipped(said(leaf), MOST_SAID)}; {_values(leaf)}" for leaf in leaves[:MOST_LEAVES])]
    if len(leaves) > MOST_LEAVES:
        lines.append(f"and {len(leaves) - MOST_LEAVES} more")
    return [*lines, *told_changes(found)]


def _values(leaf: Explanation) -> str:
    """Say what stands at a leaf's path."""
    values = ", ".join(shown(value) for value in leaf.values)
    return f"there is {values}" + (f" and {leaf.more} more" if leaf.more else "") if values else "it is absent"


def _write(results: list[Timed], output: str, verbose: bool) -> None:
    for result, _, told in results:
        if output == "json":
            json_line(_as_row(result, told))
        elif verbose or result.outcome != "passed":
            head = f"{result.outcome.upper()} {result.test.where} {result.rule.name}: {result.name}"
            click.echo(visible(head))
            for line in told:
                click.echo(f"    {visible(line)}")


def _as_row(result: RuleTestResult, told: list[str]) -> dict[str, object]:
    return {
        "rule": result.rule.name,
        "test": result.name,
        "where": result.test.where,
        "outcome": result.outcome,
        "expected": result.test.matches,
        "got": result.got,
        "reason": result.reason or None,
        "because": told[1:],
    }


def _summarise(results: list[Timed], rules: tuple[Rule, ...], took_s: float, verbose: bool) -> None:
    outcomes = Counter(result.outcome for result, _, _ in results)
    counts = [f"{outcomes[name]} {name}" for name in ("passed", "failed") if outcomes[name]]
    counts += [counted(outcomes["error"], "error")] if outcomes["error"] else []
    click.echo(f"{', '.join(counts) or 'no tests'} in {took_s:.2f}s", err=True)
    untested = [rule for rule in rules if not rule.tests]
    if untested:
        click.echo(f"{counted(len(untested), 'rule')} without tests", err=True)
    for rule in untested if verbose else ():
        click.echo(visible(f"    {rule.where} {rule.name}"), err=True)
