"""`trailwire why`: trees with values, the nearest change, what suppresses and where it is told."""

from __future__ import annotations

import json

import pytest
from trailwire_command import Command

RULES = """
[[rule]]
name = "Trail stopped"
event_pattern = '{"eventName": ["StopLogging"], "errorCode": [{"exists": false}]}'
[[rule]]
name = "Long"
jq_match = 'select(.eventName == "Long") | [.a[]? | tostring] | join("") | select(length > 3)'
[[rule]]
name = "Key"
python = 'event["eventName"] == "Key" and event["b"] == 1 and event["c"] == 1'
destinations = ["own"]
[[ignore]]
reason = "CI"
event_pattern = '{"userIdentity": {"userName": ["ci"]}}'
[[ignore]]
reason = "over"
until = 2020-01-01
event_names = ["*"]
[[route]]
accounts = ["111122223333"]
destinations = ["one"]
[[route]]
destinations = ["rest"]
[[destination]]
id = "own"
type = "stdout"
[[destination]]
id = "one"
type = "stdout"
[[destination]]
id = "rest"
type = "stdout"
"""
KEYS = {
    "rule", "eventID", "eventName", "matches", "annotation", "failure", "undecided", "suppressed_by",
    "destinations", "tree", "nearest", "nearest_suffices", "ignores",
}  # fmt: skip


def test_a_miss_shows_the_tree_the_values_and_the_nearest_change(trailwire: Command) -> None:
    """The command in the message: `aws cloudtrail lookup-events ... --output text | trailwire why - --rule X`."""
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("why", "-", "--rule", "Trail stopped", stdin='{"eventName":"StopLoging","eventID":"e-1"}\n')
    assert done.status == 0
    assert done.err == ""
    assert done.lines == [
        '"StopLoging" "e-1" (-, message 0)',
        "",
        "  Trail stopped: does not match (trailwire.toml:2)",
        "    no   all of",
        '      no   eventName[] is "StopLogging"   <- "StopLoging"',
        "      yes  not",
        "        no   errorCode[] is a plain value   <- absent",
        "    nearest: it would match with 1 change",
        '      set eventName to "StopLogging" (it is "StopLoging")',
        "",
    ]


