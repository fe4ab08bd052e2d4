"""Timing that a busy machine spoils little: alternating candidates, processor time, medians of rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import msgspec


class Candidate(msgspec.Struct, frozen=True):
    """Something to be timed on some traffic."""

    name: str
    run: Callable[[], object]
    before: Callable[[], object] = lambda: None
    """Done before each round, untimed."""


def alternate(candidates: list[Candidate], rounds: int) -> dict[str, list[float]]:
    """Return the processor seconds of every candidate in every round, after one round that is not counted."""
    gc.collect()
    gc.freeze()  # what stays is nobody's cost
    seconds: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for i in range(rounds + 1):
        for candidate in candidates:
            candidate.before()
            gc.collect()
            started = time.process_time()
            candidate.run()
            if i:
                seconds[candidate.name].append(time.process_time() - started)
    return seconds


def ratio(left: list[float], right: list[float]) -> float:
    """Return how many times the right the left takes: the median over the rounds, each compared with itself."""
    return statistics.median(a / b for a, b in zip(left, right, strict=True))
