"""Which of many checks a text passes, at a cost that hardly depends on how many there are.

Exact texts stand in a dict; prefixes, and suffixes reversed, in sorted lists where one bisection finds the longest,
which knows the shorter ones; networks in a dict for each mask length; everything else is asked one by one while it is
little, and beyond that by one google-re2 set.

An effect is a pair of bit sets: the clauses that a passed check serves, and those that it contradicts.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from pipeline.checks import AnyCheck, Cidr, Contains, Glob, OneOf, Prefix, Regex, Suffix, Text, address_of

Effect = tuple[int, int]
NO_EFFECT: Effect = (0, 0)
FEW = 4
"""So many checks without an index are asked one by one."""
RE2_MEMORY_BYTES = 64 << 20
"""Bounds what a set's automaton may take; it grows only as texts need it."""


def joined(left: Effect, right: Effect) -> Effect:
    """Return both effects together."""
    return left[0] | right[0], left[1] | right[1]


class TextIndex:
    """Checks of text, indexed. All fold case or none does, regexes apart, which see the text as it is."""

    def __init__(self, checks: Iterable[tuple[AnyCheck, Effect]]) -> None:
        self.exact: dict[str, Effect] = {}
        prefixes: dict[str, Effect] = {}
        suffixes: dict[str, Effect] = {}
        networks: dict[str, Effect] = {}
        searched: dict[AnyCheck, Effect] = {}
        for check, effect in checks:
            match check:
                case OneOf(texts=texts):
                    for text in texts:
                        _add(self.exact, text, effect)
                case Glob(pieces=(text,)):
                    _add(self.exact, text, effect)
                case Prefix(text=text) | Glob(pieces=(text, "")):
                    _add(prefixes, text, effect)
                case Suffix(text=text) | Glob(pieces=("", text)):
                    _add(suffixes, text[::-1], effect)
                case Cidr(network=network):
                    _add(networks, network, effect)
                case _:
                    _add(searched, check, effect)
        self.prefixes, self.suffixes = Prefixes(prefixes), Prefixes(suffixes)
        self.networks, self.searched = Networks(networks), Searches(searched)

    def effect(self, text: str) -> Effect:
        """Return what the checks that this text passes do together."""
        found = self.exact.get(text, NO_EFFECT)
        if self.prefixes.size:
            found = joined(found, self.prefixes.effect(text))
        if self.suffixes.size:
            found = joined(found, self.suffixes.effect(text[::-1]))
        if self.networks.size:
            found = joined(found, self.networks.effect(text))
        if self.searched.size:
            found = joined(found, self.searched.effect(text))
        return found


class Prefixes:
    """Which of these texts a text begins with."""

    def __init__(self, effects: dict[str, Effect]) -> None:
        self.texts = sorted(effects)
        self.size = len(self.texts)
        self._effects: list[Effect] = []
        self._shorter: list[int] = []
        for i, text in enumerate(self.texts):
            shorter = self._longest(text, i - 1)
            self._shorter.append(shorter)
            self._effects.append(joined(effects[text], self._effects[shorter] if shorter >= 0 else NO_EFFECT))

    def effect(self, text: str) -> Effect:
        """Return what all of these texts that `text` begins with do together."""
        longest = self._longest(text, bisect_right(self.texts, text) - 1)
        return self._effects[longest] if longest >= 0 else NO_EFFECT

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
        self.size = len(effects)
        self._by_length: dict[tuple[int, int], dict[int, Effect]] = {}
        for text, effect in effects.items():
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            table = self._by_length.setdefault((network.version, shift), {})
            _add(table, int(network.network_address) >> shift, effect)

    def effect(self, text: str) -> Effect:
        """Return what the networks that this text is an address of do together; nothing for what is no address."""
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

    def __init__(self, effects: dict[AnyCheck, Effect]) -> None:
        self.size = len(effects)
        self._checks: list[tuple[Text, Effect]] = [
            (check, effect) for check, effect in effects.items() if isinstance(check, Text)
        ]
        self._set = _search_set([check for check, _ in self._checks]) if self.size > FEW else None

    def effect(self, text: str) -> Effect:
        """Return what the checks that this text passes do together."""
        found = NO_EFFECT
        for check, effect in self._candidates(text):
            if check.passes_text(text):
                found = joined(found, effect)
        return found

    def _candidates(self, text: str) -> list[tuple[Text, Effect]]:
        """Return the checks that the text may pass, all of them where the set cannot tell."""
        if self._set is None:
            return self._checks
        try:
            numbers = self._set.Match(text)
        except UnicodeEncodeError:  # a lone surrogate
            return self._checks
        # The empty pattern stands first and is in every text: a set without an answer ran out of memory.
        return [self._checks[number - 1] for number in numbers if number] if numbers else self._checks


def _search_set(checks: list[Text]) -> Any:
    """Return one automaton for all checks, after an empty pattern; None where google-re2 has not the memory for it."""
    import re2

    options = re2.Options()
    options.max_mem = RE2_MEMORY_BYTES
    options.log_errors = False
    found = re2.Set.SearchSet(options)
    try:
        for pattern in ("", *map(_pattern, checks)):
            _add_pattern(found, pattern)
        found.Compile()
    except re2.error:
        return None
    return found


def _add_pattern(found: Any, pattern: str) -> None:
    """Add a pattern; one that cannot be written here is put as the empty one, which asks its check every time."""
    import re2

    try:
        found.Add(pattern)
    except (re2.error, UnicodeEncodeError):
        found.Add("")


def _pattern(check: Text) -> str:
    """Write a check as a regex that finds at least what the check passes."""
    import re2

    match check:
        case Contains(text=text):
            return str(re2.escape(text))
        case Glob(pieces=pieces):
            return rf"(?s:\A{'.*'.join(map(re2.escape, pieces))}\z)"
        case Regex(pattern=pattern, fold=fold):
            return f"(?i:{pattern})" if fold else pattern
        case _:
            return ""


def _add(table: dict[Any, Effect], key: Any, effect: Effect) -> None:
    table[key] = joined(table[key], effect) if key in table else effect
