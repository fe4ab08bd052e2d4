"""How a message is split into the fields of the space-delimited form, as CloudWatch Logs was recorded to split it.

Fields are separated by blanks. One that begins with `"` or `[` runs to the next `"` or `]`, which are no part of it;
what follows at once is the next field. Without its closing mark it is an ordinary word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLANKS = re.compile(r"[ \t\n\r\f\v]*")
_WORD = re.compile(r"[^ \t\n\r\f\v]+")
_CLOSING = {'"': '"', "[": "]"}


def fields(message: str) -> list[str]:
    """Split the whole message."""
    return [value for value, _, _ in _scan(message)]


def fields_with_rest(message: str, count: int) -> list[str] | None:
    """Split into exactly `count` fields, the last of which is the rest of the line as it stands; None if too few.

    If only one field is left for the last place, it is split off like the others, without quotes and blanks.
    """
    found: list[str] = []
    scan = _scan(message)
    for value, begin, _ in scan:
        if len(found) == count - 1:
            alone = next(scan, None) is None
            return [*found, value if alone else message[begin:]]
        found.append(value)
    return None


def _scan(message: str) -> Iterator[tuple[str, int, int]]:
    """Yield each field's value, where it begins and where it ends, its marks included."""
    last = {opening: message.rfind(closing) for opening, closing in _CLOSING.items()}
    position = _after_blanks(message, 0)
    while position < len(message):
        opening = message[position]
        if last.get(opening, -1) > position:
            end = message.index(_CLOSING[opening], position + 1)
            yield message[position + 1 : end], position, end + 1
            position = end + 1
        else:
            word = _WORD.match(message, position)
            assert word
            yield word[0], position, word.end()
            position = word.end()
        position = _after_blanks(message, position)


def _after_blanks(message: str, position: int) -> int:
    found = _BLANKS.match(message, position)
    return found.end() if found else position
