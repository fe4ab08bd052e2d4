"""libjq, kept in a child process, with a bound on what it may cost.

libjq cannot be interrupted inside this process: it holds the interpreter while it runs, its regexes backtrack on text
an attacker may choose, a few kilobytes can make it allocate gigabytes, and deep values end the process with a
segmentation fault. So it runs in a child whose CPU time and memory the kernel bounds. One child serves every program.

What a program may use is metered in CPU seconds, so that no crafted series of events can stall a batch: over any n
events a program uses at most `CREDIT_S + n * EARNED_S`. An ordinary run takes some 0.00005 s. An event that meets an
exhausted credit is undecided, and therefore told.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.checks import scrub
from pipeline.errors import ProgramFailed, ProgramUndecided, RuleError
from pipeline.languages.condition import Verdict
from pipeline.languages.jq import worker

RUN_LIMIT_S = 1.0
"""CPU seconds one event may take."""
CREDIT_S = 2.0
"""CPU seconds a program may be ahead of what it has earned."""
EARNED_S = 0.002
"""CPU seconds a program earns with each event it is asked about: ten times what one real event in a hundred takes, and
little enough for 10,000 crafted events to leave time to tell of them."""
LEAST_S = 0.05
"""With less credit than this a program is not asked."""
COMPILE_LIMIT_S = 10.0
_MAX_METERED = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What the child answered."""

    status: int
    cpu_s: float
    payload: Any


class _ChildEnded(Exception):
    """The child ended without an answer."""


class _Child:
    """One child process; whoever uses it holds the engine's lock."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("jq")
        if found is None or found.origin is None:
            raise OSError("the jq module is not installed")
        command = [sys.executable, "-I", "-S", "-B", worker.__file__, str(Path(found.origin).parent)]
        # Lambda's interpreter finds its own shared library through this variable, and needs no other.
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        self.pid = os.getpid()
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and script, no text of anybody else's
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=kept
        )

    def ask(self, kind: int, source: bytes, text: bytes, limit_s: float) -> Reply:
        """Return the child's answer; raises _ChildEnded with the reason."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(worker.REQUEST.pack(kind, limit_s, len(source), len(text)) + source + text)
            self.process.stdin.flush()
        except OSError as error:
            raise _ChildEnded(self.end()) from error
        header = self.process.stdout.read(worker.REPLY.size)
        if len(header) == worker.REPLY.size:
            status, cpu_s, size = worker.REPLY.unpack(header)
            body = self.process.stdout.read(size)
            if len(body) == size:
                return Reply(status, cpu_s, json.loads(body))
        raise _ChildEnded(self.end())

    def end(self) -> str:
        """End the child if it still runs, and say what ended it."""
        if self.pid != os.getpid():  # inherited through a fork: it is the other process's child
            return "another process"
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        with suppress(OSError):  # what was still buffered has nobody to go to
            self.process.stdin.close()
        try:
            code = self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code == -signal.SIGPROF:
            return "it took too much time"
        if code == -signal.SIGABRT:
            return "it took too much memory"
        return f"libjq crashed ({signal.Signals(-code).name})" if code < 0 else f"libjq ended with code {code}"


class Engine:
    """The child and the meters; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._credit_s: dict[str, float] = {}

    def run(self, source: str, event: dict[str, Any]) -> Verdict:
        """Decide one event; raises ProgramFailed or ProgramUndecided."""
        text = _event_text(event)
        with self._lock:
            credit_s = min(CREDIT_S, self._credit_s.get(source, CREDIT_S) + EARNED_S)
            self._keep_credit(source, credit_s)
            if credit_s < LEAST_S:
                raise ProgramUndecided("jq: recent events used up this rule's computing time")
            limit_s = min(RUN_LIMIT_S, credit_s)
            try:
                reply = self._ask(worker.RUN, source.encode(), text, limit_s)
            except (_ChildEnded, OSError) as error:
                self._keep_credit(source, credit_s - limit_s)
                raise ProgramUndecided(f"jq: {error}") from error
            self._keep_credit(source, credit_s - reply.cpu_s)
        return _verdict(reply)

    def check(self, kind: int, source: str, text: str = "") -> str | None:
        """Return libjq's complaint about a program or regex, or None; raises RuleError where it has no answer."""
        with self._lock:
            try:
                reply = self._ask(kind, source.encode(), text.encode(), COMPILE_LIMIT_S)
            except (_ChildEnded, OSError) as error:
                raise RuleError(f"libjq could not compile this: {error}") from error
        return None if reply.status == worker.SILENT else str(reply.payload)

    def close(self) -> None:
        """End the child; the next question starts another."""
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.end()

    def _ask(self, kind: int, source: bytes, text: bytes, limit_s: float) -> Reply:
        if self._child is None or self._child.pid != os.getpid():
            self._child = _Child()
        try:
            return self._child.ask(kind, source, text, limit_s)
        except _ChildEnded:
            self._child = None
            raise

    def _keep_credit(self, source: str, credit_s: float) -> None:
        if len(self._credit_s) >= _MAX_METERED:
            self._credit_s.clear()
        self._credit_s[source] = credit_s


ENGINE = Engine()
"""The one engine of this process; its child starts with the first question."""
atexit.register(ENGINE.close)


def _event_text(event: dict[str, Any]) -> bytes:
    try:
        return scrub(json.dumps(event, ensure_ascii=False, separators=(",", ":"))).encode()
    except (RecursionError, ValueError) as error:
        raise ProgramUndecided(f"jq: the event cannot be written as JSON ({error})") from error


def _verdict(reply: Reply) -> Verdict:
    if reply.status == worker.FAILED:
        raise ProgramFailed(f"jq: {reply.payload}")
    if reply.status == worker.UNDECIDED:
        raise ProgramUndecided(f"jq: {reply.payload}")
    return Verdict(matched=reply.status == worker.MATCHED, annotation=reply.payload)
