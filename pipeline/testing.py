"""Supported builders for tests of rules, of destinations and of Trailwire itself.

Everything here is deterministic: the same arguments build the same bytes.

    batch = kinesis_batch([envelope([event(eventName="ConsoleLogin")]), control_envelope()])
    handlers.kinesis(batch, LambdaContext(FakeClock()))
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pybase64

from pipeline.decode import aggregate
from pipeline.decode.json_text import dumps

ACCOUNT = "111122223333"
"""An account id that AWS keeps for documentation."""
REGION = "eu-west-1"
STREAM = "trailwire"
LOG_GROUP = "aws-cloudtrail-logs-111122223333"
_GZIP = 31
"""zlib's `wbits` for gzip; the module `gzip` writes another header on each Python."""
NOON_MS = 1_767_268_800_000
"""2026-01-01T12:00:00Z, where fake clocks start."""


@dataclass(slots=True)
class FakeClock:
    """A clock that moves only when it is told to; it is the `Clock` that the alert chain asks."""

    at_ms: int = NOON_MS
    """Epoch milliseconds."""
    remaining_s: float = 60
    """How long this invocation may still take; passes with the time."""
    slept_s: list[float] = field(default_factory=list)
    """Every sleep asked for."""

    def now_ms(self) -> int:
        """Tell the time."""
        return self.at_ms

    def remaining_ms(self) -> int:
        """Milliseconds until the invocation times out, never below 0."""
        return max(0, round(self.remaining_s * 1000))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at_ms += round(seconds * 1000)
        self.remaining_s -= seconds

    def sleep(self, seconds: float) -> None:
        """Stand in for time.sleep: time passes at once, and the nap is written down."""
        self.slept_s.append(seconds)
        self.advance(seconds)


@dataclass(slots=True)
class LambdaContext:
    """Lambda's context object, whose remaining time runs by a fake clock."""

    clock: FakeClock = field(default_factory=FakeClock)
    aws_request_id: str = "5d6e7f80-1111-4222-8333-444455556666"
    function_name: str = "trailwire"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout, never below 0."""
        return self.clock.remaining_ms()


def event(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Build a plausible CloudTrail event: an IAM user lists instances. `fields` replace top-level keys.

    `number` makes eventID and requestID differ from event to event.
    """
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "alice",
        },
        "eventTime": "2026-01-01T11:55:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": {"instancesSet": {}, "filterSet": {}},
        "responseElements": None,
        "requestID": f"11111111-0000-4000-8000-{number:012d}",
        "eventID": f"22222222-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **fields,
    }


def envelope(messages: Iterable[str | dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Build a CloudWatch Logs envelope around messages; events are written as CloudTrail writes them.

    Ids count up from 0 in 56 digits, timestamps by the millisecond from NOON_MS. `fields` replace its own keys.
    """
    texts = [message if isinstance(message, str) else dumps(message) for message in messages]
    return {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": LOG_GROUP,
        "logStream": f"{ACCOUNT}_CloudTrail_{REGION}",
        "subscriptionFilters": ["trailwire"],
        "logEvents": [
            {"id": f"{number:056d}", "timestamp": NOON_MS + number, "message": text}
            for number, text in enumerate(texts)
        ],
        **fields,
    }


def control_envelope() -> dict[str, Any]:
    """Build the probe that CloudWatch Logs sends to check a destination's health."""
    text = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."
    return {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{"id": "", "timestamp": NOON_MS, "message": text}],
    }


def payload(document: dict[str, Any]) -> bytes:
    """Put an envelope into the bytes that go into a stream: gzip around JSON, the same bytes on every Python."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9, _GZIP)


def aggregated(payloads: Iterable[bytes]) -> bytes:
    """Pack payloads into one record as the Kinesis Producer Library does."""
    return aggregate.join(payloads)


def kinesis_record(data: bytes | dict[str, Any], number: int = 0, *, shard: int = 0) -> dict[str, Any]:
    """Build one record as Lambda hands it over, around data or an envelope; `number` counts up its sequence number."""
    sequence = str(49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898 + number)
    raw = data if isinstance(data, bytes) else payload(data)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "8f6f7b1e5d3a4c2b9a0d1e2f3a4b5c6d",
            "sequenceNumber": sequence,
            "data": pybase64.b64encode(raw).decode(),
            "approximateArrivalTimestamp": (NOON_MS + number) / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-{shard:012d}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/trailwire-function",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}",
    }


def kinesis_batch(data: Sequence[bytes | dict[str, Any]], *, shard: int = 0) -> dict[str, Any]:
    """Build the event that Lambda hands to the handler: a record around each of the data, in order, from one shard."""
    return {"Records": [kinesis_record(item, number, shard=shard) for number, item in enumerate(data)]}


def invocation(document: dict[str, Any]) -> dict[str, Any]:
    """Build the event of a subscription that goes straight to Lambda."""
    return {"awslogs": {"data": pybase64.b64encode(payload(document)).decode()}}
