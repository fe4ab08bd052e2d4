"""DynamoDB's expression grammar as documented, and no more: moto takes expressions that the service refuses.

Source: DynamoDB developer guide, "Update expressions", "Condition and filter expressions, operators, and functions",
"Expression attribute names", "Expression attribute values", and the limits of expressions (4 KB, 300 operators).
Stricter on purpose: every attribute is a `#name`, so that no reserved word can slip in, and nothing is nested.
"""

from __future__ import annotations

import re
from typing import Any

MAX_BYTES = 4096
MAX_OPERATORS = 300
COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
PREDICATES = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
KEY = "pk"
_TOKEN = re.compile(r"\s*(?:([#:][A-Za-z0-9_]+)|([A-Za-z_]+)|(<>|<=|>=|[=<>+\-(),]))")


class GrammarError(AssertionError):
    """An expression that DynamoDB refuses, or may."""


class _Reader:
    def __init__(self, expression: str) -> None:
        if not expression or len(expression.encode()) > MAX_BYTES:
            raise GrammarError(f"{len(expression)} characters")
        self.expression = expression
        self.tokens = _tokens(expression)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise self.wrong(f"expected {token}")

    def wrong(self, why: str) -> GrammarError:
        return GrammarError(f"{why} before {' '.join(self.tokens[self.at - 1 :])[:80]!r} in {self.expression!r}")

    def path(self) -> str:
        token = self.next()
        if not token.startswith("#"):
            raise self.wrong("expected a #name")
        return token

    def value(self) -> str:
        token = self.next()
        if not token.startswith(":"):
            raise self.wrong("expected a :value")
        return token


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        if match is None:
            raise GrammarError(f"cannot read {expression[at:]!r}")
        tokens.append(match.group().strip())
        at = match.end()
    if sum(token in {*COMPARATORS, "AND", "OR", "NOT", "+", "-"} for token in tokens) > MAX_OPERATORS:
        raise GrammarError("too many operators")
    return tokens


# ---- conditions ----


def check_condition(expression: str) -> None:
    """Raise GrammarError for what is no condition."""
    reader = _Reader(expression)
    _any_of(reader)
    if reader.peek():
        raise reader.wrong("expected nothing more")


def _any_of(reader: _Reader) -> None:
    _all_of(reader)
    while reader.peek() == "OR":
        reader.next()
        _all_of(reader)


def _all_of(reader: _Reader) -> None:
    _one(reader)
    while reader.peek() == "AND":
        reader.next()
        _one(reader)


def _one(reader: _Reader) -> None:
    token = reader.peek()
    if token == "NOT":
        reader.next()
        _one(reader)
    elif token == "(":
        _parenthesized(reader)
    elif token in PREDICATES:
        _predicate(reader)
    else:
        _comparison(reader)


def _parenthesized(reader: _Reader) -> None:
    reader.expect("(")
    began_with_another, inner = reader.peek() == "(", reader.at
    _any_of(reader)
    reader.expect(")")
    if began_with_another and _closing(reader.tokens, inner) == reader.at - 2:
        raise reader.wrong("redundant parentheses")  # so DynamoDB calls them, and refuses


def _closing(tokens: list[str], opening: int) -> int:
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if depth == 0:
            return at
    return -1


def _predicate(reader: _Reader) -> None:
    arguments = PREDICATES[reader.next()]
    reader.expect("(")
    reader.path()
    for _ in range(arguments - 1):
        reader.expect(",")
        reader.value()
    reader.expect(")")


def _comparison(reader: _Reader) -> None:
    left = _operand(reader)
    if reader.next() not in COMPARATORS:
        raise reader.wrong("expected a comparator")
    right = _operand(reader)
    if left == right or (left[0] == right[0] == ":"):
        raise reader.wrong("a comparison needs an attribute, and two different operands")


def _operand(reader: _Reader) -> str:
    if reader.peek() == "size":
        reader.next()
        reader.expect("(")
        path = reader.path()
        reader.expect(")")
        return f"size({path})"
    return reader.value() if reader.peek().startswith(":") else reader.path()


# ---- updates ----


def check_update(expression: str) -> None:
    """Raise GrammarError for what is no update."""
    reader = _Reader(expression)
    seen: list[str] = []
    paths: list[str] = []
    while clause := reader.next():
        if clause not in CLAUSES or clause in seen:
            raise reader.wrong("expected a clause, each at most once")
        seen.append(clause)
        paths += _actions(reader, clause)
    if len(set(paths)) != len(paths):
        raise GrammarError(f"two document paths overlap in {expression!r}")
    if f"#{KEY}" in paths:
        raise GrammarError("the key can't be updated")


def _actions(reader: _Reader, clause: str) -> list[str]:
    paths = [_action(reader, clause)]
    while reader.peek() == ",":
        reader.next()
        paths.append(_action(reader, clause))
    return paths


def _action(reader: _Reader, clause: str) -> str:
    path = reader.path()
    if clause in {"ADD", "DELETE"}:
        reader.value()
    elif clause == "SET":
        reader.expect("=")
        _set_operand(reader)
        if reader.peek() in {"+", "-"}:  # one of them, and no more
            reader.next()
            _set_operand(reader)
    return path


def _set_operand(reader: _Reader) -> None:
    token = reader.peek()
    if token in {"if_not_exists", "list_append"}:
        reader.next()
        reader.expect("(")
        reader.path()
        reader.expect(",")
        reader.value()
        reader.expect(")")
    elif token == "size":
        raise reader.wrong("size() is for conditions")
    else:
        _operand(reader)


# ---- requests ----


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Raise GrammarError for a request whose expressions, names and values DynamoDB refuses."""
    update, condition = request.get("UpdateExpression"), request.get("ConditionExpression")
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if update is not None:
        check_update(update)
        _check_types(update, values or {})
    if condition is not None:
        check_condition(condition)
        if request.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD":
            raise GrammarError("who is refused wants to see why")
    text = f"{update or ''} {condition or ''}"
    for mark, given in (("#", names), (":", values)):
        used = set(re.findall(rf"{mark}\w+", text))
        if given is not None and (not given or set(given) != used):
            raise GrammarError(f"{mark} used {sorted(used)}, given {sorted(given)}")
        if given is None and used:
            raise GrammarError(f"{mark} not given: {sorted(used)}")
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        _check_bulk(operation, request["RequestItems"])


def _check_types(update: str, values: dict[str, Any]) -> None:
    for added in re.findall(r"ADD (.*)", update):
        for name in re.findall(r"(:\w+)", added):
            if next(iter(values[name])) not in {"N", "SS"}:
                raise GrammarError(f"ADD takes a number or a set, not {values[name]}")
    for value in values.values():
        if value.get("SS") == [] or "" in value.get("SS", ()):
            raise GrammarError("a set holds something, and no empty text")


def _check_bulk(operation: str, request_items: dict[str, Any]) -> None:
    for asked in request_items.values():
        if operation == "BatchGetItem":
            keys, limit = [str(key) for key in asked["Keys"]], 100
        else:
            keys, limit = [str(put["PutRequest"]["Item"][KEY]) for put in asked], 25
        if not 0 < len(keys) <= limit or len(set(keys)) != len(keys):
            raise GrammarError(f"{operation} of {len(keys)} keys, {len(set(keys))} different ones")
