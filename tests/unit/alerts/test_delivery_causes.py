"""What once went wrong in delivery, each case by its cause; the laws in tests/laws look for the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.alerts.content import Content, Many, One, Reply
from pipeline.alerts.ticket import Kind, decode
from pipeline.local.simulation.example import rules
from pipeline.local.simulation.queue import QueueLimits
from pipeline.local.simulation.reckoning import Subject, Traffic, happening, missing, surplus, unread
from pipeline.local.simulation.simulation import Setup, Simulation
from pipeline.local.simulation.taps import Call, Port, Trouble
from pipeline.local.slack_faults import FOREVER, api_error, ratelimited, server_error, unanswered
from pipeline.rules import ruleset
from pipeline.runtime import logs
from pipeline.state.lifecycle import ClaimState
from pipeline.state.protocol import Joining

WINDOW_S = 900
DAY_S = 86_400


@contextmanager
def deployed(*, errors_to: bool = False, **setup: Any) -> Iterator[tuple[Simulation, Traffic]]:
    with Simulation(rules(errors_to=errors_to), Setup(**setup)) as simulation:
        yield simulation, Traffic(simulation)


def denied(*numbers: int, actor: str = "ann") -> list[dict[str, Any]]:
    return [happening(number, "Denied", actor) for number in numbers]


def contents(simulation: Simulation) -> list[Content]:
    """Return what each message says now, in the order of the messages."""
    return [shown.contents[-1] for shown in simulation.witness.messages.values()]


def told(simulation: Simulation) -> list[One | Many | Reply]:
    """Return what each post said that it was, whatever became of it."""
    posts = [asked.content for asked in simulation.witness.requests if asked.method == "chat.postMessage"]
    return [content for content in posts if isinstance(content, One | Many | Reply)]


def nth(trouble: Trouble, method: str, number: int = 1, function: str = "") -> Callable[[Call], Trouble | None]:
    """Let the nth call of a method go wrong, of any function or one."""
    seen = 0

    def choose(call: Call) -> Trouble | None:
        nonlocal seen
        if call.method != method or function not in {"", call.function}:
            return None
        seen += 1
        return trouble if seen == number else None

    return choose


def kinds_queued(simulation: Simulation) -> list[Kind]:
    return [decode(message.body).kind for message in simulation.queue.messages.values()]


def test_a_group_first_told_in_a_list_gets_its_last_word() -> None:
    """A list is no message to edit: what happened after it is said at the end of the window."""
    with deployed() as (simulation, traffic):
        traffic.put([happening(n, "Denied", f"person{n}") for n in range(9)])
        simulation.run(5)
        assert isinstance(contents(simulation)[-1], Many)
        traffic.put([happening(100 + n, "Denied", "person8") for n in range(3)])
        simulation.run(WINDOW_S * 2)
        (last,) = [content for content in contents(simulation) if isinstance(content, Reply)]
        assert (last.repeats.count, last.repeats.closed) == (4, True)
        assert not missing(simulation, traffic)


@pytest.mark.parametrize("name", ["Denied", "StopLogging"])
def test_last_words_of_many_groups_are_said_one_after_the_other_within_minutes(name: str) -> None:
    """They wait for turns, not for better times: were they to come back together, nearly all would miss them again."""
    with deployed() as (simulation, traffic):
        for number in (0, 100):
            traffic.put([happening(number + n, name, f"person{n}") for n in range(60)])
            simulation.run(10)
        simulation.run(WINDOW_S + 600)
        assert sum(isinstance(content, Reply) for content in contents(simulation)) > 50
        assert not missing(simulation, traffic)
        assert simulation.queue.sent < 60 * 12


@pytest.mark.parametrize("error", ["is_archived", "cant_update_message", "message_not_found", "token_revoked"])
@pytest.mark.parametrize("errors_to", [False, True])
def test_a_last_edit_that_is_refused_and_says_nothing_new_is_let_go(error: str, *, errors_to: bool) -> None:
    """Readers know the count: nobody else need hear that it is the last one, and no ticket need wait for that."""
    with deployed(errors_to=errors_to) as (simulation, traffic):
        for numbers in ([1], [2, 3]):
            traffic.put(denied(*numbers))
            simulation.run(60)
        before = len(contents(simulation))
        simulation.slack.faults.script(api_error(error), times=FOREVER)
        simulation.run(WINDOW_S + 60)
        assert not simulation.queue.messages
        assert len(contents(simulation)) == before
        assert not missing(simulation, traffic)


def test_a_list_says_how_often_each_alert_happened() -> None:
    """What came along with an alert that stands in a list is in the list, too."""
    with deployed() as (simulation, traffic):
        traffic.put([happening(n, "Denied", f"person{n % 9}") for n in range(27)])
        simulation.run(5)
        (listed,) = [content for content in contents(simulation) if isinstance(content, Many)]
        assert set(listed.counts) == {3}
        (channel,) = {shown.channel for shown in simulation.witness.messages.values()}
        assert "x3" in simulation.slack.transcript(channel)[-1].all_text()
        assert not missing(simulation, traffic)


def test_two_shards_that_open_a_group_at_once_post_it_once() -> None:
    """One of them posts, the others' alerts are in its count, and nobody counts anything twice."""
    with deployed(shards=8) as (simulation, traffic):
        for shard in range(8):
            traffic.put(denied(shard, 100 + shard), shard)
        simulation.run(DAY_S)
        (message,) = contents(simulation)
        assert isinstance(message, One)
        assert message.repeats is not None
        assert message.repeats.count == 16
        assert not surplus(simulation, traffic)


