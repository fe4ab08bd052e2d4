"""Simulated time, and processes that take turns on it.

Each process is a thread, for the code it runs is ordinary code; but only one of them runs at any moment, and which one
is next is decided by the clock and, among those of the same moment, by the seed. So a run can be repeated exactly.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


class Killed(BaseException):
    """The process died here. Not an Exception, so nothing on the way catches it; nor does SIGKILL ask."""


class Process:
    """Ordinary code that waits on simulated time; it ends, or dies, and then says so."""

    def __init__(
        self, timeline: Timeline, body: Callable[[], None], then: Callable[[BaseException | None], None], name: Any
    ) -> None:
        self.name = name
        """Whatever whoever started it knows it by."""
        self._timeline = timeline
        self._body = body
        self._then = then
        self._turn = threading.Semaphore(0)
        self._done = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def resume(self) -> None:
        """Run until it waits or ends. Called by the timeline only."""
        self._timeline.running = self
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._turn.release()
        self._timeline.baton.acquire()
        self._timeline.running = None
        if self._done:
            self._timeline.alive.discard(self)
            self._then(self._failure)

    def pause(self) -> None:
        """Let others run until `resume`. Called by the process itself only."""
        if self._timeline.closing:
            raise Killed
        self._timeline.baton.release()
        self._turn.acquire()
        if self._timeline.closing:
            raise Killed

    def _run(self) -> None:
        try:
            self._body()
        except BaseException as failure:  # noqa: BLE001 - whoever started it judges
            self._failure = failure
        self._done = True
        self._timeline.baton.release()


class Timeline:
    """The clock, and what is going to happen when. Close it (`with`) to end what still runs."""

    def __init__(self, now_ms: int, seed: int) -> None:
        self.now_ms = now_ms
        self.random = random.Random(seed)  # noqa: S311 - must be repeatable
        self.running: Process | None = None
        self.baton = threading.Semaphore(0)
        self.alive: set[Process] = set()
        self.closing = False
        self._until_ms: float = float("inf")
        self._agenda: list[tuple[int, float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Do something at a time; what is due at the same time is done in an order that the seed decides."""
        self._number += 1
        heapq.heappush(self._agenda, (max(at_ms, self.now_ms), self.random.random(), self._number, action))

    def start(self, body: Callable[[], None], then: Callable[[BaseException | None], None], name: Any = None) -> None:
        """Start a process now; `then` is called when it has ended, with what it raised."""
        process = Process(self, body, then, name)
        self.alive.add(process)
        self.at(self.now_ms, process.resume)

    def wait(self, ms: int) -> None:
        """Let time pass for the process that asks; outside of one, for everybody."""
        until_ms = self.now_ms + ms
        process = self.running
        if process is None:
            self.run(until_ms)
        elif until_ms <= self._until_ms and (not self._agenda or self._agenda[0][0] > until_ms):
            self.now_ms = until_ms  # nobody else has anything to do meanwhile
        else:
            self.at(until_ms, process.resume)
            process.pause()

    def run(self, until_ms: float = float("inf")) -> None:
        """Go on until then, or until nothing is left to happen."""
        self._until_ms = until_ms
        while self._agenda and self._agenda[0][0] <= until_ms:
            at_ms, _, _, action = heapq.heappop(self._agenda)
            self.now_ms = max(self.now_ms, at_ms)
            action()
        if until_ms != float("inf"):
            self.now_ms = max(self.now_ms, int(until_ms))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing = True
        for process in tuple(self.alive):
            if process._thread.ident is not None:  # noqa: SLF001 - its own
                process._turn.release()  # noqa: SLF001
                self.baton.acquire()
        self.alive.clear()
