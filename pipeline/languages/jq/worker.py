"""The child process that libjq lives in; `engine.py` starts it, and nothing imports it.

Run as a script by path, so it sees neither this package nor anything else of the parent: no environment, no module
search path but the folder of the `jq` module (its one argument). Requests come on stdin, replies go to stdout.

    request   kind (1 byte), CPU seconds allowed (double), two lengths (4 bytes each), source, text
    reply     status (1 byte), CPU seconds used (double), length (4 bytes), payload (JSON text)

The kernel enforces the limits: ITIMER_PROF ends the process when the CPU time is up, RLIMIT_AS makes libjq abort when
memory is. The parent sees the pipe close and tells the event as undecided.
"""

from __future__ import annotations

import json
import resource
import signal
import struct
import sys
import time
from contextlib import suppress
from typing import IO, Any

REQUEST = struct.Struct(">BdII")
REPLY = struct.Struct(">BdI")
RUN, COMPILE, CHECK_REGEX = 1, 2, 3
SILENT, MATCHED, FAILED, UNDECIDED = 1, 2, 3, 4

MEMORY_BYTES = 256 * 1024 * 1024
MAX_ANNOTATION_CHARS = 32 * 1024
MAX_ANNOTATION_DEPTH = 100
MAX_MESSAGE_CHARS = 1000
MAX_PROGRAMS = 8192

_MISSING = object()
_REGEX_PROBE = '.[0] as $re | .[1] as $flags | "" | test($re; $flags)'


def main() -> None:
    """Serve requests until stdin ends."""
    _confine()
    sys.path.insert(0, sys.argv[1])
    import jq

    _lift_regex_limits(jq.__file__)
    programs: dict[str, Any] = {}
    while header := sys.stdin.buffer.read(REQUEST.size):
        kind, limit_s, source_size, text_size = REQUEST.unpack(header)
        source = sys.stdin.buffer.read(source_size).decode()
        text = sys.stdin.buffer.read(text_size).decode()
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        status, payload = _answer(jq, programs, kind, source, text)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _reply(sys.stdout.buffer, status, time.process_time() - started, payload)


def _confine() -> None:
    import os

    os.environ.clear()  # `env` and `$ENV` must never carry credentials into a message
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; its death closes stdin
    # Some systems (macOS) refuse to bound the address space; time stays bounded there.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _lift_regex_limits(library: str) -> None:
    """Let the CPU limit alone end an endless regex.

    Oniguruma gives up after 10 million steps with an error that `?`, `try` and `//` would turn into a quiet "no
    match". A build that hides the switch keeps that error.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(library).onig_set_retry_limit_in_match(ctypes.c_ulong(0))


def _answer(jq: Any, programs: dict[str, Any], kind: int, source: str, text: str) -> tuple[int, Any]:
    try:
        if kind == COMPILE:
            jq.compile(source)
            return SILENT, None
        if kind == CHECK_REGEX:
            _program(jq, programs, _REGEX_PROBE).input_text(text).first()
            return SILENT, None
        return _run(jq, programs, source, text)
    except ValueError as error:
        return _explain(str(error))
    except (MemoryError, RecursionError) as error:
        return UNDECIDED, type(error).__name__


def _run(jq: Any, programs: dict[str, Any], source: str, text: str) -> tuple[int, Any]:
    output = next(iter(_program(jq, programs, source).input_text(text)), _MISSING)
    if output is _MISSING or output is None or output is False:
        return SILENT, None
    # libjq rounds large integers on the way out, so the event is compared as libjq itself returns it
    if output is True or (isinstance(output, dict) and output == _program(jq, programs, ".").input_text(text).first()):
        return MATCHED, None
    return MATCHED, _bounded(output)


def _program(jq: Any, programs: dict[str, Any], source: str) -> Any:
    if source not in programs:
        if len(programs) >= MAX_PROGRAMS:
            programs.clear()
        programs[source] = jq.compile(source)
    return programs[source]


def _depth_exceeds(value: Any, most: int) -> bool:
    """Tell without recursion: how deep Python itself can go differs from version to version."""
    level = [value]
    for _ in range(most):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _bounded(output: Any) -> Any:
    """Keep an annotation as it is, or where it is large the beginning of its text."""
    if _depth_exceeds(output, MAX_ANNOTATION_DEPTH):
        return "(nested too deeply to show)"
    text = json.dumps(output, ensure_ascii=False)
    if len(text) <= MAX_ANNOTATION_CHARS:
        return output
    return (output if isinstance(output, str) else text)[:MAX_ANNOTATION_CHARS] + "\u2026"


def _explain(message: str) -> tuple[int, str]:
    """Tell an engine's limit from an ordinary failure."""
    limited = message.startswith("parse error: ") or (
        message.startswith("Regex failure: ") and any(word in message for word in ("limit", "memory", "stack", "over"))
    )
    return (UNDECIDED if limited else FAILED), message[:MAX_MESSAGE_CHARS]


def _reply(stream: IO[bytes], status: int, cpu_s: float, payload: Any) -> None:
    body = json.dumps(payload).encode()
    stream.write(REPLY.pack(status, cpu_s, len(body)) + body)
    stream.flush()


if __name__ == "__main__":
    main()
