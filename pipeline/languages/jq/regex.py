r"""Regexes that Oniguruma, as jq calls it, and google-re2 read alike.

jq compiles with Perl syntax in single-line mode: `^` is the beginning of the text, `$` its end or before a final
newline, `.` anything but a newline. `\w`, `\d`, `\s` and `\b` mean Unicode there and ASCII in re2; those, lookaround
and everything unusual are left to libjq.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\[.^$|()\[\]{}*+?/\\\-\"@:;,#&%!=~ ]")
_CLASS = re.compile(r"\[\^?(?:[A-Za-z0-9 _.,:;/@#%!=<>~`\"'*+?(){}|$-]|\\[.\\\[\]/^$*+?(){}|])+\]")
_ODD_RANGE = re.compile(r"--|\[\^?-|-\]")
_QUANTIFIER = re.compile(r"[*+?]\??|\{[0-9]{1,3}(?:,[0-9]{0,3})?\}")
_GROUP = re.compile(r"\((?:\?:|(?!\?))")
_OPERATORS = frozenset("^$|()[]{}*+?.\\")


def translated(pattern: str) -> str | None:
    """Return the pattern for google-re2, or None where the two might disagree on some text."""
    if not pattern.isascii() or not pattern.isprintable():
        return None
    return _Translation(pattern).result()


def literal(pattern: str) -> str | None:
    """Return the text that a pattern without operators looks for, else None."""
    if _OPERATORS.isdisjoint(_ESCAPE.sub("", pattern)):
        return _ESCAPE.sub(lambda found: found.group()[1], pattern)
    return None


class _Translation:
    """One pass over a pattern. A `$` must end its alternative, for it becomes text that is consumed."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.output: list[str] = []
        self.ended: list[bool] = [False]
        """For the pattern and each open group: whether some alternative of it ends with `$`."""
        self.after_end = False
        self.repeatable = False

    def result(self) -> str | None:
        place = 0
        while place < len(self.pattern):
            length = self.translate(place)
            if length == 0:
                return None
            place += length
        return "".join(self.output) if len(self.ended) == 1 else None

    def translate(self, place: int) -> int:
        """Translate what stands at `place` and return its length; 0 where it is not understood."""
        character = self.pattern[place]
        if character == "|":
            return self.emit("|", repeatable=False)
        if character == ")":
            return self.close()
        if self.after_end:
            return 0
        if character == "$":
            self.ended[-1] = True
            return self.emit(r"(?:\n?\z)", repeatable=False, after_end=True)
        if character == "^":
            return self.emit(r"\A", repeatable=False)
        return self.open(place) if character == "(" else self.repeat(place) or self.atom(place)

    def open(self, place: int) -> int:
        found = _GROUP.match(self.pattern, place)
        if found is None:
            return 0
        self.ended.append(False)
        self.emit("(?:", repeatable=False)
        return len(found.group())

    def close(self) -> int:
        if len(self.ended) == 1:
            return 0
        ended = self.ended.pop()
        self.ended[-1] |= ended
        return self.emit(")", repeatable=not ended, after_end=ended)

    def repeat(self, place: int) -> int:
        found = _QUANTIFIER.match(self.pattern, place) if self.repeatable else None
        if found is None:
            return 0
        self.emit(found.group(), repeatable=False)
        return len(found.group())

    def atom(self, place: int) -> int:
        found = _ESCAPE.match(self.pattern, place) or _CLASS.match(self.pattern, place)
        if found is None:
            character = self.pattern[place]
            return self.emit(character) if character not in _OPERATORS or character == "." else 0
        if _ODD_RANGE.search(found.group()) and found.group()[0] == "[":
            return 0
        self.emit(found.group())
        return len(found.group())

    def emit(self, text: str, *, repeatable: bool = True, after_end: bool = False) -> int:
        """Add to the output; returns 1, the length of most of what is translated."""
        self.output.append(text)
        self.repeatable, self.after_end = repeatable, after_end
        return 1
