"""How the texts of two sets are related."""

from __future__ import annotations

import pytest

from pipeline.text_pairs import How, related

MANY = {f"{number:05}" for number in range(20_000)}
"""More than could be compared each with each."""


@pytest.mark.parametrize(
    ("lefts", "rights", "how", "answer"),
    [
        ({"a", "b"}, {"b", "c"}, "equals", True),
        ({"ab"}, {"a"}, "equals", False),
        ({"ab", "x"}, {"y", "a"}, "startswith", True),
        ({"ab"}, {"b"}, "startswith", False),
        ({"ab"}, {"b"}, "endswith", True),
        ({"ab"}, {"a"}, "endswith", False),
        ({"abc"}, {"b"}, "contains", True),
        ({"ab", "cd"}, {"bc"}, "contains", False),
        ({"a", "b"}, {"a\0b", "\1", "\2"}, "contains", False),
        ({"a\0b"}, {"a\0b"}, "contains", True),
        ({""}, {""}, "contains", True),
        ({"", "a"}, {"b"}, "contains", False),
        (set(), {""}, "contains", False),
        ({"a"}, set(), "contains", False),
        (set(), {""}, "startswith", False),
        ({f"x{text}" for text in MANY}, {f"y{text}" for text in MANY}, "contains", False),
        ({f"x{text}" for text in MANY}, MANY, "contains", True),
        (MANY, {f"{'y' * length}" for length in range(6, 300)}, "contains", False),
    ],
)
def test_the_texts_of_two_sets_are_related_so(lefts: set[str], rights: set[str], how: How, answer: bool) -> None:
    """No text is found across two others, and two long arrays are not compared each with each."""
    assert related(lefts, rights, how) is answer
