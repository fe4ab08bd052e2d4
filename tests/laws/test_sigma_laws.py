"""Laws of Sigma rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import RuleError
from pipeline.languages import sigma
from pipeline.languages.condition import canonical
from pipeline.predicate import holds

HEAD = "title: A rule\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  condition: sel\n  sel:\n"
EVERYTHING = (
    HEAD
    + """\
    - a: 'x*y?z'
    - a.b|contains: [q, '1']
    - a|re|i: '[xy]+$'
    - b: 5
    - b|gt: 3
    - c|cidr: 10.0.0.0/8
    - c: null
    - d|fieldref|contains: a.b
    - d|exists: false
    - requestParameters|contains: x
    - keyword
"""
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=3)
)
events = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "requestParameters"]), values)
pieces = st.lists(st.sampled_from(["a", "B", "ab", "*", "?", ".", "\n", "é", "É", "("]), max_size=6)


def like(pattern: list[str], text: str) -> bool:
    """Match wildcards the plain way."""
    if not pattern:
        return not text
    first, *rest = pattern
    if first == "*":
        return any(like(rest, text[start:]) for start in range(len(text) + 1))
    if first == "?":
        return bool(text) and like(rest, text[1:])
    return text.startswith(first) and like(rest, text[len(first) :])


@settings(max_examples=400, deadline=None)
@given(pattern=pieces, text=st.text(alphabet="abAB.\néÉ(c", max_size=8))
def test_a_pattern_matches_as_its_wildcards_say(pattern: list[str], text: str) -> None:
    """`*` is any text, `?` one character, everything else itself in any case."""
    quoted = "".join(pattern).replace("\n", "\\n")
    parsed = sigma.parse(HEAD + f'    a: "{quoted}"\n')
    assert parsed.matches({"a": text}) is like([piece.lower() for piece in pattern], text.lower())


@settings(max_examples=200, deadline=None)
@given(event=events)
def test_no_event_makes_a_rule_raise(event: dict[str, Any]) -> None:
    """Whatever stands where a text, a number or an object was expected."""
    assert holds(_EVERYTHING.tree, event, canonical(event)) in (True, False)


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60) | st.text(alphabet="a:|-[]{}'*&\n \t#!", max_size=60))
def test_any_text_is_a_file_of_rules_or_a_rule_error(text: str) -> None:
    """Nothing else is raised."""
    for written in (text, HEAD + "".join(f"    {line}\n" for line in text.splitlines())):
        try:
            sigma.parse_documents(written)
        except RuleError:
            continue


_EVERYTHING = sigma.parse(EVERYTHING)
