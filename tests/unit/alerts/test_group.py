"""A batch is folded before it costs anything: what opens, what joins, and what takes over from the dead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from sightings import HOSTILE, OTHER, OWNER, candidate, returned, rule, user

from pipeline.alerts.alert import Repeats
from pipeline.alerts.candidate import Candidate
from pipeline.alerts.group import MAX_SAMPLE_PER_BATCH, GroupStage, joining_of, lead_of, repeats_of, settle
from pipeline.rules.rule import Repeat, Settings, Severity
from pipeline.state.lifecycle import LEASE_MS, TOLD_MS, Claim, ClaimState, Group, GroupState
from pipeline.state.memory import MemoryState
from pipeline.testing import NOON_MS as NOW

OPENING, OPEN, CLOSED = GroupState
GROUP = Group(OPEN, OTHER, NOW + LEASE_MS, NOW + 900_000, count=1, first_ms=NOW, last_ms=NOW)


class Counted(MemoryState):
    """A state that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []

    def read_groups(self, keys: Collection[str]) -> Mapping[str, Group]:
        self.reads.append(len(keys))
        return super().read_groups(keys)


def stage(state: MemoryState | None = None, **settings: Any) -> GroupStage:
    return GroupStage(state or MemoryState(), Settings(**settings))


def with_group(group: Group, alert: Candidate) -> GroupStage:
    state = MemoryState()
    state.open_group(alert.group, group, now_ms=0)
    return stage(state)


# stored group, seen by OWNER: what the alert does
FOUND = [
    (replace(GROUP, state=OPEN), "join"),
    (replace(GROUP, state=OPEN, opener=OWNER), "join"),
    (replace(GROUP, state=OPEN, lease_until_ms=0), "join"),
    (replace(GROUP, state=OPEN, window_until_ms=NOW + 1), "join"),
    (replace(GROUP, state=OPEN, window_until_ms=NOW), "open"),
    (replace(GROUP, state=OPENING), "join"),
    (replace(GROUP, state=OPENING, window_until_ms=NOW - 1), "join"),
    (replace(GROUP, state=OPENING, opener=OWNER), "take over"),
    (replace(GROUP, state=OPENING, lease_until_ms=NOW), "take over"),
    (replace(GROUP, state=OPENING, lease_until_ms=NOW + 1), "join"),
    (replace(GROUP, state=CLOSED), "open"),
]


@pytest.mark.parametrize(("group", "expected"), FOUND)
def test_where_an_alert_belongs_depends_on_the_group_that_stands_there(group: Group, expected: str) -> None:
    alert = candidate()
    openings, joins = with_group(group, alert)([alert], NOW, is_shared=True)
    if expected == "join":
        assert openings == []
        assert joins == [(alert.group, [alert], group)]
        return
    [opening] = openings
    assert joins == []
    assert opening.found == group, "what is taken over, or replaced and must have its last word"
    assert (opening.key, opening.members, opening.is_grouped) == (alert.group, [alert], True)
    assert opening.group.opener == OWNER


def test_without_a_group_one_is_described_as_it_is_to_be_stored() -> None:
    batch = [candidate(number, seen_ms=NOW + number) for number in (3, 1, 2)]
    [opening], joins = stage(group_window_s=600)(batch, NOW + 9, is_shared=True)
    assert joins == []
    group = opening.group
    assert (group.state, group.opener, group.count) == (OPENING, OWNER, 3)
    assert (group.lease_until_ms, group.window_until_ms) == (NOW + 9 + LEASE_MS, NOW + 9 + 600_000)
    assert (group.first_ms, group.last_ms) == (NOW - 300_000, NOW - 300_000)
    assert (group.sources, opening.found, opening.ticket) == (("192.0.2.10",), None, None)
    assert lead_of(group) == opening.lead.alert == batch[1].alert
    assert [opening.is_claimed, opening.is_ticketed, opening.is_stored] == [False, False, False]


def test_the_opener_is_whoever_brought_the_alert_that_leads() -> None:
    [opening], _ = stage()(
        [candidate(1, owner=OWNER, seen_ms=NOW + 1), candidate(2, owner=OTHER, seen_ms=NOW)], NOW, is_shared=True
    )
    assert (opening.lead.owner, opening.group.opener) == (OTHER, OTHER)


def test_the_severest_is_first_then_the_oldest_whatever_stood_first_in_the_batch() -> None:
    batch = [
        candidate(1, of=rule("low", severity=Severity.LOW), seen_ms=NOW),
        candidate(2, of=rule("late", severity=Severity.CRITICAL), seen_ms=NOW + 2),
        candidate(3, of=rule("high", severity=Severity.HIGH), seen_ms=NOW),
        candidate(4, of=rule("early", severity=Severity.CRITICAL), seen_ms=NOW + 1),
        candidate(5, of=rule("low", severity=Severity.LOW), seen_ms=NOW - 1),
    ]
    openings, _ = stage()(batch, NOW, is_shared=True)
    assert [opening.lead.rule.name for opening in openings] == ["early", "late", "high", "low"]
    assert [len(opening.members) for opening in openings] == [1, 1, 1, 2]
    assert openings[3].lead is batch[4]


def test_a_flood_is_one_read_and_one_opening_for_each_group() -> None:
    state = Counted()
    flood = [candidate(number, userIdentity=user(f"role{number % 3}")) for number in range(600)]
    one = candidate(999, of=rule("StopLogging", severity=Severity.CRITICAL), seen_ms=NOW + 500)
    openings, _ = stage(state)([*flood, one], NOW, is_shared=True)
    assert [len(opening.members) for opening in openings] == [1, 200, 200, 200]
    assert openings[0].lead is one
    assert state.reads == [4]


