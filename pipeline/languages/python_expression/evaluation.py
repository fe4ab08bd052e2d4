"""A checked syntax tree becomes nested closures, one for each node. No text and no code object is ever evaluated.

What isn't allowed was refused before (`syntax`); what reaches a node that is not known here is refused again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.languages.python_expression.flat_event import MISSING, flatten, lookup
from pipeline.languages.python_expression.operations import (
    BINARY,
    COMPARISONS,
    FUNCTIONS,
    UNARY,
    LimitReached,
    call_method,
)
from pipeline.languages.python_expression.syntax import Comprehension, is_event

MAX_STEPS = 100_000
"""How many elements all comprehensions of one evaluation may look at."""


@dataclass(slots=True)
class Budget:
    """What one evaluation may still do."""

    steps: int = MAX_STEPS

    def step(self) -> None:
        """Count one element of a comprehension; raises LimitReached after the last."""
        self.steps -= 1
        if self.steps < 0:
            message = f"more than {MAX_STEPS} steps"
            raise LimitReached(message)


@dataclass(slots=True)
class Scope:
    """What an expression is evaluated in."""

    event: dict[str, Any]
    """The event as it is, not flattened."""
    names: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)


Run = Callable[[Scope], Any]


def compiled(node: ast.expr) -> Run:
    """Turn a checked expression into a function of its scope, which raises what Python would."""
    match node:
        case ast.Constant(value=value):
            return lambda _: value
        case ast.Name(id=name):
            return _name(name)
        case ast.BoolOp(op=operator, values=values):
            return _all_true(values) if isinstance(operator, ast.And) else _any_true(values)
        case ast.UnaryOp(op=operator, operand=operand):
            function, inner = UNARY[type(operator).__name__], compiled(operand)
            return lambda scope: function(inner(scope))
        case ast.BinOp(left=left, op=operator, right=right):
            binary, first, second = BINARY[type(operator).__name__], compiled(left), compiled(right)
            return lambda scope: binary(first(scope), second(scope))
        case ast.Compare():
            return _compare(node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition, yes, no = compiled(test), compiled(body), compiled(orelse)
            return lambda scope: yes(scope) if condition(scope) else no(scope)
        case ast.Subscript() | ast.Slice():
            return _subscript(node)
        case ast.Call():
            return _call(node)
        case _:
            return _display(node)


def _name(name: str) -> Run:
    if name == "event":
        return lambda scope: flatten(scope.event)
    return lambda scope: scope.names[name]


def _all_true(values: list[ast.expr]) -> Run:
    *others, last = [compiled(value) for value in values]

    def run(scope: Scope) -> Any:
        for other in others:
            result = other(scope)
            if not result:
                return result
        return last(scope)

    return run


def _any_true(values: list[ast.expr]) -> Run:
    *others, last = [compiled(value) for value in values]

    def run(scope: Scope) -> Any:
        for other in others:
            result = other(scope)
            if result:
                return result
        return last(scope)

    return run


# ---- comparisons ----


def _compare(node: ast.Compare) -> Run:
    first = compiled(node.left)
    links = [_link(operator, right) for operator, right in zip(node.ops, node.comparators, strict=True)]

    def run(scope: Scope) -> Any:
        left, result = first(scope), True
        for link in links:
            result, left = link(scope, left)
            if not result:
                break
        return result

    return run


def _link(operator: ast.cmpop, right: ast.expr) -> Callable[[Scope, Any], tuple[Any, Any]]:
    """Return a function of the left value that gives the comparison's result and the right value."""
    name = type(operator).__name__
    if is_event(right) and name in ("In", "NotIn"):
        found = name == "In"
        return lambda scope, left: ((lookup(scope.event, left) is not MISSING) is found, None)
    compare, value_of = COMPARISONS[name], compiled(right)

    def link(scope: Scope, left: Any) -> tuple[Any, Any]:
        value = value_of(scope)
        return compare(left, value), value

    return link


# ---- access ----


def _subscript(node: ast.Subscript | ast.Slice) -> Run:
    if isinstance(node, ast.Slice):
        parts = [compiled(part) if part else _nothing for part in (node.lower, node.upper, node.step)]
        return lambda scope: slice(*(part(scope) for part in parts))
    key = compiled(node.slice)
    if is_event(node.value):
        return lambda scope: _item(scope, key(scope))
    container = compiled(node.value)
    return lambda scope: container(scope)[key(scope)]