def test_two_shards_that_defer_a_group_at_once_count_it_once() -> None:
    """Whoever finds the group stored by another joins it whole, and its own ticket finds it told."""
    with deployed(shards=4) as (simulation, traffic):
        simulation.slack.faults.script(server_error(), times=FOREVER, until=simulation.timeline.now_ms / 1000 + 60)
        for shard in range(4):
            traffic.put(denied(shard, 100 + shard), shard)
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


@pytest.mark.parametrize("trouble", [Trouble.DIES_BEFORE, Trouble.DIES_AFTER])
@pytest.mark.parametrize("method", ["chat.update", "posted_group", "close_group"])
def test_a_death_while_closing_a_group_does_not_cost_its_last_word(method: str, trouble: Trouble) -> None:
    """The count is shown before the group is closed: who comes next finds it open, and shows it again."""
    with deployed() as (simulation, traffic):
        traffic.put(denied(1))
        simulation.run(WINDOW_S - 20)
        simulation.taps.choose = nth(trouble, method, function="outbox")
        traffic.put(denied(2, 3))
        simulation.run(DAY_S)
        assert simulation.killed == 1
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


@pytest.mark.parametrize(
    "method", ["take_claim", "send_message_batch", "open_group", "chat.postMessage", "write_claims"]
)
@pytest.mark.parametrize("trouble", [Trouble.DIES_BEFORE, Trouble.DIES_AFTER])
def test_an_opener_that_dies_is_followed_by_another(method: str, trouble: Trouble) -> None:
    """Before or after any step of opening a group: the stream comes again, and nobody who joined is forgotten."""
    with deployed(shards=2) as (simulation, traffic):
        simulation.taps.choose = nth(trouble, method, function="kinesis")
        traffic.put(denied(1, 2), 0)
        traffic.put(denied(3, 4), 1)
        simulation.run(DAY_S)
        assert simulation.killed == 1
        assert not missing(simulation, traffic)


def test_a_group_whose_ticket_the_queue_refuses_is_told_batch_by_batch() -> None:
    """Nobody would close such a group, so nothing may join it."""
    with deployed() as (simulation, traffic):
        simulation.taps.choose = lambda call: Trouble.FAILS if call.port is Port.OUTBOX else None
        for number in range(3):
            traffic.put(denied(10 * number, 10 * number + 1))
            simulation.run(60)
        assert [
            content.repeats.count for content in contents(simulation) if isinstance(content, One) and content.repeats
        ]
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)
        assert simulation.shards[0].unsafe == 0


