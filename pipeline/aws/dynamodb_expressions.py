"""The tables of `state.lifecycle` in DynamoDB's expression language, so that the store itself decides races.

Rules for editing this file:
1. Only the documented grammar: SET takes one `+` or `-` between two operands and knows no max(); ADD takes a number or
   a set of a top-level attribute. moto takes more than DynamoDB; `tests/unit/aws/expression_grammar.py` does not.
2. Attributes appear as `#name`, values as `:name`: many of these words are reserved (state, owner, count, ...).
3. A comparison with an absent attribute is false, except `<>`.
4. Times are compared here, always: expired items stay readable until DynamoDB gets round to deleting them.

Source: DynamoDB developer guide, "Update expressions" and "Condition and filter expressions, operators, functions".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from pipeline.state.lifecycle import (
    FROM_OUTBOX,
    FROM_STREAM,
    OVERDUE_MS,
    ClaimState,
    Found,
    Group,
    GroupState,
    Standing,
    Then,
)
from pipeline.state.protocol import MAX_SAMPLE, Joining

Value = str | int | frozenset[str]
Values = Mapping[str, Value]

FOUND = {
    Found.NOTHING: "attribute_not_exists(#pk) OR (#state = :told AND #until_ms <= :now)",
    Found.EXPIRED: "#state = :claimed AND #owner <> :me AND #until_ms <= :now",
    Found.OWN: "#state = :claimed AND #owner = :me",
    Found.OTHERS: "#state = :claimed AND #owner <> :me AND #until_ms > :now",
    Found.DEFERRED: "#state = :deferred AND #until_ms >= :overdue",
    Found.OVERDUE: "#state = :deferred AND #until_ms < :overdue",
    Found.TOLD: "#state = :told AND #until_ms > :now",
}
"""`lifecycle.classify`, a condition for each answer."""

STANDING = {
    Standing.NONE: "attribute_not_exists(#pk) OR #state = :closed OR (#state = :open AND #window_until_ms <= :now)",
    Standing.OPENING: "#state = :opening AND #opener <> :me AND #lease_until_ms > :now",
    Standing.ABANDONED: "#state = :opening AND (#opener = :me OR #lease_until_ms <= :now)",
    Standing.OPEN: "#state = :open AND #window_until_ms > :now",
}
"""`lifecycle.standing`, a condition for each answer."""


def any_of(conditions: Collection[str]) -> str:
    """Join conditions of which one must hold."""
    return " OR ".join(f"({condition})" for condition in conditions)


def _takes(table: Mapping[Found, Then]) -> str:
    return any_of([FOUND[found] for found, then in table.items() if then is Then.TAKE])


TAKE_FROM_STREAM = _takes(FROM_STREAM)
TAKE_FROM_OUTBOX = _takes(FROM_OUTBOX)


def claim_values(owner: str, now_ms: int) -> Values:
    """Return the values of `FOUND`."""
    states = {state.value: state.value for state in ClaimState}
    return {**states, "me": owner, "now": now_ms, "overdue": now_ms - OVERDUE_MS}


# ---- groups ----

OPEN_GROUP = (
    "attribute_not_exists(#pk) OR #state = :closed"
    " OR (#state = :open AND #window_until_ms <= :now AND #opener = :ended_by AND #count = :ended_with)"
)
"""`STANDING[Standing.NONE]`, and if the group was never closed `lifecycle.is_still`."""
TAKE_OVER_GROUP = STANDING[Standing.ABANDONED]
TAKE_OVER = "SET #opener = :me, #lease_until_ms = :lease_until_ms"
JOINABLE = any_of([condition for found, condition in STANDING.items() if found is not Standing.NONE])
COUNT_ALONE = "ADD #count :count"
POSTABLE = "#opener = :opener AND #state <> :closed"
CLOSE_GROUP = "#opener = :opener AND #count = :count AND (#state <> :closed OR #closed_by = :call)"
CLOSE = "SET #state = :closed, #closed_by = :call"


def group_values(opener: str, now_ms: int) -> Values:
    """Return the values of `STANDING`."""
    return {**{state.value: state.value for state in GroupState}, "me": opener, "now": now_ms}


def ended_values(ended: Group | None) -> Values:
    """Return the values of `OPEN_GROUP` for a group that may be replaced; no group has a count of 0."""
    return {"ended_by": ended.opener, "ended_with": ended.count} if ended else {"ended_by": "-", "ended_with": 0}


class Step(NamedTuple):
    """One conditional update. Its condition admits it only where it does exactly what is wanted."""

    update: str
    condition: str
    values: Values


def join_step(joining: Joining, found: Group | None = None) -> Step:
    """Add to a group that is as `found`, or by default to one that began earlier, grows on and has room for samples.

    SET has no min() and no max(), and a set has no limit: what an update may do depends on what is stored. So one
    update is written for the usual case, and where its condition fails the next one for what was found instead.
    """
    first_moves = found is not None and joining.first_ms < found.first_ms
    last_moves = found is None or joining.last_ms >= found.last_ms
    values: dict[str, Value] = {"count": joining.count, "first_ms": joining.first_ms, "last_ms": joining.last_ms}
    sets = [f"#{name} = :{name}" for name, moves in (("first_ms", first_moves), ("last_ms", last_moves)) if moves]
    adds = ["#count :count"]
    conditions = [
        "#first_ms > :first_ms" if first_moves else "#first_ms <= :first_ms",
        "#last_ms <= :last_ms" if last_moves else "#last_ms > :last_ms",
    ]
    for name in ("sources", "targets"):
        sample = _new(getattr(joining, name), getattr(found, name) if found else ())
        if sample:
            values[name], values[f"room_{name}"] = frozenset(sample), MAX_SAMPLE - len(sample)
            adds.append(f"#{name} :{name}")
            conditions.append(f"(attribute_not_exists(#{name}) OR size(#{name}) <= :room_{name})")
    update = (f"SET {', '.join(sets)} " if sets else "") + f"ADD {', '.join(adds)}"
    return Step(update, " AND ".join([f"({JOINABLE})", *conditions]), values)


def posted_step(told: int, found: Group | None = None) -> Step:
    """Record that a group's message is out; what readers have been shown never becomes less."""
    told_moves = found is None or told >= found.told
    update = "SET #state = :open, #channel = :channel, #message = :message"
    if told_moves:
        return Step(f"{update}, #told = :told", f"{POSTABLE} AND #told <= :told", {"told": told})
    return Step(update, f"{POSTABLE} AND #told > :told", {"told": told})


