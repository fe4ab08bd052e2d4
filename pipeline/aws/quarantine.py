"""Where undecodable input is kept, whole, with the reason: a bucket, a queue, or else the log."""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from collections.abc import Sequence
from typing import Protocol

from pipeline.aws.clients import client, failures
from pipeline.decode.decoded import Undecodable
from pipeline.decode.quarantined import split

QUEUE_PART_BYTES = 250_000
"""SQS takes 1 MiB now and took 256 KiB for long; accounts and emulators differ."""
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
    """One object for each undecodable part, by day and reason."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self.problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; see `Quarantine`. The same part gets the same name, so a retry does not pile up copies."""
        return [self._put(part) for part in parts]

    def _put(self, part: Undecodable) -> bool:
        try:
            for number, text in enumerate(split(part, OBJECT_PART_BYTES), 1):
                key = f"{self._folder()}/{part.reason.replace(' ', '-')}/{_name(part)}-{number}.json"
                client("s3").put_object(
                    Bucket=self._bucket, Key=key.lstrip("/"), Body=text.encode(), ContentType="application/json"
                )
        except failures() as error:
            self.problem = f"{self} cannot be written: {error}"
            return False
        return True

    def _folder(self) -> str:
        return f"{self._prefix}/{dt.datetime.now(dt.UTC):%Y/%m/%d}"

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
        return [self._put(part) for part in parts]

    def _put(self, part: Undecodable) -> bool:
        try:
            for text in split(part, QUEUE_PART_BYTES):
                client("sqs").send_message(QueueUrl=self._url, MessageBody=text)
        except failures() as error:
            self.problem = f"{self} cannot be written: {error}"
            return False
        return True

    def __str__(self) -> str:
        """Say where."""
        return f"the queue {self._url.rpartition('/')[2]}"


class LogQuarantine:
    """Lines in the function's own log."""

    problem = ""

    def put(self, parts: Sequence[Undecodable]) -> list[bool]:
        """Keep these; see `Quarantine`."""
        for part in parts:
            for text in split(part, LOG_PART_BYTES):
                sys.stdout.write(text + "\n")
        sys.stdout.flush()
        return [True] * len(parts)

    def __str__(self) -> str:
        """Say where."""
        return "the function's log"


def open_quarantine(location: str) -> Quarantine:
    """Open what TRAILWIRE_QUARANTINE names."""
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return BucketQuarantine(bucket, prefix)
    return QueueQuarantine(location) if location else LogQuarantine()


def _name(part: Undecodable) -> str:
    source = "\n".join((*map(str, (part.source.shard, part.source.sequence, part.source.id)), part.reason))
    return hashlib.sha256(source.encode("utf-8", "surrogatepass") + part.data).hexdigest()[:32]
