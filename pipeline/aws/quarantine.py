"""Where undecodable input is kept, whole, with the reason: a bucket, a queue, or else the log."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from pipeline.aws.clients import client, error_code, failures
from pipeline.aws.queue import BATCH_BYTES, Message, send
from pipeline.decode.decoded import Undecodable
from pipeline.decode.quarantined import split

LOG_PART_BYTES = 200_000
"""A log event ended at 256 KB for long."""
OBJECT_PART_BYTES = 64 * 1024 * 1024


class Quarantine(Protocol):
    """A place that keeps what could not be read."""

    problem: str
    """Why something was not kept; empty while everything is."""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; tells for each whether it is kept."""
        ...


class BucketQuarantine:
    """Objects of JSON lines, by day and reason. One batch's parts share an object for each reason.

    A log group that holds something else than CloudTrail sends thousands of parts a batch: too many to store singly.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self.problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; see `Quarantine`. The same parts get the same name, so a retry does not pile up copies."""
        self.problem = ""
        by_reason: defaultdict[str, list[int]] = defaultdict(list)
        for number, part in enumerate(parts):
            by_reason[part.reason].append(number)
        kept: set[int] = set()
        for numbers in by_reason.values():
            if not self._put([parts[number] for number in numbers]):
                break  # what does not take one object does not take the next, and time is short
            kept.update(numbers)
        return [number in kept for number in range(len(parts))]

    def _put(self, parts: list[Undecodable]) -> bool:
        lines = [text for part in parts for text in split(part, OBJECT_PART_BYTES)]
        body = "".join(f"{line}\n" for line in lines).encode()
        try:
            client("s3").put_object(
                Bucket=self._bucket, Key=self._key(parts), Body=body, ContentType="application/x-ndjson"
            )
        except failures() as error:
            self.problem = f"{self} cannot be written: {error_code(error)}"
            return False
        return True

    def _key(self, parts: list[Undecodable]) -> str:
        reason = re.sub(r"[^a-z0-9]+", "-", parts[0].reason.lower())[:64]
        return f"{self._prefix}/{dt.datetime.now(dt.UTC):%Y/%m/%d}/{reason}/{_name(parts)}.jsonl".lstrip("/")

    def __str__(self) -> str:
        """Say where."""
        return f"s3://{self._bucket}/{self._prefix}"


class QueueQuarantine:
    """Messages in a queue."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; see `Quarantine`."""
        owners: list[int] = []
        messages: list[Message] = []
        for number, part in enumerate(parts):
            bodies = split(part, BATCH_BYTES)
            messages += map(Message, bodies)
            owners += [number] * len(bodies)
        sent = send(self._url, messages)
        self.problem = f"{self} cannot be written: {sent.problem}" if sent.problem else ""
        lost = {owner for owner, is_accepted in zip(owners, sent.accepted, strict=True) if not is_accepted}
        return [number not in lost for number in range(len(parts))]

    def __str__(self) -> str:
        """Say where."""
        return f"the queue {self._url.rpartition('/')[2]}"


class LogQuarantine:
    """Lines in the function's own log."""

    def __init__(self) -> None:
        self.problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; see `Quarantine`."""
        self.problem = ""
        try:
            for part in parts:
                for text in split(part, LOG_PART_BYTES):
                    sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self.problem = f"{self} cannot be written: {error}"
        return [not self.problem] * len(parts)

    def __str__(self) -> str:
        """Say where."""
        return "the function's log"


def open_quarantine(location: str) -> Quarantine:
    """Open what TRAILWIRE_QUARANTINE names."""
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return BucketQuarantine(bucket, prefix)
    return QueueQuarantine(location) if location else LogQuarantine()


def _name(parts: list[Undecodable]) -> str:
    """Hash what parts hold and where they come from, each field by its length."""
    import hashlib  # OpenSSL costs a cold start milliseconds, and nearly everything can be read

    whole = hashlib.sha256()
    for part in parts:
        place = (part.source.shard, part.source.sequence, part.source.id, part.reason)
        for field in (*(text.encode("utf-8", "surrogatepass") for text in place), part.data):
            whole.update(b"%d:" % len(field))
            whole.update(field)
    return whole.hexdigest()[:32]
