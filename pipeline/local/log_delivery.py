"""Filtered log events on their way into a stream: held for a moment, then sent as few records."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from threading import Condition, RLock, Thread
from typing import Any
from uuid import uuid4

from pipeline.local.log_envelopes import Origin, envelopes

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One log stream's way through one filter to one Kinesis stream."""

    origin: Origin
    stream_arn: str
    distribution: str = "ByLogStream"
    """ByLogStream: all records of a log stream share a partition key and so a shard. Random: each has its own."""

    def partition_key(self) -> str:
        """Name the shard that the next record goes to."""
        if self.distribution == "Random":
            return uuid4().hex
        name = f"{self.origin.owner}:{self.origin.log_group}:{self.origin.log_stream}"
        return md5(name.encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class LogDelivery:
    """Holds events for `linger_s`, then hands their records to `put(stream_arn, partition_key, data)`."""

    put: Callable[[str, str, bytes], None]
    linger_s: float
    undeliverable: int = 0
    """Events that were lost because their destination refused them, as AWS loses them."""
    _waiting: dict[Route, list[dict[str, Any]]] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)
    _sending: RLock = field(default_factory=RLock)
    _thread: Thread | None = None
    _stopped: bool = False

    def start(self) -> None:
        """Send what is handed over from now on."""
        self._stopped = False
        self._thread = Thread(target=self._run, name="log-delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, and stop."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()
        self.flush()

    def add(self, route: Route, events: Sequence[dict[str, Any]]) -> None:
        """Take events over; they are sent within the linger, or by the next `flush`."""
        with self._changed:
            self._waiting.setdefault(route, []).extend(events)
            self._changed.notify_all()

    def flush(self) -> None:
        """Send what waits now; when this returns it is in the streams."""
        with self._sending:
            with self._changed:
                waiting, self._waiting = self._waiting, {}
            for route, events in waiting.items():
                self._send(route, events)

    def _send(self, route: Route, events: list[dict[str, Any]]) -> None:
        try:
            for data in envelopes(route.origin, events):
                self.put(route.stream_arn, route.partition_key(), data)
        except LookupError as error:
            self.undeliverable += len(events)
            _log.warning("%d log events lost: %s takes none: %s", len(events), route.stream_arn, error)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                self._changed.wait_for(lambda: self._stopped, timeout=self.linger_s)
            self.flush()
