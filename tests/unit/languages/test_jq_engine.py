"""The child process that libjq lives in: what bounds it, what ends it, what comes after."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pipeline.errors import ProgramUndecided
from pipeline.languages.condition import Verdict
from pipeline.languages.jq import engine, worker
from pipeline.languages.jq.engine import Engine

FOREVER = "def f: f; f"


@pytest.fixture
def own() -> Iterator[Engine]:
    """An engine of this test's own."""
    made = Engine()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("source", "event", "reason"),
    [
        (FOREVER, {}, "too much time"),
        ("last(repeat(1))", {}, "too much time"),
        ('.a | test("^(a+)+$")', {"a": "a" * 40 + "!"}, "too much time"),
        ('(.a | test("^(a+)+$"))? // "swallowed"', {"a": "a" * 40 + "!"}, "too much time"),
        ('"a" * .n | length', {"n": 10**9}, "too much memory"),
        ("reduce range(1000000) as $i (.; [.])", {}, "crashed"),
    ],
)
def test_a_run_beyond_its_limits_is_undecided(own: Engine, source: str, event: dict[str, Any], reason: str) -> None:
    """Time, memory and crashes end the child, not us; the next question finds another."""
    with pytest.raises(ProgramUndecided, match=reason):
        own.run(source, event)
    assert own.run(".a", {"a": 1}) == Verdict(matched=True, annotation=1)


def test_a_deeply_nested_event_is_undecided(own: Engine) -> None:
    """Nobody knows what the program would have said."""
    event: dict[str, Any] = {}
    for _ in range(100_000):
        event = {"a": event}
    with pytest.raises(ProgramUndecided):
        own.run(".", event)


def test_hostile_events_cannot_use_more_than_the_credit(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is used up, events are undecided without a run, until enough of them have earned another."""
    monkeypatch.setattr(engine, "CREDIT_S", 0.2)
    runs = 0

    def ask(*_: object) -> engine.Reply:
        nonlocal runs
        runs += 1
        return engine.Reply(worker.SILENT, 0.1, None)

    monkeypatch.setattr(own, "_ask", ask)
    for _ in range(1000):
        with suppress(ProgramUndecided):
            own.run(".", {})
    assert 0 < runs * 0.1 <= 0.2 + 1000 * engine.EARNED_S + 0.1


def test_ordinary_events_never_run_out_of_credit(own: Engine) -> None:
    """What they use is earned at once."""
    assert {own.run(".a", {"a": True}).matched for _ in range(500)} == {True}


def test_the_child_has_no_environment(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a program that got past the parser finds no secret there."""
    monkeypatch.setenv("SECRET", "swordfish")
    assert own.run("[env, $ENV]", {}).annotation == [{}, {}]


def test_threads_share_one_child(own: Engine) -> None:
    """Answers never cross."""
    answers: dict[int, set[Any]] = {}

    def ask(number: int) -> None:
        answers[number] = {own.run(".a", {"a": number}).annotation for _ in range(50)}

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: {number} for number in range(1, 5)}


def test_a_forked_process_gets_a_child_of_its_own(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes on one pair of pipes would read each other's answers."""
    assert own.run(".a", {"a": 1}).annotation == 1
    first = own._child
    assert first is not None
    real = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: real + 1)
    assert own.run(".a", {"a": 2}).annotation == 2
    second = own._child
    assert second is not None
    assert second.process.pid != first.process.pid
    second.end()
    monkeypatch.undo()
    first.end()
    own._child = None


def test_without_an_interpreter_every_event_is_undecided(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot start processes is told about, not crashed on."""
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(ProgramUndecided):
        own.run(".", {})


def test_closing_ends_the_child(own: Engine) -> None:
    """It leaves nothing behind."""
    own.run(".", {})
    child = own._child
    assert child is not None
    own.close()
    assert child.process.returncode == 0
