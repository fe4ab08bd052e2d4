"""The command under test."""

from __future__ import annotations

from pathlib import Path

import pytest
from trailwire_command import Command


@pytest.fixture
def trailwire(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command, to be run in an empty folder and without TRAILWIRE_CONFIG."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAILWIRE_CONFIG", raising=False)
    return Command(tmp_path, capsys, monkeypatch)
