"""Objects in S3: listed, read, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pipeline.aws.clients import client
from pipeline.decode.notifications import StoredObject
from pipeline.errors import DecodeError

MAX_BYTES: Final = 64 * 1024 * 1024
"""What is read into memory. CloudTrail's files end at 50 MB (its documented limit)."""

MAX_UNDELIVERED: Final = 256 * 1024 * 1024
"""What a replay reads into memory: one file that could not be read, in base64, or a batch's worth of parts."""


def listed(bucket: str, prefix: str) -> Iterator[StoredObject]:
    """Yield the objects below a prefix, by key; raises what boto3 raises. Folders that a console makes are left out."""
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents", ()):
            if not entry["Key"].endswith("/"):
                yield StoredObject(bucket, entry["Key"])


def fetched(stored: StoredObject, max_bytes: int = MAX_BYTES) -> bytes:
    """Return what an object holds.

    Raises what boto3 raises, and DecodeError("object too large") before any of it is read.
    """
    response = client("s3").get_object(**_place(stored))
    with response["Body"] as body:
        if response["ContentLength"] > max_bytes:
            raise DecodeError("object too large", f"{response['ContentLength']} bytes")
        data: bytes = body.read()
    return data


def delete(stored: StoredObject) -> None:
    """Delete an object; raises what boto3 raises."""
    client("s3").delete_object(**_place(stored))


def _place(stored: StoredObject) -> dict[str, Any]:
    version = {"VersionId": stored.version} if stored.version else {}
    return {"Bucket": stored.bucket, "Key": stored.key, **version}