def test_while_the_state_is_out_nothing_joins_what_only_one_process_remembers() -> None:
    """Alerts that were counted in a process's own memory would never be told."""
    with deployed() as (simulation, traffic):
        simulation.taps.choose = lambda call: Trouble.FAILS if call.port is Port.STATE else None
        for number in range(4):
            traffic.put(denied(10 * number, 10 * number + 1))
            simulation.run(30)
        simulation.taps.choose = None
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)


def test_a_group_that_the_state_stored_without_saying_so_has_a_ticket() -> None:
    """Others join it, though whoever stored it went on as if there were none."""
    with deployed(shards=2) as (simulation, traffic):
        simulation.taps.choose = nth(Trouble.FAILS_AFTER, "open_group")
        traffic.put(denied(1), 0)
        simulation.run(2)
        traffic.put(denied(2, 3), 1)
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)


def test_a_list_is_not_named_by_its_first_alert() -> None:
    """Slack takes two posts of one id for one: a list that retries a message would be lost with all it adds."""
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        traffic.put(denied(1))
        simulation.run(2)
        traffic.put([happening(100 + n, "Denied", f"person{n}") for n in range(12)])
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        ids = [asked.dedupe_id for asked in simulation.witness.requests if asked.method == "chat.postMessage"]
        assert len(set(ids)) >= len(ids) - 1


def test_a_first_ticket_that_comes_before_its_alert_is_due_is_dropped() -> None:
    """While a destination is down each group has one ticket that matters; a second one would double its requests."""
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(server_error(), times=FOREVER, until=simulation.timeline.now_ms / 1000 + 3_000)
        traffic.put(denied(1))
        simulation.run(2_000)
        assert len(simulation.queue.messages) == 1
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


def test_a_slow_queue_does_not_make_a_ticket_come_too_early() -> None:
    """An alert is due from when its ticket was asked for: were it later, its only ticket would be dropped."""
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(server_error(), times=1)
        simulation.taps.choose = nth(Trouble.SLOW, "send_message_batch", 2)
        traffic.put(denied(1))
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)


def test_one_edit_of_a_group_waits_however_long_edits_fail() -> None:
    """Every repeat asks for an edit; the one that waits reads the count when its time comes."""
    with deployed() as (simulation, traffic):
        traffic.put(denied(0))
        simulation.run(5)
        simulation.slack.faults.script(server_error(), times=FOREVER, method="chat.update")
        most = 0
        for number in range(1, 80):
            traffic.put(denied(number))
            simulation.run(10)
            most = max(most, kinds_queued(simulation).count(Kind.EDIT))
        assert most == 1
        simulation.slack.faults.clear()
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


def test_a_message_that_cannot_be_edited_any_more_is_followed_by_another() -> None:
    """Somebody deleted it, or the time for edits is over: the count is said anew."""
    with deployed() as (simulation, traffic):
        traffic.put(denied(0))
        simulation.run(5)
        simulation.slack.faults.script(api_error("message_not_found"), times=FOREVER, method="chat.update")
        traffic.put(denied(1, 2))
        simulation.run(DAY_S)
        assert [type(content) for content in contents(simulation)][:2] == [One, Reply]
        assert not missing(simulation, traffic)


def test_who_hears_of_rejected_alerts_hears_of_all_of_them() -> None:
    """The error destination is told what the whole fold stands for, and what joins it later."""
    with deployed(errors_to=True) as (simulation, traffic):
        simulation.slack.archive(simulation.channels["security"])
        traffic.put(denied(*range(10)))
        simulation.run(60)
        traffic.put(denied(*range(10, 15)))
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)
        channels = {shown.channel for shown in simulation.witness.messages.values()}
        assert channels == {simulation.channels["errors"]}


def test_a_channel_archived_in_mid_window_passes_on_what_is_not_told_yet() -> None:
    """What readers of the first channel know is not told again in the other one."""
    with deployed(errors_to=True) as (simulation, traffic):
        traffic.put(denied(1, 2))
        simulation.run(10)
        simulation.slack.archive(simulation.channels["security"])
        traffic.put(denied(3, 4, 5))
        simulation.run(DAY_S)
        (moved,) = [content for content in contents(simulation)[1:] if isinstance(content, One)]
        assert moved.repeats is not None
        assert moved.repeats.count == 3
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


