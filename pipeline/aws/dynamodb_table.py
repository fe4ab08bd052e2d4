"""One DynamoDB table: conditional writes and bulk calls, with every failure a StateError.

All reads are strongly consistent. Told marks decide whether an alert is counted again, a group's state whether anybody
still has to post it, a block whether a Retry-After is kept: an answer of a second ago would break a promise each time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from pipeline.aws.clients import client, error_code, failures
from pipeline.aws.dynamodb_expressions import Value, Values
from pipeline.checks import scrub
from pipeline.errors import StateError

Item = Mapping[str, Any]
"""An item as the service writes it: attribute -> {"S": text} | {"N": digits} | {"SS": [text, ...]}."""

KEY: Final = "pk"
# Amazon DynamoDB API reference, BatchGetItem and BatchWriteItem
READ_LIMIT: Final = 100
WRITE_LIMIT: Final = 25
WORKERS: Final = 8
"""Bulk calls at a time; botocore keeps ten connections."""
PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Before asking again for what a bulk call left undone. While nothing of it gets done they grow, and then it fails."""

T = TypeVar("T")
R = TypeVar("R")


class Outcome(NamedTuple):
    """What became of a conditional write."""

    done: bool
    item: Item | None
    """Done: the item as it is now, after a put the one it replaced. Not done: the item that stands in the way."""


class Table:
    """A table whose key is the string `pk`."""

    def __init__(self, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = name
        self._sleep = sleep

    # ---- one item ----

    def put(self, pk: str, item: Values, condition: str, values: Values) -> Outcome:
        """Store an item in place of whatever is there, if the condition holds."""
        request = {"Item": _encode_item(pk, item), "ReturnValues": "ALL_OLD"}
        return self._write("put_item", request, condition, values)

    def update(
        self, pk: str, update: str, condition: str, values: Values, names: Mapping[str, str] | None = None
    ) -> Outcome:
        """Change an item, or make one, if the condition holds (always, where it is empty).

        `names` says which attributes placeholders stand for that are not called like them.
        """
        request = {"Key": {KEY: {"S": pk}}, "UpdateExpression": update, "ReturnValues": "ALL_NEW"}
        return self._write("update_item", request, condition, values, names or {})

    def _write(
        self, operation: str, request: dict[str, Any], condition: str, values: Values, names: Mapping[str, str] = {}
    ) -> Outcome:
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        used = placeholders(f"{request.get('UpdateExpression', '')} {condition}")
        request["ExpressionAttributeNames"] = {f"#{name}": names.get(name, name) for name in used.names}
        if used.values:  # an empty object is refused
            request["ExpressionAttributeValues"] = {f":{name}": encode(values[name]) for name in used.values}
        try:
            response = self._call(operation, TableName=self._name, **request)
        except _ConditionFailed as refusal:
            return Outcome(done=False, item=refusal.item)
        return Outcome(done=True, item=response.get("Attributes") or None)

    # ---- many items ----

    def read(self, pks: Collection[str]) -> dict[str, Item]:
        """Return the items under these keys; absent ones are left out."""
        found: dict[str, Item] = {}
        chunks = list(_chunks([{KEY: {"S": pk}} for pk in dict.fromkeys(pks)], READ_LIMIT))
        for items in _each(chunks, self._read):
            found.update((item[KEY]["S"], item) for item in items)
        return found

    def write(self, items: Mapping[str, Values]) -> None:
        """Store these items whatever is there, all of them or StateError."""
        puts = [{"PutRequest": {"Item": _encode_item(pk, item)}} for pk, item in items.items()]
        _each(list(_chunks(puts, WRITE_LIMIT)), self._put_all)

    def _read(self, keys: list[Any]) -> list[Item]:
        items: list[Item] = []

        def ask(left: list[Any]) -> list[Any]:
            request = {self._name: {"Keys": left, "ConsistentRead": True}}
            response = self._call("batch_get_item", RequestItems=request)
            items.extend(response["Responses"].get(self._name, ()))
            return list(response.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", ()))

        self._until_done(keys, ask)
        return items

    def _put_all(self, puts: list[Any]) -> None:
        def ask(left: list[Any]) -> list[Any]:
            response = self._call("batch_write_item", RequestItems={self._name: left})
            return list(response.get("UnprocessedItems", {}).get(self._name, ()))

        self._until_done(puts, ask)

    def _until_done(self, work: list[Any], ask: Callable[[list[Any]], list[Any]]) -> None:
        pauses = iter(PAUSES_S)
        while left := ask(work):
            if len(left) < len(work):
                pauses = iter(PAUSES_S)
            pause_s = next(pauses, None)
            if pause_s is None:
                raise StateError(f"table {self._name} leaves {len(left)} items of a bulk call undone")
            self._sleep(pause_s)
            work = left

    # ---- the service ----

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call the service. ValueError is botocore's for an address or a text that is none."""
        expected: tuple[type[Exception], ...] = (*failures(), ValueError)
        try:
            response: dict[str, Any] = getattr(client("dynamodb"), operation)(**request)
        except expected as error:
            code = error_code(error)
            if code == "ConditionalCheckFailedException":
                raise _ConditionFailed(getattr(error, "response", {}).get("Item") or None) from error
            raise StateError(f"{operation} on table {self._name}: {code}") from error
        return response


class _ConditionFailed(Exception):
    """Somebody else was faster, or the time is not ripe: an answer, not a failure."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


# ---- values ----


class Placeholders(NamedTuple):
    """What an expression speaks of; DynamoDB refuses names and values that it does not use."""

    names: frozenset[str]
    values: frozenset[str]


@lru_cache(maxsize=256)
def placeholders(expression: str) -> Placeholders:
    """Find the names and values of an expression."""
    names, values = (frozenset(re.findall(rf"{mark}(\w+)", expression)) for mark in "#:")
    return Placeholders(names, values)


def encode(value: Value) -> dict[str, Any]:
    """Write a value as the service wants it; texts lose their lone surrogates, which it refuses."""
    if isinstance(value, str):
        return {"S": scrub(value)}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"SS": sorted({scrub(text) for text in value})}


def text(item: Item, name: str) -> str:
    """Read a text; an absent one is empty."""
    return str(item[name]["S"]) if name in item else ""


def number(item: Item, name: str) -> int:
    """Read a number; raises KeyError or ValueError where there is none."""
    return int(item[name]["N"])


def texts(item: Item, name: str) -> tuple[str, ...]:
    """Read a set of texts, sorted; an absent one is empty, for DynamoDB has no empty sets."""
    return tuple(sorted(item[name]["SS"])) if name in item else ()


def _encode_item(pk: str, item: Values) -> dict[str, Any]:
    # An empty set can't be stored, and its absence means the same
    return {KEY: {"S": pk}, **{name: encode(value) for name, value in item.items() if value != frozenset()}}


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _each(chunks: list[T], work: Callable[[T], R]) -> list[R]:
    """Work on chunks side by side; the first failure calls off what has not begun. No thread outlives the call."""
    if len(chunks) <= 1:
        return [work(chunk) for chunk in chunks]
    pool = ThreadPoolExecutor(min(WORKERS, len(chunks)))
    try:
        return list(pool.map(work, chunks))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
