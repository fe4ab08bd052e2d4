"""The objects of an event pattern, checked: which fields, which inner objects, which `$or`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from pipeline.languages.event_pattern.reading import Pairs, Spot, kind, written
from pipeline.languages.event_pattern.values import OPERATORS, Field, read_field

MAX_ALTERNATIVES = 1000
"""How many combinations of `$or` branches a pattern may have (EventBridge guide, "Or matching")."""

RESERVED_IN_OR = frozenset(OPERATORS) | {
    *("=", "<", "<=", ">", ">="),
    *("regex", "not-wildcard", "not-equals-ignore-case"),
    *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
    *("ip-address-in-range", "ip-address-not-in-range"),
}
"""Names that EventBridge does not take for fields below `$or`: the matchers, and what it keeps for later."""

LeafPath = tuple[str, ...]


@dataclass(slots=True)
class Group:
    """One object of a pattern: every field, every inner group, and of every `$or` one branch must hold."""

    fields: dict[str, Field] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    ors: list[tuple[Group, ...]] = field(default_factory=list)

    def all_keys(self) -> set[str]:
        """Return the keys of this level, those of `$or` branches included."""
        return self.plain_keys().union(*(keys_of(branches) for branches in self.ors))

    def plain_keys(self) -> set[str]:
        """Return the keys of this level outside `$or`."""
        return {*self.fields, *self.groups}


def keys_of(branches: tuple[Group, ...]) -> set[str]:
    """Return the keys that a `$or` may ask for on its own level."""
    return set().union(*(branch.all_keys() for branch in branches))


def read_group(pairs: Pairs, spot: Spot) -> Group:
    """Read a pattern's top-level object; raises RuleError."""
    group = _read(pairs, spot, below_or=False)
    _leaf_paths(group, spot)
    if _count(group) > MAX_ALTERNATIVES:
        raise spot.error(f"the $or branches combine in more than {MAX_ALTERNATIVES} ways", "split the rule")
    return group


def must_exist(group: Group) -> bool:
    """Tell whether the group holds only where some value below it exists."""
    return (
        any(leaf.must_exist for leaf in group.fields.values())
        or any(must_exist(inner) for inner in group.groups.values())
        or any(all(must_exist(branch) for branch in branches) for branches in group.ors)
    )


def overlaps(group: Group) -> bool:
    """Tell whether a `$or` asks for a key that its siblings ask for, too."""
    seen = group.plain_keys()
    for branches in group.ors:
        keys = keys_of(branches)
        if keys & seen:
            return True
        seen |= keys
    return False


def alternatives(group: Group) -> list[Group]:
    """Multiply a group out: one of these, none of which has a `$or`, must hold."""
    inner = [[(key, option) for option in alternatives(sub)] for key, sub in group.groups.items()]
    chosen = [[option for branch in branches for option in alternatives(branch)] for branches in group.ors]
    result = []
    for subs in product(*inner):
        for branches in product(*chosen):
            merged = Group(dict(group.fields), dict(subs))
            for branch in branches:
                merged = _merge(merged, branch)
            result.append(merged)
    return result


def _merge(left: Group, right: Group) -> Group:
    """Join two groups without common leaves."""
    groups = dict(left.groups)
    for key, inner in right.groups.items():
        groups[key] = _merge(groups[key], inner) if key in groups else inner
    return Group({**left.fields, **right.fields}, groups, [*left.ors, *right.ors])


def _read(pairs: Pairs, spot: Spot, *, below_or: bool) -> Group:
    if not pairs:
        raise spot.error("an empty object asks for nothing", "leave the key out, or name a field in it")
    group = Group()
    for index, (key, value) in enumerate(pairs):
        inner = spot.key(key, index)
        if key == "$or":
            group.ors.append(_read_or(value, inner))
        elif below_or and key in RESERVED_IN_OR:
            raise inner.error(f'"{key}" cannot name a field below $or', "each branch is an object of fields")
        else:
            _add(group, key, value, inner, below_or=below_or)
    return group


def _add(group: Group, key: str, value: Any, spot: Spot, *, below_or: bool) -> None:
    if isinstance(value, Pairs):
        inner = _read(value, spot, below_or=below_or)
        group.groups[key] = _joined(group.groups[key], inner, spot) if key in group.groups else inner
    elif isinstance(value, list):
        if key in group.fields:
            raise spot.error("this field is named twice", "put all its values into one array")
        group.fields[key] = read_field(value, spot)
    else:
        raise spot.error(f"a field's value must be an array or an object, not {kind(value)}", _unwrapped(key, value))


def _joined(left: Group, right: Group, spot: Spot) -> Group:
    both = _leaf_paths(left, spot) & _leaf_paths(right, spot)
    if both:
        raise _named_twice(both, spot)
    return _merge(left, right)


def _unwrapped(key: str, value: Any) -> str:
    if key in OPERATORS:
        return f'a matcher stands in an array: [{{"{key}": {written(value)}}}]'
    return f'write "{key}": [{written(value)}]'


def _read_or(value: Any, spot: Spot) -> tuple[Group, ...]:
    if not isinstance(value, list):
        raise spot.error(f'"$or" takes an array of objects, not {kind(value)}')
    branches = []
    for index, branch in enumerate(value):
        inner = spot.item(index)
        if not isinstance(branch, Pairs):
            raise inner.error(f'a branch of "$or" is an object of fields, not {kind(branch)}')
        branches.append(_read(branch, inner, below_or=True))
    if len(branches) < 2:  # noqa: PLR2004 - an alternative has two sides
        raise spot.error('"$or" needs at least two branches')
    return tuple(branches)


def _leaf_paths(group: Group, spot: Spot) -> set[LeafPath]:
    """Return the paths of all leaves; raises RuleError where one path would have to hold twice."""
    paths: set[LeafPath] = {(key,) for key in group.fields}
    paths |= {(key, *path) for key, inner in group.groups.items() for path in _leaf_paths(inner, spot)}
    for branches in group.ors:
        more = {path for branch in branches for path in _leaf_paths(branch, spot)}
        if paths & more:
            raise _named_twice(paths & more, spot)
        paths |= more
    return paths


def _named_twice(paths: set[LeafPath], spot: Spot) -> Exception:
    name = ".".join(min(paths))
    return spot.error(f"the field {name} is asked for twice", "EventBridge allows each field once, beside $or, too")


def _count(group: Group) -> int:
    """Count the alternatives without making them."""
    count = 1
    for branches in group.ors:
        count *= sum(_count(branch) for branch in branches)
    for inner in group.groups.values():
        count *= _count(inner)
    return count
