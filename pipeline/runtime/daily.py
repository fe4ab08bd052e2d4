"""The day's figures: added up as invocations end, told once a day by a schedule."""

from __future__ import annotations

import datetime as dt

import msgspec

from pipeline.alerts.ledger import Fate, Ledger
from pipeline.rules.rule import Settings
from pipeline.runtime.service import Running

DAY_MS = 86_400_000
KEPT_MS = 3 * DAY_MS
_EPOCH = dt.date(1970, 1, 1).toordinal()


def is_wanted(settings: Settings) -> bool:
    """Tell whether anybody hears the daily line."""
    return settings.daily_report and bool(settings.errors_to)


def remember(running: Running, ledger: Ledger) -> None:
    """Add an invocation to its day: one write, and another one where an alert was slow."""
    if not is_wanted(running.service.ruleset.settings):
        return
    now_ms = running.clock.now_ms()
    running.state.view.add_to_day(
        now_ms // DAY_MS, _figures(ledger), slowest_ms=ledger.slowest_ms, expires_ms=now_ms + KEPT_MS
    )


def tell(running: Running) -> Ledger:
    """Say what happened yesterday (UTC), once however often it is asked for."""
    from pipeline.alerts.daily import Tally, report
    from pipeline.alerts.notices import notify
    from pipeline.alerts.telling import Telling

    ledger = Ledger()
    if is_wanted(running.service.ruleset.settings):
        yesterday = running.clock.now_ms() // DAY_MS - 1
        figures = running.state.view.read_day(yesterday)
        tally = msgspec.convert({name: figures.get(name, 0) for name in Tally.__struct_fields__}, Tally)
        notify(Telling(running.chain, ledger), report(dt.date.fromordinal(_EPOCH + yesterday), tally), KEPT_MS)
    return ledger


def _figures(ledger: Ledger) -> dict[str, int]:
    return {
        "invocations": 1,
        "events": ledger.events,
        "matched": ledger.matched,
        "alerts": ledger.alerts,
        "told": ledger.fates[Fate.SENT],
        "grouped": ledger.fates[Fate.GROUPED],
        "suppressed": ledger.fates[Fate.SUPPRESSED],
        "deferred": ledger.fates[Fate.DEFERRED],
        "quarantined": ledger.quarantined,
        "rejected": ledger.fates[Fate.REJECTED],
        "failures": ledger.failures,
    }
