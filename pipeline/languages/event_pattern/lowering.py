"""From a checked pattern to a predicate tree.

Arrays in events are looked through: a field holds if any element does, and fields below one array of objects must hold
in the same element. "Absent" (`exists: false`) is asked of the element that the pattern's other conditions have picked;
where no condition picks one, it is asked of all elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.languages.event_pattern.groups import Group, alternatives, must_exist, overlaps
from pipeline.languages.event_pattern.values import LEAF, Field
from pipeline.predicate import SPREAD, Node, Path, Test, all_of, any_of, negate, some_at


@dataclass(frozen=True, slots=True)
class Level:
    """How the keys of one object are looked up."""

    field: Callable[[str, Field], Node]
    group: Callable[[str, Group], Node]


def conjunction(group: Group, level: Level) -> Node:
    """Return the tree of a group whose object is settled: it is the event, or the element that was picked."""
    if overlaps(group):
        return any_of(*(conjunction(alternative, level) for alternative in alternatives(group)))
    fields = [level.field(key, leaf) for key, leaf in group.fields.items()]
    groups = [level.group(key, inner) for key, inner in group.groups.items()]
    ors = [any_of(*(conjunction(branch, level) for branch in branches)) for branches in group.ors]
    return all_of(*fields, *groups, *ors)


def _field(key: str, leaf: Field) -> Node:
    path: Path = (key, SPREAD)
    return any_of(some_at(path, leaf.value), *([_absent(path)] if leaf.absent else []))


def _absent(path: Path) -> Node:
    return negate(Test(path, LEAF))


def _group(key: str, group: Group) -> Node:
    path: Path = (key, SPREAD)
    if must_exist(group):
        return some_at(path, conjunction(group, BARE))
    if _has_or(group):
        return any_of(*(_group(key, alternative) for alternative in alternatives(group)))
    leaves = list(_leaf_paths(group, path))
    gone = all_of(*(_absent(leaf) for leaf in leaves))
    present = any_of(*_present(group, ()))
    # That a group's only leaf is present as asked says all that the group asks of it.
    picked = present if len(leaves) == 1 else all_of(conjunction(group, BARE), present)
    return any_of(gone, some_at(path, picked))


def _has_or(group: Group) -> bool:
    return bool(group.ors) or any(_has_or(inner) for inner in group.groups.values())


def _leaf_paths(group: Group, path: Path) -> Iterator[Path]:
    for key in group.fields:
        yield (*path, key, SPREAD)
    for key, inner in group.groups.items():
        yield from _leaf_paths(inner, (*path, key, SPREAD))


def _present(group: Group, path: Path) -> Iterator[Node]:
    """Yield, for each leaf that may exist, that it does."""
    for key, leaf in group.fields.items():
        if leaf.may_exist:
            yield some_at((*path, key, SPREAD), leaf.value)
    for key, inner in group.groups.items():
        yield from _present(inner, (*path, key, SPREAD))


BARE = Level(_field, _group)
"""Keys are the keys of the event, or of the element picked."""
