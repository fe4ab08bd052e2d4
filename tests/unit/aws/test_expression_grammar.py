"""The guard of our expressions knows what DynamoDB takes and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from expression_grammar import GrammarError, check_condition, check_request, check_update

CONDITIONS = [
    "#a = :a",
    "attribute_not_exists(#pk) OR #a < :now",
    "(#a = :a AND NOT #b <> :b) OR begins_with(#c, :c)",
    "(#a = :a) OR (#b = :b)",
    "((#a = :a) OR (#b = :b)) AND size(#set) <= :room",
    ":a = #a",
]
NO_CONDITIONS = [
    "",
    "state = :a",
    "#a == :a",
    "#a = :a AND",
    "(#a = :a",
    "((#a = :a))",
    "((#a = :a OR #b = :b))",
    "#a + :b > :c",
    "size(#a)",
    "attribute_exists(:a)",
    "max(#a, :b) = :c",
    ":a = :b",
    "#a = #a",
    "#a = :a; #b = :b",
    " OR ".join(["#a = :a"] * 400),
]
UPDATES = [
    "SET #a = :a",
    "SET #a = #a + :a, #b = :b ADD #c :c, #d :d",
    "SET #a = if_not_exists(#a, :zero) + :a",
    "REMOVE #a, #b",
    "ADD #a :a SET #b = :b",
]
NO_UPDATES = [
    "",
    "#a = :a",
    "SET a = :a",
    "SET #a = #b + :c - :d",
    "SET #a = (#a + :a)",
    "SET #a = #a * :a",
    "SET #a = max(#a, :a)",
    "SET #a = size(#b)",
    "SET #a = :a SET #b = :b",
    "SET #a = :a, #a = :b",
    "SET #pk = :a",
    "ADD #a #b",
    "ADD #a = :a",
    "SET #a = :a,",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_of_the_documented_grammar_passes(condition: str) -> None:
    check_condition(condition)


@pytest.mark.parametrize("condition", NO_CONDITIONS)
def test_any_other_condition_is_refused(condition: str) -> None:
    with pytest.raises(GrammarError):
        check_condition(condition)


@pytest.mark.parametrize("update", UPDATES)
def test_an_update_of_the_documented_grammar_passes(update: str) -> None:
    check_update(update)


@pytest.mark.parametrize("update", NO_UPDATES)
def test_any_other_update_is_refused(update: str) -> None:
    with pytest.raises(GrammarError):
        check_update(update)


NUMBER = {"N": "1"}
GOOD: dict[str, Any] = {
    "UpdateExpression": "ADD #a :a",
    "ConditionExpression": "#a < :b",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    "ExpressionAttributeNames": {"#a": "a"},
    "ExpressionAttributeValues": {":a": NUMBER, ":b": NUMBER},
}


@pytest.mark.parametrize(
    "change",
    [
        {"ExpressionAttributeNames": {"#a": "a", "#b": "b"}},
        {"ExpressionAttributeNames": {}},
        {"ExpressionAttributeNames": None},
        {"ExpressionAttributeValues": {":a": NUMBER}},
        {"ExpressionAttributeValues": {":a": {"S": "1"}, ":b": NUMBER}},
        {"ExpressionAttributeValues": {":a": {"SS": []}, ":b": NUMBER}},
        {"ExpressionAttributeValues": {":a": {"SS": ["a", ""]}, ":b": NUMBER}},
        {"ReturnValuesOnConditionCheckFailure": "NONE"},
    ],
)
def test_a_request_names_exactly_what_it_uses(change: dict[str, Any]) -> None:
    check_request("UpdateItem", GOOD)
    with pytest.raises(GrammarError):
        check_request("UpdateItem", {**GOOD, **change})


@pytest.mark.parametrize("count", [0, 101])
def test_a_bulk_read_has_its_size(count: int) -> None:
    with pytest.raises(GrammarError):
        check_request("BatchGetItem", {"RequestItems": {"t": {"Keys": [{"pk": {"S": str(n)}} for n in range(count)]}}})


def test_a_bulk_write_writes_nothing_twice() -> None:
    put = {"PutRequest": {"Item": {"pk": {"S": "a"}}}}
    check_request("BatchWriteItem", {"RequestItems": {"t": [put]}})
    with pytest.raises(GrammarError):
        check_request("BatchWriteItem", {"RequestItems": {"t": [put, put]}})
