"""Opening: the first message of every group, severest first.

    claim the first alert -> queue the group's ticket -> store the group -> post -> record the message -> mark as told

A crash between any two of these steps is harmless: whoever comes next, the stream or the ticket, finds out how far it
went, and goes on from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pipeline.alerts.content import Content, Many, One
from pipeline.alerts.group import Opening, repeats_of, settle
from pipeline.alerts.ledger import Entry, Fate
from pipeline.alerts.ports import Destination, Posted
from pipeline.alerts.recording import record
from pipeline.alerts.rejecting import reject
from pipeline.alerts.storing import Place, announce, store
from pipeline.alerts.telling import Telling, message_id
from pipeline.alerts.waiting import claimed, defer, failed, hand_back, postpone
from pipeline.errors import Fault, RateLimited, Rejected, Unavailable
from pipeline.rules.rule import Severity
from pipeline.state.lifecycle import LEASE_MS, LEASE_SLACK_MS, Claim

MAX_LISTED = 20
"""Alerts in one list: as many as a digest has room for, however long their names."""


def open_groups(telling: Telling, openings: Iterable[Opening]) -> None:
    """Post the first message of every group, severest first; what can't go now waits in the outbox."""
    by_destination: defaultdict[str, list[Opening]] = defaultdict(list)
    for opening in sorted(openings, key=lambda opening: opening.lead.order):
        by_destination[opening.lead.destination].append(opening)
    for name, queue in by_destination.items():
        destination = telling.chain.destinations.get(name)
        if destination is None:
            reject(telling, queue, f"no destination {name}")
        else:
            _open_at(telling, destination, queue)


def _open_at(telling: Telling, destination: Destination, queue: list[Opening]) -> None:
    """Give each group a message of its own while there are tokens; the last token is for a list of all the rest."""
    has_token = False
    while queue:
        wait_ms = telling.wait_ms(destination) or (0 if has_token else telling.token_ms(destination, _severity(queue)))
        if wait_ms:
            if telling.slept(wait_ms):
                continue
            _put_off(telling, destination, queue, wait_ms)
            return
        has_token = len(queue) > 1 and telling.token_ms(destination, _severity(queue[1:])) == 0
        size = 1 if has_token else MAX_LISTED
        batch, queue = queue[:size], queue[size:]
        refusal = _tell(telling, destination, batch)
        if refusal:
            reject(telling, queue, refusal)
            return


def _severity(queue: list[Opening]) -> Severity:
    return queue[0].lead.rule.severity


def _put_off(telling: Telling, destination: Destination, queue: list[Opening], wait_ms: int) -> None:
    if telling.is_down(destination):
        failed(telling, queue, wait_ms)
    else:
        defer(telling, queue, wait_ms)


def _tell(telling: Telling, destination: Destination, batch: list[Opening]) -> str:
    """Post one message. Returns why the destination takes nothing at all, or nothing."""
    ready = claimed(telling, batch)
    announce(telling, ready)
    ready = [opening for opening in ready if _is_ours(telling, opening)]
    if not ready:
        return ""
    try:
        posted = _post_patiently(telling, destination, ready)
    except RateLimited as limited:
        _enter(telling, ready, "not told", str(limited))
        defer(telling, ready, telling.hold(destination, limited))
    except Unavailable as outage:
        _enter(telling, ready, "not told", str(outage))
        failed(telling, ready, telling.hold(destination, outage), ambiguous=outage.ambiguous)
    except Rejected as rejection:
        _enter(telling, ready, "not told", str(rejection))
        reject(telling, ready, rejection.reason)
        return "" if rejection.fault is Fault.MESSAGE else rejection.reason
    else:
        _posted(telling, ready, posted)
    return ""


def _post_patiently(telling: Telling, destination: Destination, batch: list[Opening]) -> Posted:
    """Post; without an outbox a Retry-After is waited out here, as long as there is time to."""
    while True:
        try:
            return telling.post(destination, _content(batch), dedupe_id=_message_id(batch))
        except RateLimited as limited:
            if not telling.slept(telling.hold(destination, limited)):
                raise


def _is_ours(telling: Telling, opening: Opening) -> bool:
    """Store the group; where somebody else was faster, these alerts are counted there, or come again."""
    place = store(telling, opening, telling.now_ms + LEASE_MS)
    if place is Place.JOINED:
        now_ms = telling.now_ms
        marks: dict[str, Claim] = {}
        settle(opening.members, now_ms, marks)
        telling.mark(marks)
        telling.ledger.decide(Fate.GROUPED, len(opening.members))
    elif place is Place.OTHERS and opening.ticket is not None:
        postpone(telling, opening, LEASE_MS + LEASE_SLACK_MS)
    elif place is Place.OTHERS:
        hand_back(telling, opening)
    return place is Place.OURS


def _posted(telling: Telling, batch: list[Opening], posted: Posted) -> None:
    now_ms = telling.now_ms
    _enter(telling, batch, "told")
    for opening in batch:
        telling.ledger.decide(Fate.SENT)
        telling.ledger.decide(Fate.GROUPED, len(opening.members) - 1)
        telling.ledger.told(opening.lead.seen_ms, opening.lead.alert.event.time_ms, now_ms)
    record(telling, batch, posted if len(batch) == 1 else Posted())


def _enter(telling: Telling, batch: list[Opening], what: str, reason: str = "") -> None:
    for lead in (opening.lead for opening in batch):
        event_id = lead.alert.event.id
        telling.ledger.enter(Entry(what, lead.destination, lead.rule.name, lead.owner, event_id, reason))


def _content(batch: list[Opening]) -> Content:
    may_repeat = any(opening.lead.may_repeat for opening in batch)
    if len(batch) > 1:
        shown = tuple(opening.shown for opening in batch)
        return Many(shown, tuple(opening.group.count for opening in batch), may_repeat)
    opening = batch[0]
    repeats = repeats_of(opening.group) if opening.group.count > 1 else None
    return One(opening.shown, repeats, may_repeat)


def _message_id(batch: list[Opening]) -> str:
    """Name a message by all that it tells: Slack takes two of the same name for one, and shows the first."""
    return message_id(*(part for opening in batch for part in _named(opening)))


def _named(opening: Opening) -> tuple[str, str, str]:
    begun = opening.group.first_ms if opening.is_grouped else 0
    return opening.shown.key, str(opening.group.count), str(begun)
