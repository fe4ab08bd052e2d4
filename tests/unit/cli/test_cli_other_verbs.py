"""`trailwire check`, `compile`, `pattern` and the arguments of `run`."""

from __future__ import annotations

import json
import stat

import pytest
from trailwire_command import Command

from pipeline.rules import compiled

RULES = """
[[rule]]
name = "Stop"
event_names = ["Stop*"]
[[rule.test]]
event = { eventName = "StopLogging" }
"""
DESTINATION = """
[settings]
errors_to = ["out"]
[[route]]
destinations = ["out"]
[[destination]]
id = "out"
type = "stdout"
"""
WHOLE = RULES.replace("[[rule]]", DESTINATION + "[[rule]]", 1)


# ---- check ----


def test_a_configuration_without_findings_is_exit_0(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", WHOLE)
    done = trailwire("check")
    assert (done.status, done.out) == (0, "")
    assert done.err


def test_findings_from_warning_up_are_exit_1(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("check", "--format", "json")
    assert done.status == 1
    assert all(set(row) == {"code", "severity", "where", "message", "hint", "witness"} for row in done.rows)
    assert "warning" in {row["severity"] for row in done.rows}


def test_every_mistake_of_a_configuration_is_reported_at_once(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", '[[rule]]\nname = "a"\n[[rule]]\nevent_names = ["x"]\nsevrity = "low"\n')
    done = trailwire("check", "--format", "json")
    assert done.status == 2
    assert len(done.rows) == 3
    assert all(row["code"] == "configuration" and row["severity"] == "error" for row in done.rows)


def test_sarif_names_files_and_lines(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    assert trailwire("check", "--sarif", "out.sarif").status == 1
    document = json.loads((trailwire.folder / "out.sarif").read_text(encoding="utf-8"))
    assert document["version"] == "2.1.0"
    assert document["runs"][0]["results"]
    done = trailwire("check", "--sarif", "missing/out.sarif")
    assert done.status == 2
    assert "Traceback" not in done.err


def test_hostile_names_are_made_visible(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", '[[rule]]\nname = "a\\u001b[31m\\nb"\nevent_names = ["x"]\n')
    done = trailwire("check")
    assert "\x1b" not in done.out + done.err
    trailwire.write(
        "trailwire.toml", '[[rule]]\nname = "a\\u001b[31m\\nb"\nevent_names = ["x"]\ndestinations = ["\\u001b"]\n'
    )
    done = trailwire("match", "-")
    assert done.status == 2
    assert "\x1b" not in done.err


# ---- compile ----


def test_a_compiled_rule_set_works_in_place_of_its_configuration(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES + '[[rule]]\nname = "jq"\njq_match = ".a"\n')
    done = trailwire("compile", "-o", "rules.json")
    assert (done.status, done.out) == (0, "")
    assert compiled.is_compiled((trailwire.folder / "rules.json").read_bytes())
    for verb in (["match", "-"], ["why", "-"]):
        one = trailwire(*verb, stdin='{"eventName":"Stop","a":1}')
        assert one == trailwire(*verb, "--config", "rules.json", stdin='{"eventName":"Stop","a":1}')
    assert trailwire("test", "--config", "rules.json").err.startswith("no tests in")


def test_a_target_that_cannot_be_written_is_exit_2(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("compile", "-o", "missing/rules.json")
    assert done.status == 2
    assert "missing/rules.json" in done.err


# ---- pattern ----


def test_messages_are_written_verbatim(trailwire: Command) -> None:
    odd = '{"eventName" :\t"A",  "x": 1.0}'
    trailwire.write("events.ndjson", f'{odd}\n{{"eventName":"B"}}\nplain A text\n')
    assert trailwire("pattern", "match", "{ $.eventName = A }", "events.ndjson").out == f"{odd}\n"
    rows = trailwire("pattern", "match", "A", "events.ndjson", "--format", "json").rows
    assert rows == [
        {"path": "events.ndjson", "index": 0, "message": odd},
        {"path": "events.ndjson", "index": 2, "message": "plain A text"},
    ]


def test_elements_of_arrays_and_records_are_compacted(trailwire: Command) -> None:
    trailwire.write("r.json", '{"Records": [ {"eventName" : "A"} ]}')
    trailwire.write("a.json", '[ {"eventName" : "A"} ]')
    done = trailwire("pattern", "match", "{ $.eventName = A }", "r.json", "a.json")
    assert done.lines == ['{"eventName":"A"}'] * 2


def test_bytes_that_are_no_text_come_out_as_they_went_in(trailwire: Command) -> None:
    trailwire.write("odd.log", b"A \xff\xfe\nB\n")
    done = trailwire("pattern", "match", "A", "odd.log", "--format", "json")
    assert done.status == 0
    assert len(done.rows) == 1


@pytest.mark.parametrize("pattern", ["{ $.eventName = }", "{", "[a, b", "%(%"])
def test_an_invalid_pattern_says_where_and_what_was_expected(trailwire: Command, pattern: str) -> None:
    for verb in (["match", pattern, "-"], ["explain", pattern]):
        done = trailwire("pattern", *verb)
        assert (done.status, done.out) == (2, "")
        assert "not a filter pattern" in done.err
        done = trailwire("pattern", *verb, "--format", "json")
        assert done.status == 2
        assert [set(row) for row in done.rows] == [{"error", "position", "hint"}]


def test_a_pattern_of_exclusions_is_no_option(trailwire: Command) -> None:
    done = trailwire("pattern", "match", "-foo", "-", stdin="foo\nbar\n")
    assert (done.status, done.out) == (0, "bar\n")
    assert trailwire("pattern", "explain", "-foo").status == 0


def test_an_explanation_comes_in_words_and_as_json(trailwire: Command) -> None:
    assert trailwire("pattern", "explain", "{ $.a = 1 }").out
    assert len(trailwire("pattern", "explain", "{ $.a = 1 }", "--format", "json").rows) == 1


def test_what_cannot_be_read_is_exit_2_and_the_rest_is_read(trailwire: Command) -> None:
    trailwire.write("good.log", "A\n")
    done = trailwire("pattern", "match", "A", "missing.log", "good.log")
    assert (done.status, done.out) == (2, "A\n")
    assert "missing.log" in done.err


def test_a_file_without_the_right_to_read_it_is_said(trailwire: Command) -> None:
    """Root may read everything, so the right that is missing here is that of being a file."""
    trailwire.write("good.log", "A\n")
    trailwire.write("locked/x.log", "A\n")
    (trailwire.folder / "locked/x.log").chmod(stat.S_IWUSR)
    (trailwire.folder / "dangling.log").symlink_to("nowhere")
    done = trailwire("pattern", "match", "A", "dangling.log", "good.log")
    assert (done.status, done.out) == (2, "A\n")


# ---- run ----


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "events.json"], "--events events.json"),
        (["run", "--channel", "C1"], "SLACK_BOT_TOKEN"),
        (["run", "--config", "missing.toml"], "missing.toml"),
        (["run", "--filter-pattern", "{ $.eventName == x }"], "equality is a single ="),
    ],
)
def test_wrong_arguments_of_run_are_exit_2(
    trailwire: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    done = trailwire(*arguments)
    assert (done.status, done.out) == (2, "")
    assert says in done.err


def test_an_event_that_cloudwatch_logs_would_not_take_is_named_and_the_rest_runs(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", '[[rule]]\nname = "all"\nevent_names = ["*"]\n')
    events = [{"eventName": "A", "x": "x" * 1_048_600}, {"eventName": "B", "x": "x" * 1_040_000}]
    trailwire.write("events.json", "\n".join(map(json.dumps, events)))
    done = trailwire("run", "--events", "events.json")
    assert (done.status, len(done.lines)) == (2, 1)
    assert "events.json: message 0: too large for CloudWatch Logs\n" in done.err
    assert "1 event in, 0 held back by the filter, 0 quarantined\n" in done.err