def test_what_two_shards_deliver_at_once_is_not_deferred_over_its_mark() -> None:
    """One tells an alert while the other, which looked earlier, puts it in the outbox: the mark must stand."""
    with deployed(shards=2, queue=QueueLimits(concurrency=4)) as (simulation, traffic):
        simulation.slack.faults.script(api_error("rate_limited"), times=1)
        traffic.put(denied(1), 0)
        traffic.put(denied(1), 1)
        simulation.run(DAY_S)
        assert len(contents(simulation)) == 1
        claims = simulation.state._claims
        assert {claim.state for claim in claims.values()} == {ClaimState.TOLD}


def test_replies_leave_the_burst_to_what_is_new() -> None:
    """Threads that go on and on take only tokens that nobody saved up."""
    with deployed(shards=2) as (simulation, traffic):
        for number in range(30):
            traffic.put([happening(number, "StopLogging", f"mallory{number}")])
            simulation.run(3)
        for number in range(30):
            traffic.put([happening(100 + number, "StopLogging", f"mallory{number}")])
        simulation.run(31)
        began_ms = simulation.timeline.now_ms
        traffic.put([happening(999, "StopLogging", "news")], 1)
        simulation.run(DAY_S)
        told_ms = [
            shown.at_ms
            for shown in simulation.witness.messages.values()
            for said in shown.said
            if said.alert.event.actor.name == "news"
        ]
        assert min(told_ms) - began_ms < 2_500
        assert not missing(simulation, traffic)


def test_counts_are_of_the_events_own_times() -> None:
    """First and last say when it happened, not when it arrived."""
    with deployed() as (simulation, traffic):
        times = ["2026-01-01T09:00:00Z", "2026-01-01T11:30:00Z"]
        traffic.put([happening(n, "Denied", "ann", eventTime=at) for n, at in enumerate(times)])
        simulation.run(5)
        (message,) = contents(simulation)
        assert isinstance(message, One)
        assert message.repeats is not None
        assert (message.repeats.first_ms, message.repeats.last_ms) == (1_767_258_000_000, 1_767_267_000_000)


def test_expectations_know_subjects() -> None:
    """The reckoning counts by rule and actor: were it blind, every test here would pass."""
    with deployed() as (simulation, traffic):
        traffic.put(denied(1, 2))
        assert traffic.expected == {Subject("Denied", "ann"): 2}
        assert missing(simulation, traffic) == {Subject("Denied", "ann"): 2}


@pytest.mark.parametrize("after_s", [0, 0.15, 1])
def test_what_joins_a_group_while_it_is_being_posted_is_shown_soon(after_s: float) -> None:
    """Its message shows what was counted when it was written: whoever posts it sees to the rest."""
    with deployed(shards=8) as (simulation, traffic):
        traffic.put(denied(0), 0)
        simulation.run(after_s)
        for shard in range(1, 8):
            traffic.put(denied(10 + shard, 100 + shard), shard)
        simulation.run(60)
        (message,) = contents(simulation)
        assert isinstance(message, One)
        assert message.repeats is not None
        assert message.repeats.count == 15


@pytest.mark.parametrize("number", range(1, 6))
def test_an_edit_that_another_overtakes_leaves_no_smaller_count(number: int) -> None:
    """Without an outbox nobody edits later: whoever shows less than has been shown meanwhile shows that again."""
    with deployed(shards=4, has_outbox=False) as (simulation, traffic):
        traffic.put(denied(0))
        simulation.run(5)
        simulation.taps.choose = nth(Trouble.SLOW, "chat.update", number)
        for shard in range(4):
            traffic.put(denied(10 + shard), shard)
            simulation.run(shard)
        simulation.run(DAY_S)
        assert not unread(simulation, traffic)


