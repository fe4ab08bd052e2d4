"""The books: an alert without a fate, or with two, shows."""

from __future__ import annotations

import pytest

from pipeline.alerts.ledger import Fate, Ledger
from pipeline.testing import NOON_MS as NOW

BOOKS = [
    # alerts, deferred in, fates given: imbalance
    (0, 0, [], 0),
    (1, 0, [], 1),
    (1, 0, [(Fate.SENT, 1)], 0),
    (1, 0, [(Fate.SENT, 1), (Fate.SENT, 1)], -1),
    (0, 1, [(Fate.DUPLICATE, 1)], 0),
    (0, 1, [], 1),
    (2, 3, [(Fate.SENT, 1), (Fate.GROUPED, 4)], 0),
    (7, 0, [(fate, 1) for fate in Fate], 0),
    (50_001, 0, [(Fate.SENT, 4), (Fate.GROUPED, 49_997)], 0),
    (3, 0, [(Fate.GROUPED, 0), (Fate.REJECTED, 2)], 1),
    (0, 0, [(Fate.REJECTED, 1)], -1),
]


@pytest.mark.parametrize(("alerts", "deferred_in", "fates", "imbalance"), BOOKS)
def test_the_books_balance_when_every_alert_has_one_fate(
    alerts: int, deferred_in: int, fates: list[tuple[Fate, int]], imbalance: int
) -> None:
    ledger = Ledger(alerts=alerts, deferred_in=deferred_in)
    for fate, count in fates:
        ledger.decide(fate, count)
    assert ledger.imbalance == imbalance


def test_an_unsafe_alert_is_a_fate_and_names_its_unit_of_delivery() -> None:
    ledger = Ledger(alerts=3)
    ledger.unsafe("shard:1", "a")
    ledger.unsafe("shard:1", "b")
    ledger.unsafe("shard:2", "c")
    assert (ledger.fates, ledger.imbalance) == ({Fate.UNSAFE: 3}, 0)
    assert (ledger.unsafe_owners, ledger.unsafe_alerts) == ({"shard:1", "shard:2"}, {"a", "b", "c"})


def test_a_unit_can_be_handed_back_for_what_is_no_alert() -> None:
    ledger = Ledger()
    ledger.unsafe_owners.add("shard:1")
    assert ledger.imbalance == 0


def test_events_that_no_rule_matched_are_the_rest() -> None:
    assert Ledger(events=10, matched=3).unmatched == 7


TOLD = [
    # arrived, happened, told: since arrival, since the event
    (NOW, NOW - 300_000, NOW + 2_000, 2_000, [302_000]),
    (NOW, None, NOW + 2_000, 2_000, []),
    (NOW + 5, NOW + 9, NOW, 0, [0]),  # clocks differ
    (0, 0, NOW, NOW, [NOW]),
]


@pytest.mark.parametrize(("seen_ms", "event_ms", "now_ms", "since_arrival", "since_event"), TOLD)
def test_how_long_telling_took_is_never_negative(
    seen_ms: int, event_ms: int | None, now_ms: int, since_arrival: int, since_event: list[int]
) -> None:
    ledger = Ledger()
    ledger.told(seen_ms, event_ms, now_ms)
    assert (ledger.latencies_ms, ledger.slowest_ms, ledger.event_latencies_ms) == (
        [since_arrival],
        since_arrival,
        since_event,
    )


def test_the_slowest_is_kept() -> None:
    ledger = Ledger()
    for latency_ms in (5, 9, 7):
        ledger.told(NOW - latency_ms, None, NOW)
    assert (ledger.slowest_ms, ledger.latencies_ms) == (9, [5, 9, 7])


def test_two_ledgers_share_nothing() -> None:
    Ledger().decide(Fate.SENT)
    Ledger().unsafe("shard:1", "a")
    assert Ledger() == Ledger()
    assert Ledger().fates.total() == 0