def _new(more: Collection[str], seen: Collection[str]) -> list[str]:
    """What a sample gains, as far as it has room. Sets hold no empty strings."""
    return [text for text in dict.fromkeys(more) if text and text not in seen][: max(0, MAX_SAMPLE - len(seen))]


# ---- turns and counters ----

# The generic cell rate algorithm needs max(now, arrival), which SET cannot say. Its two cases exclude each other, and
# each is one atomic update; a bucket's arrival only ever grows, so a denial is final for this moment.
IDLE = "attribute_not_exists(#arrival_ms) OR #arrival_ms <= :now"
TAKE_IDLE = "SET #arrival_ms = :next, #expires_at = :expires_at"
BUSY = "#arrival_ms > :now AND #arrival_ms <= :latest"
TAKE_BUSY = "SET #arrival_ms = #arrival_ms + :interval, #expires_at = :expires_at"

FREE_TURN = "attribute_not_exists(#pk) OR #until_ms <= :now OR #taken_by = :call"
LONGER_BLOCK = "attribute_not_exists(#pk) OR #until_ms < :until_ms"
COUNT = "SET #expires_at = :expires_at ADD #bucket :added"


def forget(count: int) -> str:
    """Remove this many attributes, `#stale0` and on."""
    return "REMOVE " + ", ".join(f"#stale{number}" for number in range(count))


def add(count: int) -> str:
    """Add to this many attributes, `#figure0` and on, by `:figure0` and on."""
    return "SET #expires_at = :expires_at ADD " + ", ".join(f"#figure{i} :figure{i}" for i in range(count))


IF_SLOWER = "attribute_not_exists(#slowest_ms) OR #slowest_ms < :slowest_ms"
SLOWER = "SET #slowest_ms = :slowest_ms, #expires_at = :expires_at"