@pytest.mark.parametrize("seed", range(4))
def test_the_last_word_on_a_group_is_said_once_while_its_events_go_on(seed: int) -> None:
    """Its ticket and every shard that opens the next group want to say it at the same moment."""
    with deployed(shards=3, seed=seed) as (simulation, traffic):
        traffic.put([happening(0, "StopLogging", "mallory")])
        simulation.run(WINDOW_S - 5)
        for number in range(20):
            for shard in range(3):
                traffic.put([happening(3 * number + shard + 1, "StopLogging", "mallory")], shard)
            simulation.run(0.5)
        simulation.run(DAY_S)
        ids = [asked.dedupe_id for asked in simulation.witness.requests if asked.method == "chat.postMessage"]
        assert len(set(ids)) == len(ids)
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


def test_a_first_ticket_says_that_its_alert_may_have_been_told() -> None:
    """It was written before anything was posted; what became of that stands with the alert's claim."""
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        simulation.taps.choose = lambda call: (
            Trouble.FAILS if call.port is Port.OUTBOX and simulation.witness.requests else None
        )
        traffic.put(denied(1))
        simulation.run(60)
        simulation.taps.choose = None
        simulation.run(DAY_S)
        assert len(simulation.witness.requests) == 2
        assert [content.may_repeat for content in told(simulation)] == [False, True]


def test_an_overdue_alert_that_may_have_been_told_says_so() -> None:
    """Its ticket is lost, and whoever reads the stream again knows of it by the claim alone."""
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        simulation.queue.paused = True
        traffic.put(denied(1))
        simulation.run(2 * 3_600)
        simulation.shards[0].reread()
        simulation.run(60)
        assert [content.may_repeat for content in told(simulation)] == [False, True]


def test_an_alert_that_is_handed_back_twice_still_may_have_been_told() -> None:
    """The second attempt surely did not arrive, which says nothing of the first."""
    with deployed(has_outbox=False) as (simulation, traffic):
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        simulation.slack.faults.script(ratelimited(120), times=1)
        traffic.put(denied(1))
        simulation.run(DAY_S)
        assert [content.may_repeat for content in told(simulation)] == [False, True, True]


@pytest.mark.parametrize("has_outbox", [True, False])
def test_every_attempt_at_a_message_has_the_same_id(*, has_outbox: bool) -> None:
    """A group that the stream brings again has another window; readers see the same message."""
    with deployed(has_outbox=has_outbox) as (simulation, traffic):
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        traffic.put(denied(1))
        simulation.run(DAY_S)
        first, second = (asked for asked in simulation.witness.requests if asked.method == "chat.postMessage")
        assert first.dedupe_id == second.dedupe_id


def test_a_reply_whose_answer_was_lost_says_that_it_may_repeat() -> None:
    with deployed() as (simulation, traffic):
        traffic.put([happening(1, "StopLogging", "mallory")])
        simulation.run(5)
        simulation.slack.faults.script(unanswered(accepted=True), times=1)
        traffic.put([happening(2, "StopLogging", "mallory")])
        simulation.run(DAY_S)
        assert [(type(content), content.may_repeat) for content in told(simulation)] == [
            (One, False),
            (Reply, False),
            (Reply, True),
        ]


@pytest.mark.parametrize("dies", [False, True])
def test_what_joins_a_group_while_it_is_being_closed_is_told(*, dies: bool) -> None:
    """A request that took long is counted though its time is over; a group closes with the count it has shown."""
    with deployed(shards=2) as (simulation, traffic):
        traffic.put(denied(1))
        simulation.run(10)
        traffic.put(denied(2))
        key, group = next(iter(simulation.state._groups.items()))
        joined = False

        def choose(call: Call) -> Trouble | None:
            nonlocal joined
            if call.method == "close_group" and not joined:
                joined = True
                before_ms = group.window_until_ms - 1
                assert simulation.state.join_group(key, Joining(1, before_ms, before_ms), now_ms=before_ms)
                traffic.expected[Subject("Denied", "ann")] += 1
                simulation.slack.faults.script(ratelimited(5), times=1)
                return None
            return Trouble.DIES_BEFORE if dies and call.method == "chat.update" and joined else None

        simulation.taps.choose = choose
        simulation.run(WINDOW_S + 60)
        simulation.taps.choose = None
        simulation.run(DAY_S)
        assert joined
        assert not missing(simulation, traffic)
        assert not surplus(simulation, traffic)


