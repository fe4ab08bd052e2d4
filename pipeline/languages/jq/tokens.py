"""The tokens of jq, as far as a guard needs them."""

from __future__ import annotations

import re


class Unsupported(Exception):
    """This reader does not understand the program, which says nothing about libjq."""


_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\n]+|\#[^\n]*)
    |(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<var>\$[ ]*[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<format>@[A-Za-z0-9_]+)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<op>\?//=?|//=|\|=|\+=|-=|\*=|/=|%=|==|!=|<=|>=|//|\.\.|[.?=;,:|+\-*/%$<>\[\](){}])
    |(?P<quote>")""",
    re.VERBOSE,
)
_KEYWORDS = frozenset(
    {
        *("def", "if", "then", "elif", "else", "end", "and", "or", "reduce", "foreach", "try", "catch", "label", "as"),
        *("import", "include", "module", "__loc__"),
    }
)


class Tokens:
    """A program read token by token: `kind` and `text` are the token at `start`, which nobody has taken yet."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.end = 0
        self.start = 0
        self.kind = ""
        self.text = ""
        self.advance()

    def advance(self) -> str:
        """Move to the next token and return the text of the one left behind."""
        left = self.text
        while True:
            self.start = self.end
            if self.start == len(self.source):
                self.kind, self.text = "end", ""
                return left
            found = _TOKEN.match(self.source, self.start)
            if found is None:
                raise Unsupported(self.source[self.start])
            self.end = found.end()
            self.kind, self.text = str(found.lastgroup), found.group()
            if self.kind != "skip":
                return left
            if self.text.startswith("#") and self.text.rstrip("\r").endswith("\\"):
                raise Unsupported("a comment that goes on")  # since jq 1.7.1; earlier ones end it

    def quoted(self) -> bool:
        """Tell whether a string begins here."""
        return self.kind == "quote"

    def at(self, *texts: str) -> bool:
        """Tell whether one of these operators or words stands here."""
        return self.kind in ("op", "word") and self.text in texts

    def accept(self, text: str) -> bool:
        """Take an operator or a word if it stands here."""
        if self.at(text):
            self.advance()
            return True
        return False

    def expect(self, text: str) -> None:
        """Take an operator or a word; raises Unsupported where another token stands."""
        if not self.accept(text):
            raise Unsupported(f"{self.text!r} where {text!r} should be")

    def name(self) -> str:
        """Take the name of a function; raises Unsupported where none stands."""
        if self.kind != "word" or self.text in _KEYWORDS:
            raise Unsupported(self.text)
        return self.advance()

    def variable(self) -> str:
        """Take a variable and return its name; raises Unsupported where none stands."""
        if self.kind != "var":
            raise Unsupported(self.text)
        return bare(self.advance())


def bare(variable: str) -> str:
    """Return the name of `$name`, which may be written `$ name`."""
    return variable.lstrip("$ ")
