"""Lambda's reading of a Kinesis stream: batches, retries, bisection, record age, on-failure destination.

What follows from an answer is decided in `stream_batches`; this reads the shards and keeps the time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import MAX_PAYLOAD_BYTES, Function
from pipeline.local.lambda_events import kinesis_event, on_failure_message, on_failure_object
from pipeline.local.on_failure import Destination
from pipeline.local.stream_batches import Attempt, Discarded, Settled, StreamRecord, expire, judge, settle

# GetRecords returns at most so many
READ_LIMIT = 10_000
# A base64 event of records takes so much more room than their data, and each record this much around it
BASE64_GROWTH = 4 / 3
RECORD_OVERHEAD_BYTES = 600


@dataclass(slots=True)
class Tally:
    """What a poller did so far."""

    invocations: int = 0
    records_done: int = 0
    discarded: list[Discarded] = field(default_factory=list)


@dataclass(slots=True)
class _Lane:
    """One shard's records with one share of the partition keys, worked on one batch at a time."""

    shard_id: str
    buffer: deque[StreamRecord] = field(default_factory=deque)
    waiting_since: float = 0.0
    attempts: deque[Attempt] = field(default_factory=deque)
    not_before: float = 0.0

    @property
    def idle(self) -> bool:
        return not self.buffer and not self.attempts


