"""Where the keys of a TOML document stand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rules.places import Key, Places

DOCUMENT = '''\
# a comment with [[rule]] and key = 1 in it
packs = ["a",   # 2
  "b", "[x]"]
"quoted key" = 1

[settings]                       # 6
window = 1
accounts.111122223333 = "prod"
accounts."4444" = 'it = "x"'

[[rule]]                         # 11
name = "a # b = [c]"
pattern = """
not = here
[[nor]]
\\""" # still text
"""
last = 1                         # 18
[[rule.test]]
event = { a = { b = 1 }, c = [
  { d = 1 },
] }
matches = true
[[rule.test]]                    # 24
event = "x"

[[ rule ]]
name = \'\'\'
two
lines\'\'\'
[rule.pattern]
eventName = ["x"]
[[rule.test]]
event = 1
[pack.cis.override."CIS 5.1 x"]
severity = "low"
'''

LINES: list[tuple[Key, int]] = [
    (("packs",), 2),
    (("packs", 0), 2),
    (("packs", 1), 3),
    (("packs", 2), 3),
    (("packs", 3), 2),
    (("quoted key",), 4),
    (("settings",), 6),
    (("settings", "window"), 7),
    (("settings", "accounts"), 8),
    (("settings", "accounts", "111122223333"), 8),
    (("settings", "accounts", "4444"), 9),
    (("settings", "nothing of the kind"), 6),
    (("rule",), 11),
    (("rule", 0), 11),
    (("rule", 0, "name"), 12),
    (("rule", 0, "pattern"), 13),
    (("rule", 0, "last"), 18),
    (("rule", 0, "test", 0), 19),
    (("rule", 0, "test", 0, "event"), 20),
    (("rule", 0, "test", 0, "event", "c"), 20),
    (("rule", 0, "test", 0, "matches"), 23),
    (("rule", 0, "test", 1), 24),
    (("rule", 0, "test", 1, "event"), 25),
    (("rule", 1), 27),
    (("rule", 1, "name"), 28),
    (("rule", 1, "pattern"), 31),
    (("rule", 1, "pattern", "eventName"), 32),
    (("rule", 1, "test", 0, "event"), 34),
    (("pack", "cis", "override", "CIS 5.1 x"), 35),
    (("pack", "cis", "override", "CIS 5.1 x", "severity"), 36),
    (("nothing",), 1),
    ((), 1),
]


@pytest.mark.parametrize(("key", "line"), LINES)
def test_a_key_stands_on_this_line(key: Key, line: int) -> None:
    assert Places(DOCUMENT).line(key) == line


def test_the_document_of_these_tests_is_toml() -> None:
    assert set(tomllib.loads(DOCUMENT)) == {"packs", "quoted key", "settings", "rule", "pack"}


@pytest.mark.parametrize(("key", "line"), [(("rule", 0, "pattern"), 14), (("rule", 1, "name"), 29), (("packs",), 2)])
def test_the_text_of_a_value_begins_behind_its_quotes(key: Key, line: int) -> None:
    assert Places(DOCUMENT).first_line_of_text(key) == line


def test_windows_line_ends_count_once() -> None:
    places = Places(DOCUMENT.replace("\n", "\r\n"))
    assert [places.line(key) for key, _ in LINES] == [line for _, line in LINES]
    assert places.first_line_of_text(("rule", 0, "pattern")) == 14


@pytest.mark.parametrize("quotes", ["'''", '"""'])
def test_text_that_begins_beside_its_quotes_begins_on_the_keys_line(quotes: str) -> None:
    places = Places(f"a = 1\nb = {quotes}x\ny{quotes}\nc = 1\n")
    assert (places.first_line_of_text(("b",)), places.line(("c",))) == (2, 4)


@pytest.mark.parametrize(
    "value",
    [
        '""""quoted""""',
        '"""x\\\\"""',
        '"a\\"b # [["',
        "'\\'",
        "''",
        '""',
        '""""""',
        "2027-01-31T00:00:00Z",
        "[[1, [2]], {a = ']'}]",
        "+1_000.5e-3",
    ],
)
def test_values_of_every_shape_end_where_they_end(value: str) -> None:
    text = f"a = {value} # b = 1\nc = 1\n[d]\n"
    assert tomllib.loads(text)["c"] == 1
    places = Places(text)
    assert [places.line((key,)) for key in ("a", "c", "d")] == [1, 2, 3]


TEXTS = st.text(st.sampled_from("ab #=[]{}.,'\"\\\n"), max_size=8)


def _written(value: str, style: int) -> str:
    plain = "".join(char for char in value if char not in "'\n")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return [f"'{plain}'", '"' + escaped.replace("\n", "\\n") + '"', f'"""\n{escaped}"""', f"'''{plain}\n'''"][style]


@given(st.lists(st.tuples(TEXTS, st.integers(0, 3), TEXTS.map(lambda text: text.replace("\n", ""))), max_size=6))
def test_keys_are_found_whatever_their_values_and_comments_hold(entries: list[tuple[str, int, str]]) -> None:
    """Every key's line is the one it was written on."""
    text, expected = "", {}
    for number, (value, style, comment) in enumerate(entries):
        header = f"[[rule]] # {comment}\n" if number % 2 else f"# {comment}\n"
        text += header
        key: Key = ("rule", number // 2, f"k{number}") if number else (f"k{number}",)
        if number > 1 and not number % 2:
            key = ("rule", number // 2 - 1, f"k{number}")
        expected[key] = text.count("\n") + 1
        text += f"k{number} = {_written(value, style)} # {comment}\n"
    document: dict[str, Any] = tomllib.loads(text)
    assert len(document) <= 2
    places = Places(text)
    assert {key: places.line(key) for key in expected} == expected