def test_by_default_rules_that_match_come_in_full_and_the_others_in_one_line(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("why", "-", stdin='{"eventName":"StopLogging","errorCode":"x","eventID":"1"}')
    assert "3 rules do not match:" in done.out
    assert 'Trail stopped: 1 change away: remove errorCode (it is "x")' in done.out
    done = trailwire("why", "-", stdin='{"eventName":"StopLogging","eventID":"1"}')
    assert "Trail stopped: matches" in done.out
    assert "2 rules do not match:" in done.out
    assert 'Long: at least 1 change away: set eventName to "Long" (it is "StopLogging")' in done.out


def test_what_suppresses_it_and_where_it_is_told(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    event = {"eventName": "StopLogging", "userIdentity": {"userName": "ci"}, "recipientAccountId": "111122223333"}
    done = trailwire("why", "-", "--rule", "Trail stopped", stdin=json.dumps(event))
    assert 'suppressed by "CI" (trailwire.toml:12)' in done.out
    assert 'an ignore that is over would have suppressed it: "over" (trailwire.toml:15, until 2020-01-01)' in done.out
    assert "would be told to: one (route at trailwire.toml:19)" in done.out
    row = trailwire("why", "-", "--rule", "Trail stopped", "--format", "json", stdin=json.dumps(event)).rows[0]
    assert (row["suppressed_by"], row["destinations"]) == ("CI", ["one"])
    assert [(ignore["reason"], ignore["in_force"]) for ignore in row["ignores"]] == [("CI", True), ("over", False)]


@pytest.mark.parametrize(
    ("event", "rule", "destinations"),
    [
        ({"eventName": "StopLogging"}, "Trail stopped", ["rest"]),
        ({"eventName": "Key", "b": 1, "c": 1}, "Key", ["own"]),
    ],
)
def test_a_rules_own_destinations_win(trailwire: Command, event: object, rule: str, destinations: list[str]) -> None:
    trailwire.write("trailwire.toml", RULES)
    row = trailwire("why", "-", "--rule", rule, "--format", "json", stdin=json.dumps(event)).rows[0]
    assert (row["matches"], row["destinations"]) == (True, destinations)


@pytest.mark.parametrize(
    ("event", "rule", "says"),
    [
        ({"eventName": "Long", "a": [9, 999]}, "Long", ["its program says yes", 'annotation: "9999"']),
        ({"eventName": "Long", "a": [1]}, "Long", ["its program says no"]),
        ({"eventName": "Other"}, "Long", ["its program is not asked", "its program would be asked"]),
        ({"eventName": "Key", "b": 1}, "Key", ["its program is not asked", "match with 1 change", "add c = 1"]),
    ],
)  # fmt: skip
def test_programs_have_the_last_word(trailwire: Command, event: object, rule: str, says: list[str]) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("why", "-", "--rule", rule, stdin=json.dumps(event))
    for words in says:
        assert words in done.out


def test_a_program_that_fails_says_why(trailwire: Command) -> None:
    rule = 'python = \'event["eventName"].split("-")[1] == "b"\''
    trailwire.write("trailwire.toml", f'[[rule]]\nname = "f"\n{rule}\n')
    event = '{"eventName":"a"}'
    assert "f: its program failed: IndexError" in trailwire("why", "-", stdin=event).out
    assert "its program failed: IndexError" in trailwire("why", "-", "--rule", "f", stdin=event).out
    row = trailwire("why", "-", "--format", "json", stdin=event).rows[0]
    assert row["matches"] is False
    assert row["failure"].startswith("IndexError")


def test_json_has_the_same_keys_for_every_event_and_rule(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire(
        "why", "-", "--format", "json", stdin='{"Records":[{"eventName":"StopLogging"},{"eventName":"x"},{}]}'
    )
    assert done.status == 0
    assert len(done.rows) == 9
    assert all(set(row) == KEYS for row in done.rows)
    assert done.rows[0]["tree"] == {
        "node": "all",
        "verdict": True,
        "children": [
            {
                "node": "test",
                "verdict": True,
                "path": "eventName[]",
                "asks": 'eventName[] is "StopLogging"',
                "values": ["StopLogging"],
                "more": 0,
            },
            {
                "node": "not",
                "verdict": True,
                "children": [
                    {
                        "node": "test",
                        "verdict": False,
                        "path": "errorCode[]",
                        "asks": "errorCode[] is a plain value",
                        "values": [],
                        "more": 0,
                    }
                ],
            },
        ],
    }
    assert done.rows[3]["nearest"] == [
        {
            "change": "set",
            "path": "eventName",
            "from": "x",
            "to": "StopLogging",
            "because": ['eventName[] is "StopLogging"'],
        }
    ]


@pytest.mark.parametrize("stdin", ["plain text", "[1, 2]", '{"eventName": '])
def test_what_is_no_event_is_exit_2(trailwire: Command, stdin: str) -> None:
    trailwire.write("trailwire.toml", RULES)
    done = trailwire("why", "-", stdin=stdin)
    assert (done.status, done.out) == (2, "")
    assert done.err
    assert trailwire("why", "missing.json").status == 2


def test_long_values_are_cut(trailwire: Command) -> None:
    trailwire.write("trailwire.toml", "[[rule]]\nname = 'a'\nfilter_pattern = '{ $.a = x* }'\n")
    event = {"a": "x" * 100_000, "eventName": "y" * 100_000}
    done = trailwire("why", "-", stdin=json.dumps(event))
    assert len(done.out) < 3000
    row = trailwire("why", "-", "--format", "json", stdin=json.dumps(event)).rows[0]
    assert len(row["tree"]["values"][0]) < 1100
