"""Which Python expressions are rules: the syntax tree is checked against a list of what is allowed.

Nothing that isn't named here gets through: no import, attribute, assignment, lambda or f-string format, no call but to
the functions and methods listed in `operations`, no name but `event` and the variables of comprehensions.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pipeline.errors import RuleError
from pipeline.languages.python_expression.operations import FUNCTIONS, METHOD_NAMES

MAX_LENGTH = 65_536
"""Longest rule in characters: a list of a thousand event names fits."""

MAX_DEPTH = 60
"""Deepest nesting of expressions; evaluation and the guard tree recurse once a level."""

MAX_INTEGER_BITS = 1024

KEYWORDS = frozenset({"default", "reverse", "sep", "maxsplit", "keepends"})
"""Keyword arguments that the listed functions and methods take and that compute nothing."""

_HINTS: dict[type[ast.AST], str] = {
    ast.Lambda: "there are no functions to define; write the expression itself",
    ast.NamedExpr: "compare with ==; rules cannot assign",
    ast.Attribute: 'write event["userIdentity.type"], not event.userIdentity',
    ast.Starred: "write the arguments one by one",
    ast.DictComp: "use any(... for ... in ...)",
    ast.Await: "rules compute at once",
}

_REGEX_NAMES = frozenset({"re", "match", "search", "fullmatch", "findall"})
_REGEX_HINT = "regular expressions: use filter_pattern, sigma or jq"
_ELSEWHERE = {"true": "True", "false": "False", "null": "None", "none": "None"}
"""What JSON, and people in a hurry, write."""

_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.And, ast.Or, ast.Not, ast.UAdd, ast.USub),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot),
)

_EXPRESSIONS = (
    *(ast.Constant, ast.Name, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Slice),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Call, ast.JoinedStr, ast.FormattedValue),
    *(ast.GeneratorExp, ast.ListComp, ast.SetComp),
)

Comprehension = ast.GeneratorExp | ast.ListComp | ast.SetComp


@dataclass(frozen=True, slots=True)
class Source:
    """The text that was parsed, and where it begins in the author's text."""

    text: str
    before: int
    """Characters of the author's text before it; -1 if a bracket was put in front."""

    def error(self, node: ast.AST, message: str, hint: str = "") -> RuleError:
        """Make the error that reports a mistake at a node."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return self.error_at(line, self._characters(line, column), message, hint)

    def error_at(self, line: int, column: int, message: str, hint: str = "") -> RuleError:
        """Make the error that reports a mistake at a line (from 1) and column (from 0)."""
        lines = self.text.splitlines(keepends=True)
        inside = sum(len(each) for each in lines[: line - 1]) + column
        return RuleError(message, position=max(0, inside + self.before), line=line, hint=hint)

    def _characters(self, line: int, column: int) -> int:
        """Python's parser counts columns in UTF-8 bytes."""
        lines = self.text.splitlines(keepends=True)
        text = lines[line - 1] if line <= len(lines) else ""
        return len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))


def read_expression(text: str) -> tuple[ast.expr, Source]:
    """Return the checked syntax tree of a rule, and where it came from; raises RuleError."""
    if len(text) > MAX_LENGTH:
        raise RuleError(f"the expression is longer than {MAX_LENGTH} characters", hint="split it into several rules")
    stripped = text.lstrip()
    source = Source(stripped.rstrip(), len(text) - len(stripped))
    if not source.text:
        raise RuleError("the expression is empty", position=0, line=1, hint='event["eventName"] == "StopLogging"')
    expression, source = _parse(source)
    _check(expression, source)
    if isinstance(expression, ast.Tuple | ast.List):  # never True, and the form of another tool's list of rules
        raise source.error(expression, "these are several rules, joined by commas", "write a [[rule]] for each")
    return expression, source


def is_event(node: ast.AST) -> bool:
    """Tell whether a node is the variable `event`."""
    return isinstance(node, ast.Name) and node.id == "event"


def _parse(source: Source) -> tuple[ast.expr, Source]:
    """Parse; where that fails and the text has several lines, parse it in brackets, so that lines may be wrapped."""
    try:
        return _parsed(source.text), source
    except SyntaxError as error:
        bracketed = Source(f"({source.text}\n)", source.before - 1)
        again = _parsed_or_none(bracketed.text) if "\n" in source.text else None
        if again is not None:
            return again, bracketed
        if not error.offset:  # how Python says that more was to come
            end = source.before + len(source.text)
            raise RuleError("the expression ends too early", position=end, line=error.lineno) from error
        message = "not a Python expression" + (f": {error.msg}" if error.msg != "invalid syntax" else "")
        raise source.error_at(error.lineno or 1, error.offset - 1, message, _syntax_hint(source.text)) from error
    except UnicodeEncodeError as error:
        raise RuleError("the expression holds half a character", position=source.before + error.start) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise RuleError(f"not a Python expression: {error or 'it is nested too deeply'}") from error


