"""Whether some text of one set equals, begins with, ends with or contains some text of another.

An event decides how many texts there are, so they are never compared each with each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

How = Literal["equals", "startswith", "endswith", "contains"]

FEW = 100
"""So many texts of one length are looked for one by one; beyond, what stands at each place is looked up among them."""


def related(lefts: set[str], rights: set[str], how: How) -> bool:
    """Tell whether some text of `lefts` is so related to some text of `rights`: it contains it, for example."""
    match how:
        case "equals":
            return not lefts.isdisjoint(rights)
        case "startswith":
            return _begins(lefts, rights)
        case "endswith":
            return _begins(_turned(lefts), _turned(rights))
        case "contains":
            return bool(lefts) and bool(rights) and _contains(lefts, rights)


def _begins(texts: Iterable[str], starts: set[str]) -> bool:
    """Tell whether some text begins with some start: as many look-ups a text as there are lengths, not as starts."""
    lengths = {len(start) for start in starts}
    return any(text[:length] in starts for text in texts for length in lengths)


def _turned(texts: set[str]) -> set[str]:
    return {text[::-1] for text in texts}


def _contains(texts: set[str], parts: set[str]) -> bool:
    """Tell whether some text contains some part, the texts written one after the other."""
    by_length: defaultdict[int, set[str]] = defaultdict(set)
    for part in parts:
        by_length[len(part)].add(part)
    whole = _stranger(parts).join(texts)
    return any(_holds_any(whole, alike, length) for length, alike in by_length.items())


def _holds_any(whole: str, alike: set[str], length: int) -> bool:
    if len(alike) <= FEW:
        return any(part in whole for part in alike)
    return any(whole[place : place + length] in alike for place in range(len(whole) - length + 1))


def _stranger(texts: Iterable[str]) -> str:
    """Return a character that is in none of the texts, so that none is found across what it joins."""
    known = set[str]().union(*texts)
    return next(char for char in map(chr, range(len(known) + 1)) if char not in known)
