"""`trailwire check`: what is wrong with a configuration, and what is doubtful."""

from __future__ import annotations

import datetime as dt
import json

import click
import msgspec

from pipeline.alerts.chain import Chain
from pipeline.cli.inputs import config_option, format_option, load_config
from pipeline.cli.main import FINDINGS, WRONG_INPUT
from pipeline.cli.output import counted, json_line, save, visible
from pipeline.errors import ConfigError
from pipeline.rules.rule import RuleSet
from pipeline.runtime.invocation import InvocationClock
from pipeline.state.memory import MemoryState
from pipeline.tuning.finding import Finding, sarif
from pipeline.tuning.lint import lint


@click.command()
@config_option
@format_option
@click.option("--sarif", "sarif_file", metavar="FILE", help="Write the findings there in SARIF, too.")
@click.option("--verbose", is_flag=True, help="Print the stages in their order, with each setting in force.")
def check(config: str | None, output: str, sarif_file: str | None, verbose: bool) -> int:
    """Report configuration errors (exit 2) and findings (exit 1 from warning up)."""
    status = 0
    try:
        ruleset = load_config(config)
        findings = lint(ruleset, dt.datetime.now(dt.UTC).date())
        if verbose:
            _show_stages(ruleset)
    except ConfigError as error:
        findings = [Finding("configuration", "error", p.where, p.message, p.hint) for p in error.problems]
        status = WRONG_INPUT
    for finding in findings:
        _write(finding, output)
    if sarif_file:
        save(sarif_file, f"{json.dumps(sarif(findings), indent=2)}\n".encode())
    if status == 0 and any(finding.severity != "note" for finding in findings):
        status = FINDINGS
    click.echo(_counted(findings), err=True)
    return status


def _write(finding: Finding, output: str) -> None:
    if output == "json":
        json_line(msgspec.to_builtins(finding))
        return
    click.echo(visible(str(finding)))
    if finding.hint:
        click.echo(f"    hint: {visible(finding.hint)}")


def _counted(findings: list[Finding]) -> str:
    counts = [(sum(f.severity == severity for f in findings), severity) for severity in ("error", "warning", "note")]
    return ", ".join(counted(n, word) for n, word in counts if n) or "nothing to say against it"


def _show_stages(ruleset: RuleSet) -> None:
    """Print the way of a match, on stderr: it is no finding."""
    chain = Chain(ruleset, MemoryState(1), None, {}, InvocationClock())
    click.echo(f"{counted(len(ruleset.rules), 'rule')}, then", err=True)
    for name, settings in chain.stages():
        click.echo(f"  {name:9} {settings}", err=True)
