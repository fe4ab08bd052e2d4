"""A simulated Kinesis stream, and Lambda's reading of it. `stream_batches` decides what follows from an answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from pipeline.local.event_source_mapping import Mapping
from pipeline.local.lambda_events import kinesis_event
from pipeline.local.simulation.timeline import Timeline
from pipeline.local.stream_batches import Attempt, Discarded, Outcome, StreamRecord, judge, settle
from pipeline.testing import ACCOUNT, REGION, STREAM

STREAM_ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}"
MAPPING = Mapping(
    source_arn=STREAM_ARN,
    function_arn="kinesis",
    batch_size=100,
    batching_window_s=1.0,
    bisects=True,
    reports_item_failures=True,
)
"""The deployment's, but that it never gives up: what is given up goes to a bucket, which is another story."""
RETRY_MS, MOST_RETRY_MS = 200, 30_000
"""Lambda waits longer and longer between attempts; how long it does not say."""
FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898


class Shard:
    """One shard: its records in order, and the one function that works on them. `invoke(event, then)` starts it."""

    def __init__(
        self,
        number: int,
        timeline: Timeline,
        mapping: Mapping,
        invoke: Callable[[dict[str, Any], Callable[[Outcome], None]], None],
    ) -> None:
        self.id = f"shardId-{number:012d}"
        self.records: list[StreamRecord] = []
        """Everything that ever came, to be read again from its start."""
        self.discarded: list[Discarded] = []
        self.invocations = 0
        self.unsafe = 0
        """How often something was handed back."""
        self._timeline = timeline
        self._mapping = mapping
        self._invoke = invoke
        self._buffer: deque[StreamRecord] = deque()
        self._waiting_since_ms = 0
        self._attempts: deque[Attempt] = deque()
        self._busy = False

    @property
    def idle(self) -> bool:
        """Everything that came is done."""
        return not self._busy and not self._buffer and not self._attempts

    def put(self, data: bytes) -> StreamRecord:
        """Take a record; it arrives now."""
        sequence = str(FIRST_SEQUENCE + len(self.records))
        record = StreamRecord(sequence, "key", data, self._timeline.now_ms / 1000)
        self.records.append(record)
        self._arrive(record)
        return record

    def reread(self) -> None:
        """Read everything again from the start, as somebody who resets the mapping does."""
        for record in self.records:
            self._arrive(record)

    def split(self, sizes: list[int]) -> None:
        """Deliver everything again, in batches of these sizes, the last of them repeated."""
        start, number = 0, 0
        while start < len(self.records):
            size = max(1, sizes[min(number, len(sizes) - 1)])
            self._attempts.append(Attempt(tuple(self.records[start : start + size])))
            start, number = start + size, number + 1
        self.look()

    def look(self) -> None:
        """Start the function if it is free and there is something to do."""
        if self._busy:
            return
        if not self._attempts and (batch := self._batch()):
            self._attempts.append(Attempt(batch))
        if self._attempts:
            self._busy = True
            self.invocations += 1
            event = kinesis_event(STREAM_ARN, self.id, self._attempts[0].records)
            self._invoke(event, self._done)

    def _arrive(self, record: StreamRecord) -> None:
        if not self._buffer:
            self._waiting_since_ms = self._timeline.now_ms
            self._timeline.at(self._waiting_since_ms + round(self._mapping.batching_window_s * 1000), self.look)
        self._buffer.append(record)
        if len(self._buffer) >= self._mapping.batch_size:
            self.look()

    def _batch(self) -> tuple[StreamRecord, ...]:
        due_ms = self._waiting_since_ms + self._mapping.batching_window_s * 1000
        if not self._buffer or (len(self._buffer) < self._mapping.batch_size and self._timeline.now_ms < due_ms):
            return ()
        return tuple(self._buffer.popleft() for _ in range(min(self._mapping.batch_size, len(self._buffer))))

    def _done(self, outcome: Outcome) -> None:
        attempt = self._attempts.popleft()
        numbers = [record.sequence_number for record in attempt.records]
        verdict = judge(outcome, numbers, reports_item_failures=self._mapping.reports_item_failures)
        self.unsafe += verdict.first_failed is not None
        settled = settle(self._mapping, attempt, verdict)
        if settled.discarded:
            self.discarded.append(settled.discarded)
        self._attempts.extendleft(reversed(settled.retries))
        failures = settled.retries[0].failures if settled.retries else 0
        pause_ms = min(MOST_RETRY_MS, RETRY_MS * 2 ** min(failures, 10)) if failures else 0
        self._timeline.at(self._timeline.now_ms + pause_ms, self._free)

    def _free(self) -> None:
        self._busy = False
        if self._buffer and not self._attempts:
            due_ms = self._waiting_since_ms + round(self._mapping.batching_window_s * 1000)
            self._timeline.at(due_ms, self.look)
        self.look()
