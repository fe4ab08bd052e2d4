"""What cannot be read is kept whole, or it is said that it is not."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from mocked_account import Refusals, error, mocked_account

from pipeline.aws.clients import client
from pipeline.aws.quarantine import BucketQuarantine, LogQuarantine, Quarantine, QueueQuarantine, open_quarantine
from pipeline.decode.decoded import Source, Stage, Undecodable
from pipeline.decode.quarantined import join


def lost(data: bytes, reason: str = "not gzip", number: int = 1) -> Undecodable:
    source = Source("trailwire", "shardId-000000000000", str(number), "group \ud800", "kpl:3")
    return Undecodable(reason, Stage.GZIP, data, source)


PARTS = [lost(b"\x00\xff", number=1), lost(b"", number=2), lost(b"x" * 700_000, "not JSON", 3), lost(b"y", number=4)]


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mocked_account():
        client("s3").create_bucket(Bucket="undelivered", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client("sqs").create_queue(QueueName="quarantine")
        yield


def queue_url() -> str:
    return str(client("sqs").get_queue_url(QueueName="quarantine")["QueueUrl"])


def objects() -> dict[str, list[str]]:
    """Every object's lines by its key."""
    listed = client("s3").list_objects_v2(Bucket="undelivered").get("Contents", [])
    bodies = {o["Key"]: client("s3").get_object(Bucket="undelivered", Key=o["Key"])["Body"].read() for o in listed}
    return {key: body.decode("ascii").splitlines() for key, body in bodies.items()}


def messages() -> list[str]:
    found: list[str] = []
    while batch := client("sqs").receive_message(QueueUrl=queue_url(), MaxNumberOfMessages=10).get("Messages", []):
        found += [message["Body"] for message in batch]
    return found


def joined(lines: list[str]) -> dict[str, bytes]:
    """Put parts together again: sequence number -> data."""
    by_sequence: dict[str, list[str]] = {}
    for line in lines:
        by_sequence.setdefault(json.loads(line)["source"]["sequence"], []).append(line)
    return {sequence: join(parts).data for sequence, parts in by_sequence.items()}


WHOLE = {"1": b"\x00\xff", "2": b"", "3": b"x" * 700_000, "4": b"y"}


def test_a_bucket_keeps_everything_in_an_object_for_each_reason() -> None:
    quarantine = open_quarantine("s3://undelivered/quarantine/")
    assert quarantine.put(PARTS) == [True] * 4
    kept = objects()
    assert [key.split("/")[0] for key in kept] == ["quarantine"] * 2
    assert sorted(key.split("/")[4] for key in kept) == ["not-gzip", "not-json"]
    assert joined([line for lines in kept.values() for line in lines]) == WHOLE
    assert (str(quarantine), quarantine.problem) == ("s3://undelivered/quarantine", "")


def test_a_retry_writes_the_same_object_again() -> None:
    quarantine = open_quarantine("s3://undelivered")
    quarantine.put(PARTS)
    before = objects()
    quarantine.put(PARTS)
    assert objects() == before
    quarantine.put([lost(b"\x00\xfe")])
    assert len(objects()) == len(before) + 1


def test_a_thousand_parts_are_one_request() -> None:
    puts = Refusals("s3", "PutObject")
    assert all(open_quarantine("s3://undelivered/q").put([lost(b"no event", "not JSON", n) for n in range(1_000)]))
    assert puts.requests == 1
    ((lines),) = objects().values()
    assert len(lines) == 1_000


def test_a_reason_cannot_leave_its_folder() -> None:
    open_quarantine("s3://undelivered/q").put([lost(b"", "../../\ud800 Odd/Reason" + "x" * 5_000)])
    ((key,)) = objects()
    assert key.count("/") == 5
    assert ".." not in key
    assert len(key) < 200


def test_a_queue_keeps_everything_in_parts_that_fit() -> None:
    quarantine = open_quarantine(queue_url())
    assert quarantine.put(PARTS) == [True] * 4
    kept = messages()
    assert len(kept) == 3 + 4
    assert max(map(len, kept)) <= 250_000
    assert joined(kept) == WHOLE
    assert (str(quarantine), quarantine.problem) == ("the queue quarantine", "")


def test_the_log_keeps_everything_a_line_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    quarantine = open_quarantine("")
    assert quarantine.put(PARTS) == [True] * 4
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 200_000
    assert joined(lines) == WHOLE
    assert (str(quarantine), quarantine.problem) == ("the function's log", "")


@pytest.mark.parametrize("where", ["s3://absent/q", "https://sqs.eu-west-1.amazonaws.com/123456789012/absent"])
def test_a_place_that_is_not_there_keeps_nothing_and_says_so(where: str) -> None:
    quarantine = open_quarantine(where)
    assert quarantine.put(PARTS) == [False] * 4
    assert str(quarantine) in quarantine.problem
    assert "cannot be written" in quarantine.problem


def test_after_the_first_refusal_the_bucket_is_not_asked_again() -> None:
    puts = Refusals("s3", "PutObject")
    puts.answers = [error("SlowDown", 503)]
    quarantine = open_quarantine("s3://undelivered/q")
    assert quarantine.put(PARTS) == [False] * 4
    assert puts.requests == 1
    assert "SlowDown" in quarantine.problem
    assert quarantine.put(PARTS) == [True] * 4
    assert quarantine.problem == ""


def test_something_of_which_one_part_is_refused_is_not_kept() -> None:
    sends = Refusals("sqs", "SendMessageBatch")
    sends.answers = [None, error("InternalError", 500)]
    quarantine = open_quarantine(queue_url())
    assert quarantine.put(PARTS) == [True, True, False, True]
    assert "InternalError" in quarantine.problem
    assert quarantine.put([lost(b"later")]) == [True]
    assert quarantine.problem == ""


def test_a_log_that_is_closed_keeps_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    quarantine = open_quarantine("")
    monkeypatch.setattr("sys.stdout", closed)
    kept = quarantine.put(PARTS)
    monkeypatch.undo()
    assert kept == [False] * 4
    assert "closed" in quarantine.problem


@pytest.mark.parametrize(
    ("location", "kind"),
    [("s3://b/p", BucketQuarantine), ("s3://b", BucketQuarantine), ("https://q", QueueQuarantine), ("", LogQuarantine)],
)
def test_the_environment_names_the_place(location: str, kind: type[Quarantine]) -> None:
    assert type(open_quarantine(location)) is kind


@pytest.mark.parametrize("location", ["s3://undelivered/q", "queue", ""])
def test_nothing_to_keep_is_nothing_done(location: str) -> None:
    assert open_quarantine(queue_url() if location == "queue" else location).put([]) == []
    assert (objects(), messages()) == ({}, [])
