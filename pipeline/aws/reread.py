"""Reading a range of a stream again, of which a queue or topic was told only where it stands.

A stream keeps records for a day unless it is told otherwise; what has gone by then is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import pybase64

from pipeline.aws.clients import client, error_code, failures

TRIES: Final = 10
"""GetRecords calls that may be refused one after the other: the function's own mapping reads the shard, too."""
WAIT_S: Final = 1.0
"""A shard answers five calls a second, whoever asks (Kinesis Data Streams API reference, GetRecords)."""


class Span(NamedTuple):
    """Records of one shard, from the first to the last, both included."""

    stream_arn: str
    shard: str
    start: str
    end: str

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.stream_arn.rpartition("/")[2]

    def __str__(self) -> str:
        """Say where."""
        return f"of {self.stream}, {self.shard}, {self.start} to {self.end}"


class Reread(NamedTuple):
    """What was still there."""

    records: list[dict[str, Any]]
    """As Lambda hands records over."""
    problem: str
    """Why it is not everything; empty where it is."""


def reread(span: Span, sleep: Callable[[float], None] = time.sleep) -> Reread:
    """Read a range again; raises what boto3 raises where the stream cannot be read."""
    records = [_as_lambda_writes(span, record) for record in _records(span, sleep)]
    numbers = [record["kinesis"]["sequenceNumber"] for record in records]
    if numbers and (numbers[0], numbers[-1]) == (span.start, span.end):
        return Reread(records, "")
    left = f"only {len(records)} of them are left" if records else "none of them is left"
    problem = (
        f"records of {span.stream}, {span.shard}, from {span.start} to {span.end} are too old: {left} in the stream"
    )
    return Reread(records, problem)


def _records(span: Span, sleep: Callable[[float], None]) -> Iterator[dict[str, Any]]:
    kinesis = client("kinesis", span.stream_arn.split(":")[3])
    iterator, first, last = _iterator(kinesis, span), int(span.start), int(span.end)
    while iterator:
        # The ARN again, because moto 5.2.5 forgets the stream of an iterator that was made by ARN
        answer = _patiently(partial(kinesis.get_records, StreamARN=span.stream_arn, ShardIterator=iterator), sleep)
        for record in answer["Records"]:
            number = int(record["SequenceNumber"])
            if number > last:
                return
            if number >= first:
                yield record
            if number == last:
                return
        if not answer["Records"] and not answer.get("MillisBehindLatest"):
            return
        iterator = answer.get("NextShardIterator", "")


def _iterator(kinesis: Any, span: Span) -> str:
    """Begin at the first record, or where Kinesis says that there is none of this number, at the oldest."""
    where = {"StreamARN": span.stream_arn, "ShardId": span.shard}
    try:
        answer = kinesis.get_shard_iterator(
            **where, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=span.start
        )
    except failures() as error:
        if error_code(error) != "InvalidArgumentException":
            raise
        answer = kinesis.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")
    return str(answer["ShardIterator"])


def _patiently(ask: Callable[[], Any], sleep: Callable[[float], None]) -> Any:
    for _ in range(TRIES - 1):
        try:
            return ask()
        except failures() as error:
            if error_code(error) != "ProvisionedThroughputExceededException":
                raise
            sleep(WAIT_S)
    return ask()


def _as_lambda_writes(span: Span, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": f"{span.shard}:{record['SequenceNumber']}",
        "eventSourceARN": span.stream_arn,
        "kinesis": {
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": pybase64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
    }
