"""What an atom, an expression that looks at one key of the event, says of a text or a number under that key.

The answer is read from the expression's form, and says too much rather than too little; where the form isn't known, it
is any text or number.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.checks import Contains, InRange, IsType, OneOf, Prefix, Suffix, equals_number, one_of
from pipeline.languages.python_expression.syntax import is_event
from pipeline.predicate import FALSE, TRUE, Node, Test, all_of, any_of, negate

EXACT_INTEGERS = 2**53
"""Up to here a float and its shortest decimal are ordered alike among numbers."""

TEXT = Test((), IsType(frozenset({"string"})))
NUMBER = Test((), IsType(frozenset({"number"})))
TEXT_OR_NUMBER = Test((), IsType(frozenset({"string", "number"})))
LEAF = IsType(frozenset({"string", "number", "boolean", "null"}))


@dataclass(frozen=True, slots=True)
class Outcome:
    """For which events, or values, an expression may come out true, and for which false."""

    true: Node
    false: Node


UNKNOWN = Outcome(TRUE, TRUE)


def of_value(node: ast.expr) -> Outcome:
    """Return for which texts and numbers under its key an atom may come out true or false."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _comparison(left, operator, right)
        case ast.Call(func=ast.Attribute(value=receiver, attr="startswith" | "endswith" as name), args=[argument]):
            return _edge(receiver, name, _texts(argument))
        case _ if looked_up(node) is not None:
            nothing = any_of(Test((), one_of("")), Test((), equals_number(0)))
            return Outcome(all_of(TEXT_OR_NUMBER, negate(nothing)), nothing)
        case _:
            return _any_value()


def _any_value() -> Outcome:
    return Outcome(TEXT_OR_NUMBER, TEXT_OR_NUMBER)


def _subject(node: ast.expr) -> bool | None:
    """Tell whether a node is the look-up itself (False) or its folded form (True); None if it is something else."""
    if looked_up(node) is not None:
        return False
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "casefold"), args=[], keywords=[]):
            # lower, then casefold, is casefold: true of every character, so folded checks hold wherever lower() did
            return True if looked_up(inner) is not None else None
        case _:
            return None


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Outcome:
    fold = _subject(left)
    if fold is not None:
        constants = _constants(right)
        if constants is None:
            return _any_value()
        match operator:
            case ast.Eq() | ast.NotEq() if isinstance(right, ast.Constant):
                return _equals(constants, fold=fold, swap=isinstance(operator, ast.NotEq))
            case ast.In() | ast.NotIn() if not isinstance(right, ast.Constant):
                return _equals(constants, fold=fold, swap=isinstance(operator, ast.NotIn))
            case ast.Is():
                return Outcome(FALSE, TEXT_OR_NUMBER)  # of None, True and False, which are asked apart
            case ast.IsNot():
                return Outcome(TEXT_OR_NUMBER, FALSE)
            case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() if isinstance(right, ast.Constant):
                return _ordered(constants[0], operator)
            case _:
                return _any_value()
    fold = _subject(right)
    if fold is not None and isinstance(left, ast.Constant):
        return _flipped(left.value, operator, fold=fold)
    return _any_value()


def _flipped(constant: Any, operator: ast.cmpop, *, fold: bool) -> Outcome:
    """Return the outcome of a comparison with the constant on the left."""
    match operator:
        case ast.Eq() | ast.NotEq():
            return _equals([constant], fold=fold, swap=isinstance(operator, ast.NotEq))
        case ast.In() | ast.NotIn() if isinstance(constant, str):
            return _text_only(Test((), Contains(text=constant, fold=fold)), fold, isinstance(operator, ast.NotIn))
        case _:
            return _any_value()


def _edge(receiver: ast.expr, name: str, texts: list[str] | None) -> Outcome:
    fold = _subject(receiver)
    if fold is None or texts is None:
        return _any_value()
    kind = Prefix if name == "startswith" else Suffix
    return _text_only(any_of(*(Test((), kind(text=text, fold=fold)) for text in texts)), fold, swap=False)


def _text_only(found: Node, fold: bool, swap: bool) -> Outcome:
    """Return the outcome of a question that only texts can answer. A folded check may hold where lower() does not."""
    not_found = TEXT if fold else all_of(TEXT, negate(found))
    return Outcome(not_found, found) if swap else Outcome(found, not_found)


def _equals(constants: list[Any], *, fold: bool, swap: bool) -> Outcome:
    texts = [value for value in constants if isinstance(value, str)]
    nodes: list[Node] = [Test((), OneOf(texts=frozenset(texts), fold=fold))] if texts else []
    numbers = [value for value in constants if isinstance(value, int | float)]
    rough = fold
    for number in numbers:
        exact = abs(number) < EXACT_INTEGERS
        rough = rough or not exact
        nodes.append(Test((), equals_number(Decimal(repr(+number)))) if exact else NUMBER)
    equal = any_of(*nodes)
    unequal = TEXT_OR_NUMBER if rough else all_of(TEXT_OR_NUMBER, negate(equal))
    return Outcome(unequal, equal) if swap else Outcome(equal, unequal)


def _ordered(constant: Any, operator: ast.cmpop) -> Outcome:
    if isinstance(constant, str):
        return Outcome(TEXT, TEXT)
    if constant is None:
        return Outcome(FALSE, FALSE)
    if abs(constant) >= EXACT_INTEGERS or constant != constant:  # noqa: PLR0124 - NaN
        return Outcome(NUMBER, NUMBER)
    number = Decimal(repr(+constant))
    above = InRange(low=number, low_open=isinstance(operator, ast.Gt | ast.LtE))
    below = InRange(high=number, high_open=isinstance(operator, ast.Lt | ast.GtE))
    beyond = all_of(NUMBER, negate(Test((), InRange())))  # infinities and NaN, which no range holds
    up, down = any_of(Test((), above), beyond), any_of(Test((), below), beyond)
    return Outcome(up, down) if isinstance(operator, ast.Gt | ast.GtE) else Outcome(down, up)


def _constants(node: ast.expr) -> list[Any] | None:
    """Return the constants of a literal, or of a tuple, list or set of them; None for anything else."""
    match node:
        case ast.Constant(value=value):
            return [value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return [-value]
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            scalars = [_constants(element) for element in elements if isinstance(element, ast.Constant | ast.UnaryOp)]
            values = [value for found in scalars if found is not None for value in found]
            return values if len(values) == len(elements) else None
        case _:
            return None


def _texts(node: ast.expr) -> list[str] | None:
    values = _constants(node) if isinstance(node, ast.Constant | ast.Tuple) else None
    if values is None or not all(isinstance(value, str) for value in values):
        return None
    return values


def looked_up(node: ast.AST) -> str | None:
    """Return the key that an expression looks up in the event; None if it is no look-up of a constant key."""
    match node:
        case ast.Subscript(value=event, slice=ast.Constant(value=str(key))) if is_event(event):
            return key
        case ast.Call(func=ast.Attribute(value=event, attr="get"), args=[ast.Constant(value=str(key)), *_]) if is_event(
            event
        ):
            return key
        case _:
            return None
