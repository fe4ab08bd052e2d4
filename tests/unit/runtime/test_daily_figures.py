"""The day's figures are added up as invocations end, and told on the next day, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from service_at_hand import CONFIG, AtHand, at_hand, configured

from pipeline.alerts.content import About
from pipeline.alerts.daily import Tally
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.rules.rule import Settings
from pipeline.runtime import daily
from pipeline.runtime.daily import DAY_MS, is_wanted
from pipeline.testing import NOON_MS

TODAY = NOON_MS // DAY_MS
DAY_S = 86_400
BOOKS = Ledger(
    events=100,
    matched=9,
    alerts=12,
    quarantined=2,
    failures=3,
    fates=Counter({fate: number for number, fate in enumerate(Fate, 1)}),
    slowest_ms=2_000,
)
FIGURES = {
    "invocations": 1,
    "events": 100,
    "matched": 9,
    "alerts": 12,
    "told": 1,
    "grouped": 2,
    "suppressed": 4,
    "deferred": 3,
    "quarantined": 2,
    "rejected": 6,
    "failures": 3,
    "slowest_ms": 2_000,
}


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AtHand:
    configured(monkeypatch, tmp_path)
    return at_hand(monkeypatch)


def remember(hand: AtHand, ledger: Ledger) -> None:
    daily.remember(hand.service.begin(None), ledger)


def figures(hand: AtHand, day: int = TODAY) -> dict[str, int]:
    return dict(hand.service.begin(None).state.view.read_day(day))


def said(hand: AtHand) -> list[str]:
    return [content.notice.text for content in hand.ops.said if isinstance(content, About)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(errors_to=("ops",)), True),
        (Settings(errors_to=("ops",), daily_report=False), False),
        (Settings(), False),
    ],
)
def test_the_daily_line_needs_somebody_who_hears_it(settings: Settings, expected: bool) -> None:
    assert is_wanted(settings) is expected


def test_an_invocation_adds_its_figures_to_its_day(hand: AtHand) -> None:
    remember(hand, BOOKS)
    assert figures(hand) == FIGURES
    remember(hand, BOOKS)
    remember(hand, Ledger(events=1, slowest_ms=1))
    summed = {name: 2 * count for name, count in FIGURES.items()}
    assert figures(hand) == {**summed, "invocations": 3, "events": 201, "slowest_ms": 2_000}


def test_every_figure_of_the_line_is_one_that_is_remembered() -> None:
    assert set(FIGURES) == set(Tally.__struct_fields__)


def test_a_day_ends_at_midnight_utc(hand: AtHand) -> None:
    hand.clock.advance(DAY_S / 2 - 0.001)
    remember(hand, Ledger(events=1))
    hand.clock.advance(0.001)
    remember(hand, Ledger(events=10))
    assert (figures(hand)["events"], figures(hand, TODAY + 1)["events"]) == (1, 10)


def test_yesterday_is_told_once_however_often_it_is_asked_for(hand: AtHand) -> None:
    remember(hand, BOOKS)
    hand.clock.advance(DAY_S)
    hand.clock.remaining_s = 60
    for _ in range(3):
        assert daily.tell(hand.service.begin(None)).imbalance == 0
    [text] = said(hand)
    assert (
        "yesterday 100 events, 1 alert told (3 with repeats), 4 suppressed, 2 quarantined; slowest alert 2.0 s" in text
    )
    assert hand.ops.notices == ["daily report for 2026-01-01"]
    assert hand.security.said == []


def test_each_day_is_told_and_says_nothing_of_the_others(hand: AtHand) -> None:
    remember(hand, Ledger(events=5))
    for _ in range(2):
        hand.clock.advance(DAY_S)
        hand.clock.remaining_s = 60
        daily.tell(hand.service.begin(None))
    assert hand.ops.notices == ["daily report for 2026-01-01", "daily report for 2026-01-02"]
    assert "yesterday 5 events" in said(hand)[0]
    assert said(hand)[1].startswith("No events at all")


def test_the_day_that_has_not_ended_is_not_told(hand: AtHand) -> None:
    remember(hand, Ledger(events=5))
    daily.tell(hand.service.begin(None))
    assert hand.ops.notices == ["daily report for 2025-12-31"]


QUIET: list[dict[str, Any]] = [
    {"old": 'errors_to = ["ops"]', "new": ""},
    {"old": "[settings]", "new": "[settings]\ndaily_report = false"},
]


@pytest.mark.parametrize("edit", QUIET)
def test_where_nobody_hears_it_nothing_is_remembered_and_nothing_told(
    edit: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, tmp_path, CONFIG.replace(edit["old"], edit["new"]))
    hand = at_hand(monkeypatch)
    remember(hand, BOOKS)
    assert figures(hand) == {}
    hand.clock.advance(DAY_S)
    hand.clock.remaining_s = 60
    assert daily.tell(hand.service.begin(None)) == Ledger()
    assert hand.ops.said == hand.security.said == []
