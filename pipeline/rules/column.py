"""One path's part of the index: from the value there to the bit set of the clauses it does not contradict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pipeline.checks import AnyCheck, Exists, InRange, Is, IsType, Text, TypeName, number_text, type_name
from pipeline.checks import Regex as RegexCheck
from pipeline.predicate import Path, values_at
from pipeline.rules.clauses import Literal
from pipeline.rules.partial_decode import ABSENT
from pipeline.rules.text_index import NO_EFFECT, Effect, TextIndex, joined

MEMO_TEXT_CHARS = 256
"""Longer texts are never remembered."""
TYPES: tuple[TypeName, ...] = ("string", "number", "boolean", "null", "array", "object")


class Memo:
    """Remembers what was computed for a text, and forgets all when it is full. Equal answers share one object."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self.answers: dict[str, Any] = {}
        self._shared: dict[Any, Any] = {}

    def remember(self, text: str, answer: Any) -> None:
        """Keep an answer, unless its text is long."""
        if len(text) > MEMO_TEXT_CHARS:
            return
        if len(self.answers) >= self._entries:
            self.answers.clear()
            self._shared.clear()
        self.answers[text] = self._shared.setdefault(answer, answer)


class Column:
    """What clauses ask of the values at one path. Each clause asks at most one wanted thing of a column.

    `base` holds the clauses that want nothing here: those that survive where the value is absent.
    """

    def __init__(
        self, path: Path, rest: Path, literals: Iterable[tuple[int, Literal]], *, size: int, entries: int
    ) -> None:
        self.path, self.rest = path, rest
        self.literals = dict(literals)
        wanted = unwanted = 0
        checks: dict[AnyCheck, Effect] = {}
        for clause, literal in self.literals.items():
            bit = 1 << clause
            effect = (bit, 0) if literal.wanted else (0, bit)
            wanted, unwanted = wanted | effect[0], unwanted | effect[1]
            for check in literal.checks:
                checks[check] = joined(checks[check], effect) if check in checks else effect
        self.involved = wanted | unwanted
        self.base = ((1 << size) - 1) & ~wanted
        self._file(checks)
        self._masks, self._effects = Memo(entries), Memo(entries)
        self.remembered: dict[str, int] = self._masks.answers
        self._null = self._mask(self._constant_effect(None))
        self._booleans = {value: self._mask(self._constant_effect(value)) for value in (False, True)}

    def _file(self, checks: dict[AnyCheck, Effect]) -> None:
        """Put every check where its kind of value will find it."""
        exact, folded = [], []
        self._types = dict.fromkeys(TYPES, NO_EFFECT)
        self._ranges: list[tuple[InRange, Effect]] = []
        self._constants: list[tuple[Is, Effect]] = []
        self._of_numbers: list[tuple[AnyCheck, Effect]] = [
            (check, effect) for check, effect in checks.items() if isinstance(check, Text) and check.numbers
        ]
        for check, effect in checks.items():
            match check:
                case Exists() | IsType():
                    for name in check.types if isinstance(check, IsType) else TYPES:
                        self._types[name] = joined(self._types[name], effect)
                case Is():
                    self._constants.append((check, effect))
                case InRange():
                    self._ranges.append((check, effect))
                case Text(fold=True) if not isinstance(check, RegexCheck):
                    folded.append((check, effect))
                case _:
                    exact.append((check, effect))
        self._exact, self._folded = TextIndex(exact), TextIndex(folded) if folded else None
        self._number_texts: Callable[[str], Effect] | None = None

    def mask(self, value: Any) -> int:
        """Return the clauses that a value which is no text does not contradict."""
        if value is ABSENT:
            return self.base
        if self.rest:
            return self._mask(self._several(values_at(self.rest, value)))
        if value is None:
            return self._null
        if value.__class__ is bool:
            return self._booleans[value]
        return self._mask(self._effect(value))

    def learn(self, text: str) -> int:
        """Return the clauses that a text does not contradict, and remember them."""
        mask = self._mask(self._several(values_at(self.rest, text)) if self.rest else self._effect(text))
        self._masks.remember(text, mask)
        return mask

    def _mask(self, effect: Effect) -> int:
        return (self.base | effect[0]) & ~effect[1]

    def _several(self, values: Iterable[Any]) -> Effect:
        """Join what each of the values does."""
        found = NO_EFFECT
        for value in values:
            effect = self._effects.answers.get(value) if value.__class__ is str else None
            if effect is None:
                effect = self._effect(value)
                if value.__class__ is str:
                    self._effects.remember(value, effect)
            found = joined(found, effect)
        return found

    def _effect(self, value: Any) -> Effect:
        """Return what the checks that this one value passes do together."""
        if isinstance(value, str):
            found = joined(self._types["string"], self._exact.effect(value))
            return joined(found, self._folded.effect(value.casefold())) if self._folded else found
        if value is None or isinstance(value, bool):
            return self._constant_effect(value)
        if isinstance(value, int | float):
            return self._number_effect(value)
        return self._types[type_name(value)]

    def _constant_effect(self, value: bool | None) -> Effect:
        found = self._types[type_name(value)]
        for check, effect in self._constants:
            if check.passes(value):
                found = joined(found, effect)
        return found

    def _number_effect(self, value: float) -> Effect:
        found = self._types["number"]
        for check, effect in self._ranges:
            if check.passes(value):
                found = joined(found, effect)
        return joined(found, self._number_text_effect(number_text(value))) if self._of_numbers else found

    def _number_text_effect(self, text: str) -> Effect:
        if self._number_texts is None:  # made when the first number comes: most columns never see one
            self._number_texts = _texts_of_numbers(self._of_numbers)
        return self._number_texts(text)


def _texts_of_numbers(checks: list[tuple[AnyCheck, Effect]]) -> Callable[[str], Effect]:
    """Index the checks that also look at the text of a number.

    That text is not folded: a fold changes only what no number has, apart from infinities.
    """
    index = TextIndex(checks)
    return index.effect
