"""The supported builders build what the pipeline reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from fixtures import build_batches
from pipeline.alerts.ports import Clock
from pipeline.decode.cloudwatch_logs import read_invocation
from pipeline.decode.json_text import read_event
from pipeline.decode.kinesis import decode_batch
from pipeline.testing import (
    NOON_MS,
    FakeClock,
    LambdaContext,
    aggregated,
    control_envelope,
    envelope,
    event,
    invocation,
    kinesis_batch,
    payload,
)


def test_a_batch_built_of_events_is_read_as_those_events() -> None:
    """Through an envelope, through an aggregate, or as bare bytes."""
    events = [event(number) for number in range(4)]
    batch = kinesis_batch(
        [
            envelope(events[:2]),
            aggregated([payload(envelope(events[2:3])), payload(control_envelope())]),
            json.dumps(events[3]).encode(),
        ]
    )
    decoded = list(decode_batch(batch))
    assert [read_event(entry.message) for part in decoded for entry in part.log_events] == events
    assert not any(part.undecodable for part in decoded)


def test_a_direct_invocation_is_read_as_its_events() -> None:
    """As CloudWatch Logs sends it without a stream."""
    assert [read_event(entry.message) for entry in read_invocation(invocation(envelope([event()]))).log_events] == [
        event()
    ]


def test_a_batch_is_what_json_can_carry() -> None:
    """Lambda hands it over as JSON."""
    batch = kinesis_batch([envelope([event()])])
    assert json.loads(json.dumps(batch)) == batch


def test_events_differ_in_their_ids_and_in_what_the_test_says() -> None:
    """Everything else is the same everyday read."""
    first, second = event(1), event(2, eventName="StopLogging", errorCode="AccessDenied")
    assert {key for key in second if first.get(key) != second[key]} == {
        "requestID",
        "eventID",
        "eventName",
        "errorCode",
    }


def test_records_count_up_and_stand_in_one_shard() -> None:
    """Sequence numbers compare as numbers."""
    records = kinesis_batch([b"", b"", b""], shard=2)["Records"]
    numbers = [int(record["kinesis"]["sequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))
    assert {record["eventID"].partition(":")[0] for record in records} == {"shardId-000000000002"}


def test_the_same_arguments_build_the_same_bytes() -> None:
    """No clock, no chance."""
    assert payload(envelope([event()])) == payload(envelope([event()]))
    assert gzip.decompress(payload({"a": 1})) == b'{"a":1}'


def test_a_fake_clock_moves_only_when_told() -> None:
    """Sleeping is instant, and written down; the invocation's time passes with the clock's."""
    clock: FakeClock = FakeClock(remaining_s=10)
    assert clock.now_ms() == clock.now_ms() == NOON_MS
    clock.sleep(1.5)
    clock.advance(2)
    assert clock.now_ms() == NOON_MS + 3500
    assert clock.slept_s == [1.5]
    assert clock.remaining_ms() == 6500
    clock.advance(60)
    assert clock.remaining_ms() == 0


def test_a_fake_clock_is_the_clock_that_the_chain_asks() -> None:
    """The type checker holds this; running shows that it can be called so."""
    clock: Clock = FakeClock()
    assert clock.remaining_ms() == 60_000


def test_the_context_tells_the_time_that_is_left() -> None:
    """As Lambda's own does."""
    context = LambdaContext(FakeClock(remaining_s=3))
    context.clock.advance(1)
    assert context.get_remaining_time_in_millis() == 2000
    assert context.invoked_function_arn.endswith(":function:trailwire")


def test_the_batches_among_the_fixtures_are_what_their_script_builds() -> None:
    folder = Path(build_batches.__file__).parent / "batches"
    written = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.iterdir()}
    assert written == build_batches.batches()
