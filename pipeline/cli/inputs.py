"""What the verbs read: configurations and files of events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click

from pipeline.cli.output import visible
from pipeline.decode import s3
from pipeline.decode.decoded import Source, Undecodable
from pipeline.errors import ConfigError, Problem
from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet

CONFIG_NAME = "trailwire.toml"
STDIN = "-"
DATA_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".log", ".txt", ".gz"})
"""What is read of a folder; a file given by name is always read."""

config_option = click.option(
    "--config",
    metavar="FILE",
    help=f"The configuration; else $TRAILWIRE_CONFIG, else ./{CONFIG_NAME}.",
)
format_option = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", help="json: one object a line."
)
paths_argument = click.argument("paths", metavar="PATH...", nargs=-1, required=True)


def config_path(given: str | None) -> str:
    """Return the path of the configuration: as given, else $TRAILWIRE_CONFIG, else ./trailwire.toml."""
    path = given or os.environ.get("TRAILWIRE_CONFIG") or (CONFIG_NAME if Path(CONFIG_NAME).is_file() else "")
    if not path:
        message = f"there is no configuration: give --config FILE, set TRAILWIRE_CONFIG, or write ./{CONFIG_NAME}"
        raise ConfigError((Problem("trailwire", message),))
    return path


def load_config(given: str | None) -> RuleSet:
    """Load the configuration; raises ConfigError."""
    path = config_path(given)
    try:
        return ruleset.load(path)
    except OSError as error:
        raise ConfigError((Problem(path, f"cannot be read: {error.strerror or error}"),)) from error


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a file."""

    path: str
    index: int
    """Counts the messages of its file from 0."""
    text: str


@dataclass(slots=True)
class Inputs:
    """Files, folders and standard input, read message by message; what cannot be read is said and remembered."""

    paths: tuple[str, ...]
    unreadable: int = 0
    """How many things could not be read: not 0 means exit 2."""

    def __iter__(self) -> Iterator[Message]:
        """Yield every message, in the order of the arguments; folders in sorted order."""
        files = [file for path in self.paths for file in self._files(path)]
        with _Progress(files) as bar:
            for file in files:
                yield from self._read(file)
                bar.update(_size(file))

    def complain(self, path: str, reason: str) -> None:
        """Say what could not be read."""
        self.unreadable += 1
        click.echo(visible(f"{path}: {reason}"), err=True)

    def _files(self, path: str) -> Iterator[str]:
        if path == STDIN:
            yield path
        elif Path(path).is_dir():
            yield from self._folder(path)
        else:
            yield path

    def _folder(self, path: str) -> Iterator[str]:
        files = sorted(file for file in Path(path).rglob("*") if file.is_file())
        for file in files:
            if file.suffix.lower() in DATA_SUFFIXES:
                yield str(file)
            else:
                click.echo(visible(f"{file}: skipped, its name is not that of a data file"), err=True)

    def _read(self, path: str) -> Iterator[Message]:
        try:
            data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        except OSError as error:
            self.complain(path, error.strerror or str(error))
            return
        index = 0
        for item in s3.read(data, Source(id=path)):
            if isinstance(item, Undecodable):
                self.complain(path, f"{item.reason} ({item.stage})")
            else:
                yield Message(path, index, item.message)
                index += 1


def _size(path: str) -> int:
    return 0 if path == STDIN or not Path(path).exists() else Path(path).stat().st_size


class _Progress:
    """A progress bar on stderr, where that is a terminal and there is enough to read to want one."""

    WORTH_IT_BYTES = 2_000_000

    def __init__(self, files: list[str]) -> None:
        total = sum(map(_size, files))
        self._bar = None
        if total >= self.WORTH_IT_BYTES and sys.stderr.isatty():
            self._bar = click.progressbar(length=total, label="reading", file=sys.stderr)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def update(self, size: int) -> None:
        """Note that so many bytes have been read."""
        if self._bar is not None:
            self._bar.update(size)
