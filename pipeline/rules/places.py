"""Where the keys of a TOML document stand.

tomllib gives values without places, and a mistake without a line costs its author minutes. This reads a document that
tomllib has accepted, once more, for the lines alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

Key = tuple[str | int, ...]
DEEPEST = 200
"""Levels of a document that are told apart; nothing that means something goes so deep."""

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=.,\n]"
    r"|[^\s\[\]{}=.,\"'\#]+",
    re.DOTALL,
)


class Places:
    """The line of every key of a TOML document, and of every element of its lists; what is inside those shares it."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Key, int] = {}
        self._multiline: set[int] = set()
        self._arrays: defaultdict[Key, int] = defaultdict(int)
        self._read(text)

    def line(self, key: Key) -> int:
        """Return the line (from 1) of a key, or of the nearest thing around it that has one."""
        while key and key not in self._lines:
            key = key[:-1]
        return self._lines.get(key, 1)

    def first_line_of_text(self, key: Key) -> int:
        """Return the line on which a string value's first character stands."""
        line = self.line(key)
        return line + (line in self._multiline)

    def _read(self, text: str) -> None:
        table: Key = ()
        for pieces in _statements(text):
            statement, line = [piece for piece, _ in pieces], pieces[0][1]
            if statement[0] == "[":
                is_array = statement[1] == "["
                name = _dotted(statement[2:-2] if is_array else statement[1:-1])
                table = self._enter(name, line, is_array=is_array)
                continue
            equals = statement.index("=")
            key = table
            for part in _dotted(statement[:equals])[: DEEPEST + 1]:
                key = (*key, part)
                self._lines.setdefault(key, line)
            if len(statement) > equals + 1 and statement[equals + 1].startswith(('"""\n', "'''\n", '"""\r', "'''\r")):
                self._multiline.add(line)
            self._place_elements(key, pieces[equals + 1 :])

    def _place_elements(self, key: Key, value: list[tuple[str, int]]) -> None:
        """Note where each element of a list begins."""
        if not value or value[0][0] != "[":
            return
        nesting, index, awaits = 1, 0, True
        for piece, line in value[1:]:
            if awaits:
                self._lines[*key, index] = line
            nesting += (piece in "[{") - (piece in "]}")
            awaits = piece == "," and nesting == 1
            index += awaits

    def _enter(self, name: list[str], line: int, *, is_array: bool) -> Key:
        """Resolve a header to a key, counting tables of an array from 0."""
        key: Key = ()
        for i, part in enumerate(name):
            key = (*key, part)
            if is_array and i == len(name) - 1:
                self._lines.setdefault(key, line)
                self._arrays[key] += 1
            if key in self._arrays:
                key = (*key, self._arrays[key] - 1)
        self._lines[key] = line
        return key


def _statements(text: str) -> Iterator[list[tuple[str, int]]]:
    """Yield the pieces of each header and each `key = value`, each with its line."""
    statement: list[tuple[str, int]] = []
    line = 1
    nesting = 0
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece == "\n" and nesting == 0:
            if statement:
                yield statement
            statement = []
        elif piece != "\n" and not piece.startswith("#"):
            statement.append((piece, line))
            nesting += (piece in "[{") - (piece in "]}")
        line += piece.count("\n")
    if statement:
        yield statement


def open_string(text: str) -> int | None:
    """Return the line (from 1) of the first quote that nothing closes, in text that is no TOML; None without one."""
    end = 0
    for token in _TOKEN.finditer(text):
        if not text[end : token.start()].isspace() and end < token.start():
            break
        end = token.end()
    rest = text[end:]
    quote = len(rest) - len(rest.lstrip())
    return text.count("\n", 0, end + quote) + 1 if rest[quote : quote + 1] in ('"', "'") else None


def _dotted(tokens: list[str]) -> list[str]:
    """Read a dotted key."""
    return [_unquoted(piece) for piece in tokens if piece != "."]


def _unquoted(piece: str) -> str:
    import tomllib

    if piece[0] not in "\"'":
        return piece
    return next(iter(tomllib.loads(f"{piece} = 0")))
