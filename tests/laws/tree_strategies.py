"""Random trees and events that meet each other often: few keys, few texts, every kind of node, check and value."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pipeline.checks import Cidr, Contains, Exists, Glob, InRange, Is, IsType, OneOf, Prefix, Suffix, regex
from pipeline.languages.condition import Condition
from pipeline.predicate import CHILD, RAW, SPREAD, All, AnyOf, Node, Not, Same, Some, Test
from pipeline.rules.rule import Rule, RuleFacts, RuleSet

KEYS = ("a", "b", "c", "é", "k.x", "")
TEXTS = (
    "",
    "a",
    "ab",
    "abc",
    "b",
    "bc",
    "ABC",
    "ß",
    "SS",
    "é",
    "1",
    "1.0",
    "-0.0",
    "10.1.2.3",
    "10.1.9.9",
    "::1",
    "x\ud800",
)
NUMBERS = (0, 1, -1, 2**63, 2**64, 10**30, 1.0, -0.0, 0.5, 1e300, 9007199254740993, float("inf"), float("nan"))
BOUNDS = (Decimal(0), Decimal(1), Decimal("0.5"), Decimal(2**63), Decimal(10**30), Decimal("1e300"))

texts = st.sampled_from(TEXTS)
flags = st.fixed_dictionaries({"fold": st.booleans(), "numbers": st.booleans()})
steps = st.one_of(st.sampled_from(KEYS), st.sampled_from((0, 1)), st.just(CHILD), st.just(SPREAD))
keyed_paths = st.builds(lambda key, rest: (key, *rest), st.sampled_from(KEYS), st.lists(steps, max_size=3))
paths = st.one_of(keyed_paths, keyed_paths, keyed_paths, st.just(RAW), st.lists(steps, max_size=3).map(tuple))

checks = st.one_of(
    st.just(Exists()),
    st.builds(
        IsType,
        st.frozensets(
            st.sampled_from(("string", "number", "boolean", "null", "array", "object")), min_size=1, max_size=3
        ),
    ),
    st.builds(Is, st.sampled_from((None, True, False))),
    st.builds(
        InRange,
        st.none() | st.sampled_from(BOUNDS),
        st.none() | st.sampled_from(BOUNDS),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(lambda found, flag: OneOf(texts=found, **flag), st.frozensets(texts, min_size=1, max_size=3), flags),
    st.builds(lambda text, flag: Prefix(text=text, **flag), texts, flags),
    st.builds(lambda text, flag: Suffix(text=text, **flag), texts, flags),
    st.builds(lambda text, flag: Contains(text=text, **flag), texts, flags),
    st.builds(lambda pieces, flag: Glob(pieces=tuple(pieces), **flag), st.lists(texts, min_size=1, max_size=3), flags),
    st.builds(
        lambda pattern, flag: regex(pattern, **flag),
        st.sampled_from(("^a", "b$", "[ab]+c", ".", "(?i)ss", "\\d")),
        flags,
    ),
    st.builds(Cidr, st.sampled_from(("10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "::/0", "::1/128"))),
)

leaves = st.one_of(
    st.builds(Test, paths, checks),
    st.builds(Test, keyed_paths, checks),
    st.builds(Same, paths, paths, st.sampled_from(("equals", "startswith", "endswith", "contains")), st.booleans()),
)
trees: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
        st.builds(Some, paths, inner),
    ),
    max_leaves=12,
)

scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), texts, texts, texts)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=8,
)
events = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


def _text_of(value: Any, draw: st.DrawFn) -> str:
    """Write JSON with random whitespace and escapes, and objects with a key said twice."""
    space: str = draw(st.sampled_from(("", " ", "\n\t")))
    if isinstance(value, dict):
        members = [f"{_text_of(key, draw)}{space}:{space}{_text_of(inner, draw)}" for key, inner in value.items()]
        if len(members) > 0 and draw(st.booleans()):
            again: str = draw(st.sampled_from(sorted(value)))
            members.insert(0, f"{_text_of(again, draw)}:{draw(st.sampled_from(_EARLIER))}")
        return "{" + space + f"{space},{space}".join(members) + "}"
    if isinstance(value, list):
        return "[" + f"{space},{space}".join(_text_of(inner, draw) for inner in value) + space + "]"
    if isinstance(value, str) and value and draw(st.booleans()):
        return '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


_EARLIER = ("null", "1", '"a"', "{}", '{"a":"ab"}', "[]", '["b"]', "1e400")


@st.composite
def messages(draw: st.DrawFn) -> str:
    """Write an event as JSON text in one of the ways that mean the same, lone surrogates and all."""
    return _text_of(draw(events), draw)


def rule(tree: Node, name: str = "rule") -> Rule:
    """Make a rule of a tree."""
    return Rule(RuleFacts(name), Condition(tree), "filter_pattern", "", "test:1")


def rule_set(trees: list[Node]) -> RuleSet:
    """Make a rule set of trees, named by their places."""
    return RuleSet(tuple(rule(tree, str(i)) for i, tree in enumerate(trees)))
