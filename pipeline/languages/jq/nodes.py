"""The syntax tree of a jq program, as far as a guard looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """`.`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, or a string without interpolation."""

    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A string with interpolations, or a format."""

    parts: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """`term.key`, `term[key]`, or with no key `term[]`."""

    term: Syntax
    key: Syntax | None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of any arity."""

    name: str
    args: tuple[Syntax, ...] = ()


@dataclass(frozen=True, slots=True)
class Var:
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """`|` `,` `//` `and` `or` and the comparisons."""

    op: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class Try:
    """`try body catch handler`, `body?`."""

    body: Syntax
    handler: Syntax | None = None


@dataclass(frozen=True, slots=True)
class If:
    """`if test then yes else no end`."""

    test: Syntax
    yes: Syntax
    no: Syntax


@dataclass(frozen=True, slots=True)
class Bind:
    """`source as $name | body`; a destructuring pattern has several names, whose values are not followed."""

    source: Syntax
    names: tuple[str, ...]
    plain: bool
    body: Syntax


@dataclass(frozen=True, slots=True)
class Define:
    """`def name: body; rest`."""

    name: str
    body: Syntax
    rest: Syntax


@dataclass(frozen=True, slots=True)
class Array:
    """`[body]`."""

    body: Syntax | None


@dataclass(frozen=True, slots=True)
class Object:
    """`{...}`: never null or false."""

    parts: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything else."""

    parts: tuple[Syntax, ...] = ()


Syntax = Identity | Literal | Text | Step | Call | Var | Binary | Try | If | Bind | Define | Array | Object | Opaque


def parts_of(node: Syntax) -> tuple[Syntax, ...]:
    """Return what a node is made of."""
    match node:
        case Text(parts) | Object(parts) | Opaque(parts) | Call(_, parts):
            return parts
        case Step(term, key):
            return (term,) if key is None else (term, key)
        case Binary(_, left, right):
            return (left, right)
        case Try(body, handler):
            return (body,) if handler is None else (body, handler)
        case If(test, yes, no):
            return (test, yes, no)
        case Bind(source=source, body=body):
            return (source, body)
        case Define(_, body, rest):
            return (body, rest)
        case Array(body):
            return () if body is None else (body,)
        case _:
            return ()


def walk(node: Syntax) -> Iterator[Syntax]:
    """Yield the node and all below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(parts_of(current))


def operands(op: str, left: Syntax, right: Syntax) -> list[Syntax]:
    """Return what a chain `a op b op c` joins, in order, without recursion: authors list hundreds of names."""
    parts = [right]
    while isinstance(left, Binary) and left.op == op:
        parts.append(left.right)
        left = left.left
    return [left, *reversed(parts)]