def _nothing(_: Scope) -> None:
    return None


def _item(scope: Scope, key: Any) -> Any:
    value = lookup(scope.event, key)
    if value is MISSING:
        raise KeyError(key)
    return value


def _call(node: ast.Call) -> Run:
    arguments = [compiled(argument) for argument in node.args]
    keywords = {str(keyword.arg): compiled(keyword.value) for keyword in node.keywords}
    match node.func:
        case ast.Attribute(value=receiver, attr="get") if is_event(receiver) and not keywords:
            return _get(arguments)
        case ast.Attribute(value=receiver, attr=name):
            value_of = compiled(receiver)
            return lambda scope: call_method(name, value_of(scope), *_evaluated(scope, arguments, keywords))
        case ast.Name(id=name):
            return _function(FUNCTIONS[name], arguments, keywords)
        case _:
            raise AssertionError(ast.dump(node.func))


def _function(function: Callable[..., Any], arguments: list[Run], keywords: dict[str, Run]) -> Run:
    def run(scope: Scope) -> Any:
        values, named = _evaluated(scope, arguments, keywords)
        return function(*values, **named)

    return run


def _evaluated(scope: Scope, arguments: list[Run], keywords: dict[str, Run]) -> tuple[list[Any], dict[str, Any]]:
    return [argument(scope) for argument in arguments], {name: value(scope) for name, value in keywords.items()}


def _get(arguments: list[Run]) -> Run:
    def run(scope: Scope) -> Any:
        key, default = _key_and_default(*(argument(scope) for argument in arguments))
        value = lookup(scope.event, key)
        return default if value is MISSING else value

    return run


def _key_and_default(key: Any, default: Any = None) -> tuple[Any, Any]:
    return key, default


# ---- displays and comprehensions ----


def _display(node: ast.expr) -> Run:
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            kind = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
            return _collected(kind, [compiled(element) for element in elements])
        case ast.Dict(keys=keys, values=values):
            pairs = [(compiled(k), compiled(v)) for k, v in zip(keys, values, strict=True) if k is not None]
            return lambda scope: {key(scope): value(scope) for key, value in pairs}
        case ast.JoinedStr(values=parts):
            texts = [compiled(part.value if isinstance(part, ast.FormattedValue) else part) for part in parts]
            return lambda scope: call_method("join", "", [[FUNCTIONS["str"](text(scope)) for text in texts]], {})
        case ast.GeneratorExp():
            return _elements(node)
        case ast.ListComp() | ast.SetComp():
            elements_of, collect = _elements(node), list if isinstance(node, ast.ListComp) else set
            return lambda scope: collect(elements_of(scope))
        case _:
            raise AssertionError(ast.dump(node))


def _collected(kind: Callable[[Iterator[Any]], Any], elements: list[Run]) -> Run:
    return lambda scope: kind(element(scope) for element in elements)


def _elements(node: Comprehension) -> Callable[[Scope], Iterator[Any]]:
    """Return a function that begins the comprehension: what it runs over is evaluated at once, elements one by one."""
    clause = node.generators[0]
    over, conditions, element = compiled(clause.iter), [compiled(each) for each in clause.ifs], compiled(node.elt)
    bind = _binding(clause.target)

    def begin(scope: Scope) -> Iterator[Any]:
        return run(iter(over(scope)), Scope(scope.event, dict(scope.names), scope.budget))

    def run(values: Iterator[Any], scope: Scope) -> Iterator[Any]:
        for value in values:
            scope.budget.step()
            bind(scope, value)
            if all(condition(scope) for condition in conditions):
                yield element(scope)

    return begin


def _binding(target: ast.expr) -> Callable[[Scope, Any], None]:
    if isinstance(target, ast.Name):
        return lambda scope, value: scope.names.__setitem__(target.id, value)
    names = [part.id for part in target.elts if isinstance(part, ast.Name)] if isinstance(target, ast.Tuple) else []
    return lambda scope, value: scope.names.update(zip(names, value, strict=True))
