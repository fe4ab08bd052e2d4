"""The grammar of jq, as far as a guard needs it: text -> syntax tree, or Unsupported.

libjq decides what is a program; this reader only has to read what libjq accepts, and to say Unsupported rather than
guess. What it can delimit but nobody looks inside (`reduce`, assignments, arithmetic, ...) becomes `Opaque`.
"""

from __future__ import annotations

import json
import re

from pipeline.languages.jq.nodes import (
    Array,
    Binary,
    Bind,
    Call,
    Define,
    Identity,
    If,
    Literal,
    Object,
    Opaque,
    Step,
    Syntax,
    Text,
    Try,
    Var,
)
from pipeline.languages.jq.tokens import Tokens, Unsupported, bare

MAX_NESTING = 60
"""Deepest nesting that is read; deeper programs run without a guard."""

_PLAIN_TEXT = re.compile(r'(?:[^"\\]|\\[^(])*')
_LEVELS: dict[str, int] = {
    ",": 1,
    "//": 2,
    **dict.fromkeys(["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="], 3),
    "or": 4,
    "and": 5,
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">="], 6),
    **dict.fromkeys(["+", "-"], 7),
    **dict.fromkeys(["*", "/", "%"], 8),
}
_RIGHT = {"//"}
_FOLLOWED = {",", "//", "or", "and", "==", "!=", "<", "<=", ">", ">="}


def read(text: str) -> Syntax:
    """Read a program that libjq accepts; raises Unsupported."""
    reader = _Reader(text)
    program = reader.pipe()
    if reader.kind != "end":
        raise Unsupported(reader.text)
    return program