class StreamPoller:
    """Reads one stream for one function. `poll` makes one round; `drain` goes on until everything is done.

    `clock` gives the seconds since 1970. With `workers` above one, lanes are worked on at the same time.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        mapping: Mapping,
        function: Function,
        *,
        clock: Callable[[], float] = time.time,
        retry_wait_s: float = 0.05,
        workers: int = 1,
    ) -> None:
        self.mapping = mapping
        self.tally = Tally()
        self._kinesis = client("kinesis")
        self._function = function
        self._on_failure = Destination(client, mapping.on_failure_arn) if mapping.on_failure_arn else None
        self._clock = clock
        self._retry_wait_s = retry_wait_s
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None
        self._iterators: dict[str, str] = {}
        self._lanes: dict[str, list[_Lane]] = {}
        self._behind = True
        self.rounds = 0
        """So many times every shard was read."""
        self.idle = False
        """When the last round ended, everything in the stream was done or discarded."""
        self.discover(mapping.starting_position)

    def discover(self, starting_position: str = "TRIM_HORIZON") -> None:
        """Look for shards that aren't read yet; those that appear later are read from their start."""
        for page in self._kinesis.get_paginator("list_shards").paginate(StreamARN=self.mapping.source_arn):
            for shard in page["Shards"]:
                if shard["ShardId"] not in self._lanes:
                    self._open(shard["ShardId"], starting_position)

    def poll(self) -> int:
        """Read every shard once, make every invocation that is due, and return how many those were."""
        before = self.tally.invocations
        self._behind = False
        for shard_id in list(self._iterators):
            self._read(shard_id)
        lanes = [lane for lane in self._all_lanes() if not lane.idle]
        if self._pool:
            list(self._pool.map(self._work, lanes))
        else:
            for lane in lanes:
                self._work(lane)
        self.idle = not self._behind and all(lane.idle for lane in self._all_lanes())
        self.rounds += 1
        return self.tally.invocations - before

    def drain(self, timeout_s: float = 30.0, *, wait: Callable[[float], None] = time.sleep) -> None:
        """Poll until everything is done; raises TimeoutError when that takes longer."""
        deadline = time.monotonic() + timeout_s
        while True:
            worked = self.poll()
            if self.idle:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"records of {self.mapping.source_arn} are not done after {timeout_s} s")
            if not worked:
                wait(0.01)

    def close(self) -> None:
        """Stop its workers."""
        if self._pool:
            self._pool.shutdown()

    def _all_lanes(self) -> list[_Lane]:
        return [lane for lanes in self._lanes.values() for lane in lanes]

    def _open(self, shard_id: str, starting_position: str) -> None:
        at = {"Timestamp": self.mapping.starting_timestamp} if starting_position == "AT_TIMESTAMP" else {}
        answer = self._kinesis.get_shard_iterator(
            StreamARN=self.mapping.source_arn, ShardId=shard_id, ShardIteratorType=starting_position, **at
        )
        self._iterators[shard_id] = answer["ShardIterator"]
        self._lanes[shard_id] = [_Lane(shard_id) for _ in range(self.mapping.parallelization_factor)]

    def _read(self, shard_id: str) -> None:
        lanes = self._lanes[shard_id]
        if sum(len(lane.buffer) for lane in lanes) >= READ_LIMIT:
            self._behind = True
            return
        # moto 5.2.5 forgets the stream of an iterator that was made by ARN, unless the ARN is told again
        answer = self._kinesis.get_records(
            StreamARN=self.mapping.source_arn, ShardIterator=self._iterators[shard_id], Limit=READ_LIMIT
        )
        for raw in answer["Records"]:
            record = StreamRecord(
                sequence_number=raw["SequenceNumber"],
                partition_key=raw["PartitionKey"],
                data=raw["Data"],
                arrived_s=raw["ApproximateArrivalTimestamp"].timestamp(),
            )
            lane = lanes[_share(record.partition_key, len(lanes))]
            if not lane.buffer:
                lane.waiting_since = self._clock()
            lane.buffer.append(record)
        self._behind = self._behind or bool(answer["Records"])
        if "NextShardIterator" in answer:
            self._iterators[shard_id] = answer["NextShardIterator"]
        else:
            del self._iterators[shard_id]

    def _work(self, lane: _Lane) -> None:
        """Invoke the function for this lane until nothing is due."""
        while self._clock() >= lane.not_before:
            if not lane.attempts:
                batch = self._batch(lane)
                if not batch:
                    return
                lane.attempts.append(Attempt(batch))
            self._try(lane)

    def _batch(self, lane: _Lane) -> tuple[StreamRecord, ...]:
        """Take the next batch out of the buffer, if it is full or has waited long enough."""
        count, size = 0, 0.0
        for record in lane.buffer:
            size += len(record.data) * BASE64_GROWTH + RECORD_OVERHEAD_BYTES
            if count == self.mapping.batch_size or (count and size > MAX_PAYLOAD_BYTES):
                break
            count += 1
        full = count == self.mapping.batch_size or size > MAX_PAYLOAD_BYTES
        if not full and self._clock() < lane.waiting_since + self.mapping.batching_window_s:
            return ()
        lane.waiting_since = self._clock()
        return tuple(lane.buffer.popleft() for _ in range(count))

    def _try(self, lane: _Lane) -> None:
        """Make the first attempt; where a service doesn't answer this raises, and the attempt stays the first."""
        aged = expire(self.mapping, lane.attempts[0], self._clock())
        self._replace(lane, aged)
        if not aged.retries:
            return
        settled = self._invoke(lane.shard_id, aged.retries[0])
        self._count(aged.retries[0], settled)
        self._replace(lane, settled)
        failures = settled.retries[0].failures if settled.retries else 0
        lane.not_before = self._clock() + self._retry_wait_s * 2 ** min(failures, 7) if failures else 0.0

    def _replace(self, lane: _Lane, settled: Settled) -> None:
        """Put what follows from the first attempt into its place, once what is given up has been told."""
        self._give_up(lane, settled.discarded)
        lane.attempts.popleft()
        lane.attempts.extendleft(reversed(settled.retries))

    def _invoke(self, shard_id: str, attempt: Attempt) -> Settled:
        self.tally.invocations += 1
        outcome = self._function.invoke(kinesis_event(self.mapping.source_arn, shard_id, attempt.records))
        numbers = [record.sequence_number for record in attempt.records]
        verdict = judge(outcome, numbers, reports_item_failures=self.mapping.reports_item_failures)
        return settle(self.mapping, attempt, verdict, outcome.request_id)

    def _count(self, attempt: Attempt, settled: Settled) -> None:
        left = sum(len(retry.records) for retry in settled.retries)
        left += len(settled.discarded.records) if settled.discarded else 0
        self.tally.records_done += len(attempt.records) - left

    def _give_up(self, lane: _Lane, discarded: Discarded | None) -> None:
        if discarded is None:
            return
        self.tally.discarded.append(discarded)
        if self._on_failure is None:
            return
        now = self._clock()
        if self._on_failure.takes_payload:
            self._on_failure.put(*on_failure_object(self.mapping, lane.shard_id, discarded, now))
        else:
            self._on_failure.tell(on_failure_message(self.mapping, lane.shard_id, discarded, now))


def _share(partition_key: str, shares: int) -> int:
    return int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest()[:4], "big") % shares
