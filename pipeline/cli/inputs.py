"""What the verbs read: configurations and files of events."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
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
MOST_COMPLAINTS = 10
"""How much of one file is named that cannot be read; the rest is counted."""

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

    _complaints: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Message]:
        """Yield every message, in the order of the arguments; folders in sorted order."""
        files = [file for path in self.paths for file in self._files(path)]
        with _Progress(files) as bar:
            for file in files:
                yield from self._read(file)
                self._count_the_rest(file)
                bar.update(_size(file))

    def complain(self, path: str, reason: str) -> None:
        """Say what could not be read."""
        self.unreadable += 1
        self._complaints[path] += 1
        if self._complaints[path] <= MOST_COMPLAINTS:
            _say(path, reason)

    def _count_the_rest(self, path: str) -> None:
        more = self._complaints.pop(path, 0) - MOST_COMPLAINTS
        if more > 0:
            _say(path, f"and {more} more that could not be read")

    def _files(self, path: str) -> Iterator[str]:
        if not path:
            self.complain('""', "the path is empty")
        elif path != STDIN and os.path.isdir(path):  # noqa: PTH112 - unlike Path's it never raises
            yield from self._folder(path)
        else:
            yield path

    def _folder(self, path: str) -> Iterator[str]:
        """Yield the data files below a folder; say what is left out, and if nothing is left."""
        found = 0
        for entry in self._entries(path):
            if os.path.exists(entry) and not os.path.isfile(entry):  # noqa: PTH110, PTH113 - they never raise
                _say(entry, "skipped, it is no file")
            elif Path(entry).suffix.lower() in DATA_SUFFIXES:
                found += 1
                yield entry
            else:
                _say(entry, "skipped, its name is not that of a data file")
        if not found:
            self.complain(path, "there are no data files in this folder")

    def _entries(self, folder: str) -> list[str]:
        """All there is below a folder but folders, sorted; links to other folders are not followed."""

        def cannot_list(error: OSError) -> None:
            self.complain(str(error.filename), error.strerror or str(error))

        entries: list[Path] = []
        for at, folders, names in os.walk(folder, onerror=cannot_list):
            links = [name for name in folders if Path(at, name).is_symlink()]
            entries += [Path(at, name) for name in (*names, *links)]
        return [str(entry) for entry in sorted(entries)]

    def _read(self, path: str) -> Iterator[Message]:
        try:
            data = _stdin() if path == STDIN else Path(path).read_bytes()
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


def _say(path: str, what: str) -> None:
    click.echo(visible(f"{path}: {what}"), err=True)


def _stdin() -> bytes:
    if sys.stdin is None:  # Python's way to say that it was closed
        raise OSError("standard input is closed")
    return sys.stdin.buffer.read()


def _size(path: str) -> int:
    try:
        return 0 if path == STDIN else Path(path).stat().st_size
    except OSError:
        return 0


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
