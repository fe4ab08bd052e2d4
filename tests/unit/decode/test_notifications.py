"""Notifications that files lie in S3, in every wrapping that AWS has for them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pipeline.decode.notifications import MAX_OBJECTS, StoredObject, read_message, read_notification
from pipeline.errors import DecodeError
from pipeline.testing import control_envelope, envelope, event, invocation, payload

KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/a b+c=ü.json.gz"
ENCODED = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/a+b%2Bc%3D%C3%BC.json.gz"
FILE = StoredObject("trail", KEY)


def s3_record(name: str = "ObjectCreated:Put", **stored: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": "trail"}, "object": {"key": ENCODED, "size": 1, **stored}},
    }


def eventbridge(kind: str = "Object Created", **stored: str) -> dict[str, Any]:
    detail = {"bucket": {"name": "trail"}, "object": {"key": KEY, **stored}, "reason": "PutObject"}
    return {"version": "0", "detail-type": kind, "source": "aws.s3", "detail": detail}


def in_sns(message: Any) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": text}


def from_sns(message: Any) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": in_sns(message)}]}


S3 = {"Records": [s3_record()]}
CLOUDTRAIL = {"s3Bucket": "trail", "s3ObjectKey": [KEY, "other"]}
TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z", "Bucket": "trail"}
EVENT = event(eventName="StopLogging")
CARRIED = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail", "detail": EVENT}
COMPACT = json.dumps(CARRIED, separators=(",", ":")).encode()

SHAPES = {
    "S3": (S3, [FILE]),
    "S3, versioned": ({"Records": [s3_record(versionId="v1")]}, [StoredObject("trail", KEY, "v1")]),
    "S3, several": ({"Records": [s3_record(), s3_record("ObjectCreated:CompleteMultipartUpload")]}, [FILE, FILE]),
    "S3, replayed by hand": ({"Records": [s3_record("s3:ObjectCreated:Copy")]}, [FILE]),
    "S3, a removal": ({"Records": [s3_record("ObjectRemoved:Delete")]}, []),
    "S3, its test": (TEST, []),
    "EventBridge": (eventbridge(), [FILE]),
    "EventBridge, versioned": (eventbridge(**{"version-id": "v2"}), [StoredObject("trail", KEY, "v2")]),
    "EventBridge, a removal": (eventbridge("Object Deleted"), []),
    "EventBridge, an event itself": (CARRIED, [COMPACT]),
    "CloudTrail": (CLOUDTRAIL, [FILE, StoredObject("trail", "other")]),
    "CloudTrail, one key": ({"s3Bucket": "trail", "s3ObjectKey": KEY}, [FILE]),
    "SNS around S3": (from_sns(S3), [FILE]),
    "SNS around S3's test": (from_sns(TEST), []),
    "SNS around CloudTrail": (from_sns(CLOUDTRAIL), [FILE, StoredObject("trail", "other")]),
    "SNS around EventBridge": (from_sns(eventbridge()), [FILE]),
    "SNS around CloudTrail's test": (from_sns("CloudTrail validation message."), []),
    "SNS, two records": ({"Records": from_sns(S3)["Records"] * 2}, [FILE, FILE]),
    "SNS, confirming": ({"Type": "SubscriptionConfirmation", "Message": "You have chosen"}, []),
}


@pytest.mark.parametrize(("value", "noticed"), SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_names_its_objects(value: dict[str, Any], noticed: list[Any]) -> None:
    assert list(read_notification(value)) == noticed


@pytest.mark.parametrize(("value", "noticed"), SHAPES.values(), ids=SHAPES.keys())
def test_a_queue_may_hold_it_raw_or_in_an_sns_notification(value: dict[str, Any], noticed: list[Any]) -> None:
    for body in (json.dumps(value), json.dumps(in_sns(value))):
        found = list(read_message(body))
        assert [json.loads(one) if isinstance(one, bytes) else one for one in found] == [
            json.loads(one) if isinstance(one, bytes) else one for one in noticed
        ]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (json.dumps(envelope([EVENT])), json.dumps(envelope([EVENT])).encode()),
        (json.dumps(control_envelope()), json.dumps(control_envelope()).encode()),
        (json.dumps(invocation(envelope([EVENT]))), payload(envelope([EVENT]))),
        (base64.b64encode(payload(envelope([EVENT]))).decode(), payload(envelope([EVENT]))),
        (json.dumps(EVENT), json.dumps(EVENT).encode()),
        ('{"Records": ["text", 5, null]}', b'{"Records": ["text", 5, null]}'),
        ("no JSON", b"no JSON"),
        ("\ud800", b"\xed\xa0\x80"),
        ("[1]", b"[1]"),
        ("", b""),
    ],
)
def test_what_is_no_notification_is_a_payload(body: str, data: bytes) -> None:
    assert list(read_message(body)) == [data]


ODD = [
    {"Records": [{"s3": None}]},
    {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 5}}}]},
    {"Records": [{"s3": {"bucket": {"name": ""}, "object": {"key": "k"}}}]},
    {"Records": [{"s3": {"bucket": [], "object": {}}}]},
    {"Records": [s3_record(), "text"]},
    {"Records": [s3_record(), None]},
    {"Records": [{"Sns": {"Message": None}}]},
    {"Records": [{"Sns": "text"}]},
    {"Records": [s3_record()] * (MAX_OBJECTS + 1)},
    {"s3Bucket": "b"},
    {"s3Bucket": 5, "s3ObjectKey": ["k"]},
    {"s3Bucket": "b", "s3ObjectKey": ["k", None]},
    {"s3Bucket": "b", "s3ObjectKey": ["k", 5]},
    {"s3Bucket": "b", "s3ObjectKey": ["k", ""]},
    {"s3Bucket": "b", "s3ObjectKey": ["k"] * (MAX_OBJECTS + 1)},
    {"source": "aws.s3", "detail-type": "Object Created", "detail": "text"},
    {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}},
    {"Type": "Notification", "Message": {"not": "text"}},
    {"awslogs": {"data": "*"}},
    {"awslogs": {"data": None}},
    in_sns(in_sns(in_sns(in_sns(in_sns(S3))))),
]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_what_looks_like_a_notification_and_is_none_says_so(value: Any) -> None:
    with pytest.raises(DecodeError):
        list(read_notification(value))
    with pytest.raises(DecodeError):
        list(read_message(json.dumps(value)))


@pytest.mark.parametrize("value", [None, 5, "text", [], [S3]])
def test_an_invocation_is_an_object(value: Any) -> None:
    with pytest.raises(DecodeError, match="not a notification"):
        list(read_notification(value))
