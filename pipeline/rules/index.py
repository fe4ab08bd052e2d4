"""Which clauses an event may satisfy, found by AND over the columns instead of asking every rule.

Columns stand in groups as the keys stand in the event: where an object is missing, one AND with the group's `absent`
answers for every path inside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from pipeline.checks import Cidr, OneOf, Text
from pipeline.predicate import RAW, Node, Path, Some, children_of, paths_of
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


class Group:
    """The columns that read one object, and the groups of the objects in it."""

    __slots__ = ("absent", "first", "inner", "involved", "later")

    def __init__(self, absent: int) -> None:
        self.absent = absent
        """The clauses that want nothing of this object."""
        self.involved = 0
        """The clauses that say anything about this object."""
        self.first: list[tuple[Read, Recall, Column | Group]] = []
        """What to read, what is remembered of plain values, and who judges any value; likeliest to rule out first."""
        self.later: list[tuple[Read, Recall, Column | Group]] = []
        """The same for what hardly rules anything out: looked at only if it matters to a clause that is still alive."""
        self.inner: dict[tuple[str, bool], Group] = {}

    def narrow(self, view: Any, alive: int) -> int:
        """Return the clauses among `alive` that nothing in this object contradicts."""
        if view is ABSENT or view is None:
            return alive & self.absent
        for read, recall, member in self.first:
            value = read(view)
            try:
                mask = recall(value)
            except TypeError:  # a list or an object where texts are usual
                mask = None
            alive = member.narrow(value, alive) if mask is None else alive & mask
            if not alive:
                return 0
        for read, recall, member in self.later:
            if alive & member.involved:
                value = read(view)
                try:
                    mask = recall(value)
                except TypeError:
                    mask = None
                alive = member.narrow(value, alive) if mask is None else alive & mask
                if not alive:
                    return 0
        return alive


class Keys(Group):
    """The columns that read keys of an object which is decoded whole, for there may be hundreds of them.

    A clause that wants any of the keys is ruled out where none that it wants is there, at the cost of the keys that the
    event has; the columns are asked for what is left.
    """

    __slots__ = ("wanted",)

    def __init__(self, absent: int) -> None:
        super().__init__(absent)
        self.wanted: dict[str, int] = {}
        """The clauses that want something of each key."""

    def add(self, keys: tuple[str, ...], column: Column) -> None:
        """Add a column that reads what these keys lead to."""
        wanted = column.involved & ~column.absent
        self.wanted[keys[0]] = self.wanted.get(keys[0], 0) | wanted
        self.absent &= column.absent
        self.involved |= column.involved
        self.later.append((_read_keys(keys), column.remembered.get, column))

    def narrow(self, view: Any, alive: int) -> int:
        """Return the clauses among `alive` that nothing in this object contradicts."""
        if not isinstance(view, dict):
            return alive & self.absent
        possible = self.absent
        for key in self.wanted.keys() & view.keys():
            possible |= self.wanted[key]
        alive &= possible
        return super().narrow(view, alive) if alive else 0


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
        self._whole: dict[tuple[tuple[str, ...], bool], Keys] = {}
        self._sizes = Counter(outer for path, _ in asked if path != RAW for outer in self._objects_around(path))
        ruled_out = _ruled_out(asked)
        for place in sorted(asked, key=lambda place: -ruled_out[place]):
            self._place(place[0], asked[place], first=ruled_out[place] > 0)

    @property
    def reads_raw(self) -> bool:
        """Tell whether a column looks at the message's text."""
        return bool(self._raw)

    def _place(self, path: Path, asked: Asked, *, first: bool) -> None:
        """Make a column and put it where its value is read.

        An object's columns that hardly rule anything out form a second group, looked at when little is left alive.
        """
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
            if (attribute, first) not in group.inner:
                group.inner[attribute, first] = Group(self.all)
                (group.first if first else group.later).append(
                    (attrgetter(attribute), _nothing, group.inner[attribute, first])
                )
            group, inside = group.inner[attribute, first], inside + 1
            group.absent &= column.absent
            group.involved |= column.involved
        members, read = group.first if first else group.later, _read(attributes[inside:])
        if not keys:
            members.append((read, column.remembered.get, column))
            return
        whole = self._whole.get((attributes, first))
        if whole is None:
            whole = self._whole[attributes, first] = Keys(self.all)
            members.append((read, _nothing, whole))
        whole.add(keys, column)

    def _objects_around(self, path: Path) -> list[tuple[str, ...]]:
        """Return the objects of a view that the value at a path stands in, as attributes from the view."""
        attributes, _ = self.shape.split(path)
        return [attributes[:length] for length in range(1, len(attributes))]

    def alive(self, view: Any, raw: str) -> int:
        """Return the bit set of the clauses whose literals all hold."""
        alive = self._root.narrow(view, self.all)
        if not self._raw:
            return alive
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
    columns: dict[tuple[Path, int], Asked] = defaultdict(list)
    for i, clause in enumerate(clauses):
        taken: dict[Path, int] = {}
        for literal in clause.literals:
            path = literal.path
            taken[path] = place = taken.get(path, -1) + 1
            columns[path, place].append((i, literal))
    return columns


def _ruled_out(asked: dict[tuple[Path, int], Asked]) -> Counter[tuple[Path, int]]:
    """Count for each column the clauses that it is likelier than any other to rule out.

    Of two literals, the one that asks for the smaller share of the texts anybody asks for at its path is the likelier.
    """
    best: dict[int, tuple[float, tuple[Path, int]]] = {}
    for place, literals in asked.items():
        asks = [check for _, literal in literals for check in literal.checks if isinstance(check, OneOf)]
        known = len(set[str]().union(*(check.texts for check in asks)))
        for clause, literal in literals:
            share = _share(literal, known)
            if clause not in best or share < best[clause][0]:
                best[clause] = share, place
    return Counter([place for _, place in best.values()])


def _share(literal: Literal, known: int) -> float:
    """Guess the share of events that satisfy a literal, where so many texts are asked for at its path."""
    if not literal.wanted:
        return 0.9
    share = 0.0
    for check in literal.checks:
        if isinstance(check, OneOf):
            share += len(check.texts) / (known + 1)
        else:
            share += 0.05 if isinstance(check, Text | Cidr) else 0.5
    return share


def paths_read(node: Node) -> Iterator[Path]:
    """Yield the paths that a tree reads from the event; what `Some` reads inside its elements is part of its own."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield from paths_of(current)
        if not isinstance(current, Some):
            stack.extend(children_of(current))


def _leading_keys(path: Path) -> tuple[tuple[str, ...], Path]:
    """Split a path before its first step that is no key."""
    count = next((i for i, step in enumerate(path) if not isinstance(step, str)), len(path))
    return tuple(str(step) for step in path[:count]), path[count:]


def _nothing(_value: Any) -> None:
    """Recall nothing: objects are looked into."""


def _read(attributes: tuple[str, ...]) -> Read:
    """Return the function that follows attributes of a view."""
    first, *inner = map(attrgetter, attributes)
    if not inner:
        return first

    def read(view: Any) -> Any:
        value = first(view)
        for get in inner:
            if value is None or value is ABSENT:
                return ABSENT
            value = get(value)
        return value

    return read


def _read_keys(keys: tuple[str, ...]) -> Read:
    """Return the function that follows keys of an object."""

    def read(value: Any) -> Any:
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return ABSENT
            value = value[key]
        return value

    return read
