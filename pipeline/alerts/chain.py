"""The chain: suppress -> route -> dedupe -> group -> pace -> render -> send, over one batch.

What it promises is in the laws: every alert gets exactly one fate, nothing that is not told, counted or in the outbox
is acknowledged, and the severest is told first. The order of steps around a post is what makes a crash at any moment
harmless, so it stands in one place, `Telling.open`:

    claim the first alert -> queue the group's ticket -> store the group -> post -> record the message -> mark as told
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.alerts.candidate import Candidate, Sighting
from pipeline.alerts.dedupe import Dedupe
from pipeline.alerts.group import Batch, GroupStage
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.alerts.pace import Pace
from pipeline.alerts.ports import Clock, Destinations, Outbox
from pipeline.alerts.route import Route
from pipeline.alerts.suppress import Suppress
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import Kind, Ticket, delay_s
from pipeline.rules.rule import RuleSet
from pipeline.state.protocol import State


class Chain:
    """All stages, ready for batches. Build it with a state that does not fail (`state.failover`)."""

    def __init__(
        self, ruleset: RuleSet, state: State, outbox: Outbox | None, destinations: Destinations, clock: Clock
    ) -> None:
        self.suppress = Suppress(ruleset.ignores)
        self.route = Route(ruleset.routes, ruleset.settings.accounts)
        self.dedupe = Dedupe(state)
        self.group = GroupStage(state, ruleset.settings)
        self.pace = Pace(state, ruleset.settings)
        self.ruleset = ruleset
        self.state = state
        self.outbox = outbox
        self.destinations = destinations
        self.clock = clock

    def stages(self) -> list[tuple[str, str]]:
        """Name the stages in their order, each with the settings in force."""
        listed: list[Suppress | Route | Dedupe | GroupStage | Pace] = [
            self.suppress,
            self.route,
            self.dedupe,
            self.group,
            self.pace,
        ]
        return [
            *((stage.name, str(stage)) for stage in listed),
            ("render", "Slack blocks, plain text or JSON, as the destination takes it"),
            ("send", "through the outbox when it cannot go now" if self.outbox else "retried through the stream"),
        ]

    def tell(self, sightings: Iterable[Sighting], ledger: Ledger) -> None:
        """Take a batch's matches all the way; the ledger holds what became of each alert."""
        to_tell = self.suppress(sightings, self.clock.now_ms(), ledger)
        self.deliver(list(self.route(to_tell, ledger)), ledger)

    def deliver(self, candidates: list[Candidate], ledger: Ledger, *, from_outbox: bool = False) -> None:
        """Take alerts that have a destination from dedupe to send. Each has been counted in the ledger."""
        telling = Telling(self, ledger, from_outbox=from_outbox)
        fresh, waiting = self.dedupe(candidates, self.clock.now_ms(), ledger, from_outbox=from_outbox)
        self._wait(waiting, ledger)
        batch = Batch(self.clock.now_ms(), ledger, {})
        openings, updates = self.group(fresh, batch)
        # Counted first, marked second: a crash in between may overstate a count, never understate it.
        self.state.write_claims(batch.marks)
        telling.open(openings)
        telling.update(updates)

    def _wait(self, waiting: list[tuple[Candidate, int]], ledger: Ledger) -> None:
        """Look again when the lease of whoever is telling these alerts is over."""
        if not waiting:
            return
        now_ms = self.clock.now_ms()
        tickets = [
            (Ticket(Kind.ALERT, alert=candidate.alert, born_ms=now_ms), delay_s(delay_ms))
            for candidate, delay_ms in waiting
        ]
        queued = self.outbox.put(tickets) if self.outbox else [False] * len(tickets)
        for (candidate, _), is_queued in zip(waiting, queued, strict=True):
            if is_queued:
                ledger.decide(Fate.DEFERRED)
            else:
                ledger.unsafe(candidate.owner)