@pytest.mark.parametrize("trouble", [None, Trouble.DIES_AFTER, Trouble.FAILS_AFTER])
def test_what_joins_a_group_while_it_is_being_replaced_is_told(trouble: Trouble | None) -> None:
    """A group is replaced only as it was when its last word was written: else nobody would know how it grew."""
    with deployed(queue=QueueLimits(concurrency=0)) as (simulation, traffic):
        traffic.put(denied(1))
        simulation.run(WINDOW_S + 60)
        ((key, group),) = simulation.state._groups.items()
        joined = False

        def choose(call: Call) -> Trouble | None:
            nonlocal joined
            if call.method != "open_group" or joined:
                return None
            joined = True
            before_ms = group.window_until_ms - 1
            assert simulation.state.join_group(key, Joining(1, before_ms, before_ms), now_ms=before_ms)
            traffic.expected[Subject("Denied", "ann")] += 1
            return trouble

        simulation.taps.choose = choose
        traffic.put(denied(2))
        simulation.run(60)
        simulation.queue._limits = QueueLimits()
        simulation.queue.look()
        simulation.run(DAY_S)
        assert joined
        assert not missing(simulation, traffic)
        assert trouble or not surplus(simulation, traffic)


COUNTED = """
[[destination]]
id = "security"
type = "slack"
channel = "C0123456789"
token = "env:SLACK_BOT_TOKEN"

[[rule]]
name = "Denied"
event_names = ["Denied"]
destinations = ["security"]
threshold = {count = 10, within_s = 300, by = ["actor"]}
"""


@pytest.mark.parametrize("batches", [[[12]], [[1]] * 12, [[9], [3]], [[5, 5], [5, 5]], [[9], [3, 3]]])
def test_a_threshold_tells_what_it_counted_before_it_was_reached(batches: list[list[int]]) -> None:
    """However they come, each list a moment and each number a shard's record: readers hear of all of them."""
    with Simulation(ruleset.parse(COUNTED, lambda path: path), Setup(shards=2)) as simulation:
        traffic, number = Traffic(simulation), 0
        for batch in batches:
            for shard, count in enumerate(batch):
                traffic.put(denied(*range(number, number + count)), shard)
                number += count
            simulation.run(3)
        simulation.run(DAY_S)
        (message,) = contents(simulation)
        assert isinstance(message, One)
        assert message.repeats is not None
        assert message.repeats.count == sum(map(sum, batches))


def test_a_threshold_that_is_handed_back_still_tells_what_it_counted() -> None:
    with Simulation(ruleset.parse(COUNTED, lambda path: path), Setup(has_outbox=False)) as simulation:
        traffic = Traffic(simulation)
        simulation.slack.faults.script(ratelimited(120), times=1)
        for number in range(10):
            traffic.put(denied(number))
            simulation.run(3)
        simulation.run(DAY_S)
        assert not missing(simulation, traffic)


def test_the_log_names_record_rule_and_destination_of_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks why something was not told finds when it was tried, and what came of it."""
    monkeypatch.setattr(logs, "_LEVEL", logging.INFO)
    with deployed() as (simulation, traffic):
        simulation.slack.faults.script(ratelimited(7), times=1)
        traffic.put(denied(1), extra=["no event", "nor this"])
        simulation.run(60)
        traffic.put(denied(2))
        simulation.slack.faults.script(server_error(), times=1, method="chat.update")
        simulation.run(DAY_S)
        record = simulation.shards[0].records[0].sequence_number
        said = [(line["message"], line.get("reason")) for line in simulation.log]
        assert said == [
            ("input quarantined", "not JSON"),
            ("not told", "rate limited, retry after 7 s"),
            ("told", None),
            ("count not shown", "service_unavailable"),
        ]
        assert simulation.log[0]["record"] == f"{simulation.shards[0].id}:{record}"
        about = {"rule": "Denied", "destination": "security", "eventID": denied(1)[0]["eventID"]}
        assert all(about.items() <= line.items() for line in simulation.log[1:])
        assert simulation.log[1]["record"] == simulation.log[0]["record"]
