"""How many small changes to a rule its own tests notice, and for each that they don't, an event that would."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from pipeline.languages.condition import canonical
from pipeline.predicate import Node, holds, walk
from pipeline.rules.rule import Rule
from pipeline.rules.testing import run_tests
from pipeline.tuning.mutation import Mutant, mutants
from pipeline.tuning.witness import disagree, find_witness

Outcome = Literal["noticed", "survived", "equivalent"]

MOST_MUTANTS = 400
"""Mutants of one rule that are judged."""
MOST_VISITS = 3_000_000
"""Nodes that judging one rule may visit, about: large rules get fewer mutants and shorter searches."""
FEWEST_TRIES, MOST_TRIES = 20, 120
"""Changed events that one search for a witness tries, from one start."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one mutant."""

    what: str
    """The change, in words."""
    outcome: Outcome
    """equivalent: no event was found on which it differs, and most likely there is none."""
    noticed_by: str = ""
    """The first test that notices it."""
    witness: dict[str, Any] | None = None
    """For a survivor: an event on which it differs."""
    matches: bool = False
    """What the rule itself says about the witness."""


@dataclass(frozen=True, slots=True)
class RuleScore:
    """What became of a rule's mutants."""

    rule: Rule
    judged: tuple[Judged, ...] = ()
    left_out: int = 0
    """Mutants beyond the bounds, which nobody judged."""
    skipped: str = ""
    """Why the rule was not mutated."""

    def count(self, outcome: Outcome) -> int:
        """Count the mutants of one outcome."""
        return sum(judged.outcome == outcome for judged in self.judged)

    @property
    def score(self) -> float | None:
        """The share of mutants noticed, equivalent ones apart; None where there are none."""
        noticed, survived = self.count("noticed"), self.count("survived")
        return noticed / (noticed + survived) if noticed + survived else None


def rule_score(rule: Rule) -> RuleScore:
    """Judge a rule's mutants by its own tests. The same rule gives the same answer."""
    skipped = _why_not(rule)
    if skipped:
        return RuleScore(rule, skipped=skipped)
    tree, size = rule.condition.tree, sum(1 for _ in walk(rule.condition.tree))
    most = max(10, min(MOST_MUTANTS, MOST_VISITS // (2 * size * FEWEST_TRIES)))
    every = list(islice(mutants(tree), MOST_MUTANTS * 10))
    chosen = every[:: -(-len(every) // most)] if every else []
    tries = max(FEWEST_TRIES, min(MOST_TRIES, MOST_VISITS // (2 * size * (len(chosen) or 1))))
    judged = tuple(_judged(rule, tree, mutant, tries) for mutant in chosen)
    return RuleScore(rule, judged, left_out=len(every) - len(chosen))


def _why_not(rule: Rule) -> str:
    if rule.condition.program is not None:
        return "it computes"
    if not rule.tests:
        return "it has no tests"
    if any(result.outcome != "passed" for result in run_tests(rule)):
        return "its tests fail"
    return ""


def _judged(rule: Rule, tree: Node, mutant: Mutant, tries: int) -> Judged:
    for number, test in enumerate(rule.tests, start=1):
        if disagree(tree, mutant.tree, test.event):
            return Judged(mutant.what, "noticed", test.name or f"test {number}")
    witness = find_witness(tree, mutant, [test.event for test in rule.tests], tries=tries)
    if witness is None:
        return Judged(mutant.what, "equivalent")
    return Judged(mutant.what, "survived", witness=witness, matches=holds(tree, witness, canonical(witness)))
