"""Rules in Sigma files: what they say about themselves, what the configuration says instead, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.rules import compiled, ruleset
from pipeline.rules.rule import Repeat, Rule, Severity

STOPPED = """\
title: Trail Stopped
id: 4db60cc0-36fb-42b7-9b58-a5b53019fb74
description: Somebody stopped a trail
references: [https://example.com/a, https://example.com/b]
tags: [attack.t1562.008]
logsource: {product: aws, service: cloudtrail}
detection:
  sel:
    eventName: StopLogging
  condition: sel
falsepositives: [A trail that is replaced]
level: critical
"""
PLAIN = "title: Plain\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a:\n    b: c\n  condition: a\n"
COUNTED = PLAIN.replace("condition: a", "condition: a | count() > 5")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out a configuration's folder with Sigma files in two levels, and a file that is none."""
    (tmp_path / "rules" / "deep").mkdir(parents=True)
    (tmp_path / "rules" / "stopped.yml").write_text(STOPPED)
    (tmp_path / "rules" / "deep" / "plain.yaml").write_text(PLAIN)
    (tmp_path / "rules" / "README.md").write_text("# rules\n")
    (tmp_path / "latin-1.yml").write_bytes(b"title: caf\xe9 1\n")
    return tmp_path


def load(folder: Path, text: str) -> list[Rule]:
    """Load a configuration of these tables."""
    (folder / "trailwire.toml").write_text(text)
    return list(ruleset.load(folder / "trailwire.toml").rules)


def test_a_folder_becomes_as_many_rules_as_it_holds(folder: Path) -> None:
    """In the order of their paths; other files are left alone."""
    rules = load(folder, '[[rule]]\nsigma = "rules"\n')
    assert [(rule.name, rule.language) for rule in rules] == [("Plain", "sigma"), ("Trail Stopped", "sigma")]
    assert [rule.where.rpartition("rules/")[2] for rule in rules] == ["deep/plain.yaml:1", "stopped.yml:1"]


def test_what_a_rule_says_about_itself_reaches_its_alerts(folder: Path) -> None:
    """Title, level, id, description, references, false positives and tags; compiled or not."""
    (rule,) = load(folder, '[[rule]]\nsigma = "rules/stopped.yml"\n')
    facts = rule.facts
    assert (facts.name, facts.severity, facts.id) == (
        "Trail Stopped",
        Severity.CRITICAL,
        "4db60cc0-36fb-42b7-9b58-a5b53019fb74",
    )
    assert (facts.description, facts.tags) == ("Somebody stopped a trail", ("attack.t1562.008",))
    assert facts.references == ("https://example.com/a", "https://example.com/b")
    assert facts.false_positives == ("A trail that is replaced",)
    assert (facts.repeat, facts.group_by) == (Repeat.THREAD, ("rule", "account", "actor", "eventName"))
    again = compiled.load(compiled.dump(ruleset.load(folder / "trailwire.toml")))
    assert again.rules[0].facts == facts


def test_what_the_configuration_says_wins(folder: Path) -> None:
    """Tags of both are kept; a name stands before the titles of several rules, and for the one of a single file."""
    text = (
        '[[rule]]\nname = "Ours"\nseverity = "low"\ndescription = "d"\nreferences = ["r"]\ntags = ["t"]\nsigma = "{}"\n'
    )
    (rule,) = load(folder, text.format("rules/stopped.yml"))
    assert (rule.name, rule.facts.severity, rule.facts.description) == ("Ours", Severity.LOW, "d")
    assert (rule.facts.references, rule.facts.tags) == (("r",), ("t", "attack.t1562.008"))
    assert rule.facts.repeat is Repeat.EDIT
    assert [rule.name for rule in load(folder, text.format("rules"))] == ["Ours: Plain", "Ours: Trail Stopped"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('sigma = "rules"\n[[rule.test]]\nevent = {}\n', "tests need one rule, and rules holds 2"),
        ('sigma = "rules/README.md"\n', "rules/README.md holds no rule"),
        ('sigma = "nowhere"\n', 'cannot read "nowhere"'),
        ('sigma = "latin-1.yml"\n', 'cannot read "latin-1.yml": not UTF-8 text: invalid continuation byte at byte 10'),
        ('sigma = ["rules"]\n', '"sigma" must be the path of a file or a folder'),
    ],
)
def test_what_cannot_be_read_is_a_mistake_with_a_place(folder: Path, table: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(folder, f"[[rule]]\n{table}")
    assert problem in str(raised.value)


def test_one_rule_that_cannot_be_expressed_is_told_at_its_own_line_with_a_way_out(folder: Path) -> None:
    """Nothing starts half-read: the other rules of the folder wait for it."""
    (folder / "rules" / "counted.yml").write_text(COUNTED)
    with pytest.raises(ConfigError) as raised:
        load(folder, '[[rule]]\nsigma = "rules"\n')
    (problem,) = raised.value.problems
    assert problem.where.endswith("rules/counted.yml:6")
    assert "threshold of a [[rule]]" in problem.hint


def test_a_file_of_a_folder_may_be_switched_off_by_comments(folder: Path) -> None:
    """But one of them must hold a rule."""
    (folder / "rules" / "stopped.yml").write_text("# title: Trail Stopped\n")
    assert [rule.name for rule in load(folder, '[[rule]]\nsigma = "rules"\n')] == ["Plain"]
    (folder / "rules" / "deep" / "plain.yaml").write_text("")
    with pytest.raises(ConfigError, match="rules holds no rule"):
        load(folder, '[[rule]]\nsigma = "rules"\n')


def test_a_folder_without_sigma_files_is_a_mistake(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no file that ends in"):
        load(folder, '[[rule]]\nsigma = "empty"\n')
