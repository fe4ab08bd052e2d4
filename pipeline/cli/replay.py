"""`trailwire replay`: what could not be delivered, sent through the pipeline again."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from pipeline.alerts.ledger import Fate
from pipeline.aws.clients import error_code, failures
from pipeline.aws.undelivered import Bucket, Found, Place, Queue, queue_url
from pipeline.cli.inputs import config_option, config_path, format_option
from pipeline.cli.main import FINDINGS, WRONG_INPUT
from pipeline.cli.output import json_line, text_line, visible
from pipeline.errors import AuthorError
from pipeline.runtime.environment import Environment, read_environment
from pipeline.runtime.replay import Outcome, Replay, Status
from pipeline.runtime.service import Service
from pipeline.runtime.things import Thing, things

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

WORTH_A_BAR = 20
"""Fewer things are done before a progress bar is understood."""


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@config_option
@format_option
@click.option("--dry-run", is_flag=True, help="Say what would be told; send nothing, delete nothing.")
@click.option("--delete/--keep", help="Delete what went through, or (the default) leave it where it is.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take at most N objects, messages and files.")
@click.option("--tell-again", is_flag=True, help="Go on without a shared state: what was told before is told again.")
def replay(  # noqa: PLR0913 - a command's options are its arguments
    sources: tuple[str, ...],
    config: str | None,
    output: str,
    *,
    dry_run: bool,
    delete: bool,
    limit: int | None,
    tell_again: bool,
) -> int:
    """Send what could not be delivered through the pipeline again; what was told stays told.

    SOURCE: s3://bucket/prefix, a queue's name, URL or ARN, or files: batches that the function gave up on, quarantined
    input, tickets of the outbox's dead-letter queue. The environment is the function's own: TRAILWIRE_STATE,
    TRAILWIRE_OUTBOX, TRAILWIRE_QUARANTINE.
    """
    environment = replace(read_environment(), config=config_path(config), log_level="WARNING")
    knows = environment.state.startswith("dynamodb:") and bool(os.environ.get("TRAILWIRE_STATE"))
    if not knows and not tell_again and not dry_run:
        raise AuthorError(
            "TRAILWIRE_STATE names no shared state (dynamodb:TABLE), so what was told before would be told again: "
            "set it, or say --tell-again"
        )
    _show_environment(environment, knows=knows)
    work = Replay(Service(environment))
    if problem := work.state_problem():
        raise AuthorError(f"{environment.state} does not answer, so nobody knows what was told: {problem}")
    run = _Run(work, output, dry_run=dry_run, delete=delete and not dry_run)
    places = _open(sources, run)
    with contextlib.redirect_stdout(sys.stderr), _closing(places):
        run(places, limit)
    run.summarise()
    if run.unreadable:
        return WRONG_INPUT
    return FINDINGS if run.statuses[Status.FAILED] + run.statuses[Status.UNDECODABLE] + run.undeleted else 0


@dataclass(slots=True)
class _Run:
    """One run of the command, and what has come of it so far."""

    work: Replay
    output: str
    dry_run: bool
    delete: bool
    statuses: Counter[Status] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    to_tell: Counter[str] = field(default_factory=Counter)
    events: int = 0
    unreadable: int = 0
    undeleted: int = 0
    stopped: bool = False
    _stdout: Any = field(default_factory=lambda: sys.stdout)
    """Where data goes, while what a destination or the log prints goes to stderr."""

    def __call__(self, places: list[Place], limit: int | None) -> None:
        found = islice(self._found(places), limit)
        with _progress(places, limit) as bar:
            for thing in things(found):
                self._take(thing)
                if bar is not None:
                    bar.update(1)
                if self.stopped:
                    return

    def complain(self, source: str, reason: str) -> None:
        """Say which source cannot be read."""
        self.unreadable += 1
        click.echo(f"{visible(source)}: {visible(reason)}", err=True)

    def _found(self, places: list[Place]) -> Iterator[Found]:
        for place in places:
            try:
                yield from place.things()
            except failures() as error:
                self.complain(str(place), f"cannot be read: {error_code(error)}")

    def _take(self, thing: Thing) -> None:
        outcome = self._outcome(thing)
        is_done = outcome.status is Status.REPLAYED
        problems = [holder.settle(is_done=is_done, delete=self.delete) for holder in thing.holders]
        for problem in filter(None, problems):
            self.undeleted += 1
            click.echo(visible(problem), err=True)
        self.statuses[outcome.status] += 1
        self.fates += outcome.ledger.fates
        self.to_tell += outcome.to_tell
        self.events += outcome.ledger.events
        self._write(thing.where, outcome)
        if outcome.state_failure:
            self.stopped = True
            click.echo(
                f"stopped, for the state store failed and nobody knows what was told: {outcome.state_failure}", err=True
            )

    def _outcome(self, thing: Thing) -> Outcome:
        if thing.problem:
            return Outcome(Status.FAILED, thing.problem)
        act = self.work.look if self.dry_run else self.work.send
        return act(thing.where, thing.pieces)

    def _write(self, where: str, outcome: Outcome) -> None:
        with contextlib.redirect_stdout(self._stdout):
            if self.output == "json":
                json_line(self._row(where, outcome))
            elif outcome.status is not Status.REPLAYED or self.dry_run:
                to_tell = ["would tell " + _counted(outcome.to_tell, "nothing")] if self.dry_run else []
                text_line(outcome.status, where, *filter(None, [outcome.reason]), *to_tell)

    def _row(self, where: str, outcome: Outcome) -> dict[str, Any]:
        """Describe what became of a thing; these keys are always there."""
        ledger = outcome.ledger
        return {
            "where": where,
            "status": outcome.status,
            "reason": outcome.reason,
            "dry_run": self.dry_run,
            "events": ledger.events,
            "matched": ledger.matched,
            "rules": dict(ledger.rules),
            "alerts": {fate.value: ledger.fates[fate] for fate in Fate},
            "to_tell": dict(outcome.to_tell),
            "quarantined": ledger.quarantined,
        }

    def summarise(self) -> None:
        """Say what was read, and what became of it."""
        counts = self.statuses
        done = Status.READY if self.dry_run else Status.REPLAYED
        became = f"{counts[done]} {done}, {counts[Status.UNDECODABLE]} still undecodable"
        alerts = _counted({fate.value: n for fate, n in self.fates.items()}, "none")
        lines = [
            f"{counts.total()} read: {became}, {counts[Status.FAILED]} failed",
            f"{self.events} events; alerts: {alerts}",
        ]
        if self.dry_run:
            lines.append("would be told: " + _counted(self.to_tell, "nothing"))
        for line in lines:
            click.echo(visible(line), err=True)


class _Files:
    """Files, and folders' files in sorted order. They are never deleted."""

    def __init__(self, path: Path) -> None:
        self._files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]

    def count(self) -> int:
        """See `Place`."""
        return len(self._files)

    def things(self) -> Iterator[Found]:
        """See `Place`."""
        return (Found(str(file), file.read_bytes, None) for file in self._files)

    def close(self) -> None:
        """Nothing was taken."""


