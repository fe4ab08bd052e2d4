"""The chain: suppress -> route -> dedupe -> threshold -> group -> pace -> render -> send, over one batch.

What it promises is in the laws: every alert gets exactly one fate, nothing that is not told, counted or in the outbox
is acknowledged, and the severest is told first. What makes a crash at any moment harmless stands in `opening`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.alerts.candidate import Candidate, Sighting
from pipeline.alerts.dedupe import Dedupe
from pipeline.alerts.group import GroupStage, Opening
from pipeline.alerts.ledger import Ledger
from pipeline.alerts.opening import open_groups
from pipeline.alerts.pace import Pace
from pipeline.alerts.ports import Clock, Destinations, Outbox
from pipeline.alerts.repeating import count_as_told, join_all
from pipeline.alerts.route import Route
from pipeline.alerts.suppress import Suppress
from pipeline.alerts.telling import Telling
from pipeline.alerts.threshold import Threshold
from pipeline.alerts.waiting import look_again
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
        self.threshold = Threshold(state)
        self.group = GroupStage(state, ruleset.settings)
        self.pace = Pace(state, ruleset.settings)
        self.ruleset = ruleset
        self.state = state
        self.outbox = outbox
        self.destinations = destinations
        self.clock = clock
        self.down_until_ms: dict[str, int] = {}
        """Destinations that just failed, by id, and until when nothing more goes there."""

    def stages(self) -> list[tuple[str, str]]:
        """Name the stages in their order, each with the settings in force."""
        stages = (self.suppress, self.route, self.dedupe, self.threshold, self.group, self.pace)
        return [
            *((stage.name, str(stage)) for stage in stages),
            ("render", "Slack blocks, plain text or JSON, as the destination takes it"),
            ("send", "through the outbox when it cannot go now" if self.outbox else "retried through the stream"),
        ]

    def tell(self, sightings: Iterable[Sighting], ledger: Ledger) -> None:
        """Take a batch's matches all the way; the ledger holds what became of each alert."""
        to_tell = self.suppress(sightings, self.clock.now_ms(), ledger)
        self.deliver(list(self.route(to_tell, ledger)), ledger)

    def deliver(
        self,
        candidates: list[Candidate],
        ledger: Ledger,
        *,
        from_outbox: bool = False,
        openings: Iterable[Opening] = (),
    ) -> None:
        """Take alerts that have a destination from dedupe to send. Each has been counted in the ledger.

        `openings` are groups that their tickets have brought, to be posted among the others in their order.
        """
        telling = Telling(self, ledger, from_outbox=from_outbox)
        fresh, waiting = self.dedupe(candidates, self.clock.now_ms(), ledger, from_outbox=from_outbox)
        for candidate, wait_ms in waiting:
            look_again(telling, candidate, wait_ms)
        to_tell, below = self.threshold(fresh, self.clock.now_ms())
        if below:
            count_as_told(telling, below)
        grouped = self.group(to_tell, self.clock.now_ms(), is_shared=telling.is_shared)
        open_groups(telling, [*openings, *grouped.openings])
        open_groups(telling, join_all(telling, grouped.joins))
