"""The matcher's laws: however it gets there, it says what the plain walk says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_strategies import events, messages, rule, rule_set, texts, trees

from pipeline.bench import hostile
from pipeline.languages.condition import canonical
from pipeline.predicate import Node, holds
from pipeline.rules.column import MEMO_TEXT_CHARS, Memory
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import RuleSet

tree_lists = st.lists(trees, max_size=6)


def plain(found: list[Node], event: dict[str, Any], raw: str) -> list[str]:
    """Say which trees hold by walking each of them."""
    return [str(i) for i, tree in enumerate(found) if holds(tree, event, raw)]


@settings(max_examples=600, deadline=None)
@given(tree_lists, st.lists(events, min_size=1, max_size=3))
def test_the_matcher_agrees_with_the_plain_walk(found: list[Node], several: list[dict[str, Any]]) -> None:
    """For any rules and events, the matches are exactly the rules whose trees hold, in rule order."""
    matcher = Matcher(rule_set(found))
    for event in several * 2:  # the second time from the memos
        names = [match.rule.name for match in matcher.match(event)]
        assert names == plain(found, event, canonical(event))


@settings(max_examples=600, deadline=None)
@given(tree_lists, st.lists(messages(), min_size=1, max_size=3))
def test_a_message_matches_as_the_standard_library_reads_it(found: list[Node], several: list[str]) -> None:
    """For any message, the matches are those of the plain walk over what `json.loads` reads."""
    matcher = Matcher(rule_set(found))
    for raw in several:
        event = json.loads(raw)
        verdicts = matcher.match_message(raw)
        assert [match.rule.name for match in verdicts.matches] == plain(found, event, raw)
        assert all(repr(match.event) == repr(event) for match in verdicts.matches)


@settings(max_examples=150, deadline=None)
@given(st.lists(trees, max_size=6), st.randoms(), messages())
def test_rule_order_changes_only_the_order_of_matches(found: list[Node], random: Any, raw: str) -> None:
    """Shuffling the rules never changes which of them match, nor that matches come in rule order."""
    rules = list(rule_set(found).rules)
    before = {match.rule.name for match in Matcher(RuleSet(tuple(rules))).match_message(raw).matches}
    random.shuffle(rules)
    after = [match.rule.name for match in Matcher(RuleSet(tuple(rules))).match_message(raw).matches]
    assert after == [rule.name for rule in rules if rule.name in before]


@settings(max_examples=150, deadline=None)
@given(trees, tree_lists, messages())
def test_more_rules_change_nothing_for_the_others(tree: Node, others: list[Node], raw: str) -> None:
    """A rule says the same alone and among any others."""
    alone = Matcher(RuleSet((rule(tree, "mine"),))).match_message(raw).matches
    among = Matcher(RuleSet((*rule_set(others).rules, rule(tree, "mine")))).match_message(raw).matches
    assert bool(alone) == any(match.rule.name == "mine" for match in among)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 2), st.text(max_size=300) | texts), max_size=40))
def test_a_memory_never_outgrows_its_bound(room: int, several: list[tuple[int, str]]) -> None:
    """However many different texts come, all tables together hold no more than they may, and no long text."""
    memory = Memory(room)
    tables = [memory.table() for _ in range(3)]
    for place, text in several:
        for _ in range(2):  # it is remembered when it comes again
            memory.keep(tables[place], text, len(text))
        assert sum(map(len, tables)) <= room
    assert all(answer == len(text) <= MEMO_TEXT_CHARS for table in tables for text, answer in table.items())


@pytest.mark.parametrize("seed", range(3))
def test_hostile_messages_are_matched_as_the_plain_walk_matches_them(seed: int) -> None:
    """No message, however it is written, hides from a rule or trips the matcher; `make fuzz` asks for longer."""
    assert hostile.run(4_000, seed) is None
