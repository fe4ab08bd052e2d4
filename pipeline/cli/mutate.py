"""`trailwire test --mutate`: the small changes to each rule that its own tests do not notice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from pipeline.cli.main import FINDINGS
from pipeline.cli.output import counted, json_line, visible
from pipeline.rules.rule import Rule
from pipeline.tuning.mutation_score import Judged, RuleScore, rule_score
from pipeline.tuning.snippet import rule_test


def mutate(rules: tuple[Rule, ...], output: str, verbose: bool) -> int:
    """Judge every rule's mutants and show them; exit 1 if one survived, or a rule's own tests fail."""
    scores = []
    for rule in rules:
        score = rule_score(rule)
        scores.append(score)
        _write(score, output, verbose)
    _summarise(scores)
    failing = any(score.skipped == "its tests fail" for score in scores)
    return FINDINGS if failing or any(score.count("survived") for score in scores) else 0


def _write(score: RuleScore, output: str, verbose: bool) -> None:
    if output == "json":
        for judged in score.judged:
            json_line(_as_row(score.rule, judged))
        if score.skipped:
            json_line(
                _as_row(score.rule, Judged(f"not mutated: {score.skipped}", "equivalent")) | {"outcome": "skipped"}
            )
        return
    if score.skipped and not verbose:
        return
    click.echo(visible(f"{score.rule.where} {score.rule.name}: {_scored(score)}"))
    for judged in score.judged:
        if judged.outcome == "survived":
            _write_survivor(judged)
        elif judged.outcome == "equivalent" and verbose:
            click.echo(visible(f"  no difference found: {judged.what}"))


def _write_survivor(judged: Judged) -> None:
    click.echo(visible(f"  survived: {judged.what}"))
    for line in _snippet(judged).splitlines():
        # A witness is made of the configuration and its tests; what a terminal cannot show, TOML writes as an escape.
        click.echo(f"    {visible(line)}")


def _scored(score: RuleScore) -> str:
    if score.skipped:
        return f"not mutated, {score.skipped}"
    noticed, survived, same = (score.count(each) for each in ("noticed", "survived", "equivalent"))
    extra = [f"{same} without a difference"] if same else []
    extra += [f"{score.left_out} left out"] if score.left_out else []
    head = f"{noticed} of {noticed + survived} changes noticed" if noticed + survived else "nothing to change"
    return f"{head} ({', '.join(extra)})" if extra else head


def _snippet(judged: Judged) -> str:
    if judged.witness is None:
        return ""
    return rule_test(judged.what[:120], judged.witness, matches=judged.matches)


def _as_row(rule: Rule, judged: Judged) -> dict[str, Any]:
    survived = judged.outcome == "survived"
    return {
        "rule": rule.name,
        "where": rule.where,
        "mutant": judged.what,
        "outcome": judged.outcome,
        "noticed_by": judged.noticed_by or None,
        "witness": judged.witness,
        "matches": judged.matches if survived else None,
        "test": _snippet(judged) or None,
    }


def _summarise(scores: list[RuleScore]) -> None:
    noticed, survived = (sum(score.count(each) for score in scores) for each in ("noticed", "survived"))
    total = noticed + survived
    share = f", {100 * noticed // total} %" if total else ""
    click.echo(f"{noticed} of {total} changes noticed{share}; {survived} survived", err=True)
    reasons = Counter(score.skipped for score in scores if score.skipped)
    for reason, count in reasons.items():
        click.echo(f"{counted(count, 'rule')} not mutated: {reason}", err=True)
