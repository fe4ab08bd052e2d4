"""The shared state in one DynamoDB table: `state.protocol.State` with one conditional write wherever races can be.

An item's key begins with its kind: `a#` claims, `g#` groups, `p#` pace, `t#` turns, `b#` blocks, `c#` counters,
`d#` days.
DynamoDB deletes items some time after `expires_at` (epoch seconds), which is housekeeping: nothing here relies on it.

A lost answer makes botocore repeat a request that was done already. So repeated writes are recognised (a claim and an
opening by their owner, a turn and a closing by a random name of the call), or err to the safe side: a count may be
overstated, a token may be wasted, never the reverse.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from pipeline.aws import dynamodb_expressions as ex
from pipeline.aws.dynamodb_expressions import Step, Values
from pipeline.aws.dynamodb_table import Item, Table, number, text, texts
from pipeline.errors import StateError
from pipeline.state.counting import fullest, stale
from pipeline.state.lifecycle import (
    GROUP_KEPT_MS,
    KEPT_MS,
    Claim,
    ClaimState,
    Group,
    GroupState,
    Standing,
    is_same_opening,
    standing,
)
from pipeline.state.protocol import MAX_SAMPLE, Joining

MAX_NAME: Final = 200
"""Longest name that is a key as it is; DynamoDB's end at 2,048 bytes."""
MAX_LEAD: Final = 100_000
"""Characters of a group's lead, which usually has a tenth of it; an item ends at 400 KB."""
TRIES: Final = 4
"""Writes for one join or one token before somebody else is assumed to be stuck in the same place."""
PACE_KEPT_MS: Final = 60_000
FORGET_LIMIT: Final = 100
"""Attributes removed by one update; an expression ends at 4 KB."""

T = TypeVar("T")


