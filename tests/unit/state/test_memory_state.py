"""What is particular to the state of one process; what every state does is in tests/unit/aws/test_state.py."""

from __future__ import annotations

from pipeline.state.lifecycle import Claim, ClaimState
from pipeline.state.memory import MemoryState


def told(owner: str) -> Claim:
    return Claim(ClaimState.TOLD, owner, 2_000)


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    state = MemoryState(max_claims=2)
    state.write_claims({"a": told("1"), "b": told("2")})
    state.read_claims(["a"])
    state.write_claims({"c": told("3")})
    assert state.read_claims(["a", "b", "c"]) == {"a": told("1"), "c": told("3")}
