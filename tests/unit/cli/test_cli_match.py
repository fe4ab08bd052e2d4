"""`trailwire match`, and what all verbs share: configurations, inputs, exit codes, hostile strings."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from trailwire_command import Command

RULES = """
[[rule]]
name = "Stop"
event_names = ["Stop*"]
[[rule]]
name = "Long"
jq_match = 'select(.eventName | length > 5) | {long: .eventName}'
[[ignore]]
reason = "CI"
filter_pattern = '{ $.userIdentity.userName = "ci" }'
[[ignore]]
reason = "over"
until = 2020-01-01
event_names = ["*"]
"""
STOP = {"eventName": "StopLogging", "eventID": "1"}
HOSTILE = 'a\x1b[31m\n"\u202e\ud800\x00\u2028'
KEYS = {"rule", "eventID", "eventName", "annotation", "suppressed_by"}


def test_one_line_for_each_event_and_rule_in_input_order_then_rule_order(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("b.json", {"Records": [STOP, {"eventName": "Quiet"}, {"eventName": "Stop", "eventID": "2"}]})
    trailwire.write("a.json", {"eventName": "StopX", "eventId": "3"})
    done = trailwire("match", "b.json", "a.json", "--format", "json")
    assert [(row["rule"], row["eventID"]) for row in done.rows] == [
        ("Stop", "1"),
        ("Long", "1"),
        ("Stop", "2"),
        ("Stop", "3"),
    ]
    assert done.status == 0
    assert done.err == ""


def test_keys_are_always_there(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("match", "-", "--format", "json", stdin='{"eventName":"StopLogging"}')
    assert [set(row) for row in done.rows] == [KEYS, KEYS]
    assert done.rows[0] == {
        "rule": "Stop",
        "eventID": None,
        "eventName": "StopLogging",
        "annotation": None,
        "suppressed_by": None,
    }
    assert done.rows[1]["annotation"] == {"long": "StopLogging"}


def test_nothing_is_printed_for_what_does_not_match(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("match", "-", stdin='{"eventName":"List"}\n{"eventName":[]}')
    assert (done.status, done.out) == (0, "")


def test_suppressed_matches_are_shown_only_on_request(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("e.json", {"eventName": "Stop", "userIdentity": {"userName": "ci"}})
    assert trailwire("match", "e.json").out == ""
    done = trailwire("match", "--suppressed", "e.json", "--format", "json")
    assert [row["suppressed_by"] for row in done.rows] == ["CI"]
    assert "suppressed: CI" in trailwire("match", "--suppressed", "e.json").out


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (json.dumps(STOP), ["1"]),
        (json.dumps([STOP, STOP]), ["1", "1"]),
        (json.dumps({"Records": [STOP]}), ["1"]),
        (json.dumps(STOP) + "\n" + json.dumps(STOP), ["1", "1"]),
        (json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": json.dumps(STOP)}]}), ["1"]),
        (json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": STOP}), ["1"]),
        (json.dumps(STOP, indent=2), ["1"]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_of_input_is_read_plain_and_gzip(
    trailwire: Command, content: str, ids: list[str], packed: bool
) -> None:
    trailwire.write("trailwire.toml", '[[rule]]\nname = "Stop"\nevent_names = ["Stop*"]\n')
    data = gzip.compress(content.encode()) if packed else content.encode()
    trailwire.write("data.bin", data)
    for done in (
        trailwire("match", "data.bin", "--format", "json"),
        trailwire("match", "-", "--format", "json", stdin=data),
    ):
        assert [row["eventID"] for row in done.rows] == ids
        assert done.status == 0


def test_folders_are_read_in_sorted_order_and_other_files_are_skipped_aloud(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    for name in ("in/b.json", "in/a.json", "in/sub/0.json", "in/a.md"):
        trailwire.write(name, {"eventName": "Stop", "eventID": name})
    done = trailwire("match", "in", "--format", "json")
    assert [row["eventID"] for row in done.rows] == ["in/a.json", "in/b.json", "in/sub/0.json"]
    assert "a.md" in done.err


def test_what_can_be_read_is_processed_and_the_exit_code_tells_of_the_rest(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("torn.gz", gzip.compress(json.dumps(STOP).encode())[:-9])
    trailwire.write("good.json", STOP)
    trailwire.write("text.log", "not JSON at all\n")
    done = trailwire("match", "missing.json", "torn.gz", "text.log", "good.json", "--format", "json")
    assert done.status == 2
    assert [row["eventID"] for row in done.rows][-1] == "1"
    assert "missing.json" in done.err
    assert "torn.gz" in done.err
    assert "text.log" in done.err
    assert "Traceback" not in done.err


def test_a_folder_is_searched_for_data_files_and_what_is_none_is_named(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("elsewhere/x.json", STOP)
    trailwire.write("in/good.json", STOP)
    (trailwire.folder / "in/dangling.json").symlink_to("nowhere")
    (trailwire.folder / "in/linked").symlink_to("../elsewhere")
    os.mkfifo(trailwire.folder / "in/pipe.json")
    done = trailwire("match", "in", "--format", "json")
    assert (done.status, {row["eventID"] for row in done.rows}) == (2, {"1"})
    assert sorted(done.err.splitlines()) == [
        "in/dangling.json: No such file or directory",
        "in/linked: skipped, it is no file",
        "in/pipe.json: skipped, it is no file",
    ]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("empty", "empty: there are no data files in this folder\n"),
        ("", '"": the path is empty\n'),
        ("a" * 300, f"{'a' * 300}: File name too long\n"),
        ("good.json/x", "good.json/x: Not a directory\n"),
    ],
)
def test_a_path_that_leads_to_nothing_is_named(trailwire: Command, path: str, says: str) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("good.json", STOP)
    (trailwire.folder / "empty").mkdir()
    done = trailwire("match", path, "good.json")
    assert (done.status, done.lines != [], done.err) == (2, True, says)


def test_standard_input_that_is_closed_is_named(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("match", "-", stdin=None)
    assert (done.status, done.err) == (2, "-: standard input is closed\n")


def test_of_a_file_full_of_nonsense_a_few_lines_are_named_and_the_rest_is_counted(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    trailwire.write("noise.bin", "nonsense\n" * 1000)
    trailwire.write("noise2.bin", "nonsense\n")
    done = trailwire("match", "noise.bin", "noise2.bin")
    *named, more, other = done.err.splitlines()
    assert (done.status, len(named)) == (2, 10)
    assert more == "noise.bin: and 990 more that could not be read"
    assert other.startswith("noise2.bin: message 0: not JSON")


@pytest.mark.parametrize("verb", ["match", "why"])
def test_hostile_strings_never_break_a_line(trailwire: Command, verb: str) -> None:
    trailwire.write("trailwire.toml", "[[rule]]\nname = 'Sto\u202ep'\nfilter_pattern = '{ $.a = * }'\n")
    event = {"eventName": HOSTILE, "eventID": HOSTILE, "a": HOSTILE}
    done = trailwire(verb, "-", stdin=json.dumps(event))
    assert done.status == 0
    assert all(char.isprintable() for line in done.out.split("\n") for char in line)
    rows = trailwire(verb, "-", "--format", "json", stdin=json.dumps(event)).rows
    assert [(row["eventName"], row["eventID"]) for row in rows] == [(HOSTILE, HOSTILE)]


@pytest.mark.parametrize("verb", ["match", "why"])
def test_numbers_that_json_has_no_words_for_are_written_as_text(trailwire: Command, verb: str) -> None:
    trailwire.write("trailwire.toml", '[[rule]]\nname = "any"\nfilter_pattern = "{ $.eventName = * }"\n')
    done = trailwire(verb, "-", "--format", "json", stdin='{"eventID":1e999,"eventName":"x","a":NaN}')
    assert [row["eventID"] for row in done.rows] == ["inf"]


@pytest.mark.parametrize("verb", ["match", "why"])
def test_events_nested_as_deep_as_can_be_read_are_told_of(trailwire: Command, verb: str) -> None:
    trailwire.write("trailwire.toml", "[[rule]]\nname = 'any'\nfilter_pattern = '{ $.a = 1 }'\n")
    deep = "[" * 900 + "]" * 900
    done = trailwire(verb, "-", "--format", "json", stdin=f'{{"a":1,"eventName":{deep}}}')
    assert [row["rule"] for row in done.rows] == ["any"]


# ---- configurations ----


def test_without_a_configuration_the_user_is_told_where_one_is_looked_for(trailwire: Command) -> None:
    trailwire.write("e.json", STOP)
    for verb in (["match", "e.json"], ["test"], ["check"], ["why", "e.json"], ["compile", "-o", "out.json"]):
        done = trailwire(*verb)
        assert done.status == 2, verb
        assert "TRAILWIRE_CONFIG" in done.out + done.err
        assert "Traceback" not in done.err


def test_the_option_wins_over_the_environment_and_that_over_the_working_directory(
    trailwire: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("trailwire.toml", "env.toml", "given.toml"):
        trailwire.write(name, f'[[rule]]\nname = "{name}"\nevent_names = ["*"]\n')
    trailwire.write("e.json", STOP)

    def used(*arguments: str) -> list[str]:
        return [row["rule"] for row in trailwire("match", "e.json", "--format", "json", *arguments).rows]

    assert used() == ["trailwire.toml"]
    monkeypatch.setenv("TRAILWIRE_CONFIG", "env.toml")
    assert used() == ["env.toml"]
    assert used("--config", "given.toml") == ["given.toml"]


def test_a_configurations_paths_are_relative_to_it_and_arguments_to_the_working_directory(
    trailwire: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    trailwire.write(
        "conf/rules.toml", '[[rule]]\nname = "r"\nevent_names = ["Stop*"]\n[[rule.test]]\nevent = "e.json"\n'
    )
    trailwire.write("conf/e.json", STOP)
    trailwire.write("here/e.json", {"eventName": "StopX", "eventID": "here"})
    monkeypatch.chdir(trailwire.folder / "here")
    assert trailwire("test", "--config", "../conf/rules.toml").status == 0
    done = trailwire("match", "--config", "../conf/rules.toml", "e.json", "--format", "json")
    assert [row["eventID"] for row in done.rows] == ["here"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[[rule]", "trailwire.toml:1"),
        (b'[[rule]]\nname = "a"\nevent_names = []\nseverty = "high"\n', "did you mean"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"trailwire": 99}', "form 99"),
        (b"a = " + b"[" * 3000, "trailwire.toml:1"),
        (
            b'[[rule]]\nname = "a"\nevent_names = ["x"]\n[[rule.test]]\nevent = { t = 2026-01-01 }\n',
            "put the time in quotes",
        ),
    ],
)
def test_a_wrong_configuration_is_exit_2_without_a_traceback(trailwire: Command, content: bytes, says: str) -> None:
    trailwire.write("trailwire.toml", content)
    trailwire.write("e.json", STOP)
    for verb in (["match", "e.json"], ["test"], ["check"], ["why", "e.json"], ["compile", "-o", "out.json"]):
        done = trailwire(*verb)
        assert done.status == 2
        assert says in done.out + done.err
        assert "Traceback" not in done.err
    assert not (trailwire.folder / "out.json").exists()


def test_a_configuration_that_is_a_folder_is_exit_2(trailwire: Command) -> None:
    assert trailwire("match", "--config", str(trailwire.folder), "-").status == 2


# ---- the command itself ----


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["match"],
        ["test"],
        ["why"],
        ["check"],
        ["compile"],
        ["pattern"],
        ["pattern", "match"],
        ["pattern", "explain"],
        ["run"],
    ],
)
def test_every_verb_has_help(trailwire: Command, verb: list[str]) -> None:
    done = trailwire(*verb, "--help")
    assert done.status == 0
    assert "Usage: trailwire" in done.out
    assert done.out == trailwire(*verb, "-h").out


@pytest.mark.parametrize(
    "arguments",
    [["mach"], ["match"], ["match", "--formt", "json", "x"], ["match", "--format", "xml", "x"], ["why"],
     ["why", "a", "b"], ["compile"], ["pattern", "match", "x"], ["pattern", "explain"], ["test", "--junit"],
     ["test", "--mutate", "--junit", "x.xml"], ["run", "x.json"], ["run", "--channel", "C1"]],
)  # fmt: skip
def test_wrong_arguments_are_exit_2(trailwire: Command, arguments: list[str]) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err


def test_what_nobody_foresaw_is_exit_3(trailwire: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_: object) -> None:
        raise RuntimeError("unforeseen")

    trailwire.write("trailwire.toml", RULES)
    monkeypatch.setattr("pipeline.cli.match.Matcher", explode)
    done = trailwire("match", "-")
    assert done.status == 3
    assert "unforeseen" in done.err
    assert "bug in Trailwire" in done.err


def test_output_that_cannot_be_written_is_exit_2_and_no_bug(tmp_path: Path) -> None:
    """The output's file may not grow here; a full disk looks the same."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    script = f"{limited}from pipeline.cli.main import run; run(['pattern', 'explain', 'x'])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with (tmp_path / "out").open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=output, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert (done.returncode, done.stderr) == (2, b"Error: cannot write the output: File too large\n")


def test_what_the_encoding_of_the_output_lacks_is_written_as_an_escape() -> None:
    script = "from pipeline.cli.main import run; run(['pattern', 'explain', '{ $.a = \\u65e5\\u00e9 }'])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'$.a is "\\u65e5\xe9"' in done.stdout


def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path: Path) -> None:
    """`trailwire match ... | head -1` ends quietly."""
    (tmp_path / "trailwire.toml").write_text('[[rule]]\nname = "all"\nevent_names = ["*"]\n')
    (tmp_path / "e.json").write_text("\n".join([json.dumps(STOP)] * 20_000))
    command = [sys.executable, "-c", "from pipeline.cli.main import run; run()", "match", "e.json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"1  StopLogging  all\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