class DynamoState:
    """The `State` protocol on one table. Nothing is contacted before the first call."""

    def __init__(self, table: str) -> None:
        self._table = Table(table)

    # ---- claims ----

    def read_claims(self, keys: Collection[str]) -> Mapping[str, Claim]:
        """See `State`."""
        return self._read("a", keys, _claim)

    def take_claim(self, key: str, wanted: Claim, *, now_ms: int, from_outbox: bool) -> Claim | None:
        """See `State`."""
        condition = ex.TAKE_FROM_OUTBOX if from_outbox else ex.TAKE_FROM_STREAM
        values = ex.claim_values(wanted.owner, now_ms)
        outcome = self._table.put(_pk("a", key), _claim_item(wanted), condition, values)
        return None if outcome.done else _read_item(_claim, outcome.item)

    def write_claims(self, claims: Mapping[str, Claim]) -> None:
        """See `State`."""
        self._table.write({_pk("a", key): _claim_item(claim) for key, claim in claims.items()})

    # ---- groups ----

    def read_groups(self, keys: Collection[str]) -> Mapping[str, Group]:
        """See `State`."""
        return self._read("g", keys, _group)

    def open_group(
        self, key: str, group: Group, *, now_ms: int, ended: Group | None = None
    ) -> tuple[bool, Group | None]:
        """See `State`."""
        values = {**ex.group_values(group.opener, now_ms), **ex.ended_values(ended)}
        outcome = self._table.put(_pk("g", key), _group_item(group), ex.OPEN_GROUP, values)
        if outcome.done:
            return True, None
        found = _read_item(_group, outcome.item)
        return (True, None) if is_same_opening(found, group) else (False, found)

    def take_over_group(self, key: str, opener: str, *, lease_until_ms: int, now_ms: int) -> Group | None:
        """See `State`."""
        values = {**ex.group_values(opener, now_ms), "lease_until_ms": lease_until_ms}
        return self._update_group(key, Step(ex.TAKE_OVER, ex.TAKE_OVER_GROUP, values))

    def join_group(self, key: str, joining: Joining, *, now_ms: int) -> Group | None:
        """See `State`. One write where the group has room for the samples and nobody has joined it from later on."""
        pk, values = _pk("g", key), ex.group_values("", now_ms)
        step = ex.join_step(joining)
        for _ in range(TRIES):
            outcome = self._table.update(pk, step.update, step.condition, {**values, **step.values})
            if outcome.done:
                return _read_item(_group, outcome.item)
            found = _read_item(_group, outcome.item) if outcome.item else None
            if found is None or standing(found, "", now_ms) is Standing.NONE:
                return None
            step = ex.join_step(joining, found)
        # Many join at once: the count must be right, first and last time and samples may miss this batch.
        return self._update_group(key, Step(ex.COUNT_ALONE, ex.JOINABLE, {**values, "count": joining.count}))

    def posted_group(self, key: str, opener: str, *, channel: str, message: str, told: int) -> Group | None:
        """See `State`."""
        states = ex.group_values("", 0)
        values: Values = {**states, "opener": opener, "channel": channel, "message": message}
        step = ex.posted_step(told)
        for _ in range(TRIES):
            outcome = self._table.update(_pk("g", key), step.update, step.condition, {**values, **step.values})
            if outcome.done:
                return _read_item(_group, outcome.item)
            found = _read_item(_group, outcome.item) if outcome.item else None
            if found is None or found.opener != opener or found.state is GroupState.CLOSED:
                return None
            step = ex.posted_step(told, found)
        raise StateError("a group's message could not be recorded: its count changes all the time")

    def close_group(self, key: str, opener: str, *, count: int) -> Group | None:
        """See `State`."""
        values = {**ex.group_values("", 0), "opener": opener, "count": count, "call": _call_name()}
        return self._update_group(key, Step(ex.CLOSE, ex.CLOSE_GROUP, values))

    def _update_group(self, key: str, step: Step) -> Group | None:
        outcome = self._table.update(_pk("g", key), step.update, step.condition, step.values)
        return _read_item(_group, outcome.item) if outcome.done else None

    # ---- turns ----

    def take_token(self, bucket: str, *, interval_ms: int, burst: int, now_ms: int) -> int:
        """See `State`. One write in a quiet channel, two in a busy one."""
        latest_ms = now_ms + (burst - 1) * interval_ms
        values = {
            "now": now_ms,
            "latest": latest_ms,
            "interval": interval_ms,
            "next": now_ms + interval_ms,
            "expires_at": _expires_at(latest_ms + interval_ms + PACE_KEPT_MS),
        }
        for update, condition in ((ex.TAKE_IDLE, ex.IDLE), (ex.TAKE_BUSY, ex.BUSY)) * (TRIES // 2):
            outcome = self._table.update(_pk("p", bucket), update, condition, values)
            if outcome.done:
                return 0
            arrival_ms = _read_item(_arrival_ms, outcome.item) if outcome.item else 0
            if arrival_ms > latest_ms:
                return arrival_ms - latest_ms
        raise StateError("a rate limit's item comes and goes")

    def take_turn(self, name: str, *, until_ms: int, now_ms: int) -> bool:
        """See `State`."""
        call = _call_name()
        item: Values = {"until_ms": until_ms, "taken_by": call, "expires_at": _expires_at(until_ms)}
        return self._table.put(_pk("t", name), item, ex.FREE_TURN, {"now": now_ms, "call": call}).done

    def block(self, scope: str, *, until_ms: int) -> None:
        """See `State`."""
        item = {"until_ms": until_ms, "expires_at": _expires_at(until_ms)}
        self._table.put(_pk("b", scope), item, ex.LONGER_BLOCK, {"until_ms": until_ms})

    def read_blocks(self, scopes: Collection[str]) -> Mapping[str, int]:
        """See `State`."""
        return self._read("b", scopes, _until_ms)

    # ---- counters ----

    def count(self, name: str, bucket: int, added: int, *, buckets: int, expires_ms: int) -> int:
        """See `State`. One write, and another one whenever a bucket has become too old."""
        pk = _pk("c", name)
        values = {"added": added, "expires_at": _expires_at(expires_ms)}
        outcome = self._table.update(pk, ex.COUNT, "", values, {"bucket": f"n{bucket}"})
        counter = _read_item(_buckets, outcome.item)
        old = stale(counter, bucket, buckets)[:FORGET_LIMIT]
        if old:
            names = {f"stale{i}": f"n{b}" for i, b in enumerate(old)}
            self._table.update(pk, ex.forget(len(old)), "", {}, names)
        return fullest(counter, bucket, buckets)

    # ---- days ----

    def add_to_day(self, day: int, numbers: Mapping[str, int], *, slowest_ms: int, expires_ms: int) -> None:
        """See `State`. One write, and another one where something was slow."""
        pk, expires_at = _pk("d", str(day)), _expires_at(expires_ms)
        figures = [(name, added) for name, added in numbers.items() if added]
        if figures:
            names = {f"figure{i}": name for i, (name, _) in enumerate(figures)}
            values = {f"figure{i}": added for i, (_, added) in enumerate(figures)}
            self._table.update(pk, ex.add(len(figures)), "", {**values, "expires_at": expires_at}, names)
        if slowest_ms:
            self._table.update(pk, ex.SLOWER, ex.IF_SLOWER, {"slowest_ms": slowest_ms, "expires_at": expires_at})

    def read_day(self, day: int) -> Mapping[str, int]:
        """See `State`."""
        return self._read("d", [str(day)], _figures).get(str(day), {})

    # ---- items ----

    def _read(self, kind: str, keys: Collection[str], decode: Callable[[Item], T]) -> dict[str, T]:
        by_pk = {_pk(kind, key): key for key in keys}
        return {by_pk[pk]: _read_item(decode, item) for pk, item in self._table.read(by_pk).items()}


def _pk(kind: str, name: str) -> str:
    """Make a name a key: as it is where it is short ASCII, which all but odd channel names are, else hashed."""
    if len(name) <= MAX_NAME and name.isascii():
        return f"{kind}#{name}"
    return f"{kind}#sha256:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _call_name() -> str:
    """Name one call, so that its repetition is known to be one."""
    return secrets.token_hex(8)


def _expires_at(at_ms: int) -> int:
    """Round up to the seconds in which DynamoDB counts."""
    return -(-at_ms // 1000)


def _read_item(decode: Callable[[Item], T], item: Item | None) -> T:
    if item is None:
        raise StateError("the table refuses a write and does not show why")
    try:
        return decode(item)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"an item of the table is damaged: {type(error).__name__}: {error}") from error


def _claim_item(claim: Claim) -> Values:
    kept_until_ms = claim.until_ms + KEPT_MS[claim.state]
    return {**claim._asdict(), "state": claim.state.value, "expires_at": _expires_at(kept_until_ms)}


def _claim(item: Item) -> Claim:
    return Claim(ClaimState(text(item, "state")), text(item, "owner"), number(item, "until_ms"))


def _group_item(group: Group) -> Values:
    kept_until_ms = max(group.window_until_ms, group.lease_until_ms) + GROUP_KEPT_MS
    return {
        "state": group.state.value,
        "opener": group.opener,
        "lease_until_ms": group.lease_until_ms,
        "window_until_ms": group.window_until_ms,
        "count": group.count,
        "first_ms": group.first_ms,
        "last_ms": group.last_ms,
        "sources": _sample(group.sources),
        "targets": _sample(group.targets),
        "channel": group.channel,
        "message": group.message,
        "told": group.told,
        "lead": group.lead if len(group.lead) <= MAX_LEAD else "",
        "expires_at": _expires_at(kept_until_ms),
    }


def _sample(sample: tuple[str, ...]) -> frozenset[str]:
    return frozenset([seen for seen in sample if seen][:MAX_SAMPLE])


def _group(item: Item) -> Group:
    return Group(
        state=GroupState(text(item, "state")),
        opener=text(item, "opener"),
        lease_until_ms=number(item, "lease_until_ms"),
        window_until_ms=number(item, "window_until_ms"),
        count=number(item, "count"),
        first_ms=number(item, "first_ms"),
        last_ms=number(item, "last_ms"),
        sources=texts(item, "sources"),
        targets=texts(item, "targets"),
        channel=text(item, "channel"),
        message=text(item, "message"),
        told=number(item, "told"),
        lead=text(item, "lead"),
    )


def _arrival_ms(item: Item) -> int:
    return number(item, "arrival_ms")


def _until_ms(item: Item) -> int:
    return number(item, "until_ms")


def _figures(item: Item) -> dict[str, int]:
    return {name: number(item, name) for name in item if name not in {"pk", "expires_at"}}


def _buckets(item: Item) -> dict[int, int]:
    return {int(name[1:]): number(item, name) for name in item if name.startswith("n")}
