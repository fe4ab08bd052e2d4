"""What every rule language compiles to."""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from pipeline.errors import ProgramError, ProgramFailed
from pipeline.predicate import Node, holds, reads_raw
from pipeline.printer import show


class Verdict(msgspec.Struct, frozen=True):
    """A program's answer for one event."""

    matched: bool
    annotation: Any = None
    """What the rule computed to say about the event, a JSON value; None where it has nothing to say."""


class Program(Protocol):
    """A computation that runs only on the events its condition's tree admits."""

    @property
    def language(self) -> str:
        """The module of `pipeline.languages` whose `program(source)` makes it: `jq`, `python_expression`, ..."""
        ...

    @property
    def source(self) -> str:
        """The text it was compiled from, which compiles to the same program again."""
        ...

    def run(self, event: dict[str, Any], raw: str) -> Verdict:
        """Decide one event. Raises ProgramFailed or ProgramUndecided, and nothing else; never changes the event."""
        ...


class Answer(msgspec.Struct, frozen=True):
    """What came of asking a program: its verdict, or why there is none."""

    verdict: Verdict = Verdict(matched=False)
    failure: str = ""
    """Why it failed, in an ordinary way: no match."""
    undecided: str = ""
    """Why nobody knows: a resource limit, or an engine that failed."""


def ask(program: Program, event: dict[str, Any], raw: str) -> Answer:
    """Ask a program about an event. Whatever goes wrong in it harms neither the batch nor another rule."""
    try:
        return Answer(program.run(event, raw))
    except ProgramFailed as failure:
        return Answer(failure=str(failure) or "no reason given")
    except ProgramError as unclear:
        return Answer(undecided=str(unclear) or "no reason given")
    except Exception as failure:  # noqa: BLE001 - an engine's own failure must not decide
        return Answer(undecided=f"{type(failure).__name__}: {failure}")


class Condition(msgspec.Struct, frozen=True):
    """A tree, plus, for languages that compute, a program.

    Without a program the tree is exact. With one it is a sound over-approximation: it holds for every event that the
    program accepts.
    """

    tree: Node
    program: Program | None = None

    def decide(self, event: dict[str, Any], raw: str) -> Verdict:
        """Answer for one event; raises ProgramError where the program does."""
        if not holds(self.tree, event, raw):
            return Verdict(matched=False)
        return self.program.run(event, raw) if self.program else Verdict(matched=True)

    def answer(self, event: dict[str, Any], raw: str) -> Answer:
        """Answer for one event, never raising."""
        if not holds(self.tree, event, raw):
            return Answer()
        return ask(self.program, event, raw) if self.program else Answer(Verdict(matched=True))

    def matches(self, event: dict[str, Any], raw: str | None = None) -> bool:
        """Tell whether the event satisfies the condition; a program that fails does not match."""
        return self.answer(event, canonical(event) if raw is None else raw).verdict.matched

    def reads_raw(self) -> bool:
        """Tell whether the message text matters, and not only the event in it."""
        return reads_raw(self.tree)

    def __str__(self) -> str:
        """Print the tree, and that a program follows."""
        return show(self.tree) + (" then its program" if self.program else "")


def canonical(event: Any) -> str:
    """Write an event as CloudTrail does: compact JSON on one line, non-ASCII characters as they are."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)
