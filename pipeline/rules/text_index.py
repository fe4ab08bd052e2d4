"""Which of many checks a text passes, at a cost that hardly depends on how many there are.

Exact texts stand in a dict; prefixes, and suffixes reversed, in sorted lists where one bisection finds the longest,
which knows the shorter ones; networks in a dict for each mask length; everything else is asked one by one while it is
little, and beyond that by one google-re2 set.

An effect is a pair of bit sets: the clauses that a passed check serves, and those that it contradicts.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from pipeline.checks import AnyCheck, Cidr, Contains, Glob, OneOf, Prefix, Regex, Suffix, Text, address_of

Effect = tuple[int, int]
NO_EFFECT: Effect = (0, 0)
FEW = 2
"""So many checks without an index are asked one by one."""
LONG_CHARS = 400
"""A set reads every text to its end; for longer ones it is worth asking first whether anything is found at all."""
RE2_MEMORY_BYTES = 64 << 20
"""Bounds what a set's automaton may take; it grows only as texts need it."""


def joined(left: Effect, right: Effect) -> Effect:
    """Return both effects together."""
    if left is NO_EFFECT:
        return right
    if right is NO_EFFECT:
        return left
    return left[0] | right[0], left[1] | right[1]


class TextIndex:
    """Checks of text, indexed. All fold case or none does, regexes apart, which see the text as it is."""

    def __init__(self, checks: Iterable[tuple[AnyCheck, Effect]]) -> None:
        self.exact: dict[str, Effect] = {}
        self._heads: dict[str, Found] = {}
        self._tails: dict[str, Found] = {}
        self._nets: dict[str, Effect] = {}
        self._elsewhere: dict[Text, Effect] = {}
        for check, effect in checks:
            self._file(check, effect)
        self._parts: list[Callable[[str], Effect]] = []
        if self._heads:
            self._parts.append(Prefixes(self._heads).effect)
        if self._tails:
            self._parts.append(Prefixes(self._tails).effect_of_reversed)
        if self._nets:
            self._parts.append(Networks(self._nets).effect)
        if self._elsewhere:
            self._parts.append(Searches(self._elsewhere).effect)

    def _file(self, check: AnyCheck, effect: Effect) -> None:
        """Put a check where texts find it: globs wait behind the text they begin or end with."""
        match check:
            case OneOf(texts=texts):
                for text in texts:
                    _add(self.exact, text, effect)
            case Glob(pieces=(text,)):
                _add(self.exact, text, effect)
            case Prefix(text=text) | Glob(pieces=(text, "")):
                _add_found(self._heads, text, effect)
            case Suffix(text=text) | Glob(pieces=("", text)):
                _add_found(self._tails, text[::-1], effect)
            case Glob(pieces=(head, *_, _)) if _has_room(self._heads, head):
                _add_candidate(self._heads, head, (check, effect))
            case Glob(pieces=(_, *_, tail)) if _has_room(self._tails, tail[::-1]):
                _add_candidate(self._tails, tail[::-1], (check, effect))
            case Cidr(network=network):
                _add(self._nets, network, effect)
            case Text():
                _add(self._elsewhere, check, effect)

    def kinds(self) -> str:
        """Say how many checks of each kind stand here."""
        counts = {
            "exact": len(self.exact),
            "beginnings": len(self._heads),
            "endings": len(self._tails),
            "networks": len(self._nets),
            "searches": len(self._elsewhere),
        }
        return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)

    def effect(self, text: str) -> Effect:
        """Return what the checks that this text passes do together."""
        found = self.exact.get(text, NO_EFFECT)
        for part in self._parts:
            more = part(text)
            if more is not NO_EFFECT:
                found = joined(found, more)
        return found


Candidate = tuple[Text, Effect]
"""A check still to be asked, and what it does if it is passed."""
Found = tuple[Effect, tuple[Candidate, ...]]
NOTHING_FOUND: Found = (NO_EFFECT, ())


class Prefixes:
    """Which of these texts a text begins with."""

    def __init__(self, known: dict[str, Found]) -> None:
        self.texts = sorted(known)
        self._found: list[Found] = []
        self._shorter: list[int] = []
        for i, text in enumerate(self.texts):
            shorter = self._longest(text, i - 1)
            effect, candidates = self._found[shorter] if shorter >= 0 else NOTHING_FOUND
            self._shorter.append(shorter)
            self._found.append((joined(known[text][0], effect), known[text][1] + candidates))

    def effect(self, text: str) -> Effect:
        """Return what all of these texts that `text` begins with do together."""
        longest = self._longest(text, bisect_right(self.texts, text) - 1)
        return self._asked(longest, text) if longest >= 0 else NO_EFFECT

    def effect_of_reversed(self, text: str) -> Effect:
        """Return the same for a text whose reverse begins with them."""
        key = text[::-1]
        longest = self._longest(key, bisect_right(self.texts, key) - 1)
        return self._asked(longest, text) if longest >= 0 else NO_EFFECT

    def _asked(self, longest: int, text: str) -> Effect:
        """Return what a found text and its beginnings do, and those candidates that the text passes."""
        found, candidates = self._found[longest]
        for check, effect in candidates:
            if check.passes_text(text):
                found = joined(found, effect)
        return found

    def _longest(self, text: str, i: int) -> int:
        """Return the longest text at or before `i` that `text` begins with, -1 if none.

        Whatever sorts between a text and one of its beginnings begins so too. So if the nearest text before is no
        beginning, only its own beginnings can be.
        """
        while i >= 0 and not text.startswith(self.texts[i]):
            i = self._shorter[i]
        return i


