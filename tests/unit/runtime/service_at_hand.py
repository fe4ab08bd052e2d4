"""A service on this machine: its configuration in a file, its destinations standing still until they are asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.alerts.content import About, Content
from pipeline.alerts.ports import Posted
from pipeline.decode.decoded import Undecodable
from pipeline.runtime import service
from pipeline.testing import FakeClock

CONFIG = """
[settings]
errors_to = ["ops"]

[[rule]]
name = "Trail tampering"
event_names = ["StopLogging"]
destinations = ["security"]

[[destination]]
id = "security"
type = "stdout"

[[destination]]
id = "ops"
type = "stdout"
"""
VARIABLES = (
    "TRAILWIRE_CONFIG",
    "TRAILWIRE_STATE",
    "TRAILWIRE_OUTBOX",
    "TRAILWIRE_QUARANTINE",
    "LOG_LEVEL",
    "TRAILWIRE_OWN_SESSIONS",
    "AWS_LAMBDA_FUNCTION_NAME",
)


@dataclass(eq=False)
class Place:
    """A destination that keeps what it is told, or raises."""

    id: str
    edit_scope: str = ""
    said: list[Content] = field(default_factory=list)
    raises: Exception | None = None

    @property
    def bucket(self) -> str:
        return f"channel:{self.id}"

    post_scope = bucket

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002 - as `Destination` has it
        if self.raises:
            raise self.raises
        self.said.append(content)
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret."""

    @property
    def notices(self) -> list[str]:
        """Return the causes of the notices it heard."""
        return [content.notice.cause for content in self.said if isinstance(content, About)]


@dataclass
class Shelf:
    """A quarantine that keeps everything but what it is told to refuse."""

    refuses: Callable[[Undecodable], bool] = lambda _: False
    kept: list[Undecodable] = field(default_factory=list)
    problem: str = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these."""
        self.kept += [part for part in parts if not self.refuses(part)]
        return [not self.refuses(part) for part in parts]

    def __str__(self) -> str:
        return "a shelf"


@dataclass
class AtHand:
    """The service that handlers use, with a clock, destinations and a quarantine to look into."""

    service: service.Service
    clock: FakeClock
    security: Place
    ops: Place
    shelf: Shelf


def configured(monkeypatch: pytest.MonkeyPatch, path: Path, text: str = CONFIG, state: str = "") -> None:
    """Set the environment: this configuration, a state of its own, and nothing else."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    config = path / "trailwire.toml"
    config.write_text(text)
    monkeypatch.setenv("TRAILWIRE_CONFIG", str(config))
    monkeypatch.setenv("TRAILWIRE_STATE", state or f"memory:{path}")


def at_hand(monkeypatch: pytest.MonkeyPatch) -> AtHand:
    """Take hold of the service of the environment as it is now."""
    found = AtHand(service.current(), FakeClock(), Place("security"), Place("ops"), Shelf())
    monkeypatch.setattr(found.service, "destinations", {"security": found.security, "ops": found.ops})
    monkeypatch.setattr(found.service, "quarantine", found.shelf)
    monkeypatch.setattr(service, "InvocationClock", lambda _context: found.clock)
    return found


def books(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the metrics lines written so far; each must balance."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [line for line in lines if "_aws" in line]
    assert all(line["Imbalance"] == 0 for line in found)
    return found
