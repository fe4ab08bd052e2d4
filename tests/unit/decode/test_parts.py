"""Parts of many things are sorted into the things they are of."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.decoded import Source, Stage, Undecodable
from pipeline.decode.parts import join_all, looks_like_part
from pipeline.decode.quarantined import SMALLEST_PART, split
from pipeline.errors import DecodeError


def thing(name: str, size: int = 100_000, identifier: str = "") -> Undecodable:
    return Undecodable("x", Stage.EVENT, name.encode() * (size // len(name)), Source(id=identifier))


def parts(*things: Undecodable) -> list[str]:
    return [text for one in things for text in split(one, SMALLEST_PART)]


@given(st.lists(st.integers(0, 5), max_size=4), st.randoms(use_true_random=False))
def test_things_of_different_places_come_together_in_any_order(sizes: list[int], shuffle: random.Random) -> None:
    """Whatever the order of the parts, joining all gives back each thing once, with those who hold its parts."""
    things = [thing(f"t{i}", size * 40_000, str(i)) for i, size in enumerate(sizes)]
    held = [(f"holder {i}", text) for i, one in enumerate(things) for text in parts(one)]
    shuffle.shuffle(held)
    joined = join_all(held)
    assert sorted(str(one.held_by) for one in joined) == [f"('holder {i}',)" for i in range(len(things))]
    assert sorted(map(repr, (one.found for one in joined))) == sorted(map(repr, things))


def test_things_of_one_place_are_told_apart_by_the_order_of_their_parts() -> None:
    two = [thing("a"), thing("b")]
    assert [one.found for one in join_all((0, text) for text in parts(*two))] == two


def test_things_of_one_place_whose_parts_are_mixed_are_not_guessed() -> None:
    a, b = parts(thing("a")), parts(thing("b"))
    (joined,) = join_all((number, text) for number, text in enumerate([a[1], b[0], a[0], a[2], b[2], b[1]]))
    assert isinstance(joined.found, DecodeError)
    assert len(joined.held_by) == len(a) + len(b)


def test_a_part_that_comes_twice_counts_once() -> None:
    a = parts(thing("a"))
    (joined,) = join_all((0, text) for text in [*a, *a[::-1]])
    assert joined.found == thing("a")


def test_a_part_that_is_missing_is_said() -> None:
    (joined,) = join_all((0, text) for text in parts(thing("a"))[:-1])
    assert isinstance(joined.found, DecodeError)
    assert joined.found.reason == "parts missing"


@pytest.mark.parametrize("text", ["", "{}", "[1]", "\ud800", "[" * 99_999])
def test_what_is_no_part_is_said(text: str) -> None:
    (joined,) = join_all([("holder", text)])
    assert isinstance(joined.found, DecodeError)
    assert joined.held_by == ("holder",)


@pytest.mark.parametrize("value", [None, [], "text", {}, {"v": 1, "kind": "alert"}])
def test_other_json_does_not_look_like_a_part(value: object) -> None:
    assert not looks_like_part(value)
