"""Finding the verb, and what is left when one ends."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from typing import Any

import click

from pipeline.cli.output import visible
from pipeline.errors import AuthorError

VERBS = {
    "match": "match:match",
    "test": "test:test",
    "why": "why:why",
    "check": "check:check",
    "compile": "compile:compile_rules",
    "pattern": "pattern:pattern",
    "run": "run:run",
    "replay": "replay:replay",
}
"""Verb -> module of `pipeline.cli` and the command in it; imported when it is called, for some need half of AWS."""

FINDINGS, WRONG_INPUT, OUR_BUG = 1, 2, 3

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says when stdout leads to a file that takes no more."""


class Verbs(click.Group):
    """The verbs, found by name and imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002, D102 - click's own
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002, D102
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"pipeline.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. A reader that has seen enough is no mistake, though click would have it one."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _forget_output()
            return 0
        except OSError as error:
            if error.errno not in FULL:
                raise
            _forget_output()
            raise click.ClickException(f"cannot write the output: {error.strerror}") from error


def _forget_output() -> None:
    """Keep Python from complaining once more while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trailwire")
def trailwire() -> None:
    """Tell people about the CloudTrail events that matter, exactly as often as they can bear."""


def run(arguments: list[str] | None = None) -> None:
    """Run the command and exit; the console script. What a terminal's encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_status(arguments))


def _status(arguments: list[str] | None) -> int:
    try:
        result: Any = trailwire.main(args=arguments, prog_name="trailwire", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return WRONG_INPUT
    except AuthorError as error:
        for line in str(error).split("\n"):
            click.echo(visible(line), err=True)
        return WRONG_INPUT
    except Exception:  # noqa: BLE001 - the command line's edge: what nobody foresaw is our bug
        traceback.print_exc()
        click.echo("This is a bug in Trailwire. Please report it with the lines above.", err=True)
        return OUR_BUG
    return result if isinstance(result, int) else 0
