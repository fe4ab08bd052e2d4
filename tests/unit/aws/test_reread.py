"""A range of a stream is read again, or it is said which of it is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pybase64
import pytest
from botocore.exceptions import ClientError
from mocked_account import REGION, Refusals, error, mocked_account

from pipeline.aws.clients import client
from pipeline.aws.reread import TRIES, Span, reread
from pipeline.decode import kinesis

ARN = f"arn:aws:kinesis:{REGION}:123456789012:stream/trailwire"


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lend a stream with ten records, read through the client that refusals are made for."""
    regions = {REGION: "", "": ""}
    monkeypatch.setattr("pipeline.aws.reread.client", lambda service, region: client(service, regions[region]))
    with mocked_account():
        service = client("kinesis")
        service.create_stream(StreamName="trailwire", ShardCount=1)
        put = [service.put_record(StreamName="trailwire", Data=b"%d" % n, PartitionKey="k") for n in range(10)]
        yield [answer["SequenceNumber"] for answer in put]


def span(start: str, end: str) -> Span:
    return Span(ARN, "shardId-000000000000", start, end)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (3, 6), (9, 9)])
def test_it_holds_exactly_the_records_asked_for_as_lambda_writes_them(
    numbers: list[str], first: int, last: int
) -> None:
    records, problem = reread(span(numbers[first], numbers[last]))
    assert problem == ""
    assert [pybase64.b64decode(record["kinesis"]["data"]) for record in records] == [
        b"%d" % n for n in range(first, last + 1)
    ]
    (decoded,) = kinesis.read(records[0])
    assert (decoded.source.stream, decoded.source.sequence) == ("trailwire", numbers[first])
    assert decoded.arrived_ms


def test_what_is_gone_is_said_and_what_is_left_is_there(numbers: list[str]) -> None:
    service = client("kinesis")
    oldest = service.get_shard_iterator(
        StreamName="trailwire", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    Refusals("kinesis", "GetShardIterator").answers = [error("InvalidArgumentException"), oldest]
    records, problem = reread(span(str(int(numbers[0]) - 1), numbers[1]))
    assert len(records) == 2
    assert "only 2 of them are left" in problem
    assert "of trailwire, shardId-000000000000" in problem


def test_nothing_left_is_said_too(numbers: list[str]) -> None:
    Refusals("kinesis", "GetRecords").answers = [{"Records": [], "NextShardIterator": "x", "MillisBehindLatest": 0}]
    assert "none of them is left" in reread(span(numbers[0], numbers[1])).problem


def test_a_shard_that_is_read_by_others_is_asked_again(numbers: list[str]) -> None:
    busy = error("ProvisionedThroughputExceededException")
    Refusals("kinesis", "GetRecords").answers = [busy, busy, busy, busy]
    slept: list[float] = []
    assert reread(span(numbers[0], numbers[9]), slept.append).problem == ""
    assert slept


def test_patience_ends(numbers: list[str]) -> None:
    refusals = Refusals("kinesis", "GetRecords")
    refusals.answers += [error("ProvisionedThroughputExceededException")] * TRIES * 3
    with pytest.raises(ClientError):
        reread(span(numbers[0], numbers[9]), lambda _: None)


def test_a_stream_that_is_gone_is_an_error(numbers: list[str]) -> None:
    with pytest.raises(ClientError):
        reread(Span(ARN.replace("trailwire", "gone"), "shardId-000000000000", numbers[0], numbers[1]))
