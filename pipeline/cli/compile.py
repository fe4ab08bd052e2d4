"""`trailwire compile`: the rule set as one file that Lambda loads."""

from __future__ import annotations

import click

from pipeline.cli.inputs import config_option, load_config
from pipeline.cli.output import counted, save
from pipeline.rules import compiled


@click.command("compile")
@config_option
@click.option("-o", "--output", "target", metavar="FILE", required=True, help="Where to write the compiled rule set.")
def compile_rules(config: str | None, target: str) -> int:
    """Write the rule set as one JSON file, which needs no parser of any rule language to be loaded."""
    ruleset = load_config(config)
    data = compiled.dump(ruleset)
    save(target, data)
    click.echo(f"{target}: {counted(len(ruleset.rules), 'rule')}, {len(data):,} bytes", err=True)
    return 0
