"""A place in a pattern's text, and the errors that point at it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from pipeline.errors import PatternError
from pipeline.languages.filter_pattern.mistakes import Place, hint_at

BLANKS = " \t\r\n"
"""What may stand between tokens. Other blank characters, such as a no-break space, are none."""

_BLANKS = re.compile(f"[{BLANKS}]*")
_SHOWN = 20
"""How many characters of the unexpected text an error shows."""


@dataclass(slots=True)
class Cursor:
    """Reads a pattern from left to right. The only value of this package that changes."""

    text: str
    """The whole pattern, so that positions are those the author sees."""
    position: int
    end: int
    """Where reading stops; behind it there may be a closing bracket and blanks."""
    unclear: list[int] = field(default_factory=list)
    """Positions of the `&&` that stand beside a `||` without parentheses of their own."""

    def skip_blanks(self) -> None:
        """Stand on the next character that is not blank, or at the end."""
        found = _BLANKS.match(self.text, self.position, self.end)
        self.position = found.end() if found else self.position

    def at_end(self) -> bool:
        """Tell whether everything has been read."""
        return self.position >= self.end

    def starts(self, literal: str) -> bool:
        """Tell whether this literal comes next."""
        return self.text.startswith(literal, self.position, self.end)

    def take(self, literal: str) -> bool:
        """Read this literal if it comes next."""
        if not self.starts(literal):
            return False
        self.position += len(literal)
        return True

    def match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Read what the expression finds here, if it finds something."""
        found = expression.match(self.text, self.position, self.end)
        if found:
            self.position = found.end()
        return found

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.text[self.position] if self.position < self.end else ""

    def fail(self, message: str, *, hint: str = "", at: int | None = None) -> NoReturn:
        """Raise a PatternError that points here, or at another position."""
        raise PatternError(message, position=self.position if at is None else at, hint=hint)

    def expected(self, what: str, place: Place) -> NoReturn:
        """Raise a PatternError that says what should stand here, what does, and the usual mistake behind it."""
        rest = self.text[self.position :].rstrip(BLANKS)
        self.fail(f"expected {what}, found {_shown(rest)}", hint=hint_at(place, self.text[self.position : self.end]))


def _shown(rest: str) -> str:
    """Quote the beginning of the text that was not expected."""
    if not rest:
        return "the end of the pattern"
    return repr(rest if len(rest) <= _SHOWN else rest[:_SHOWN] + "...")
