"""Which clauses an event may satisfy, found by AND over the columns instead of asking every rule.

Columns stand in groups as the keys stand in the event: where an object is missing, one AND with the group's `absent`
answers for every path inside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from pipeline.checks import AnyCheck, Cidr, OneOf, Text
from pipeline.predicate import RAW, Node, Path, Same, Some, Test, children_of
from pipeline.rules.clauses import Clause, Literal
from pipeline.rules.column import Column, Memory
from pipeline.rules.partial_decode import ABSENT, Shape

MEMO_TEXTS = 32_768
"""Texts that all columns together remember: some 20 MB at the very most."""
MIN_GROUP = 4
"""Columns in one object for which a group pays; fewer are read on their own."""

Read = Callable[[Any], Any]
Recall = Callable[[Any], int | None]
Asked = list[tuple[int, Literal]]
"""What each clause asks of one column."""


@dataclass(slots=True)
class Group:
    """The columns that read one object, and the groups of the objects in it, those likeliest to rule out first."""

    absent: int
    """The clauses that want nothing of this object."""
    involved: int = 0
    """The clauses that say anything about this object."""
    members: list[tuple[Read, int, Recall, Column | Group]] = field(default_factory=list)
    """What to read, the clauses it matters to, what is remembered of plain values, and who judges any value."""
    inner: dict[str, Group] = field(default_factory=dict)

    def settle(self) -> None:
        """Take over what the members say once all of them are there."""
        for group in self.inner.values():
            group.settle()
        self.members = [(read, member.involved, recall, member) for read, _, recall, member in self.members]

    def narrow(self, view: Any, alive: int) -> int:
        """Return the clauses among `alive` that nothing in this object contradicts."""
        if view is ABSENT or view is None:
            return alive & self.absent
        for read, involved, recall, member in self.members:
            if alive & involved:
                value = read(view)
                try:
                    mask = recall(value)
                except TypeError:  # a list or an object where texts are usual
                    mask = None
                alive = member.narrow(value, alive) if mask is None else alive & mask
        return alive


class Index:
    """Clauses, indexed by what they ask of each path."""

    def __init__(self, clauses: list[Clause]) -> None:
        self.clauses = clauses
        self.all = (1 << len(clauses)) - 1
        asked = _by_column(clauses)
        rests = {path for clause in clauses for node in clause.rest for path in paths_read(node)}
        self.shape = Shape(sorted({path for path, _ in asked} | rests, key=repr))
        self.columns: list[Column] = []
        self.memory = Memory(MEMO_TEXTS)
        self._root = Group(self.all)
        self._raw: list[Column] = []
        self._sizes = Counter(outer for path, _ in asked if path != RAW for outer in self._objects_around(path))
        for place in _likeliest_first(asked):
            self._place(place[0], asked[place])
        self._root.settle()

    @property
    def reads_raw(self) -> bool:
        """Tell whether a column looks at the message's text."""
        return bool(self._raw)

    def _place(self, path: Path, asked: Asked) -> None:
        """Make a column and put it where its value is read."""
        if path == RAW:
            self.columns.append(Column(path, (), asked, size=len(self.clauses), memory=self.memory))
            self._raw.append(self.columns[-1])
            return
        attributes, rest = self.shape.split(path)
        keys, rest = _leading_keys(rest)
        column = Column(path, rest, asked, size=len(self.clauses), memory=self.memory)
        self.columns.append(column)
        group, inside = self._root, 0
        while self._sizes[attributes[: inside + 1]] >= MIN_GROUP:
            attribute = attributes[inside]
            if attribute not in group.inner:
                group.inner[attribute] = Group(self.all)
                group.members.append((attrgetter(attribute), 0, _nothing, group.inner[attribute]))
            group, inside = group.inner[attribute], inside + 1
            group.absent &= column.absent
            group.involved |= column.involved
        group.members.append((_read(attributes[inside:], keys), 0, column.remembered.get, column))

    def _objects_around(self, path: Path) -> list[tuple[str, ...]]:
        """Return the objects of a view that the value at a path stands in, as attributes from the view."""
        attributes, _ = self.shape.split(path)
        return [attributes[:length] for length in range(1, len(attributes))]

    def alive(self, view: Any, raw: str) -> int:
        """Return the bit set of the clauses whose literals all hold."""
        alive = self._root.narrow(view, self.all)
        for column in self._raw:
            if alive & column.involved:
                alive = column.narrow(raw, alive)
        return alive


def numbers_in(bits: int) -> Iterator[int]:
    """Yield the places of the bits that are set, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _by_column(clauses: list[Clause]) -> dict[tuple[Path, int], Asked]:
    """Deal literals to columns: a clause's second wanted literal at a path goes into the path's second column."""
    columns: dict[tuple[Path, int], Asked] = {}
    for i, clause in enumerate(clauses):
        taken: dict[Path, int] = {}
        for literal in clause.literals:
            place = taken.get(literal.path, 0)
            taken[literal.path] = place + 1
            columns.setdefault((literal.path, place), []).append((i, literal))
    return columns


def _likeliest_first(asked: dict[tuple[Path, int], Asked]) -> list[tuple[Path, int]]:
    """Order columns by how many clauses each is likelier than any other to rule out.

    Of two literals, the one that asks for the smaller share of the texts anybody asks for at its path is the likelier.
    """
    best: dict[int, tuple[float, tuple[Path, int]]] = {}
    for place, literals in asked.items():
        known = len({text for _, literal in literals for check in literal.checks for text in _texts(check)})
        for clause, literal in literals:
            share = _share(literal, known)
            if clause not in best or share < best[clause][0]:
                best[clause] = share, place
    ruled_out = Counter(place for _, place in best.values())
    return sorted(asked, key=lambda place: -ruled_out[place])


def _share(literal: Literal, known: int) -> float:
    """Guess the share of events that satisfy a literal."""
    if not literal.wanted:
        return 0.9
    if all(isinstance(check, OneOf) for check in literal.checks):
        return sum(len(_texts(check)) for check in literal.checks) / (known + 1)
    return 0.05 if all(isinstance(check, Text | Cidr) for check in literal.checks) else 0.5


def _texts(check: AnyCheck) -> frozenset[str]:
    return check.texts if isinstance(check, OneOf) else frozenset()


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


def _nothing(_value: Any) -> None:
    """Recall nothing: objects are looked into."""


def _read(attributes: tuple[str, ...], keys: tuple[str, ...]) -> Read:
    """Return the function that follows attributes of a view, and then keys of the object there."""
    first, *inner = map(attrgetter, attributes)
    if not inner and not keys:
        return first

    def read(view: Any) -> Any:
        value = first(view)
        for get in inner:
            if value is None or value is ABSENT:
                return ABSENT
            value = get(value)
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return ABSENT
            value = value[key]
        return value

    return read