def _open(sources: tuple[str, ...], run: _Run) -> list[Place]:
    """Open what can be opened, and say of the rest why not."""
    places: list[Place] = []
    for source in sources:
        try:
            places.append(_place(source))
        except failures() as error:
            run.complain(source, f"is no file here, and no queue that can be read: {error_code(error)}")
        except ValueError:
            run.complain(source, "is no file here, and no name, URL or ARN of a queue")
    return places


def _place(source: str) -> Place:
    if source.startswith("s3://"):
        return Bucket(source)
    if Path(source).exists():
        return _Files(Path(source))
    return Queue(queue_url(source))


@contextlib.contextmanager
def _closing(places: list[Place]) -> Iterator[None]:
    """Give messages back, whatever happens."""
    try:
        yield
    finally:
        for place in places:
            place.close()


@contextlib.contextmanager
def _progress(places: list[Place], limit: int | None) -> Iterator[ProgressBar[Any] | None]:
    """Show a bar on stderr where that is a terminal and there is enough to do to want one."""
    total = sum(map(_count, places)) if sys.stderr.isatty() else 0
    total = min(total, limit or total)
    if total < WORTH_A_BAR:
        yield None
        return
    with click.progressbar(length=total, label="replaying", file=sys.stderr) as bar:
        yield bar


def _count(place: Place) -> int:
    try:
        return place.count()
    except failures():
        return 0  # whoever reads it says why


def _show_environment(environment: Environment, *, knows: bool) -> None:
    state = environment.state if knows else "none: nothing is known to have been told"
    quarantine = environment.quarantine or "none: what cannot be read stays where it is"
    outbox = environment.outbox or "none: what cannot be told at once fails"
    shown = {"configuration": environment.config, "state": state, "outbox": outbox, "quarantine": quarantine}
    for name, value in shown.items():
        click.echo(f"{name}: {visible(value)}", err=True)


def _counted(counts: Counter[str] | dict[str, int], otherwise: str) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n) or otherwise
