"""Predicate trees: the one form every rule compiles to, whatever language it was written in.

Nodes: `All`, `AnyOf`, `Not`, `Some`, and the leaves `Test` and `Same`. **Missing means false, always**: a `Test` holds
when *some value at this path exists and satisfies this check*. A language with another meaning of absence spells it
out with `Exists` and `Not` when it is lowered. So there is one semantics (`holds`) and one printer
(`pipeline.printer`).

A path is a tuple of steps from the event, or inside `Some` from the element:

    "key"     the value under this key of an object          `$.a`
    3         the element at this index of an array          `[3]`
    CHILD     every direct child of an array or object       `[*]`     (CloudWatch Logs wildcards)
    SPREAD    the value itself, or an array's elements,      `[]`      (EventBridge and Sigma look through arrays)
              arrays inside arrays included
    RAW       alone: the message text as it arrived          `raw`

Trees are msgspec Structs, so that a compiled rule set is written and read as JSON without a second definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from pipeline.checks import AnyCheck, Exists, OneOf
from pipeline.text_pairs import How, related

MAX_DEPTH = 200
"""Deepest tree a language may build. Everything that walks a tree recurses, and Python stops at 1,000 frames."""


class Child(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="child", tag_field="step"):
    """Every direct child of an array or an object."""


class Spread(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="spread", tag_field="step"):
    """The value itself, or if it is an array its elements, however deeply arrays are nested in arrays."""


class Raw(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="raw", tag_field="step"):
    """The raw message; stands alone in its path."""


CHILD, SPREAD = Child(), Spread()
Step = str | int | Child | Spread | Raw
Path = tuple[Step, ...]
RAW: Path = (Raw(),)


class All(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="all", tag_field="node"):
    """Every child holds; with no children: always true."""

    children: tuple[Node, ...] = ()


class AnyOf(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="any", tag_field="node"):
    """At least one child holds; with no children: never true."""

    children: tuple[Node, ...] = ()


class Not(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="not", tag_field="node"):
    """The child does not hold."""

    child: Node


class Some(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="some", tag_field="node"):
    """Some one value at the path satisfies the whole child, whose paths start from that value."""

    path: Path
    child: Node


class Test(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="test", tag_field="node"):
    """Some value at the path exists and passes the check."""

    path: Path
    check: AnyCheck


class Same(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="same", tag_field="node"):
    """Some text at `left` equals, begins with, ends with or contains some text at `right` (Sigma's `fieldref`)."""

    left: Path
    right: Path
    how: How = "equals"
    fold: bool = False


Node = All | AnyOf | Not | Some | Test | Same
TRUE, FALSE = All(), AnyOf()


# ---- building: each keeps trees small, so that nobody has to simplify them later ----


def all_of(*children: Node) -> Node:
    """AND, flattened; a single child stands for itself."""
    flat: list[Node] = []
    for child in children:
        if child == FALSE:
            return FALSE
        flat.extend(child.children if isinstance(child, All) else [child])
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(*children: Node) -> Node:
    """OR, flattened; a single child stands for itself."""
    flat: list[Node] = []
    for child in children:
        if child == TRUE:
            return TRUE
        flat.extend(child.children if isinstance(child, AnyOf) else [child])
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def any_listed(*children: Node) -> Node:
    """OR as `any_of`, but with one check for all the texts that are asked for at one path, which comes first."""
    lists: dict[tuple[Path, bool, bool], frozenset[str]] = {}
    others: dict[Node, None] = {}
    flat = any_of(*children)
    for child in flat.children if isinstance(flat, AnyOf) else (flat,):
        match child:
            case Test(path, OneOf(texts=texts, fold=fold, numbers=numbers)):
                lists[path, fold, numbers] = lists.get((path, fold, numbers), frozenset()) | texts
            case _:
                others[child] = None
    listed = (
        Test(path, OneOf(texts=texts, fold=fold, numbers=numbers)) for (path, fold, numbers), texts in lists.items()
    )
    return any_of(*listed, *others)


def negate(child: Node) -> Node:
    """NOT, with double negation removed."""
    if isinstance(child, Not):
        return child.child
    if child in (TRUE, FALSE):
        return FALSE if child == TRUE else TRUE
    return Not(child)


def some_at(path: Path, child: Node) -> Node:
    """Some one value at the path satisfies the child, said as plainly as possible."""
    match child:
        case Test(inner, check) if inner != RAW:
            return Test((*path, *inner), check)
        case Some(inner, grandchild) if inner != RAW:
            return Some((*path, *inner), grandchild)
        case AnyOf(children):
            return any_of(*(some_at(path, each) for each in children))
        case _:
            return Some(path, child)


def exists(*path: Step) -> Test:
    """Some value is at this path, null included."""
    return Test(path, Exists())


# ---- meaning ----


def holds(node: Node, event: Any, raw: str = "") -> bool:
    """Tell whether the tree holds for this event: the plain walk that every faster matcher is checked against.

    `event` is the decoded JSON value, `raw` the message text it came from, which only `RAW` paths look at.
    """
    return holds_where(node, lambda path: values_at(path, event, raw))


def holds_where(node: Node, values: Callable[[Path], Iterable[Any]]) -> bool:
    """Tell whether the tree holds for an event of which only the values at each path are known."""
    match node:
        case Test(path, check):
            return any(check.passes(value) for value in values(path))
        case All(children):
            return all(holds_where(child, values) for child in children)
        case AnyOf(children):
            return any(holds_where(child, values) for child in children)
        case Not(child):
            return not holds_where(child, values)
        case Some(path, child):
            return any(holds_where(child, _inside(value, values)) for value in values(path))
        case Same():
            return _same(node, values)


def _inside(element: Any, values: Callable[[Path], Iterable[Any]]) -> Callable[[Path], Iterable[Any]]:
    """Read paths from an element of the event; the raw message stays the same."""
    return lambda path: values(path) if path == RAW else values_below(path, element)


def values_at(path: Path, event: Any, raw: str = "") -> Iterator[Any]:
    """Yield every value the path selects, in document order; nothing where any step is missing."""
    return iter((raw,)) if path == RAW else values_below(path, event)


def values_below(path: Path, value: Any) -> Iterator[Any]:
    """Yield every value the path selects from this value. The raw message is below nothing."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    for found in _step(step, value):
        if rest:
            yield from values_below(rest, found)
        else:
            yield found


def _step(step: Step, value: Any) -> Iterable[Any]:
    match step:
        case str():
            return (value[step],) if isinstance(value, dict) and step in value else ()
        case int():
            return (value[step],) if isinstance(value, list) and 0 <= step < len(value) else ()
        case Child():
            return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        case Spread():
            return _spread(value) if isinstance(value, list) else (value,)
        case Raw():
            return ()


def _spread(values: list[Any]) -> Iterator[Any]:
    """Yield the elements of nested arrays in order, without recursion: an event decides how deep they nest."""
    stack = [iter(values)]
    while stack:
        for value in stack[-1]:
            if isinstance(value, list):
                stack.append(iter(value))
                break
            yield value
        else:
            stack.pop()


def _same(node: Same, values: Callable[[Path], Iterable[Any]]) -> bool:
    def texts(path: Path) -> set[str]:
        found = (value for value in values(path) if isinstance(value, str))
        return {text.casefold() for text in found} if node.fold else set(found)

    return related(texts(node.left), texts(node.right), node.how)


# ---- walking ----


def children_of(node: Node) -> tuple[Node, ...]:
    """Return the node's direct children."""
    match node:
        case All(children) | AnyOf(children):
            return children
        case Not(child) | Some(_, child):
            return (child,)
        case _:
            return ()


def paths_of(node: Node) -> tuple[Path, ...]:
    """Return the paths that the node itself reads."""
    match node:
        case Test(path) | Some(path):
            return (path,)
        case Same(left, right):
            return (left, right)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, parents first, without recursion."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children_of(current)))


def reads_raw(node: Node) -> bool:
    """Tell whether the message's text matters to a tree, and not only the event in it."""
    return any(RAW in paths_of(each) for each in walk(node))


def depth(node: Node) -> int:
    """Count the levels of a tree; a leaf has one."""
    deepest, stack = 0, [(node, 1)]
    while stack:
        current, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in children_of(current))
    return deepest
