"""Lists of event names."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import RuleError
from pipeline.languages.event_names import parse
from pipeline.printer import show

MATCHES = [
    (["StopLogging"], "StopLogging", True),
    (["StopLogging"], "StopLoggings", False),
    (["StopLogging"], "stoplogging", False),
    (["StopLogging", "DeleteTrail"], "DeleteTrail", True),
    (["Delete*"], "DeleteTrail", True),
    (["Delete*"], "Delete", True),
    (["Delete*"], "UndoDelete", False),
    (["*Policy"], "PutBucketPolicy", True),
    (["*Policy"], "PutBucketPolicyX", False),
    (["*Policy*"], "DeletePolicyVersion", True),
    (["*Policy*"], "DeleteRole", False),
    (["Put*Policy*Version"], "PutRolePolicyNewVersion", True),
    (["Put*Policy*Version"], "PutVersionPolicy", False),
    (["*"], "Anything", True),
    (["**"], "Anything", True),
    (["GetObject", "Delete*", "*Trail"], "StopTrail", True),
    (["Get.bject"], "GetObject", False),
    (["Get?bject"], "GetObject", True),
    (["Get?bject"], "Getbject", False),
    (["Get?bject"], "GetObjects", False),
    (["G?t*Acl"], "GetBucketAcl", True),
    (["G?t.*Acl"], "GetBucketAcl", False),
    (["?"], "\n", True),
]


@pytest.mark.parametrize(("names", "event_name", "expected"), MATCHES)
def test_a_name_or_glob_matches_the_whole_event_name(names: list[str], event_name: str, expected: bool) -> None:
    """A name matches itself; a star stands for any text, a question mark for any one character."""
    assert parse(names).matches({"eventName": event_name}) is expected


@pytest.mark.parametrize(
    "event", [{}, {"eventName": None}, {"eventName": 1}, {"eventName": ["StopLogging"]}, {"x": "StopLogging"}]
)
def test_an_event_without_a_name_never_matches(event: dict[str, Any]) -> None:
    """An event whose eventName is no text never matches."""
    assert not parse(["StopLogging", "*", "1*"]).matches(event)


def test_exact_names_become_one_check_and_globs_the_simplest_there_is() -> None:
    """Exact names share one check, and each glob is the simplest check that says it."""
    tree = parse(["B", "A", "C*", "*D", "*E*", "F*G", "C*"]).tree
    assert show(tree) == (
        'eventName is one of "A", "B" or eventName begins with "C" or eventName ends with "D"'
        ' or eventName contains "E" or eventName is like "F*G"'
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "is empty"),
        ("StopLogging", "is a list of names"),
        (None, "is a list of names"),
        ({"StopLogging"}, "is a list of names"),
        (["StopLogging", ""], "event name 2 is empty"),
        (["  "], "event name 1 is empty"),
        (["StopLogging", 5], "event name 2 is not a string but 5"),
        ([None], "event name 1 is not a string"),
        ([["StopLogging"]], "event name 1 is not a string"),
        (["StopLogging, DeleteTrail"], "event name 1 has , in it"),
        (["x", "Get[A-M]*"], r"event name 2 has \[ in it"),
        (["Stop{Logging,Instances}"], r"event name 1 has \{ in it"),
        ([" StopLogging"], "event name 1 has blanks around it"),
    ],
)
def test_a_list_that_could_never_match_is_the_authors_mistake(names: Any, message: str) -> None:
    """A list with nothing to match, or with something that is no name, is rejected with a hint."""
    with pytest.raises(RuleError, match=message) as caught:
        parse(names)
    assert caught.value.hint
