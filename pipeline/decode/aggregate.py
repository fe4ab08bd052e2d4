"""Records that the Kinesis Producer Library packed together.

    magic F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf

(aggregation-format.md of amazon-kinesis-producer.) CloudWatch Logs never aggregates (its payloads are gzip); other
producers on the same stream may. The message class comes with aws-kinesis-agg; its own de-aggregation functions do
not serve, for they pass a damaged aggregate on as if it were a payload, and drop the rest of one silently when
something inside goes wrong. Importing protobuf costs 20 ms, so it waits until an aggregate comes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from pipeline.errors import DecodeError

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_SIZE = 16


def is_aggregate(data: bytes) -> bool:
    """Tell whether data begins as the KPL's aggregates do. Neither gzip nor JSON begins so."""
    return data.startswith(MAGIC)


def split(data: bytes) -> list[bytes]:
    """Take an aggregate apart into its payloads, in order.

    Raises DecodeError: "truncated aggregate", "aggregate checksum mismatch", "corrupt aggregate" or "empty aggregate".
    """
    body, digest = data[len(MAGIC) : -_DIGEST_SIZE], data[-_DIGEST_SIZE:]
    if len(data) < len(MAGIC) + _DIGEST_SIZE:
        raise DecodeError("truncated aggregate")
    if _digest(body) != digest:
        raise DecodeError("aggregate checksum mismatch")
    from google.protobuf.message import DecodeError as ProtobufError

    try:
        message = _message_class().FromString(body)
    except ProtobufError as error:
        raise DecodeError("corrupt aggregate", str(error)) from error
    if not message.IsInitialized():  # upb parses on where a required field is missing
        raise DecodeError("corrupt aggregate", "a required field is missing")
    if not message.records:
        raise DecodeError("empty aggregate")
    return [record.data for record in message.records]


def join(payloads: Iterable[bytes], partition_key: str = "trailwire") -> bytes:
    """Pack payloads as the KPL does; `split` is its inverse."""
    message = _message_class()(partition_key_table=[partition_key])
    for payload in payloads:
        message.records.add(partition_key_index=0, data=payload)
    body: bytes = message.SerializeToString()
    return MAGIC + body + _digest(body)


def _message_class() -> Any:
    """The protobuf class AggregatedRecord.

    The package's generated code imports `config_pb2` as if it were a top-level module, which its own modules make
    true by putting their folder at the front of sys.path; entering that one module under that name is enough.
    """
    from aws_kinesis_agg import config_pb2

    sys.modules.setdefault("config_pb2", config_pb2)
    from aws_kinesis_agg.messages_pb2 import AggregatedRecord

    return AggregatedRecord


def _digest(body: bytes) -> bytes:
    """MD5 as the format has it: it guards against damage, not against people."""
    import hashlib  # OpenSSL costs a cold start milliseconds, and hardly a stream is aggregated

    return hashlib.md5(body, usedforsecurity=False).digest()