class _Reader(Tokens):
    """A recursive-descent reader with one token of lookahead."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.depth = 0

    # ---- expressions, loosest first ----

    def pipe(self) -> Syntax:
        """Read `a | b`, definitions, bindings and labels."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Unsupported("nesting")
        try:
            if self.at("def"):
                return self.definition()
            if self.at("label"):
                return self.label()
            left = self.binary(1)
            return Binary("|", left, self.pipe()) if self.accept("|") else left
        finally:
            self.depth -= 1

    def definition(self) -> Syntax:
        self.expect("def")
        name = self.name()
        if self.accept("("):
            while not self.accept(")"):
                self.advance()
        self.expect(":")
        body = self.pipe()
        self.expect(";")
        return Define(name, body, self.pipe())

    def label(self) -> Syntax:
        self.expect("label")
        self.variable()
        self.expect("|")
        return Opaque((self.pipe(),))

    def binary(self, least: int) -> Syntax:
        """Read operators that bind at least as tightly as `least`."""
        left = self.operand()
        while self.kind in ("op", "word") and _LEVELS.get(self.text, 0) >= least:
            if isinstance(left, Bind):
                raise Unsupported("a binding inside an expression")
            op = self.advance()
            right = self.binary(_LEVELS[op] + (op not in _RIGHT))
            if isinstance(right, Bind):
                raise Unsupported("a binding inside an expression")
            left = Binary(op, left, right) if op in _FOLLOWED else Opaque((left, right))
        return left

    def operand(self) -> Syntax:
        if self.accept("-"):
            inner = self.operand()
            if isinstance(inner, Bind):
                raise Unsupported("a binding inside an expression")
            return _negative(inner)
        if self.accept("try"):
            return self.attempt()
        term = self.postfix()
        return self.binding(term) if self.at("as") else term

    def attempt(self) -> Syntax:
        body = self.postfix()
        return Try(body, self.postfix() if self.accept("catch") else None)

    def binding(self, source: Syntax) -> Syntax:
        self.expect("as")
        plain = self.kind == "var"
        names = self.pattern()
        self.expect("|")
        return Bind(source, names, plain and len(names) == 1, self.pipe())

    def pattern(self) -> tuple[str, ...]:
        """Read over a destructuring pattern, collecting the names it binds."""
        names: list[str] = []
        depth = 0
        while depth or not self.at("|", "("):
            if self.kind in ("end", "quote") or self.at("("):
                raise Unsupported("a computed pattern")
            if self.kind == "var":
                names.append(bare(self.text))
            depth += self.at("[", "{") - self.at("]", "}")
            self.advance()
        return tuple(names)

    def postfix(self) -> Syntax:
        term = self.term()
        while True:
            if self.kind == "field":
                term = Step(term, Literal(self.advance()[1:]))
            elif self.at("["):
                term = self.bracket(term)
            elif self.accept("?"):
                term = Try(term)
            elif self.at("."):
                self.advance()
                if self.quoted():
                    term = Step(term, self.string())
                elif not self.at("["):
                    raise Unsupported(self.text)
            else:
                return term

    def bracket(self, term: Syntax) -> Syntax:
        self.expect("[")
        if self.accept("]"):
            return Step(term, None)
        low = None if self.at(":") else self.pipe()
        if self.accept(":"):
            high = None if self.at("]") else self.pipe()
            self.expect("]")
            return Opaque(tuple(part for part in (term, low, high) if part is not None))
        self.expect("]")
        return Step(term, low)

    # ---- terms ----

    def term(self) -> Syntax:
        match self.kind:
            case "field":
                return Step(Identity(), Literal(self.advance()[1:]))
            case "number":
                return _number(self.advance())
            case "quote":
                return self.string()
            case "var":
                return Var(self.variable())
            case "format":
                self.advance()
                return Text((self.string(),)) if self.quoted() else Text(())
            case "word":
                return self.word()
            case _:
                return self.symbol()

    def symbol(self) -> Syntax:
        if self.accept("."):
            return Step(Identity(), self.string()) if self.quoted() else Identity()
        if self.accept(".."):
            return Opaque()
        if self.accept("("):
            inner = self.pipe()
            self.expect(")")
            return inner if not isinstance(inner, Bind) else Binary("|", Identity(), inner)
        if self.accept("["):
            body = None if self.at("]") else self.pipe()
            self.expect("]")
            return Array(body)
        if self.accept("{"):
            return self.object()
        raise Unsupported(self.text)

    def word(self) -> Syntax:
        if self.accept("if"):
            return self.condition()
        if self.at("reduce", "foreach"):
            return self.fold()
        name = self.name()
        args: list[Syntax] = []
        if self.accept("("):
            args.append(self.pipe())
            while self.accept(";"):
                args.append(self.pipe())
            self.expect(")")
        return Call(name, tuple(args))

    def condition(self) -> Syntax:
        test = self.pipe()
        self.expect("then")
        yes = self.pipe()
        if self.accept("elif"):
            return If(test, yes, self.condition())
        no = self.pipe() if self.accept("else") else Identity()
        self.expect("end")
        return If(test, yes, no)

    def fold(self) -> Syntax:
        self.advance()
        parts = [self.postfix()]
        self.expect("as")
        self.pattern()
        self.expect("(")
        parts.append(self.pipe())
        while self.accept(";"):
            parts.append(self.pipe())
        self.expect(")")
        return Opaque(tuple(parts))

    def object(self) -> Syntax:
        parts: list[Syntax] = []
        while not self.accept("}"):
            self.entry(parts)
            if not self.at("}"):
                self.expect(",")
        return Object(tuple(parts))

    def entry(self, parts: list[Syntax]) -> None:
        if self.kind == "format":
            self.advance()
        if self.quoted():
            parts.append(self.string())
        elif self.accept("("):
            parts.append(self.pipe())
            self.expect(")")
        elif self.kind in ("var", "word"):
            self.advance()
        else:
            raise Unsupported(self.text)
        if self.accept(":"):
            parts.append(self.binary(2))
            while self.accept("|"):
                parts.append(self.binary(2))

    def string(self) -> Syntax:
        """Read a string; the token under the cursor is its opening quote."""
        place, pieces = self.start + 1, ""
        parts: list[Syntax] = []
        while True:
            found = _PLAIN_TEXT.match(self.source, place)
            assert found is not None  # it matches the empty text
            pieces += found.group()
            place = found.end()
            if self.source[place : place + 1] == '"':
                self.end = place + 1
                self.advance()
                return Text(tuple(parts)) if parts else Literal(_unescaped(pieces))
            if self.source[place : place + 2] != "\\(":
                raise Unsupported("an unfinished string")
            self.end = place + 2
            self.advance()
            parts.append(self.pipe())
            if not self.at(")"):
                raise Unsupported(self.text)
            place = self.end


def _negative(node: Syntax) -> Syntax:
    if isinstance(node, Literal) and isinstance(node.value, int | float):
        return Literal(-node.value)
    return Opaque((node,))


def _number(text: str) -> Syntax:
    """Numbers that every version of jq and Python read alike; longer ones are not followed."""
    digits = sum(character.isdigit() for character in text)
    if digits > 15 or "e" in text.lower():  # noqa: PLR2004 - a double keeps 15 decimal digits
        return Text(())
    return Literal(float(text) if "." in text else int(text))


def _unescaped(pieces: str) -> str:
    try:
        text = json.loads(f'"{pieces}"', strict=False)
    except ValueError as error:
        raise Unsupported("an escape") from error
    return str(text)
