"""Lambda's pollers for every mapping of the embedded AWS, or for one handler in this process, in threads of their own.

with Pollers(aws) as pollers:               # every enabled mapping that was deployed
    ...
with Pollers(aws, [(mapping, InProcess(handler))]) as pollers:   # only these
    pollers.drain()
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import Deployed, Function
from pipeline.local.queue_poller import QueuePoller
from pipeline.local.stream_poller import StreamPoller

Poller = StreamPoller | QueuePoller

# How often a stream or queue is looked at while nothing comes; AWS takes about a second
POLL_INTERVAL_S = 0.05
# How often new mappings and new shards are looked for
DISCOVERY_INTERVAL_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """A poller in its thread."""

    poller: Poller
    stopping: Event = field(default_factory=Event)
    thread: Thread | None = None

    def start(self) -> None:
        self.thread = Thread(target=self._run, name=f"poller {self.poller.mapping.source_arn}", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread:
            self.thread.join()
        self.poller.close()

    def _run(self) -> None:
        next_discovery = time.monotonic() + DISCOVERY_INTERVAL_S
        while not self.stopping.is_set():
            try:
                worked = self.poller.poll()
                if isinstance(self.poller, StreamPoller) and time.monotonic() > next_discovery:
                    next_discovery = time.monotonic() + DISCOVERY_INTERVAL_S
                    self.poller.discover()
            except (BotoCoreError, ClientError) as error:
                # a service that doesn't answer costs no retry: Lambda asks again, and so does this
                _log.warning("%s: %s", self.poller.mapping.source_arn, error)
                self.stopping.wait(DISCOVERY_INTERVAL_S)
            else:
                if not worked:
                    self.stopping.wait(POLL_INTERVAL_S)


class Pollers:
    """Runs the pollers of the given mappings; without any, of all that Lambda's API lists, as they come and go."""

    def __init__(self, aws: EmbeddedAws, mappings: Sequence[tuple[Mapping, Function]] = ()) -> None:
        self._aws = aws
        self._given = mappings
        self._stopping = Event()
        self._running: dict[str, _Running] = {}
        self._discovery: Thread | None = None
        self._lock = Lock()

    @property
    def pollers(self) -> tuple[Poller, ...]:
        """The pollers at work, whose tallies can be read; after `stop`, those that were."""
        with self._lock:
            return tuple(running.poller for running in self._running.values())

    def start(self) -> Self:
        """Begin; records that are put from here on are seen even by a mapping that starts at LATEST."""
        self._stopping.clear()
        self._running.clear()
        for index, (mapping, function) in enumerate(self._given):
            self._begin(f"{mapping.uuid}/{index}", mapping, function)
        if not self._given:
            self._discover()
            self._discovery = Thread(target=self._keep_discovering, name="mappings", daemon=True)
            self._discovery.start()
        return self

    def stop(self) -> None:
        """Stop after the invocations under way."""
        self._stopping.set()
        if self._discovery:
            self._discovery.join()
        for running in self._running.values():
            running.stop()

    def drain(self, timeout_s: float = 30.0) -> None:
        """Wait until everything that was logged or put before is done; raises TimeoutError when that takes longer.

        What a function puts into a queue meanwhile is waited for, too, its delays included.
        """
        deadline = time.monotonic() + timeout_s
        self._aws.flush_logs()
        while True:
            # a round under way may have missed what came before: the next one can't have
            rounds = [(poller, poller.rounds + 2) for poller in self.pollers]
            for poller, target in rounds:
                while poller.rounds < target or not poller.idle:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{poller.mapping.source_arn} is not drained after {timeout_s} s")
                    time.sleep(POLL_INTERVAL_S / 5)
            if all(poller.idle for poller, _ in rounds):
                return

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _begin(self, key: str, mapping: Mapping, function: Function) -> None:
        if mapping.reads_queue:
            poller: Poller = QueuePoller(self._aws.client, mapping, function)
        else:
            workers = 1 if self._given else max(2, mapping.parallelization_factor)
            poller = StreamPoller(self._aws.client, mapping, function, workers=workers)
        running = _Running(poller)
        with self._lock:
            self._running[key] = running
        running.start()

    def _end(self, key: str) -> None:
        with self._lock:
            running = self._running.pop(key)
        running.stop()

    def _discover(self) -> None:
        """Begin to read for mappings that appeared, and cease for those that were disabled or deleted."""
        client = self._aws.client("lambda")
        pages = client.get_paginator("list_event_source_mappings").paginate()
        listed = [item for page in pages for item in page["EventSourceMappings"] if item["State"] == "Enabled"]
        mappings = {item["UUID"]: Mapping.from_api(item) for item in listed}
        for uuid in self._running.keys() - mappings.keys():
            self._end(uuid)
        for uuid in mappings.keys() - self._running.keys():
            self._begin(uuid, mappings[uuid], Deployed(client, mappings[uuid].function_arn))

    def _keep_discovering(self) -> None:
        while not self._stopping.wait(DISCOVERY_INTERVAL_S):
            try:
                self._discover()
            except (BotoCoreError, ClientError) as error:
                _log.warning("event source mappings: %s", error)
