"""moto's DynamoDB, mended: a write of one item is atomic, as on AWS.

moto 5.2.5 reads an item, looks at the condition and writes; of 40 `ADD n 1` from eight threads it loses some.
"""

from __future__ import annotations

from threading import RLock
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

from pipeline.local.patching import Patches

WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def mend(patches: Patches) -> None:
    """Let one write follow another until `patches` is undone."""
    lock = RLock()
    for name in WRITES:
        _serialize(patches, name, lock)


def _serialize(patches: Patches, name: str, lock: RLock) -> None:
    def write(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return before(*args, **kwargs)

    before = patches.replace(DynamoDBBackend, name, write)
