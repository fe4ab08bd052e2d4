"""Rules changed a little on purpose: a rule's own tests should notice each change.

A mutant comes with a tree of the events on which it and the rule may disagree, which is where its witness is looked
for (`witness`). Only trees are mutated: what a program computes has no small changes that
are sure to be changes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from pipeline.checks import AnyCheck, Cidr, Contains, Glob, InRange, OneOf, Prefix, Suffix, Text
from pipeline.languages.event_pattern.numeric import MAX_NUMBER
from pipeline.predicate import TRUE, All, AnyOf, Node, Not, Path, Same, Some, Test, all_of, any_of, negate
from pipeline.printer import show, show_check, show_path

MOST_DROPPED = 40
"""Texts of one list that are left out one by one; of a longer list some."""
MOST_SHOWN = 160
"""Characters of a condition that a description quotes."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A tree that differs from a rule's in one small way."""

    what: str
    """The change, in words."""
    tree: Node
    differs: Callable[[], Node]
    """Makes a tree that holds for every event on which the two disagree, and for few others."""


def mutants(node: Node) -> Iterator[Mutant]:
    """Yield every small change to a tree, in the order of its conditions."""
    match node:
        case All() | AnyOf():
            yield from _dropped(node)
            yield from _flipped(node)
            yield from _in_children(node)
        case Not(child):
            yield Mutant(f'without the "not" before ({_quoted(child)})', child, lambda: TRUE)
            yield from (Mutant(m.what, Not(m.tree), m.differs) for m in mutants(child))
        case Some(path, child):
            yield from (Mutant(m.what, Some(path, m.tree), partial(_some, path, m)) for m in mutants(child))
        case Test(path, check):
            where = show_path(path)
            for other in _other_checks(check, is_name=path[:1] == ("eventName",)):
                yield _leaf(node, Test(path, other), f"{where} {_difference(check, other)}")
        case Same():
            yield from _other_comparisons(node)


def _some(path: Path, mutant: Mutant) -> Node:
    return Some(path, mutant.differs())


def _dropped(node: All | AnyOf) -> Iterator[Mutant]:
    """Leave out one condition. It matters where the others do not decide, and this one does."""
    kind = "condition" if isinstance(node, All) else "alternative"
    for i, child in enumerate(node.children if len(node.children) > 1 else ()):
        rest = (*node.children[:i], *node.children[i + 1 :])
        tree = all_of(*rest) if isinstance(node, All) else any_of(*rest)
        decides = negate(child) if isinstance(node, All) else child
        differs = partial(_undecided, node, i, partial(_itself, decides))
        yield Mutant(f"without the {kind}: {_quoted(child)}", tree, differs)


def _flipped(node: All | AnyOf) -> Iterator[Mutant]:
    """Say "or" for "and", or "and" for "or"."""
    if len(node.children) > 1:
        words = '"or" instead of "and"' if isinstance(node, All) else '"and" instead of "or"'
        tree = AnyOf(node.children) if isinstance(node, All) else All(node.children)
        yield Mutant(f"{words} in: {_quoted(node)}", tree, partial(_some_but_not_all, node.children))


def _in_children(node: All | AnyOf) -> Iterator[Mutant]:
    """Change one child. It matters where the others do not decide."""
    for i, child in enumerate(node.children):
        before, after = node.children[:i], node.children[i + 1 :]
        for mutant in mutants(child):
            tree = replace(node, children=(*before, mutant.tree, *after))
            yield Mutant(mutant.what, tree, partial(_undecided, node, i, mutant.differs))


def _undecided(node: All | AnyOf, i: int, differs: Callable[[], Node]) -> Node:
    """Say that all children but one leave the answer to that one, where `differs` holds."""
    others = (*node.children[:i], *node.children[i + 1 :])
    return all_of(*(others if isinstance(node, All) else map(negate, others)), differs())


def _some_but_not_all(children: tuple[Node, ...]) -> Node:
    return all_of(any_of(*children), negate(all_of(*children)))


def _itself(node: Node) -> Node:
    return node


def _leaf(node: Node, other: Node, what: str) -> Mutant:
    return Mutant(what, other, partial(_either, node, other))


def _either(node: Node, other: Node) -> Node:
    match node, other:
        case Test(path, OneOf(texts=texts) as check), Test(_, OneOf(texts=fewer)) if texts - fewer:
            return all_of(Test(path, replace(check, texts=texts - fewer)), negate(other))
    return any_of(all_of(node, negate(other)), all_of(other, negate(node)))


def _other_comparisons(node: Same) -> Iterator[Mutant]:
    if node.fold:
        yield _leaf(node, replace(node, fold=False), f"in the same case only: {_quoted(node)}")
    if node.how != "contains":
        yield _leaf(node, replace(node, how="contains"), f"contains instead of {node.how}: {_quoted(node)}")


# ---- checks ----


def _other_checks(check: AnyCheck, *, is_name: bool) -> Iterator[AnyCheck]:
    if isinstance(check, Text) and check.fold:
        yield replace(check, fold=False)
    match check:
        case OneOf(texts=texts) if len(texts) > 1:
            every = sorted(texts)
            yield from (replace(check, texts=texts - {text}) for text in every[:: -(-len(every) // MOST_DROPPED)])
        case OneOf(texts=texts) if is_name and all(texts):
            # Names of calls are the beginnings of others: DeleteBucket and DeleteBucketPolicy.
            yield from (Prefix(text=text, fold=check.fold, numbers=check.numbers) for text in texts)
        case Prefix() | Suffix() if check.text:
            yield Contains(text=check.text, fold=check.fold, numbers=check.numbers)
        case Glob(pieces=pieces) if len(pieces) > 1:
            yield from (replace(check, pieces=("", *pieces)) for _ in pieces[0][:1])
            yield from (replace(check, pieces=(*pieces, "")) for _ in pieces[-1][:1])
        case InRange():
            yield from _other_ranges(check)
        case Cidr(network=network):
            whole = ipaddress.ip_network(network)
            yield from (Cidr(network=str(whole.supernet())) for _ in range(whole.prefixlen > 0))


def _other_ranges(check: InRange) -> Iterator[InRange]:
    """Let a bound in or out, and shift it by 1. The bounds of all numbers are not the author's."""
    if check.low == check.high:
        return
    if check.low is not None and abs(check.low) != MAX_NUMBER:
        yield replace(check, low_open=not check.low_open)
        yield from _moved(check, low=check.low + 1)
    if check.high is not None and abs(check.high) != MAX_NUMBER:
        yield replace(check, high_open=not check.high_open)
        yield from _moved(check, high=check.high - 1)


def _moved(check: InRange, **bound: Decimal) -> Iterator[InRange]:
    """Move a bound by one, unless it is so large that one is lost in its digits."""
    moved = replace(check, **bound)
    if moved != check:
        yield moved


def _difference(check: AnyCheck, other: AnyCheck) -> str:
    match check, other:
        case OneOf(texts=texts), OneOf(texts=fewer) if texts - fewer:
            return f"no longer is {_clipped(show_check(OneOf(texts=texts - fewer))).removeprefix('is ')}"
        case _:
            return f"{_clipped(show_check(other))} instead of {_clipped(show_check(check))}"


def _quoted(node: Node) -> str:
    return _clipped(show(node))


def _clipped(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
