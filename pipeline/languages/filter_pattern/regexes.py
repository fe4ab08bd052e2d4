r"""Regexes between percent signs: what CloudWatch Logs accepts, and the same thing in google-re2's words.

Accepted are ASCII letters and digits, blanks, `: _ # = @ / ; , -` and the operators `^ $ ? [ ] { } | \ * + .`
(CloudWatch Logs User Guide, regex syntax). There are no groups. Everything is spelled out for google-re2, so that none
of its own readings (POSIX classes, `{,n}` as text, its `\s` without the vertical tab) slips in.
"""

from __future__ import annotations

import re
from typing import NoReturn

from pipeline.checks import Regex, regex
from pipeline.errors import PatternError

MOST_REPEATS = 1000
"""Largest bound of a counted repetition: google-re2's own limit."""

MOST_STATES = 2000
"""Largest regex with its repetitions written out. A larger one takes google-re2 many seconds on a large message."""

_OPERATORS = frozenset("^$?[]{}|\\*+.")
_SYMBOLS = frozenset(":_#=@/;,- ")
_QUANTIFIERS = frozenset("*+?{")
_COUNTED = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})")
_CLASSES = {
    "d": "0-9",
    "D": r"\x{0}-\x{2f}\x{3a}-\x{10ffff}",
    "s": r"\x{9}-\x{d}\x{20}",
    "S": r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{10ffff}",
    "w": "0-9A-Z_a-z",
    "W": r"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}",
}


def regex_check(source: str, position: int) -> Regex:
    """Build the check of a regex; `position` is where it begins in the pattern.

    Raises PatternError, located, where CloudWatch Logs or google-re2 would refuse it.
    """
    pattern = _Translation(source, position).pattern()
    try:
        return regex(pattern, numbers=True)
    except ValueError as error:
        raise PatternError(f"the regex cannot be compiled: {error}", position=position) from error


def _is_plain(char: str) -> bool:
    return char in _SYMBOLS or (char.isascii() and char.isalnum())


def _literal(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}"


class _Translation:
    """One pass over a regex's source, from left to right."""

    def __init__(self, source: str, position: int) -> None:
        self._source = source
        self._offset = position
        self._at = 0
        self._states = 0

    def pattern(self) -> str:
        """Return the regex as google-re2 writes it."""
        for index, char in enumerate(self._source):
            if not _is_plain(char) and char not in _OPERATORS:
                self._refuse_character(char, index)
        pieces: list[str] = []
        repeatable = False
        while self._at < len(self._source):
            if self._source[self._at] in _QUANTIFIERS:
                pieces.append(self._quantifier(repeatable))
                repeatable = False
            else:
                piece, repeatable = self._atom()
                self._states += repeatable
                pieces.append(piece)
        if self._states > MOST_STATES:
            self._fail(f"the regex is too large: {self._states} characters with its repetitions", 0, "repeat less")
        return "".join(pieces)

    def _atom(self) -> tuple[str, bool]:
        """Read one character, class, escape or anchor, and tell whether a quantifier may follow."""
        char = self._source[self._at]
        if char == "[":
            return self._character_class(), True
        if char == "\\":
            item = self._escape()
            return f"[{_CLASSES[item[1]]}]" if len(item) > 1 else _literal(item), True
        self._at += 1
        if char in "^$|":
            return char, False
        return ("." if char == "." else _literal(char)), True

    def _escape(self) -> str:
        r"""Read an escape: return the literal character, or two characters for a class such as `\d`."""
        begin = self._at
        self._at += 1
        char = self._source[self._at : self._at + 1]
        code = _HEX.match(self._source, self._at)
        if code:
            self._at = code.end()
            return chr(int(code[1], 16))
        self._at += 1
        if char in _CLASSES:
            return f"\\{char}"
        if char and (char in _OPERATORS or char in _SYMBOLS):
            return char
        hint = r"escapes are \d \D \s \S \w \W, \x and two hexadecimal digits, and a backslash before an operator"
        return self._fail(f"the regex has an unknown escape {self._source[begin : begin + 2]!r}", begin, hint)

    def _character_class(self) -> str:
        begin = self._at
        self._at += 1
        negated = self._source.startswith("^", self._at)
        self._at += negated
        items: list[str] = []
        first = True
        while first or not self._source.startswith("]", self._at):
            if self._at >= len(self._source):
                self._fail("the regex has a [ without its ]", begin, r"a literal bracket is written \[")
            items.append(self._class_item())
            first = False
        self._at += 1
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _class_item(self) -> str:
        r"""Read one member of a class: a character, a range, or an escape such as `\d`."""
        begin = self._at
        low = self._class_character()
        source, at = self._source, self._at
        if not source.startswith("-", at) or at + 1 >= len(source) or source[at + 1] == "]":
            return _CLASSES[low[1]] if len(low) > 1 else _literal(low)
        self._at += 1
        high = self._class_character()
        if len(low) > 1 or len(high) > 1 or high < low:
            self._fail(f"the regex has a bad range {source[begin : self._at]!r}", begin, "ranges run upwards: [a-z]")
        return f"{_literal(low)}-{_literal(high)}"

    def _class_character(self) -> str:
        char = self._source[self._at]
        if char == "\\":
            return self._escape()
        if char == "[" and self._source[self._at + 1 : self._at + 2] in (":", "=", "."):
            self._fail("the regex has a named class", self._at, r"write it out, as in [A-Za-z]; a literal [ is \[")
        self._at += 1
        return char

    def _quantifier(self, repeatable: bool) -> str:
        begin = self._at
        if not repeatable:
            self._fail("the regex has nothing to repeat here", begin, r"a literal operator is written with a backslash")
        text = self._source[begin]
        self._at += 1
        if text == "{":
            text = self._counted(begin)
        if self._source.startswith("?", self._at):
            self._at += 1
            return f"{text}?"
        return text

    def _counted(self, begin: int) -> str:
        found = _COUNTED.match(self._source, begin)
        if not found or not (found[1] or found[3]):
            return self._fail("the regex has a { that counts nothing", begin, r"write {2}, {2,}, {,5} or {2,5}; or \{")
        low, high = int(found[1] or 0), int(found[3]) if found[3] else None
        if max(low, high or 0) > MOST_REPEATS:
            self._fail(f"the regex repeats more than {MOST_REPEATS} times", begin)
        if high is not None and high < low:
            self._fail(f"the regex has bad bounds {found[0]}", begin, "the smaller bound comes first")
        self._at = found.end()
        self._states += max(low if high is None else high, 1) - 1
        if not found[2]:
            return f"{{{low}}}"
        return f"{{{low},{'' if high is None else high}}}"

    def _refuse_character(self, char: str, index: int) -> NoReturn:
        if char in "()":
            hint = r"regexes have no parentheses: write two conditions, or \x28 and \x29 for the characters"
        elif ord(char) < 256:  # noqa: PLR2004 - what \xhh can express
            hint = f"write \\x{ord(char):02x} for this character"
        else:
            hint = "regexes are ASCII; write . for any one character"
        self._fail(f"the regex has a character that is not allowed, {char!r}", index, hint)

    def _fail(self, message: str, index: int, hint: str = "") -> NoReturn:
        raise PatternError(message, position=self._offset + index, hint=hint)
