"""Notifications that something lies in S3, and events that travel by themselves, in every wrapping they come in.

    S3           {"Records": [{"s3": {"bucket": {"name"}, "object": {"key": form-urlencoded}}, ...}]}
    EventBridge  {"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name"}, "object": {...}}}
    CloudTrail   {"s3Bucket": ..., "s3ObjectKey": [key, ...]}

(Amazon S3 user guide, "Event message structure" and "EventBridge event message structure"; CloudTrail user guide,
"Configuring Amazon SNS notifications for CloudTrail".) Each may lie in an SNS notification, and that in an SQS message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import pybase64

from pipeline.decode.decoded import message_bytes
from pipeline.decode.json_text import dumps, loads
from pipeline.errors import DecodeError

MAX_WRAPPINGS = 4
"""SQS around SNS around S3 makes three; whoever nests more deeply plays."""
MAX_OBJECTS = 10_000
"""Objects one notification may name; S3 and CloudTrail name a handful."""
VALIDATION = "CloudTrail validation message."
"""What CloudTrail says to a topic when a trail is pointed to it."""
GZIP_B64 = "H4sI"
"""How base64 of gzip begins."""


class StoredObject(NamedTuple):
    """An object in S3."""

    bucket: str
    key: str
    version: str = ""
    """Empty where the bucket is not versioned, or nobody said."""

    @property
    def url(self) -> str:
        """Its address as `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


Noticed = StoredObject | bytes
"""An object to be read, or a payload that came along: an envelope, an event, or EventBridge's wrapping of one."""


def read_notification(value: Any) -> Iterator[Noticed]:
    """Yield what a JSON value is about, in order; test events and removals are about nothing.

    Raises DecodeError("not a notification") for anything in it that looks like one and is none, wherever it stands.
    """
    yield from _of_value(value, MAX_WRAPPINGS)


def read_message(text: str) -> Iterator[Noticed]:
    """Yield what the text of a queue's or a topic's message is about, as `read_notification`.

    What is no notification is a payload: its reader finds out what is wrong with it.
    """
    yield from _of_text(text, MAX_WRAPPINGS)


def _of_text(text: str, wrappings: int) -> Iterator[Noticed]:
    if text.strip() == VALIDATION:
        return
    if text.startswith(GZIP_B64):
        yield _unbase64(text)
        return
    try:
        value = loads(text)
    except DecodeError:
        value = None
    if isinstance(value, dict):
        yield from _of_object(value, text, wrappings)
    else:
        yield message_bytes(text)


def _of_value(value: Any, wrappings: int) -> Iterator[Noticed]:
    if not isinstance(value, dict):
        raise DecodeError("not a notification", type(value).__name__)
    yield from _of_object(value, "", wrappings)


def _of_object(value: dict[str, Any], text: str, wrappings: int) -> Iterator[Noticed]:
    if not wrappings:
        raise DecodeError("not a notification", "wrapped too often")
    records = value.get("Records")
    if isinstance(records, list) and any(isinstance(r, dict) and r.keys() & {"s3", "Sns"} for r in records):
        yield from _of_records(records, wrappings)
    elif "s3Bucket" in value:
        yield from _of_cloudtrail(value)
    elif value.get("source") == "aws.s3" and "detail" in value:
        yield from _of_eventbridge(value)
    elif value.get("Event") == "s3:TestEvent" or value.get("Type") == "SubscriptionConfirmation":
        return
    elif value.get("Type") == "Notification" and "Message" in value:
        yield from _of_text(_string(value, "Message"), wrappings - 1)
    elif isinstance(value.get("awslogs"), dict):
        yield _unbase64(_string(value["awslogs"], "data"))
    else:
        yield message_bytes(text or dumps(value))


def _of_records(records: list[Any], wrappings: int) -> Iterator[Noticed]:
    if len(records) > MAX_OBJECTS:
        raise DecodeError("not a notification", f"{len(records)} records")
    for record in records:
        fields = record if isinstance(record, dict) else {}
        if "Sns" in fields:
            yield from _of_text(_string(_object(fields, "Sns"), "Message"), wrappings - 1)
        elif _is_creation(fields):
            at = _object(fields, "s3")
            stored = _object(at, "object")
            key = unquote_plus(_string(stored, "key"))
            yield StoredObject(_string(_object(at, "bucket"), "name"), key, _version(stored, "versionId"))


def _is_creation(record: dict[str, Any]) -> bool:
    """Tell what puts an object there from what takes it away; a record that does not say is taken for the former."""
    name = record.get("eventName")
    return not isinstance(name, str) or name.removeprefix("s3:").startswith("ObjectCreated")


def _of_eventbridge(value: dict[str, Any]) -> Iterator[Noticed]:
    if value.get("detail-type") != "Object Created":
        return
    detail = _object(value, "detail")
    stored = _object(detail, "object")
    bucket = _string(_object(detail, "bucket"), "name")
    yield StoredObject(bucket, _string(stored, "key"), _version(stored, "version-id"))


def _of_cloudtrail(value: dict[str, Any]) -> Iterator[Noticed]:
    keys = value.get("s3ObjectKey")
    listed = keys if isinstance(keys, list) else [keys]
    if len(listed) > MAX_OBJECTS:
        raise DecodeError("not a notification", f"{len(listed)} keys")
    for key in listed:
        if not isinstance(key, str) or not key:
            raise DecodeError("not a notification", "s3ObjectKey")
        yield StoredObject(_string(value, "s3Bucket"), key)


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    if not isinstance(found, dict):
        raise DecodeError("not a notification", key)
    return found


def _string(value: dict[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise DecodeError("not a notification", key)
    return found


def _version(stored: dict[str, Any], key: str) -> str:
    found = stored.get(key)
    return found if isinstance(found, str) and found != "null" else ""


def _unbase64(text: str) -> bytes:
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise DecodeError("bad base64") from error