class Networks:
    """Which of these networks an address is in."""

    def __init__(self, effects: dict[str, Effect]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Effect]] = {}
        self._first_octets: set[str] = set()
        for text, effect in effects.items():
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            table = self._by_length.setdefault((network.version, shift), {})
            _add(table, int(network.network_address) >> shift, effect)
            if isinstance(network, ipaddress.IPv4Network):
                ends = network.network_address.packed[0], network.broadcast_address.packed[0]
                self._first_octets.update(map(str, range(ends[0], ends[1] + 1)))

    def effect(self, text: str) -> Effect:
        """Return what the networks that this text is an address of do together; nothing for what is no address."""
        if ":" not in text and text.partition(".")[0] not in self._first_octets:
            return NO_EFFECT  # most addresses end here, without being parsed; no octet has leading zeros
        address = address_of(text)
        if address is None:
            return NO_EFFECT
        number, found = int(address), NO_EFFECT
        for (version, shift), table in self._by_length.items():
            if version == address.version:
                found = joined(found, table.get(number >> shift, NO_EFFECT))
        return found


class Searches:
    """Checks that look anywhere in a text."""

    def __init__(self, effects: dict[Text, Effect]) -> None:
        self._checks: list[Candidate] = list(effects.items())

    @cached_property
    def _automata(self) -> tuple[Any, Any]:
        """One set of all patterns, and one that finds any of them: made, with google-re2, for the first text."""
        if len(self._checks) <= FEW:
            return None, None
        patterns = [_pattern(check) for check, _ in self._checks]
        return _search_set(patterns), _alternation(patterns)

    def effect(self, text: str) -> Effect:
        """Return what the checks that this text passes do together."""
        found = NO_EFFECT
        for check, effect in self._candidates(text):
            if check.passes_text(text):
                found = joined(found, effect)
        return found

    def _candidates(self, text: str) -> list[Candidate]:
        """Return the checks that the text may pass, all of them where the set cannot tell."""
        every, some = self._automata
        if every is None:
            return self._checks
        try:
            if some is not None and len(text) > LONG_CHARS and some.search(text) is None:
                return []
            numbers = every.Match(text)
        except UnicodeEncodeError:  # a lone surrogate
            return self._checks
        # The empty pattern stands first and is in every text: a set without an answer ran out of memory.
        if not numbers:
            return self._checks
        return [self._checks[number - 1] for number in numbers if number] if len(numbers) > 1 else []


def _search_set(patterns: list[str]) -> Any:
    """Return one automaton that tells which patterns are found, after an empty one; None where re2 cannot."""
    import re2

    found = re2.Set.SearchSet(_options())
    try:
        for pattern in ("", *patterns):
            _add_pattern(found, pattern)
        found.Compile()
    except re2.error:
        return None
    return found


def _alternation(patterns: list[str]) -> Any:
    """Return one pattern that is found where any of these is; None where re2 cannot."""
    import re2

    try:
        return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), _options())
    except re2.error:
        return None


def _options() -> Any:
    import re2

    options = re2.Options()
    options.max_mem = RE2_MEMORY_BYTES
    options.log_errors = False
    return options


def _add_pattern(found: Any, pattern: str) -> None:
    """Add a pattern; one that cannot stand with others is put as the empty one, which asks its check every time."""
    import re2

    try:
        found.Add(pattern)
    except re2.error:
        found.Add("")


def _is_encodable(text: str) -> bool:
    """Tell whether a text has no lone surrogate. google-re2 takes no other."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pattern(check: Text) -> str:
    """Write a check as a regex that finds at least what the check passes; the empty one finds everything."""
    import re2

    match check:
        case Contains(text=text) if _is_encodable(text):
            return str(re2.escape(text))
        case Glob(pieces=pieces) if _is_encodable("".join(pieces)):
            return rf"(?s:\A{'.*'.join(map(re2.escape, pieces))}\z)"
        case Regex(pattern=pattern, fold=fold):
            return f"(?i:{pattern})" if fold else pattern
        case _:
            return ""


def _add(table: dict[Any, Effect], key: Any, effect: Effect) -> None:
    table[key] = joined(table[key], effect) if key in table else effect


def _add_found(table: dict[str, Found], text: str, effect: Effect) -> None:
    known, candidates = table.get(text, NOTHING_FOUND)
    table[text] = joined(known, effect), candidates


def _add_candidate(table: dict[str, Found], text: str, candidate: Candidate) -> None:
    effect, candidates = table.get(text, NOTHING_FOUND)
    table[text] = effect, (*candidates, candidate)


def _has_room(table: dict[str, Found], text: str) -> bool:
    """Tell whether a check can wait behind this text: not too many may, for all of them are asked."""
    return text != "" and len(table.get(text, NOTHING_FOUND)[1]) < FEW
