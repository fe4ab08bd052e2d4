"""A predicate tree as alternatives, the form that can be indexed.

A tree becomes a bounded disjunction of clauses. A clause is a conjunction of literals, each about the values at one
path, and of whatever cannot be put so: those nodes are kept as they are and asked last. The alternatives together
hold exactly where the tree holds; where multiplying them out would take too many, a node stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pipeline.checks import AnyCheck, Exists
from pipeline.predicate import RAW, TRUE, All, AnyOf, Node, Not, Path, Some, Test
from pipeline.printer import show_check, show_path
from pipeline.rules.partial_decode import begins_with_field

MAX_PRODUCT = 64
"""Most clauses that multiplying out a conjunction may make."""
MAX_CLAUSES = 512
"""Most alternatives of one tree."""


class Literal(msgspec.Struct, frozen=True, gc=False):
    """What a clause asks of the values at one path."""

    path: Path
    checks: tuple[AnyCheck, ...]
    wanted: bool = True
    """True: some value passes one of the checks. False: no value passes any."""

    def __str__(self) -> str:
        """Print it as a person would say it."""
        said = " or ".join(show_check(check) for check in self.checks)
        return f"{show_path(self.path)} {said}" if self.wanted else f"not ({show_path(self.path)} {said})"


class Clause(msgspec.Struct, frozen=True, gc=False):
    """Holds where every literal and every node of the rest holds; with neither: always."""

    literals: tuple[Literal, ...] = ()
    rest: tuple[Node, ...] = ()


ALWAYS = Clause()


def clauses(tree: Node) -> tuple[Clause, ...]:
    """Return the alternatives of a tree; none: it never holds."""
    return _alternatives(tree, wanted=True)


def _alternatives(node: Node, *, wanted: bool) -> tuple[Clause, ...]:
    match node:
        case Test(path, check) if begins_with_field(path) or path == RAW:
            return (Clause((Literal(path, (check,), wanted),)),)
        case All(children) if wanted:
            literals, others = _literals(children)
            return _product(_parts(others, wanted), wanted, Clause(literals))
        case AnyOf(children) if not wanted:
            return _product(_parts(children, wanted), wanted)
        case All(children) | AnyOf(children):
            return _union(_parts(children, wanted), _kept(node, wanted))
        case Not(child):
            return _alternatives(child, wanted=not wanted)
        case Some():
            return _some(node, wanted=wanted)
        case _:
            return (_kept(node, wanted),)


def _literals(children: tuple[Node, ...]) -> tuple[tuple[Literal, ...], list[Node]]:
    """Return the tests and negated tests of a conjunction as literals, which most rules are made of; and the others."""
    wanted: list[Literal] = []
    unwanted: dict[Path, list[AnyCheck]] = {}
    others: list[Node] = []
    for child in children:
        test = child.child if isinstance(child, Not) else child
        if not isinstance(test, Test) or not (begins_with_field(test.path) or test.path == RAW):
            others.append(child)
        elif test is child:
            wanted.append(Literal(test.path, (test.check,)))
        else:
            unwanted.setdefault(test.path, []).append(test.check)
    literals = (*wanted, *(Literal(path, tuple(checks), wanted=False) for path, checks in unwanted.items()))
    return literals, others


Part = tuple[Node, tuple[Clause, ...]]
"""A child and its alternatives."""


def _parts(children: Iterable[Node], wanted: bool) -> list[Part]:
    return [(child, _alternatives(child, wanted=wanted)) for child in children]


def _kept(node: Node, wanted: bool) -> Clause:
    """Keep a node whole; `TRUE` says nothing and is left away."""
    if node == TRUE and wanted:
        return ALWAYS
    return Clause(rest=(node if wanted else Not(node),))


def _union(parts: list[Part], whole: Clause) -> tuple[Clause, ...]:
    """Join alternatives; those that ask one thing of the same path become one."""
    merged: dict[Path, list[AnyCheck]] = {}
    others: list[Clause] = []
    for clause in (clause for _, part in parts for clause in part):
        if not clause.rest and len(clause.literals) == 1 and clause.literals[0].wanted:
            merged.setdefault(clause.literals[0].path, []).extend(clause.literals[0].checks)
        else:
            others.append(clause)
    if len(merged) + len(others) > MAX_CLAUSES:
        return (whole,)
    return (*(Clause((Literal(path, tuple(checks)),)) for path, checks in merged.items()), *others)


def _product(parts: list[Part], wanted: bool, first: Clause = ALWAYS) -> tuple[Clause, ...]:
    """Multiply alternatives out, the fewest first; a part that would make too many stays whole."""
    product: tuple[Clause, ...] = (first,)
    for node, part in sorted(parts, key=lambda part: len(part[1])):
        factor = part if len(product) * len(part) <= max(MAX_PRODUCT, len(part)) else (_kept(node, wanted),)
        product = tuple([_both(left, right) for left in product for right in factor])
    return product


def _both(left: Clause, right: Clause) -> Clause:
    """Join two conjunctions; what neither wants at a path becomes one literal."""
    if all(literal.wanted for literal in right.literals):
        return Clause(left.literals + right.literals, left.rest + right.rest)
    unwanted = {literal.path: literal for literal in left.literals if not literal.wanted}
    literals = list(left.literals)
    for literal in right.literals:
        same = None if literal.wanted else unwanted.get(literal.path)
        if same is None:
            literals.append(literal)
        else:
            literals[literals.index(same)] = Literal(same.path, same.checks + literal.checks, wanted=False)
    return Clause(tuple(literals), left.rest + right.rest)


def _some(node: Some, *, wanted: bool) -> tuple[Clause, ...]:
    """Look through `Some` where that says the same; where it says less, it still narrows what is asked last.

    One value that satisfies several conditions implies, for each condition, some value that satisfies it.
    """
    if node.path == RAW:  # the message is no part of the event: nothing goes on from there
        return (_kept(node, wanted),)
    match node.child:
        case Test(path, check) if path != RAW:
            return _alternatives(Test(node.path + path, check), wanted=wanted)
        case Some(path, child) if path != RAW:
            return _alternatives(Some(node.path + path, child), wanted=wanted)
        case AnyOf(children):
            return _alternatives(AnyOf(tuple(Some(node.path, child) for child in children)), wanted=wanted)
        case All(()):
            return _alternatives(Test(node.path, Exists()), wanted=wanted)
        case All(children) if wanted:
            implied = [_some(Some(node.path, child), wanted=True) for child in children if _narrows(child)]
            # What is implied may be left away (TRUE), for the whole node is asked in the end.
            narrowing: list[Part] = [(TRUE, part) for part in implied if not any(clause.rest for clause in part)]
            return _product([(node, (_kept(node, wanted),)), *narrowing], wanted=True)
        case _:
            return (_kept(node, wanted),)


def _narrows(node: Node) -> bool:
    return isinstance(node, Test | AnyOf) and node != AnyOf()
