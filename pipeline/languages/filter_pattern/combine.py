"""Conditions joined by `&&`, `||` and parentheses, in whatever form they stand.

`()` binds before `&&`, `&&` before `||`. Reading keeps its own stack: a pattern has room for 500 nested parentheses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.languages.filter_pattern.cursor import Cursor
from pipeline.languages.filter_pattern.mistakes import Place
from pipeline.languages.filter_pattern.syntax import And, Comparison, Expression, IsValue, Leaf, NotExists, Or
from pipeline.predicate import Node, all_of, any_of


class _Level:
    """What has been read inside one pair of parentheses: alternatives, each a list of conditions that must all hold."""

    def __init__(self) -> None:
        self.alternatives: list[list[Expression]] = [[]]
        self.ands: list[int] = []

    def expression(self) -> Expression:
        return join(Or, [join(And, conditions) for conditions in self.alternatives])


def read_expression(cursor: Cursor, read_leaf: Callable[[Cursor], Leaf], place: Place) -> Expression:
    """Read conditions until something stands there that cannot go on; raises PatternError.

    `place` says which hints fit where a condition should have been followed by `&&` or `||`.
    """
    levels = [_Level()]
    while True:
        cursor.skip_blanks()
        while cursor.take("("):
            levels.append(_Level())
            cursor.skip_blanks()
        levels[-1].alternatives[-1].append(read_leaf(cursor))
        if not _go_on(cursor, levels, place):
            return _closed(cursor, levels.pop())


def _go_on(cursor: Cursor, levels: list[_Level], place: Place) -> bool:
    """Read closing parentheses and one joiner; tell whether another condition follows."""
    while True:
        cursor.skip_blanks()
        begin = cursor.position
        if cursor.take("&&"):
            levels[-1].ands.append(begin)
            return True
        if cursor.take("||"):
            levels[-1].alternatives.append([])
            return True
        if len(levels) == 1:
            return False
        if not cursor.take(")"):
            cursor.expected('"&&", "||" or ")"', place)
        closed = _closed(cursor, levels.pop())
        levels[-1].alternatives[-1].append(closed)


def _closed(cursor: Cursor, level: _Level) -> Expression:
    if level.ands and len(level.alternatives) > 1:
        cursor.unclear.append(level.ands[0])
    return level.expression()


def join(kind: type[And | Or], parts: list[Expression]) -> Expression:
    """Join conditions, flattened; a single one stands for itself."""
    flat: list[Expression] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def leaves(expression: Expression) -> Iterator[Leaf]:
    """Yield the conditions from left to right."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case Comparison() | IsValue() | NotExists():
            yield expression


def groups(expression: Expression) -> Iterator[And | Or]:
    """Yield every group, outer ones first."""
    if isinstance(expression, And | Or):
        yield expression
        for part in expression.parts:
            yield from groups(part)


def lower(expression: Expression, lower_leaf: Callable[[Leaf], Node]) -> Node:
    """Turn conditions into a predicate tree."""
    match expression:
        case And(parts):
            return all_of(*(lower(part, lower_leaf) for part in parts))
        case Or(parts):
            return any_of(*(lower(part, lower_leaf) for part in parts))
        case Comparison() | IsValue() | NotExists():
            return lower_leaf(expression)


def write(expression: Expression, write_leaf: Callable[[Leaf], str], *, tight: bool) -> str:
    """Write conditions with the parentheses they need, and around each group that mixes `&&` with `||`."""
    match expression:
        case And(parts):
            return ("&&" if tight else " && ").join(_part(part, write_leaf, tight, (Or,)) for part in parts)
        case Or(parts):
            inner = () if tight else (And,)
            return ("||" if tight else " || ").join(_part(part, write_leaf, tight, inner) for part in parts)
        case Comparison() | IsValue() | NotExists():
            return write_leaf(expression)


def _part(
    part: Expression, write_leaf: Callable[[Leaf], str], tight: bool, bracketed: tuple[type[And | Or], ...]
) -> str:
    text = write(part, write_leaf, tight=tight)
    return f"({text})" if isinstance(part, bracketed) else text
