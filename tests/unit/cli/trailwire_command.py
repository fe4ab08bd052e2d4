"""Runs the command as the console script does, and keeps what it wrote."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import _status


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on stdout."""
        return self.out.splitlines()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects on stdout, one a line; strictly JSON."""
        return [json.loads(line, parse_constant=_refuse) for line in self.out.split("\n")[:-1]]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@dataclass
class Command:
    """The command in a folder of its own, which is the working directory."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, stdin: bytes | str | None = b"") -> Done:
        """Run it; without `stdin`, standard input is closed."""
        data = stdin.encode("utf-8", "surrogatepass") if isinstance(stdin, str) else stdin
        self.patch.setattr(sys, "stdin", None if data is None else io.TextIOWrapper(io.BytesIO(data)))
        self.capture.readouterr()
        status = _status(list(arguments))
        captured = self.capture.readouterr()
        return Done(status, captured.out, captured.err)

    def write(self, name: str, content: str | bytes | dict[str, Any] | list[Any]) -> str:
        """Write a file below the folder; anything but text and bytes as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return name
