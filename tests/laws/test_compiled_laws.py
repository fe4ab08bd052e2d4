"""The compiled rule set's laws."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tree_strategies import messages, rule_set, trees

from pipeline.predicate import Node
from pipeline.rules import compiled
from pipeline.rules.matcher import Matcher


@settings(max_examples=200, deadline=None)
@given(st.lists(trees, max_size=5), messages())
def test_loading_what_was_dumped_gives_the_same_rules(found: list[Node], raw: str) -> None:
    """For any trees, a rule set that was dumped and loaded is equal, is dumped alike, and matches the same."""
    ruleset = rule_set(found)
    data = compiled.dump(ruleset)
    loaded = compiled.load(data)
    assert loaded == ruleset
    assert compiled.dump(loaded) == data
    before, after = Matcher(ruleset).match_message(raw), Matcher(loaded).match_message(raw)
    assert [match.rule for match in before.matches] == [match.rule for match in after.matches]
