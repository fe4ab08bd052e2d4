"""The guard of a jq program: a predicate tree that holds for every event the program accepts.

The program is run on what is *known about* values instead of on values. An expression has `Ways` in which it can
produce an output: each pairs a tree, which holds whenever the output comes about in this way, with what is then
known of the output. So for a condition there are two trees, one that holds whenever it can be true and one that holds
whenever it can be false; `not` swaps them, and nothing needs to be exact to be sound. What is not understood produces
`ANYTHING` in a way that is always open.

The invariant, which tests/laws/test_jq_laws.py holds: for every event, every output of the expression is described by
a way whose tree holds. An expression that fails has no output. Strings reach jq with lone surrogates replaced, so texts
that a replacement could produce are never compared here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.checks import AnyCheck, TypeName
from pipeline.languages.jq import nodes
from pipeline.languages.jq.known import (
    ANYTHING,
    NOT_NULL,
    SOMETHING,
    At,
    Const,
    Elements,
    Unknown,
    Value,
    Ways,
    child,
    children,
    counted,
    falsy,
    lowered,
    truthy,
    verdicts,
)
from pipeline.languages.jq.nodes import Syntax
from pipeline.languages.jq.questions import (
    EITHER,
    STRING_QUESTIONS,
    Pair,
    compare,
    equal,
    findable,
    matches,
    present,
    string_question,
    typed,
)
from pipeline.predicate import FALSE, MAX_DEPTH, TRUE, Node, all_of, any_listed, any_of, children_of, depth

MAX_NODES = 4000
"""A larger tree costs more than it saves."""
_MAX_STEPS = 20_000
_MAX_WAYS = 2048


def guard(program: Syntax) -> Node:
    """Return a tree that holds for every event on which the program's first output is neither null nor false."""
    defined = frozenset(node.name for node in nodes.walk(program) if isinstance(node, nodes.Define))
    try:
        tree, _ = _Reading(defined).verdict(program, At((), ()), {})
    except _TooMuch:
        return TRUE
    return tree if _is_small(tree) and depth(tree) <= MAX_DEPTH else TRUE


class _TooMuch(Exception):
    """The program is not worth following any longer."""


def _is_small(tree: Node) -> bool:
    """Count nodes no further than the limit: trees share children, so their size may be far more than their memory."""
    stack, count = [tree], 0
    while stack and count <= MAX_NODES:
        count += 1
        stack.extend(children_of(stack.pop()))
    return count <= MAX_NODES


# ---- following a program ----

_CONSTANTS: dict[str, Any] = {"null": None, "true": True, "false": False}
_TYPES: dict[str, frozenset[TypeName]] = {
    "nulls": frozenset({"null"}),
    "booleans": frozenset({"boolean"}),
    "numbers": frozenset({"number"}),
    "strings": frozenset({"string"}),
    "arrays": frozenset({"array"}),
    "objects": frozenset({"object"}),
    "iterables": frozenset({"array", "object"}),
    "scalars": frozenset({"null", "boolean", "number", "string"}),
    "values": NOT_NULL,
}
# fmt: off
_ALWAYS_SOMETHING = frozenset({
    "tostring", "tojson", "ascii_upcase", "keys", "keys_unsorted", "to_entries", "with_entries", "type",
    "tonumber", "explode", "split", "join", "sort", "sort_by", "group_by", "unique", "unique_by", "flatten",
    "trim", "ltrim", "rtrim", "gsub", "sub",
})
# fmt: on
_FIRST_OF = frozenset({"first/1", "last/1", "limit/2", "nth/2", "debug/0", "stderr/0", "debug/1"})

Scope = dict[str, Ways]


