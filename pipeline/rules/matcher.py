"""Which rules an event matches, at a cost that hardly depends on how many rules there are.

Every rule's tree becomes clauses, and every clause bits in the columns of an index (`clauses`, `column`, `index`). An
event, or the part of a message that rules look at (`partial_decode`), is asked of the index; only clauses that survive
are asked for what the index could not hold, only rules that hold run their program, and only an event that a rule
matches is parsed whole.

The law tests: the index agrees with the plain walk `pipeline.predicate.holds`, and a message with its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pipeline.decode.json_text import read_event
from pipeline.languages.condition import ask, canonical
from pipeline.predicate import RAW, Path, holds_where, values_at, values_below
from pipeline.rules.clauses import clauses
from pipeline.rules.index import Index, numbers_in
from pipeline.rules.partial_decode import ABSENT, MAX_PARTIAL_CHARS
from pipeline.rules.rule import Rule, RuleSet


class Match(msgspec.Struct, frozen=True):
    """One rule matches one event."""

    rule: Rule
    event: dict[str, Any]
    annotation: Any = None
    """What the rule's program computed to say about the event, a JSON value; None where it has nothing to say."""
    undecided: str = ""
    """Why the rule's program could not decide, told all the same because someone may have crafted the event."""


class Failure(msgspec.Struct, frozen=True):
    """A rule's program failed on an event in an ordinary way; the rule does not match it."""

    rule: Rule
    event: dict[str, Any]
    reason: str


class Verdicts(msgspec.Struct, frozen=True):
    """What a rule set says about one event, both parts in the order of its rules."""

    matches: tuple[Match, ...] = ()
    failures: tuple[Failure, ...] = ()


NOTHING = Verdicts()
"""What almost every event gets."""


class Matcher:
    """A rule set, ready to be asked about events."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.rules = ruleset.rules
        alternatives = [(i, clause) for i, rule in enumerate(self.rules) for clause in clauses(rule.condition.tree)]
        self.index = Index([clause for _, clause in alternatives])
        self.rule_of = [i for i, _ in alternatives]
        self._alive = self.index.alive
        self._view = msgspec.json.Decoder(self.index.shape.view).decode

    def match(self, event: dict[str, Any], raw: str | None = None) -> list[Match]:
        """Return the matches of an event, in rule order. `raw` is its message; None: as CloudTrail would write it."""
        return list(self.evaluate(event, raw).matches)

    def evaluate(self, event: dict[str, Any], raw: str | None = None) -> Verdicts:
        """Return the matches and the failures of an event, in rule order."""
        text = canonical(event) if raw is None and self.index.reads_raw else raw or ""
        view = self.index.shape.of(event)
        return self._decide(_Subject(self.index, view, event, raw), self.index.alive(view, text))

    def match_message(self, raw: str) -> Verdicts:
        """Return what `evaluate` says about the event in this message.

        Raises DecodeError, as `pipeline.decode.json_text.read_event` does, for what is not one JSON object.
        """
        if len(raw) > MAX_PARTIAL_CHARS:
            return self.evaluate(read_event(raw), raw)
        try:
            view = self._view(raw)
        except (ValueError, RecursionError):  # msgspec refuses what the standard library may read
            return self.evaluate(read_event(raw), raw)
        alive = self._alive(view, raw)
        return self._decide(_Subject(self.index, view, None, raw), alive) if alive else NOTHING

    def _decide(self, subject: _Subject, alive: int) -> Verdicts:
        found: set[int] = set()
        for number in numbers_in(alive):
            rule, rest = self.rule_of[number], self.index.clauses[number].rest
            if rule not in found and all(holds_where(node, subject.values) for node in rest):
                found.add(rule)
        if not found:
            return NOTHING
        return _decided([self.rules[i] for i in sorted(found)], subject.event(), subject.raw)


class _Subject:
    """One event under examination: its view, and its whole and its text, made when first asked for."""

    __slots__ = ("_event", "_index", "_raw", "view")

    def __init__(self, index: Index, view: Any, event: dict[str, Any] | None, raw: str | None) -> None:
        self._index, self.view, self._event, self._raw = index, view, event, raw

    def event(self) -> dict[str, Any]:
        if self._event is None:
            self._event = read_event(self.raw())
        return self._event

    def raw(self) -> str:
        if self._raw is None:
            self._raw = canonical(self._event)
        return self._raw

    def values(self, path: Path) -> Iterable[Any]:
        """Read a path from the view where that has it, so that asking does not parse the event whole."""
        if path == RAW:
            return (self.raw(),)
        if self._event is not None or not self._index.shape.covers(path):
            return values_at(path, self.event())
        value: Any = self.view
        attributes, rest = self._index.shape.split(path)
        for attribute in attributes:
            value = ABSENT if value is None else getattr(value, attribute)
            if value is ABSENT:
                return ()
        return values_below(rest, value)


def _decided(rules: list[Rule], event: dict[str, Any], raw: Callable[[], str]) -> Verdicts:
    """Ask the programs of the rules whose trees hold."""
    answers = [_answer(rule, event, raw) for rule in rules]
    return Verdicts(
        tuple(answer for answer in answers if isinstance(answer, Match)),
        tuple(answer for answer in answers if isinstance(answer, Failure)),
    )


def _answer(rule: Rule, event: dict[str, Any], raw: Callable[[], str]) -> Match | Failure | None:
    program = rule.condition.program
    if program is None:
        return Match(rule, event)
    answer = ask(program, event, raw())
    if answer.failure:
        return Failure(rule, event, answer.failure)
    if answer.undecided:
        return Match(rule, event, undecided=answer.undecided)
    return Match(rule, event, answer.verdict.annotation) if answer.verdict.matched else None
