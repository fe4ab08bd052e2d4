"""The tree of the events that an expression may be true for.

For every expression two trees are made, of the events for which it may come out true, and of those for which it may
come out false; where it raises, it is neither. Both only ever say too much: `not` swaps them, `and` and `or` join them.

An atom is an expression that looks at one key of the event. What it says of null, true and false, and of an event
without the key, is found by evaluating it; what it says of texts and numbers is read from its form where that is known,
and is otherwise any text or number. tests/laws holds the tree against the program on random rules and events.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from pipeline.checks import Is, IsType
from pipeline.errors import ProgramError
from pipeline.languages.python_expression.atoms import LEAF, TEXT_OR_NUMBER, UNKNOWN, Outcome, looked_up, of_value
from pipeline.languages.python_expression.flat_event import index_of
from pipeline.languages.python_expression.program import PythonProgram
from pipeline.languages.python_expression.syntax import is_event
from pipeline.predicate import (
    FALSE,
    MAX_DEPTH,
    TRUE,
    All,
    Node,
    Path,
    Test,
    all_of,
    any_of,
    depth,
    negate,
    some_at,
    walk,
)

MAX_DOTS = 5
"""Keys with more dots have too many readings to test; such an atom says nothing."""

MAX_NODES = 5_000
"""Trees beyond this size cost more than the program they guard."""


def guard_tree(expression: ast.expr) -> Node:
    """Return a tree that holds for every event for which the expression is true."""
    tree = outcome(expression).true
    return tree if depth(tree) <= MAX_DEPTH and _size(tree) <= MAX_NODES else TRUE


def outcome(node: ast.expr) -> Outcome:
    """Return for which events an expression may come out true or false."""
    match node:
        case ast.Constant(value=value):
            return Outcome(TRUE, FALSE) if value else Outcome(FALSE, TRUE)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = outcome(operand)
            return Outcome(inner.false, inner.true)
        case ast.BoolOp(op=operator, values=values):
            return _joined(operator, [outcome(value) for value in values])
        case ast.Compare(left=left, ops=operators, comparators=rights) if len(operators) > 1:
            return _joined(ast.And(), [outcome(link) for link in _links(left, operators, rights)])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _either(outcome(test), outcome(body), outcome(orelse))
        case ast.Call(func=ast.Name(id="any"), args=[ast.List(elts=values) | ast.Tuple(elts=values)]):
            return _joined(ast.Or(), [outcome(value) for value in values])
        case ast.Call(func=ast.Name(id="all"), args=[ast.List(elts=values) | ast.Tuple(elts=values)]):
            return _joined(ast.And(), [outcome(value) for value in values])
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[operator], comparators=[right]) if is_event(right):
            return _has_key(key, wanted=isinstance(operator, ast.In))
        case _:
            return _atom(node)


def _joined(operator: ast.boolop, parts: list[Outcome]) -> Outcome:
    trues, falses = [part.true for part in parts], [part.false for part in parts]
    if isinstance(operator, ast.And):
        return Outcome(all_of(*trues), any_of(*falses))
    return Outcome(any_of(*trues), all_of(*falses))


def _either(test: Outcome, yes: Outcome, no: Outcome) -> Outcome:
    if _size(test.true) + _size(test.false) + _size(yes.true) + _size(no.true) > MAX_NODES:
        return UNKNOWN  # each level repeats its condition, so sizes can double
    return Outcome(
        any_of(all_of(test.true, yes.true), all_of(test.false, no.true)),
        any_of(all_of(test.true, yes.false), all_of(test.false, no.false)),
    )


def _links(left: ast.expr, operators: list[ast.cmpop], rights: list[ast.expr]) -> Iterator[ast.expr]:
    for operator, right in zip(operators, rights, strict=True):
        yield ast.Compare(left=left, ops=[operator], comparators=[right])
        left = right


def _size(tree: Node) -> int:
    return sum(1 for _ in walk(tree))


# ---- keys of the flattened event ----


def readings(key: str) -> list[Path]:
    """Return every path whose value the flattened event may have under this key; none if they are too many."""
    if key.count(".") > MAX_DOTS:
        return []
    paths: list[Path] = []
    for segments in _segmentations(key):
        found: list[Path] = [(segments[0],)]
        for segment in segments[1:]:
            index = index_of(segment)
            steps: list[str | int] = [segment] if index is None else [segment, index]
            found = [(*path, step) for path in found for step in steps]
        paths.extend(found)
    return paths


def _segmentations(key: str) -> Iterator[tuple[str, ...]]:
    """Yield every way to take some dots of a key for separators, all of them first."""
    place = key.find(".")
    while place >= 0:
        for rest in _segmentations(key[place + 1 :]):
            yield (key[:place], *rest)
        place = key.find(".", place + 1)
    yield (key,)


def _missing(paths: list[Path]) -> Node:
    return all_of(*(negate(Test(path, LEAF)) for path in paths))


def _has_key(key: str, *, wanted: bool) -> Outcome:
    paths = readings(key)
    if not paths:
        return UNKNOWN
    there, gone = any_of(*(Test(path, LEAF) for path in paths)), _missing(paths)
    return Outcome(there, gone) if wanted else Outcome(gone, there)


# ---- atoms ----


def _atom(node: ast.expr) -> Outcome:
    key = _only_key(node)
    paths = readings(key) if key is not None else []
    if key is None or not paths:
        return UNKNOWN
    found, atom = of_value(node), _as_bool(node)
    verdicts = {value: _truth(atom, {key: value}) for value in (None, True, False)}
    trues = [value for value, verdict in verdicts.items() if verdict is True]
    falses = [value for value, verdict in verdicts.items() if verdict is False]
    without = _truth(atom, {})
    return Outcome(
        _anywhere(paths, _widened(found.true, trues), missing=without is True),
        _anywhere(paths, _widened(found.false, falses), missing=without is False),
    )


def _widened(value: Node, constants: list[bool | None]) -> Node:
    """Add null, true and false to what a value may be; as types where that says the same."""
    first, *rest = value.children if isinstance(value, All) and value.children else (value,)
    if first != TEXT_OR_NUMBER:
        return any_of(value, *(Test((), Is(constant)) for constant in constants))
    added = {"null"} if None in constants else set()
    alone = [constant for constant in constants if constant is not None]
    if len(alone) > 1:
        added, alone = added | {"boolean"}, []
    types = IsType(frozenset({"string", "number", *added}))  # type: ignore[arg-type]  # these are type names
    return any_of(all_of(Test((), types), *rest), *(Test((), Is(constant)) for constant in alone))


def _anywhere(paths: list[Path], value: Node, *, missing: bool) -> Node:
    return any_of(*(some_at(path, value) for path in paths), *([_missing(paths)] if missing else []))


def _truth(atom: PythonProgram, event: dict[str, Any]) -> bool | None:
    """Tell whether an atom comes out true; None where it raises."""
    try:
        return atom.run(event, "").matched
    except ProgramError:
        return None


def _as_bool(node: ast.expr) -> PythonProgram:
    return PythonProgram("", ast.Call(func=ast.Name(id="bool"), args=[node], keywords=[]))


def _only_key(node: ast.expr) -> str | None:
    """Return the one key that an expression looks up; None if there is no one, or it uses the event otherwise."""
    keys: set[str] = set()
    uses = 0
    for each in ast.walk(node):
        key = looked_up(each)
        if key is not None:
            keys.add(key)
            uses -= 1  # the `event` inside the look-up, which is walked as well
        elif is_event(each):
            uses += 1
    return next(iter(keys)) if len(keys) == 1 and uses == 0 else None
