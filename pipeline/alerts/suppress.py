"""Suppress: matches that somebody decided not to hear about, with a reason, until a date."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator

from pipeline.alerts.candidate import Sighting
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.rules.rule import Ignore


class Suppress:
    """Drops the matches of events that an ignore in force holds for, and counts them per ignore."""

    name = "suppress"

    def __init__(self, ignores: tuple[Ignore, ...]) -> None:
        self._ignores = ignores
        reasons = Counter(ignore.reason for ignore in ignores)
        self._shared = {reason for reason, count in reasons.items() if count > 1}

    def __call__(self, sightings: Iterable[Sighting], now_ms: int, ledger: Ledger) -> Iterator[Sighting]:
        """Yield what is to be told."""
        today = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()
        in_force = [ignore for ignore in self._ignores if ignore.in_force(today)]
        for sighting in sightings:
            ignore = suppressed_by(in_force, sighting)
            if ignore is None:
                yield sighting
                continue
            ledger.alerts += 1
            ledger.decide(Fate.SUPPRESSED)
            ledger.ignores[self._named(ignore)] += 1

    def _named(self, ignore: Ignore) -> str:
        """Call an ignore by its reason, and where others have the same one, by its place, too."""
        return f"{ignore.reason} ({ignore.where})" if ignore.reason in self._shared else ignore.reason

    def __str__(self) -> str:
        """Say the setting in force."""
        return f"{len(self._ignores)} ignores"


def suppressed_by(in_force: list[Ignore], sighting: Sighting) -> Ignore | None:
    """Return the first ignore that holds for a match. One that cannot be decided does not suppress."""
    event, raw = sighting.match.event, sighting.raw or None
    return next((ignore for ignore in in_force if ignore.condition.matches(event, raw)), None)
