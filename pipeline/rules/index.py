"""Which clauses an event may satisfy, found by AND over the columns instead of asking every rule.

Columns stand in groups as the keys stand in the event: where an object is missing, one AND with the group's `absent`
answers for every path inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from pipeline.predicate import RAW, Node, Path, Same, Some, Test, children_of
from pipeline.rules.clauses import Clause, Literal
from pipeline.rules.column import Column
from pipeline.rules.partial_decode import ABSENT, Shape

MEMO_ENTRIES = 32_768
"""Texts that all columns together remember, and again as many elements of arrays."""

Read = Callable[[Any], Any]


@dataclass(slots=True)
class Group:
    """The columns that read one object, and the groups of the objects in it."""

    absent: int
    """The clauses that want nothing of this object."""
    columns: list[tuple[Read, Column, dict[str, int]]] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    inner: list[tuple[Read, Group]] = field(default_factory=list)

    def narrow(self, view: Any, alive: int) -> int:
        """Return the clauses among `alive` that nothing in this object contradicts."""
        for read, column, remembered in self.columns:
            value = read(view)
            if value.__class__ is str:
                mask = remembered.get(value)
                if mask is None:
                    if not alive & column.involved:
                        continue
                    mask = column.learn(value)
            else:
                mask = column.mask(value)
            alive &= mask
            if not alive:
                return 0
        for read, group in self.inner:
            value = read(view)
            alive = alive & group.absent if value is None or value is ABSENT else group.narrow(value, alive)
            if not alive:
                return 0
        return alive


class Index:
    """Clauses, indexed by what they ask of each path."""

    def __init__(self, clauses: list[Clause]) -> None:
        self.clauses = clauses
        self.all = (1 << len(clauses)) - 1
        literals = _by_column(clauses)
        rests = {path for clause in clauses for node in clause.rest for path in paths_read(node)}
        self.shape = Shape(sorted({path for path, _ in literals} | rests, key=repr))
        self.columns: list[Column] = []
        self._root = Group(self.all)
        self._raw: list[Column] = []
        entries = max(64, MEMO_ENTRIES // (len(literals) or 1))
        for (path, _), asked in sorted(literals.items(), key=lambda item: -len(item[1])):
            self._place(path, asked, entries)

    def _place(self, path: Path, asked: list[tuple[int, Literal]], entries: int) -> None:
        """Make a column and put it where its value is read."""
        size = len(self.clauses)
        if path == RAW:
            self._raw.append(Column(path, (), asked, size=size, entries=0))
            self.columns.append(self._raw[-1])
            return
        (*outer, last), rest = self.shape.split(path)
        keys, rest = _leading_keys(rest)
        column = Column(path, rest, asked, size=size, entries=entries)
        self.columns.append(column)
        group = self._root
        for attribute in outer:
            if attribute not in group.groups:
                group.groups[attribute] = Group(self.all)
                group.inner.append((attrgetter(attribute), group.groups[attribute]))
            group = group.groups[attribute]
            group.absent &= column.base
        group.columns.append((_read(last, keys), column, column.remembered))

    def survivors(self, view: Any, raw: Callable[[], str]) -> Iterator[int]:
        """Yield the clauses whose literals all hold, in order; their rest is not asked here."""
        alive = self._root.narrow(view, self.all)
        for column in self._raw:
            if alive & column.involved:
                alive &= column.learn(raw())
        while alive:
            lowest = alive & -alive
            yield lowest.bit_length() - 1
            alive ^= lowest


def _by_column(clauses: list[Clause]) -> dict[tuple[Path, int], list[tuple[int, Literal]]]:
    """Deal literals to columns: a clause's second wanted literal at a path goes into the path's second column."""
    columns: dict[tuple[Path, int], list[tuple[int, Literal]]] = {}
    for i, clause in enumerate(clauses):
        taken: dict[Path, int] = {}
        for literal in clause.literals:
            place = taken.get(literal.path, 0)
            taken[literal.path] = place + 1
            columns.setdefault((literal.path, place), []).append((i, literal))
    return columns


def paths_read(node: Node) -> Iterator[Path]:
    """Yield the paths that a tree reads from the event; what `Some` reads inside its elements is part of its own."""
    stack = [node]
    while stack:
        match stack.pop():
            case Test(path) | Some(path):
                yield path
            case Same(left, right):
                yield from (left, right)
            case node:
                stack.extend(children_of(node))


def _leading_keys(path: Path) -> tuple[tuple[str, ...], Path]:
    """Split a path before its first step that is no key."""
    count = next((i for i, step in enumerate(path) if not isinstance(step, str)), len(path))
    return tuple(str(step) for step in path[:count]), path[count:]


def _read(attribute: str, keys: tuple[str, ...]) -> Read:
    """Return the function that reads an attribute of a view, and then keys of the object there."""
    get = attrgetter(attribute)
    if not keys:
        return get

    def read(view: Any) -> Any:
        value = get(view)
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return ABSENT
            value = value[key]
        return value

    return read