@dataclass(slots=True)
class _Reading:
    """One pass over a program; `defined` are names the program gives its own meaning."""

    defined: frozenset[str]
    steps: int = field(default=0)

    def verdict(self, node: Syntax, value: Value, scope: Scope) -> Pair:
        """Return the trees under which some output of the expression is truthy, and falsy."""
        ways = self.ways(node, value, scope)
        return (
            any_listed(*(all_of(tree, truthy(output)) for tree, output in ways)),
            any_listed(*(all_of(tree, falsy(output)) for tree, output in ways)),
        )

    def ways(self, node: Syntax, value: Value, scope: Scope) -> Ways:
        """Return the ways in which the expression, given this input, can produce an output."""
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise _TooMuch
        found = tuple(way for way in self._ways(node, value, scope) if way[0] != FALSE)
        if len(found) <= _MAX_WAYS:
            return found
        return ((any_of(*(tree for tree, _ in found)), Unknown()),)

    def _ways(self, node: Syntax, value: Value, scope: Scope) -> Ways:
        match node:
            case nodes.Identity():
                return ((TRUE, value),)
            case nodes.Literal(constant):
                return ((TRUE, Const(constant)),)
            case nodes.Text() | nodes.Object():
                return SOMETHING
            case nodes.Array(body):
                return ((TRUE, Elements(() if body is None else self.ways(body, value, scope))),)
            case nodes.Step(term, key):
                return self._step(term, key, value, scope)
            case nodes.Binary(op, left, right):
                return self._binary(op, left, right, value, scope)
            case nodes.Call(name, args):
                return ANYTHING if name in self.defined else self._call(name, args, value, scope)
            case _:
                return self._control(node, value, scope)

    def _control(self, node: Syntax, value: Value, scope: Scope) -> Ways:
        match node:
            case nodes.Var(name):
                return scope.get(name, ANYTHING)
            case nodes.Try(body, handler):
                return self.ways(body, value, scope) + (ANYTHING if handler is not None else ())
            case nodes.If(test, yes, no):
                when_true, when_false = self.verdict(test, value, scope)
                positive, negative = self.ways(yes, value, scope), self.ways(no, value, scope)
                return _given(when_true, positive) + _given(when_false, negative)
            case nodes.Bind():
                return self._bind(node, value, scope)
            case nodes.Define(rest=rest):
                return self.ways(rest, value, scope)
            case _:
                return ANYTHING

    def _bind(self, node: nodes.Bind, value: Value, scope: Scope) -> Ways:
        def body(output: Value) -> Ways:
            bound = ((TRUE, output),) if node.plain else ANYTHING
            return self.ways(node.body, value, scope | dict.fromkeys(node.names, bound))

        return _followed(self.ways(node.source, value, scope), body)

    def _step(self, term: Syntax, key: Syntax | None, value: Value, scope: Scope) -> Ways:
        terms = self.ways(term, value, scope)
        if key is None:
            return _followed(terms, children)
        keys = self.ways(key, value, scope)
        return _followed(terms, lambda output: _followed(keys, lambda name: child(output, name)))

    def _binary(self, op: str, left: Syntax, right: Syntax, value: Value, scope: Scope) -> Ways:
        match op:
            case "|":
                return _followed(self.ways(left, value, scope), lambda output: self.ways(right, output, scope))
            case ",":
                found = (self.ways(part, value, scope) for part in nodes.operands(op, left, right))
                return tuple(way for ways in found for way in ways)
            case "//":
                return self._alternative(left, right, value, scope)
            case "and" | "or":
                pairs = [self.verdict(part, value, scope) for part in nodes.operands(op, left, right)]
                when_true, when_false = (yes for yes, _ in pairs), (no for _, no in pairs)
                if op == "and":
                    return verdicts(all_of(*when_true), any_listed(*when_false))
                return verdicts(any_listed(*when_true), all_of(*when_false))
            case _:
                return self._compared(op, self.ways(left, value, scope), self.ways(right, value, scope))

    def _compared(self, op: str, lefts: Ways, rights: Ways) -> Ways:
        when_true, when_false = [], []
        for tree_1, left in lefts:
            for tree_2, right in rights:
                yes, no = compare(op, left, right)
                when_true.append(all_of(tree_1, tree_2, yes))
                when_false.append(all_of(tree_1, tree_2, no))
        return verdicts(any_listed(*when_true), any_listed(*when_false))

    def _alternative(self, left: Syntax, right: Syntax, value: Value, scope: Scope) -> Ways:
        ways = self.ways(left, value, scope)
        kept = tuple((all_of(tree, truthy(output)), output) for tree, output in ways)
        # the right side is only known to be out of reach where the left is one value that is surely there
        absent = falsy(ways[0][1]) if len(ways) == 1 and _is_plain_path(left) else TRUE
        return kept + _given(absent, self.ways(right, value, scope))

    # ---- functions ----

    def _call(self, name: str, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        signature = f"{name}/{len(args)}"
        if name in _CONSTANTS and not args:
            return ((TRUE, Const(_CONSTANTS[name])),)
        if signature in ("empty/0", "error/0", "error/1"):
            return ()
        if signature in _OF_VALUE:
            return _OF_VALUE[signature](value)
        if name in _OF_REGEX:
            texts = regex_arguments(args)
            yes, no = EITHER if texts is None else matches(value, *texts)
            # `match`, `capture` and `scan` have an output for each match, and none without
            return verdicts(yes, no) if name == "test" else _given(yes, SOMETHING)
        if name in _TYPES and not args:
            return _given(typed(value, _TYPES[name]), ((TRUE, value),))
        if signature in _FIRST_OF:
            return self.ways(args[-1], value, scope) if name not in ("debug", "stderr") else ((TRUE, value),)
        if signature in _HANDLERS:
            return _HANDLERS[signature](self, args, value, scope)
        if name in STRING_QUESTIONS and len(args) == 1:
            return self.asked(STRING_QUESTIONS[name], args[0], value, scope)
        return SOMETHING if name in _ALWAYS_SOMETHING else ANYTHING

    def select(self, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        return _given(self.verdict(args[0], value, scope)[0], ((TRUE, value),))

    def map(self, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        return ((TRUE, Elements(_followed(children(value), lambda element: self.ways(args[0], element, scope)))),)

    def asked(self, make: Callable[[str, bool], AnyCheck], argument: Syntax, value: Value, scope: Scope) -> Ways:
        texts = self.ways(argument, value, scope)
        return _followed(texts, lambda text: verdicts(*string_question(make, value, text)))

    def quantified(self, name: str, elements: Ways, condition: Syntax | None, scope: Scope) -> Ways:
        when_true, when_false = [], []
        for tree, element in elements:
            yes, no = (
                (truthy(element), falsy(element)) if condition is None else self.verdict(condition, element, scope)
            )
            when_true.append(all_of(tree, yes))
            when_false.append(all_of(tree, no))
        if name == "any":  # which is false also where there is no element
            return verdicts(any_of(*when_true), TRUE)
        return verdicts(TRUE, any_of(*when_false))

    def any_all(self, name: str, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        elements = self.ways(args[0], value, scope) if len(args) == 2 else children(value)  # noqa: PLR2004
        return self.quantified(name, elements, args[-1] if args else None, scope)

    def contained(self, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        """`IN(source)` and `IN(values; source)`: whether some value equals some output of source."""
        lefts = self.ways(args[0], value, scope) if len(args) == 2 else ((TRUE, value),)  # noqa: PLR2004
        rights = self.ways(args[-1], value, scope)
        yes = any_listed(
            *(all_of(tree_1, tree_2, equal(left, right)[0]) for tree_1, left in lefts for tree_2, right in rights)
        )
        if len(args) == 1 and _is_list_of_constants(args[0]):
            return verdicts(yes, all_of(*(equal(value, right)[1] for _, right in rights)))
        return verdicts(yes, TRUE)

    def index(self, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        """`index`, `rindex`: mostly a number (truthy, 0 included) where the argument is found, else null."""

        def found(argument: Value) -> Ways:
            return ((findable(value, argument), Unknown()), (TRUE, Const(None)))

        return _followed(self.ways(args[0], value, scope), found)

    def has(self, args: tuple[Syntax, ...], value: Value, scope: Scope) -> Ways:
        return _followed(self.ways(args[0], value, scope), lambda key: verdicts(*present(value, key)))


_Handler = Callable[[_Reading, tuple[Syntax, ...], Value, Scope], Ways]


def _quantifier(name: str) -> _Handler:
    return lambda reading, args, value, scope: reading.any_all(name, args, value, scope)


_OF_VALUE: dict[str, Callable[[Value], Ways]] = {
    "not/0": lambda value: verdicts(falsy(value), truthy(value)),
    "ascii_downcase/0": lowered,
    "length/0": counted,
}
_OF_REGEX = frozenset({"test", "match", "capture", "scan"})
_HANDLERS: dict[str, _Handler] = {
    "select/1": _Reading.select,
    "map/1": _Reading.map,
    "any/0": _quantifier("any"),
    "any/1": _quantifier("any"),
    "any/2": _quantifier("any"),
    "all/0": _quantifier("all"),
    "all/1": _quantifier("all"),
    "all/2": _quantifier("all"),
    "IN/1": _Reading.contained,
    "IN/2": _Reading.contained,
    "index/1": _Reading.index,
    "rindex/1": _Reading.index,
    "has/1": _Reading.has,
}


def _given(tree: Node, ways: Ways) -> Ways:
    return ways if tree == TRUE else tuple((all_of(tree, other), output) for other, output in ways)


def _followed(ways: Ways, then: Callable[[Value], Ways]) -> Ways:
    """Follow every output further: the ways in which what comes next can come about."""
    return tuple(way for tree, output in ways for way in _given(tree, then(output)))


def _is_plain_path(node: Syntax) -> bool:
    """Tell whether this is `.a.b` or `.a.b?`: at most one output, and that of the value at the path."""
    while True:
        match node:
            case nodes.Step(term, nodes.Literal()) | nodes.Try(term, None):
                node = term
            case _:
                break
    return isinstance(node, nodes.Identity)


def _is_list_of_constants(node: Syntax) -> bool:
    parts = nodes.operands(",", node.left, node.right) if isinstance(node, nodes.Binary) and node.op == "," else [node]
    return all(isinstance(part, nodes.Literal) for part in parts)


def regex_arguments(args: tuple[Syntax, ...]) -> tuple[str, str] | None:
    """Return pattern and flags of `test("a"; "i")` or `test(["a", "i"])`; None where they are computed."""
    match args:
        case (nodes.Literal(str() as pattern),):
            return pattern, ""
        case (nodes.Literal(str() as pattern), nodes.Call("null")):
            return pattern, ""
        case (nodes.Literal(str() as pattern), nodes.Literal(str() as flags)):
            return pattern, flags
        case (nodes.Array(nodes.Binary(",", nodes.Literal(str() as pattern), nodes.Literal(str() as flags))),):
            return pattern, flags
        case _:
            return None
