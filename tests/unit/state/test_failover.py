"""Failover asks the shared store until its first failure, and this process's memory from then on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from pipeline.errors import StateError
from pipeline.state.failover import Failover
from pipeline.state.lifecycle import Claim, ClaimState
from pipeline.state.memory import MemoryState

TOLD = Claim(ClaimState.TOLD, "shard:1", 2_000)


class Shared(MemoryState):
    """A shared store that can be switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.raises: Exception | None = None
        self.asked = 0

    def read_claims(self, keys: Collection[str]) -> Mapping[str, Claim]:
        self.asked += 1
        if self.raises:
            raise self.raises
        return super().read_claims(keys)


def test_the_shared_store_answers_while_it_can() -> None:
    shared, local = Shared(), MemoryState()
    failover = Failover(lambda: shared, lambda: local)
    failover.view.write_claims({"a": TOLD})
    assert failover.view.read_claims(["a"]) == shared.read_claims(["a"]) == {"a": TOLD}
    assert local.read_claims(["a"]) == {}
    assert failover.failure is None


def test_after_one_failure_the_shared_store_is_not_asked_again() -> None:
    shared, local = Shared(), MemoryState()
    failover = Failover(lambda: shared, lambda: local)
    shared.raises = StateError("throttled")
    assert failover.view.read_claims(["a"]) == {}
    assert str(failover.failure) == "throttled"
    shared.raises = None
    failover.view.write_claims({"a": TOLD})
    assert failover.view.read_claims(["a"]) == local.read_claims(["a"]) == {"a": TOLD}
    assert shared.asked == 1
    assert failover.view.take_turn("t", until_ms=10, now_ms=1)
    assert not failover.view.take_turn("t", until_ms=10, now_ms=1)


def test_what_one_invocation_learned_in_an_outage_the_next_one_of_the_process_knows() -> None:
    shared, local = Shared(), MemoryState()
    shared.raises = StateError("unreachable")
    first = Failover(lambda: shared, lambda: local)
    first.view.read_claims([])
    first.view.write_claims({"a": TOLD})
    assert Failover(lambda: shared, lambda: local).view.read_claims(["a"]) == {"a": TOLD}


def test_a_bug_in_the_store_is_not_taken_for_an_outage() -> None:
    shared = Shared()
    shared.raises = ZeroDivisionError()
    failover = Failover(lambda: shared, MemoryState)
    with pytest.raises(ZeroDivisionError):
        failover.view.read_claims(["a"])
    assert failover.failure is None
