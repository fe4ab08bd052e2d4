"""Which rules an event matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.decode.json_text import read_event
from pipeline.errors import ProgramError, ProgramFailed
from pipeline.languages.condition import canonical
from pipeline.predicate import holds
from pipeline.rules.rule import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Match:
    """One rule matches one event."""

    rule: Rule
    event: dict[str, Any]
    annotation: Any = None
    """What the rule's program computed to say about the event, a JSON value; None where it has nothing to say."""
    undecided: str = ""
    """Why the rule's program could not decide, told all the same because someone may have crafted the event."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule's program failed on an event in an ordinary way; the rule does not match it."""

    rule: Rule
    event: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a rule set says about one event, both parts in the order of its rules."""

    matches: tuple[Match, ...] = ()
    failures: tuple[Failure, ...] = ()


NOTHING = Verdicts()
"""What almost every event gets."""


class Matcher:
    """A rule set, ready to be asked about events."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._rules = ruleset.rules

    def match(self, event: dict[str, Any], raw: str | None = None) -> list[Match]:
        """Return the matches of an event, in rule order. `raw` is its message; None: as CloudTrail would write it."""
        return list(self.evaluate(event, raw).matches)

    def evaluate(self, event: dict[str, Any], raw: str | None = None) -> Verdicts:
        """Return the matches and the failures of an event, in rule order."""
        text = canonical(event) if raw is None else raw
        return _decided([rule for rule in self._rules if holds(rule.condition.tree, event, text)], event, text)

    def match_message(self, raw: str) -> Verdicts:
        """Return what `evaluate` says about the event in this message.

        Raises DecodeError, as `pipeline.decode.json_text.read_event` does, for what is not one JSON object.
        """
        return self.evaluate(read_event(raw), raw)


def _decided(rules: list[Rule], event: dict[str, Any], raw: str) -> Verdicts:
    """Ask the programs of the rules whose trees hold."""
    answers = [_answer(rule, event, raw) for rule in rules]
    return Verdicts(
        tuple(answer for answer in answers if isinstance(answer, Match)),
        tuple(answer for answer in answers if isinstance(answer, Failure)),
    )


def _answer(rule: Rule, event: dict[str, Any], raw: str) -> Match | Failure | None:
    program = rule.condition.program
    if program is None:
        return Match(rule, event)
    try:
        verdict = program.run(event, raw)
    except ProgramFailed as failure:
        return Failure(rule, event, str(failure))
    except ProgramError as unclear:
        return Match(rule, event, undecided=str(unclear) or "no reason given")
    except Exception as failure:  # noqa: BLE001 - an engine's own failure must not decide, nor harm other rules
        return Match(rule, event, undecided=f"{type(failure).__name__}: {failure}")
    return Match(rule, event, verdict.annotation) if verdict.matched else None