def _parsed_or_none(text: str) -> ast.expr | None:
    try:
        return _parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parsed(text: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes such as "\d" mean what Python makes of them
        return ast.parse(text, mode="eval").body


def _syntax_hint(text: str) -> str:
    if "&&" in text or "||" in text:
        return "write and, or"
    if "=" in text and "==" not in text:
        return "compare with =="
    if set(text) & set("“”„‘’"):  # noqa: RUF001 - what word processors make of quotes
        return "quote texts with \" or '"
    return ""


def _check(expression: ast.expr, source: Source) -> None:
    """Walk the tree without recursion, knowing at each node its depth and the variables in scope."""
    stack: list[tuple[ast.AST, int, frozenset[str]]] = [(expression, 1, frozenset({"event"}))]
    while stack:
        node, level, names = stack.pop()
        if level > MAX_DEPTH:
            raise source.error(node, f"the expression is nested deeper than {MAX_DEPTH} levels", "split the rule")
        if not isinstance(node, _EXPRESSIONS):
            raise source.error(node, f"{_name_of(node)} is not allowed in a rule", _HINTS.get(type(node), ""))
        inside = _check_node(node, source, names)
        stack.extend((child, level + 1, inside) for child in _children(node))


def _name_of(node: ast.AST) -> str:
    names = {"NamedExpr": "an assignment", "Attribute": "an attribute", "Lambda": "a lambda", "Starred": "unpacking"}
    return names.get(type(node).__name__, type(node).__name__)


def _children(node: ast.AST) -> Iterable[ast.AST]:
    """Return the expressions inside a node, as far as they are evaluated."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver), args=args, keywords=keywords):
            return [receiver, *args, *(keyword.value for keyword in keywords)]
        case ast.Call(args=args, keywords=keywords):
            return [*args, *(keyword.value for keyword in keywords)]
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
            return [node.elt, node.generators[0].iter, *node.generators[0].ifs]
        case ast.FormattedValue(value=value):
            return [value]
        case _:
            return [child for child in ast.iter_child_nodes(node) if not _is_operator(child)]


def _is_operator(node: ast.AST) -> bool:
    return isinstance(node, ast.operator | ast.unaryop | ast.boolop | ast.cmpop | ast.expr_context)


def _check_node(node: ast.AST, source: Source, names: frozenset[str]) -> frozenset[str]:
    """Check one node by itself; returns the variables that its children may name."""
    match node:
        case ast.Name():
            _check_name(node, source, names)
        case ast.Constant():
            _check_constant(node, source)
        case ast.UnaryOp(op=operator) | ast.BinOp(op=operator):
            _check_operators(node, [operator], source)
        case ast.Compare():
            _check_operators(node, node.ops, source)
            _check_identity(node, source)
        case ast.Call():
            _check_call(node, source)
        case ast.Dict(keys=keys) if None in keys:
            raise source.error(node, "unpacking is not allowed in a rule")
        case ast.FormattedValue() if node.format_spec is not None or node.conversion not in (-1, ord("s")):
            raise source.error(node, "f-strings take plain values only", "leave the format out")
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
            return names | _check_comprehension(node, source)
    return names


def _check_name(node: ast.Name, source: Source, names: frozenset[str]) -> None:
    if node.id in names:
        return
    if node.id in FUNCTIONS:
        raise source.error(node, f"{node.id} can only be called", f"write {node.id}(...)")
    close = _ELSEWHERE.get(node.id) or _closest(node.id, [*names, *FUNCTIONS, "True", "False", "None"])
    hint = f"did you mean {close}?" if close else f'a field is written event["{node.id}"], a text in quotes'
    raise source.error(node, f'there is no "{node.id}" in a rule', hint)


def _closest(word: str, known: Iterable[str]) -> str:
    import difflib  # only mistakes need it, and cold starts are billed

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.8)), "")


def _check_constant(node: ast.Constant, source: Source) -> None:
    value = node.value
    if not isinstance(value, str | int | float | None):
        raise source.error(node, f"a {type(value).__name__} is not allowed in a rule", "events hold text and numbers")
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise source.error(node, "this number is too large")


def _check_operators(node: ast.AST, operators: Iterable[ast.AST], source: Source) -> None:
    for operator in operators:
        if not isinstance(operator, _OPERATORS):
            hint = "write and, or, not" if isinstance(operator, ast.BitAnd | ast.BitOr | ast.Invert) else ""
            raise source.error(node, f"the operator {type(operator).__name__} is not allowed in a rule", hint)


def _check_identity(node: ast.Compare, source: Source) -> None:
    """`is` between texts depends on how Python happened to make them."""
    sides = [node.left, *node.comparators]
    for operator, pair in zip(node.ops, pairwise(sides), strict=True):
        if isinstance(operator, ast.Is | ast.IsNot) and not any(_is_singleton(side) for side in pair):
            raise source.error(node, "is compares with None, True and False only", "compare with == or !=")


def _is_singleton(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _check_call(node: ast.Call, source: Source) -> None:
    for keyword in node.keywords:
        if keyword.arg not in KEYWORDS:
            raise source.error(node, f'the argument "{keyword.arg or "**"}" is not allowed in a rule')
    match node.func:
        case ast.Attribute(attr=name) if name not in METHOD_NAMES:
            close = _closest(name, METHOD_NAMES)
            hint = _REGEX_HINT if name in _REGEX_NAMES else f"did you mean .{close}()?" if close else ""
            raise source.error(node.func, f"the method .{name}() is not allowed in a rule", hint)
        case ast.Name(id=name) if name not in FUNCTIONS:
            hint = "a rule is one comparison or several, joined by and, or" if name == "print" else ""
            hint = _REGEX_HINT if name in _REGEX_NAMES else hint
            raise source.error(node.func, f"the function {name}() is not allowed in a rule", hint)
        case ast.Attribute() | ast.Name():
            return
        case _:
            raise source.error(node.func, "only functions and methods by name can be called in a rule")


def _check_comprehension(node: Comprehension, source: Source) -> frozenset[str]:
    if len(node.generators) > 1 or node.generators[0].is_async:
        raise source.error(node, "a rule's comprehension has one for", "nest any(...) in any(...)")
    target = node.generators[0].target
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    if len(names) != len(parts) or "event" in names or any(name.startswith("__") for name in names):
        raise source.error(target, "a comprehension's variables are plain names other than event")
    return frozenset(names)