def test_rules_that_tell_each_alert_have_no_group() -> None:
    state = Counted()
    each = rule("each", repeat=Repeat.EACH)
    batch = [candidate(number, of=each) for number in range(3)]
    openings, joins = stage(state)(batch, NOW, is_shared=True)
    assert joins == []
    assert [(opening.key, len(opening.members)) for opening in openings] == [(one.key, 1) for one in batch]
    assert not any(opening.is_grouped or opening.group.lead for opening in openings)
    assert state.reads == []


def test_without_a_shared_state_a_batch_is_folded_and_joins_nothing() -> None:
    state, batch = Counted(), [candidate(1), candidate(2)]
    state.open_group(batch[0].group, GROUP, now_ms=0)
    [opening], joins = stage(state)(batch, NOW, is_shared=False)
    assert (joins, opening.members, opening.is_grouped, opening.found) == ([], batch, False, None)
    assert state.reads == []


def test_an_empty_batch_asks_nothing() -> None:
    state = Counted()
    assert stage(state)([], NOW, is_shared=True) == ([], [])
    assert state.reads == []


def test_the_window_in_force_is_said() -> None:
    assert str(stage()) == "windows of 900 s"
    assert str(stage(group_window_s=60)) == "windows of 60 s"


# ---- what alerts add ----


def test_what_alerts_add_is_counted_and_timed_by_their_events() -> None:
    batch = [
        candidate(1, eventTime="2026-01-01T11:58:00Z", sourceIPAddress="192.0.2.2"),
        candidate(2, eventTime="2026-01-01T11:57:00Z", sourceIPAddress="192.0.2.1"),
        candidate(3, eventTime="2026-01-01T11:59:00Z", sourceIPAddress="192.0.2.2"),
        candidate(4, eventTime="2026-01-01T11:59:30Z", sourceIPAddress=""),
    ]
    joining = joining_of(batch, None)
    assert (joining.count, joining.first_ms, joining.last_ms) == (4, NOW - 180_000, NOW - 30_000)
    assert joining.sources == ("192.0.2.2", "192.0.2.1")


def test_what_was_folded_into_an_alert_counts_with_its_times_and_samples() -> None:
    folded = returned(1)
    folded.stands_for = Repeats(40, NOW - 900_000, NOW + 5_000, ("198.51.100.1",), ("trail a",))
    joining = joining_of([folded, candidate(2)], None)
    assert (joining.count, joining.first_ms, joining.last_ms) == (41, NOW - 900_000, NOW + 5_000)
    assert joining.sources == ("198.51.100.1", "192.0.2.10")
    assert joining.targets == ("trail a",)


@pytest.mark.parametrize(("known", "added"), [(0, 10), (9, 10), (10, 0), (20, 0)])
def test_samples_are_bounded_and_stop_when_a_group_has_enough(known: int, added: int) -> None:
    batch = [candidate(number, sourceIPAddress=f"192.0.2.{number}") for number in range(50)]
    group = replace(GROUP, sources=tuple(f"198.51.100.{number}" for number in range(known)))
    joining = joining_of(batch, group)
    assert (len(joining.sources), joining.count) == (added, 50)
    assert len(joining_of(batch, None).sources) == MAX_SAMPLE_PER_BATCH


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_remembered_cleaned_and_bounded(text: str) -> None:
    fields: dict[str, Any] = {
        "sourceIPAddress": text,
        "eventSource": "cloudtrail.amazonaws.com",
        "requestParameters": {"name": text},
    }
    [opening], _ = stage()([candidate(**fields)], NOW, is_shared=True)
    for one in (*opening.group.sources, *opening.group.targets):
        assert len(one) <= 256
        one.encode()
    assert opening.group.lead.isascii()
    assert lead_of(opening.group) == opening.lead.alert


# ---- what is said about a group ----


def test_a_group_is_described_to_its_readers() -> None:
    group = replace(GROUP, count=5, last_ms=NOW + 1, sources=("a",), targets=("b", "c"))
    assert repeats_of(group) == Repeats(5, NOW, NOW + 1, ("a",), ("b", "c"))
    assert repeats_of(group, closed=True).closed


@pytest.mark.parametrize("lead", ["", "{}", "[]", "nonsense", '{"key": 1}', "[" * 100_000])
def test_a_lead_that_cannot_be_read_is_none(lead: str) -> None:
    assert lead_of(replace(GROUP, lead=lead)) is None


def test_what_is_settled_is_told_for_fifteen_days() -> None:
    marks: dict[str, Claim] = {}
    batch = [candidate(1), candidate(2, owner=OTHER)]
    settle(batch, NOW, marks)
    assert marks == {
        batch[0].key: Claim(ClaimState.TOLD, OWNER, NOW + TOLD_MS),
        batch[1].key: Claim(ClaimState.TOLD, OTHER, NOW + TOLD_MS),
    }


def test_an_opening_shows_the_first_alert_of_its_group_once_that_is_stored() -> None:
    alert = candidate(2)
    stored = replace(GROUP, state=OPENING, opener=OWNER, lead=stage().opening("k", [candidate(1)], NOW).group.lead)
    [opening], _ = with_group(stored, alert)([alert], NOW, is_shared=True)
    assert opening.shown == alert.alert
    opening.group, opening.is_stored = stored, True
    assert opening.shown == candidate(1).alert
    opening.group = replace(stored, lead="another version's")
    assert opening.shown == alert.alert
