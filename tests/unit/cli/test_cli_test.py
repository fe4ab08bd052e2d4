"""`trailwire test`: the rules' own tests, JUnit, and mutants."""

from __future__ import annotations

import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from trailwire_command import Command

RULES = """
[[rule]]
name = "Stop"
filter_pattern = '{ ($.eventName = "StopLogging") || ($.eventName = "DeleteTrail") }'
[[rule.test]]
name = "stops"
event = { eventName = "StopLogging" }
[[rule.test]]
event = { eventName = "List" }
matches = false
[[rule]]
name = "Untested"
event_names = ["X"]
"""
FAILING = """
[[rule]]
name = "Typo"
event_names = ["StopLoging"]
[[rule.test]]
name = "a typo"
event = { eventName = "StopLogging" }
[[rule]]
name = "Missing part"
python = 'event["eventName"].split("-")[1] == "b"'
[[rule.test]]
event = { eventName = "StopLogging" }
matches = false
"""
HOSTILE = 'a\\u001b[31m<&\\"]]>\\u0000\\uFFFF\\n'


def test_passing_tests_are_counted_on_stderr_and_say_nothing_on_stdout(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("test")
    assert (done.status, done.out) == (0, "")
    assert done.err.startswith("trailwire.toml ..\n2 passed in ")
    assert "1 rule without tests" in done.err
    assert "Untested" in trailwire("test", "--verbose").err


def test_verbose_says_a_line_for_each_test(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    assert trailwire("test", "-v").lines == [
        "PASSED trailwire.toml:5 Stop: stops",
        "PASSED trailwire.toml:8 Stop: test 2",
    ]


def test_a_failing_test_says_what_decided_and_what_would_help(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES + FAILING)
    done = trailwire("test")
    assert done.status == 1
    assert "2 passed, 1 failed, 1 error in" in done.err
    assert "..FE" in done.err
    assert done.lines == [
        "FAILED trailwire.toml:18 Typo: a typo",
        "    expected a match, got no match",
        '    does not hold: eventName is "StopLoging"; there is "StopLogging"',
        "    nearest: it would match with 1 change",
        '      set eventName to "StopLoging" (it is "StopLogging")',
        "ERROR trailwire.toml:24 Missing part: test 1",
        *done.lines[6:],
    ]
    assert "the rule failed: IndexError" in done.lines[6]


def test_json_is_one_object_a_test_with_the_same_keys(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES + FAILING)
    done = trailwire("test", "--format", "json")
    assert done.status == 1
    keys = {"rule", "test", "where", "outcome", "expected", "got", "reason", "because"}
    assert [set(row) for row in done.rows] == [keys] * 4
    assert [(row["outcome"], row["expected"], row["got"]) for row in done.rows] == [
        ("passed", True, True),
        ("passed", False, False),
        ("failed", True, False),
        ("error", False, None),
    ]


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [("stop", ["Stop"]), ("T?po", ["Typo"]), ("*art", ["Missing part"]), ("", ["Stop", "Typo", "Missing part"])],
)
def test_rules_are_chosen_by_name(trailwire: Command, wanted: str, rules: list[str]) -> None:
    trailwire.write("trailwire.toml", RULES + FAILING)
    rows = trailwire("test", "-k", wanted, "--format", "json").rows
    assert list(dict.fromkeys(row["rule"] for row in rows)) == rules


def test_a_name_that_no_rule_has_is_exit_2_with_a_guess(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    for verb in (["test", "-k", "Stopp"], ["test", "--mutate", "-k", "Stopp"], ["why", "-", "--rule", "Stopp"]):
        done = trailwire(*verb, stdin="{}")
        assert (done.status, done.out) == (2, "")
        assert 'did you mean "Stop"?' in done.err


def test_ignores_and_routes_have_no_say(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES + '[[ignore]]\nreason = "all"\nevent_names = ["*"]\n')
    assert trailwire("test").status == 0


def test_junit_holds_every_test_whatever_it_is_called(trailwire: Command) -> None:
    rules = FAILING.replace("a typo", HOSTILE).replace('"Typo"', f'"Typo {HOSTILE}"')
    trailwire.write("trailwire.toml", RULES + rules)
    assert trailwire("test", "--junit", "out.xml").status == 1
    root = ET.fromstring((trailwire.folder / "out.xml").read_text(encoding="utf-8"))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "4", "1", "1")
    assert [suite.get("tests") for suite in root] == ["2", "1", "1"]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "expected a match, got no match"
    assert "does not hold" in (failure.text or "")
    assert [case.get("name") for case in root.iter("testcase")][2] == 'a\\x1b[31m<&"]]>\\x00\\uffff\\n'
    assert {case.get("file") for case in root.iter("testcase")} == {"trailwire.toml"}


def test_a_junit_file_that_cannot_be_written_is_exit_2(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("test", "--junit", "missing/out.xml")
    assert done.status == 2
    assert "missing/out.xml" in done.err


def test_packs_are_tested_where_the_configuration_names_them(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", 'packs = ["baseline"]\n')
    done = trailwire("test", "--format", "json")
    assert done.status == 0
    assert len(done.rows) > 100


def test_a_configuration_without_tests_is_fine(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", "")
    done = trailwire("test")
    assert (done.status, done.out) == (0, "")
    assert done.err.startswith("no tests in ")


# ---- mutants ----


def test_a_change_that_no_test_notices_comes_with_a_test_that_would(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("test", "--mutate")
    assert done.status == 1
    assert 'survived: without the alternative: eventName is "DeleteTrail"' in done.out
    assert "1 rule not mutated: it has no tests" in done.err
    assert 'event = { eventName = "DeleteTrail" }' in done.out


def test_pasting_every_snippet_leaves_nothing_unnoticed(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    rows = trailwire("test", "--mutate", "--format", "json").rows
    head, tail = RULES.split('[[rule]]\nname = "Untested"')
    trailwire.write(
        "trailwire.toml", head + "".join(row["test"] or "" for row in rows) + '[[rule]]\nname = "Untested"' + tail
    )
    assert trailwire("test").status == 0
    done = trailwire("test", "--mutate")
    assert done.status == 0
    assert done.err.startswith("5 of 5 changes noticed, 100 %; 0 survived")


def test_mutants_as_json_have_the_same_keys(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES + FAILING)
    done = trailwire("test", "--mutate", "--format", "json")
    keys = {"rule", "where", "mutant", "outcome", "noticed_by", "witness", "matches", "test"}
    assert all(set(row) == keys for row in done.rows)
    assert {row["outcome"] for row in done.rows} == {"noticed", "survived", "skipped"}
    for row in done.rows:
        assert (row["outcome"] == "survived") == (row["witness"] is not None) == (row["test"] is not None)
        if row["test"]:
            assert tomllib.loads(row["test"])["rule"]["test"][0]["event"] == row["witness"]


def test_a_rule_whose_own_tests_fail_is_a_failure(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", FAILING)
    done = trailwire("test", "--mutate", "-v")
    assert done.status == 1
    assert "its tests fail" in done.err
    assert "not mutated, it computes" in done.out


def test_the_tests_of_a_file_of_events_are_read_relative_to_the_configuration(trailwire: Command) -> None:
    trailwire.write("conf/e/x.json", {"eventName": "X"})
    trailwire.write("conf/t.toml", '[[rule]]\nname = "x"\nevent_names = ["X"]\n[[rule.test]]\nevent = "e/x.json"\n')
    assert trailwire("test", "--config", str(Path("conf/t.toml"))).status == 0
