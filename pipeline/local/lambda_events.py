"""The events that Lambda hands to a function, and what it tells an on-failure destination.

Shapes: AWS Lambda developer guide, "Using Lambda with Kinesis" and "with Amazon SQS"; on-failure messages as recorded
on AWS.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pipeline.local.event_source_mapping import Mapping
from pipeline.local.stream_batches import TOO_OLD, Discarded, StreamRecord


def kinesis_event(stream_arn: str, shard_id: str, records: Sequence[StreamRecord]) -> dict[str, Any]:
    """Write a batch of one shard's records as Lambda does."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence_number,
                    "data": b64encode(record.data).decode(),
                    "approximateArrivalTimestamp": round(record.arrived_s, 3),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{record.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{_account(stream_arn)}:role/trailwire",
                "awsRegion": _region(stream_arn),
                "eventSourceARN": stream_arn,
            }
            for record in records
        ]
    }


def sqs_event(queue_arn: str, messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Write messages, as boto3's ReceiveMessage returns them, as Lambda does."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": _region(queue_arn),
            }
            for message in messages
        ]
    }


def on_failure_message(mapping: Mapping, shard_id: str, discarded: Discarded, now_s: float) -> dict[str, Any]:
    """Write what a queue or topic is told about records given up: where they are, not what they say."""
    records = discarded.records
    message: dict[str, Any] = {
        "requestContext": {
            "requestId": discarded.request_id or str(uuid4()),
            "functionArn": mapping.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": discarded.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": discarded.function_error,
        },
        "version": "1.0",
        "timestamp": _iso(now_s),
        "KinesisBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": records[0].sequence_number,
            "endSequenceNumber": records[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _iso(records[0].arrived_s),
            "approximateArrivalOfLastRecord": _iso(records[-1].arrived_s),
            "batchSize": len(records),
            "streamArn": mapping.source_arn,
        },
    }
    if discarded.condition == TOO_OLD:
        del message["responseContext"]
    return message


def on_failure_object(mapping: Mapping, shard_id: str, discarded: Discarded, now_s: float) -> tuple[str, bytes]:
    """Return the key and the body that a bucket gets: the same message with the event itself, as text, in `payload`."""
    now = datetime.fromtimestamp(now_s, UTC)
    key = f"aws/lambda/{mapping.uuid}/{shard_id}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid4()}"
    event = kinesis_event(mapping.source_arn, shard_id, discarded.records)
    body = {**on_failure_message(mapping, shard_id, discarded, now_s), "payload": json.dumps(event)}
    return key, json.dumps(body).encode()


def _message_attribute(value: dict[str, Any]) -> dict[str, Any]:
    written = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        return {**written, "stringValue": value["StringValue"]}
    return {**written, "binaryValue": b64encode(value["BinaryValue"]).decode()}


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _region(arn: str) -> str:
    return arn.split(":")[3]


def _account(arn: str) -> str:
    return arn.split(":")[4]
