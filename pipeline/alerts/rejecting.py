"""Rejecting: a destination will not take alerts, so somebody else hears of them, or they wait until it is mended."""

from __future__ import annotations

from pipeline.alerts.alert import Notice
from pipeline.alerts.candidate import readdressed
from pipeline.alerts.group import Opening, repeats_of
from pipeline.alerts.ledger import Fate
from pipeline.alerts.notices import notify
from pipeline.alerts.ports import Posted
from pipeline.alerts.recording import record
from pipeline.alerts.telling import Telling
from pipeline.alerts.waiting import failed

ATTEMPTS_OF_THE_REFUSED = 4
"""What is refused, with nobody else to tell, is tried again as if it had failed so often: after 80 s and more."""


def reject(telling: Telling, openings: list[Opening], reason: str) -> None:
    """Tell the error destinations what one will not take, with all it stands for, grouped and paced as ever."""
    if not openings:
        return
    rejecting = openings[0].lead.destination
    count = sum(len(opening.members) for opening in openings)
    telling.ledger.rejections[reason] += count
    others = others_to_tell(telling, rejecting)
    if not others:
        _wait_for_mending(telling, openings)
        return
    announce_rejection(telling, rejecting, reason)
    telling.ledger.decide(Fate.REJECTED, count)
    moved = [(o, readdressed(o.lead, repeats_of(o.group), other)) for o in openings for other in others]
    telling.ledger.alerts += len(moved)
    telling.chain.deliver([candidate for _, candidate in moved], telling.ledger, from_outbox=telling.from_outbox)
    # What could not be handed over comes again, to be rejected and handed over again: the rest is known by then.
    left = {opening.key for opening, candidate in moved if candidate.key in telling.ledger.unsafe_alerts}
    record(telling, [opening for opening in openings if opening.key not in left], Posted())


def others_to_tell(telling: Telling, rejecting: str) -> tuple[str, ...]:
    """Return the error destinations, unless it is one of them that rejects."""
    errors_to = telling.settings.errors_to
    return () if rejecting in errors_to else errors_to


def announce_rejection(telling: Telling, rejecting: str, reason: str) -> None:
    """Say once per cause and window that a destination takes nothing."""
    text = f"{rejecting} does not take messages ({reason}). Its alerts come here until that is mended."
    notify(telling, Notice(cause=f"{rejecting}: {reason}", text=text, severity="error"))


def _wait_for_mending(telling: Telling, openings: list[Opening]) -> None:
    for opening in openings:
        opening.lead.attempts = max(opening.lead.attempts, ATTEMPTS_OF_THE_REFUSED)
    failed(telling, openings, 0)
