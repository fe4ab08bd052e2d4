"""An ignore in force silences its matches, and every one of them is counted."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from sightings import HOSTILE, sighting

from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.suppress import Suppress
from pipeline.errors import ProgramFailed, ProgramUndecided
from pipeline.languages import event_names, filter_pattern
from pipeline.languages.condition import Condition, Verdict
from pipeline.predicate import FALSE, TRUE
from pipeline.rules.rule import Ignore

DAY = dt.date(2026, 1, 31)
DAY_STARTS_MS = 1_769_817_600_000
"""2026-01-31T00:00:00Z."""
DAY_MS = 86_400_000
NAMED = event_names.parse(["RunInstances"])


class Odd:
    """A program that goes wrong."""

    language, source = "odd", "odd"

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def run(self, event: dict[str, Any], raw: str) -> Verdict:
        """Fail."""
        del event, raw
        raise self.failure


def ignore(reason: str = "known", condition: Condition | None = None, until: dt.date | None = None) -> Ignore:
    return Ignore(reason, condition or Condition(TRUE), "event_names", "*", "trailwire.toml:9", until=until)


def suppressed(ignores: tuple[Ignore, ...], now_ms: int = DAY_STARTS_MS, *, raw: str = "", **fields: Any) -> bool:
    """Tell whether a match is suppressed; the books must balance either way."""
    ledger = Ledger()
    told = list(Suppress(ignores)([sighting(raw=raw, **fields)], now_ms, ledger))
    assert ledger.imbalance == 0
    assert ledger.fates[Fate.SUPPRESSED] == ledger.ignores.total() == ledger.alerts == 1 - len(told)
    return not told


@pytest.mark.parametrize(
    ("until", "now_ms", "expected"),
    [
        (None, DAY_STARTS_MS, True),
        (None, DAY_STARTS_MS + 10_000 * DAY_MS, True),
        (DAY, DAY_STARTS_MS - 1, True),
        (DAY, DAY_STARTS_MS, True),
        (DAY, DAY_STARTS_MS + DAY_MS - 1, True),  # the last millisecond of its last day, in UTC
        (DAY, DAY_STARTS_MS + DAY_MS, False),
        (dt.date(1970, 1, 1), DAY_STARTS_MS, False),
        (dt.date.max, DAY_STARTS_MS, True),
    ],
)
def test_an_ignore_holds_through_its_last_day_in_utc(until: dt.date | None, now_ms: int, expected: bool) -> None:
    assert suppressed((ignore(until=until),), now_ms) is expected


@pytest.fixture(params=["XXX-14", "XXX+12", "UTC0"])
def _elsewhere(request: pytest.FixtureRequest) -> Iterator[None]:
    """A machine whose local time is far from UTC."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_elsewhere")
def test_the_zone_of_the_machine_does_not_move_the_last_day() -> None:
    last_ms = DAY_STARTS_MS + DAY_MS - 1
    assert suppressed((ignore(until=DAY),), last_ms)
    assert not suppressed((ignore(until=DAY),), last_ms + 1)


CONDITIONS = [
    (Condition(TRUE), {}, True),
    (Condition(FALSE), {}, False),
    (NAMED, {"eventName": "RunInstances"}, True),
    (NAMED, {"eventName": "runinstances"}, False),
    (NAMED, {"eventName": ["RunInstances"]}, False),
    (NAMED, {"eventName": None}, False),
    (Condition(TRUE, Odd(ProgramFailed("no such key"))), {}, False),
    (Condition(TRUE, Odd(ProgramUndecided("out of time"))), {}, False),
    (Condition(TRUE, Odd(MemoryError("engine"))), {}, False),
    (filter_pattern.parse("?DescribeInstances ?DescribeVpcs"), {}, True),
    (filter_pattern.parse("DescribeVpcs"), {}, False),
]


@pytest.mark.parametrize(("condition", "fields", "expected"), CONDITIONS)
def test_an_ignore_silences_what_it_holds_for_and_nothing_that_is_undecided(
    condition: Condition, fields: dict[str, Any], expected: bool
) -> None:
    assert suppressed((ignore(condition=condition),), **fields) is expected


def test_an_ignore_reads_the_message_as_it_came() -> None:
    pattern = ignore(condition=filter_pattern.parse("onlyInTheMessage"))
    assert suppressed((pattern,), raw='{"eventName":"A","x":"onlyInTheMessage"}')
    assert not suppressed((pattern,))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_neither_silences_nor_breaks_anything(text: str) -> None:
    found = filter_pattern.parse('{ $.userAgent = "x*" }')
    assert not suppressed((ignore(condition=found),), userAgent=text)


def test_each_match_is_counted_for_the_first_ignore_that_holds() -> None:
    past = ignore("past", until=DAY - dt.timedelta(days=1))
    stage = Suppress((past, ignore("named", NAMED), ignore("all others"), ignore("never reached")))
    ledger = Ledger()
    sightings = [sighting(1, eventName="RunInstances"), sighting(2), sighting(3)]
    assert list(stage(sightings, DAY_STARTS_MS, ledger)) == []
    assert ledger.ignores == {"named": 1, "all others": 2}
    assert (ledger.alerts, ledger.fates[Fate.SUPPRESSED], ledger.imbalance) == (3, 3, 0)


def test_ignores_with_the_same_reason_are_counted_apart() -> None:
    first, second = (replace(ignore("CI", NAMED), where=f"trailwire.toml:{line}") for line in (3, 9))
    ledger = Ledger()
    stage = Suppress((first, replace(second, condition=Condition(TRUE)), ignore("other")))
    assert list(stage([sighting(1, eventName="RunInstances"), sighting(2)], DAY_STARTS_MS, ledger)) == []
    assert ledger.ignores == {"CI (trailwire.toml:3)": 1, "CI (trailwire.toml:9)": 1}


def test_what_is_told_keeps_its_order_and_opens_no_books_yet() -> None:
    ledger = Ledger()
    sightings = [sighting(number) for number in range(3)]
    assert list(Suppress((ignore("named", NAMED),))(sightings, DAY_STARTS_MS, ledger)) == sightings
    assert ledger == Ledger()


def test_the_setting_in_force_is_how_many_ignores_there_are() -> None:
    assert str(Suppress((ignore(), ignore()))) == "2 ignores"
