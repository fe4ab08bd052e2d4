"""One path's part of the index: from the value there to the bit set of the clauses it does not contradict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.checks import AnyCheck, Exists, InRange, Is, IsType, Text, TypeName, number_text, type_name
from pipeline.checks import Regex as RegexCheck
from pipeline.predicate import SPREAD, Path, values_below
from pipeline.rules.clauses import Literal
from pipeline.rules.partial_decode import ABSENT
from pipeline.rules.text_index import NO_EFFECT, Effect, TextIndex, joined

MEMO_TEXT_CHARS = 512
"""Longer texts, and those beyond ASCII, are never remembered."""
_SEEN = 1 << 16
MAX_SHARED, MAX_MASKS = 4096, 128
"""Masks kept by all columns together, and effects by each."""
TYPES: tuple[TypeName, ...] = ("string", "number", "boolean", "null", "array", "object")


class Memory:
    """What the columns of an index remember. It has room for so many texts; when it is full, everything is forgotten.

    A text is remembered when it comes for the second time, so a flood of values that never come again costs what
    computing them costs and does not wash out what is worth remembering. Nothing grows, whoever chooses the values.
    """

    def __init__(self, texts: int) -> None:
        self._room = self._texts = texts
        self._tables: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._shared: dict[Any, Any] = {}
        self._seen = bytearray(_SEEN)
        """For each place, a byte of the hash of the text that last came there."""

    def table(self, always: dict[Any, Any] | None = None) -> dict[Any, Any]:
        """Make a table that shares the room; what it holds `always` takes none."""
        table = dict(always or {})
        self._tables.append((table, always or {}))
        return table

    def keep(self, table: dict[str, Any], text: str, answer: Any) -> None:
        """Put an answer into one of the tables if its text has come before and is not an unusual one."""
        digest = hash(text)
        place, mark = digest % _SEEN, digest >> 20 & 255
        if self._seen[place] != mark:
            self._seen[place] = mark
            return
        if len(text) > MEMO_TEXT_CHARS or not text.isascii():
            return
        if not self._room:
            self.forget()
        self._room -= 1
        table[text] = answer

    def forget(self) -> None:
        """Empty all tables."""
        for table, always in self._tables:
            table.clear()
            table.update(always)
        self._room, self._seen = self._texts, bytearray(_SEEN)

    def shared(self, answer: Any) -> Any:
        """Return the object that stands for all answers equal to this one: they may be long."""
        if len(self._shared) >= MAX_SHARED:
            self._shared.clear()
        return self._shared.setdefault(answer, answer)


class Column:
    """What clauses ask of the values at one path. Each clause asks at most one wanted thing of a column.

    `absent` holds the clauses that want nothing here: those that survive where there is no value.
    """

    def __init__(
        self, path: Path, rest: Path, literals: Iterable[tuple[int, Literal]], *, size: int, memory: Memory
    ) -> None:
        self.path, self.rest = path, rest
        self.is_deep = any(step != SPREAD for step in rest)  # spreading a text gives the text
        self.literals = dict(literals)
        wanted = unwanted = 0
        checks: dict[AnyCheck, Effect] = {}
        for clause, literal in self.literals.items():
            bit = 1 << clause
            effect = (bit, 0) if literal.wanted else (0, bit)
            wanted, unwanted = wanted | effect[0], unwanted | effect[1]
            for check in literal.checks:
                known = checks.get(check)
                checks[check] = effect if known is None else joined(known, effect)
        self.involved = wanted | unwanted
        self.absent = ((1 << size) - 1) & ~wanted
        self._file(checks)
        self._memory = memory
        self._masks: dict[int, tuple[Effect, int]] = {}
        self._effects: dict[str, Effect] = memory.table()
        self._null = self._mask(self._several(values_below(rest, None)))
        # Never numbers nor booleans: 1, 1.0 and True are one key.
        self.remembered: dict[Any, int] = memory.table({ABSENT: self.absent, None: self._null})
        self._booleans = {value: self._mask(self._constant_effect(value)) for value in (False, True)}

    def _file(self, checks: dict[AnyCheck, Effect]) -> None:
        """Put every check where its kind of value will find it."""
        exact: list[tuple[AnyCheck, Effect]] = []
        folded: list[tuple[AnyCheck, Effect]] = []
        self._types = dict.fromkeys(TYPES, NO_EFFECT)
        self._ranges: list[tuple[InRange, Effect]] = []
        self._constants: list[tuple[Is, Effect]] = []
        self._of_numbers: list[tuple[AnyCheck, Effect]] = [
            (check, effect) for check, effect in checks.items() if isinstance(check, Text) and check.numbers
        ]
        for check, effect in checks.items():
            match check:
                case Text():
                    is_folded = check.fold and not isinstance(check, RegexCheck)
                    (folded if is_folded else exact).append((check, effect))
                case Exists() | IsType():
                    for name in check.types if isinstance(check, IsType) else TYPES:
                        self._types[name] = joined(self._types[name], effect)
                case Is():
                    self._constants.append((check, effect))
                case InRange():
                    self._ranges.append((check, effect))
                case _:
                    exact.append((check, effect))
        self._string = self._types["string"]
        self._exact, self._folded = TextIndex(exact), TextIndex(folded) if folded else None
        self._number_texts: TextIndex | None = None

    def kinds(self) -> str:
        """Say how many checks of each kind are indexed here."""
        constants = len(self._constants) + any(effect is not NO_EFFECT for effect in self._types.values())
        parts = [
            self._exact.kinds(),
            f"any case: {self._folded.kinds()}" if self._folded else "",
            f"{len(self._ranges):,} ranges" if self._ranges else "",
            "types and constants" if constants else "",
        ]
        return "; ".join(part for part in parts if part)

    def narrow(self, value: Any, alive: int) -> int:
        """Return the clauses among `alive` that the value does not contradict."""
        return alive & self.mask(value) if alive & self.involved else alive

    def mask(self, value: Any) -> int:
        """Return the clauses that the value does not contradict, and remember them if it is a text."""
        if value.__class__ is str:
            mask = self._mask(
                self._several(values_below(self.rest, value)) if self.is_deep else self._text_effect(value)
            )
            self._memory.keep(self.remembered, value, mask)
            return mask
        if value is ABSENT:
            return self.absent
        if value is None:
            return self._null
        if self.rest:
            return self._mask(self._several(values_below(self.rest, value)))
        if value.__class__ is bool:
            return self._booleans[value]
        return self._mask(self._effect(value))

    def _mask(self, effect: Effect) -> int:
        """Turn an effect into a mask. Most effects are a few stored objects, recognised without comparing bits."""
        if effect is NO_EFFECT:
            return self.absent
        known = self._masks.get(id(effect))
        if known is not None:  # its effect is kept with it, so no other object can have its id
            return known[1]
        mask: int = self._memory.shared((self.absent | effect[0]) & ~effect[1])
        if len(self._masks) >= MAX_MASKS:
            self._masks.clear()
        self._masks[id(effect)] = effect, mask
        return mask

    def _several(self, values: Iterable[Any]) -> Effect:
        """Join what each of the values does."""
        found = NO_EFFECT
        for value in values:
            effect = self._effects.get(value) if value.__class__ is str else None
            if effect is None:
                effect = self._effect(value)
                if value.__class__ is str:
                    self._memory.keep(self._effects, value, effect)
            found = joined(found, effect)
        return found

    def _effect(self, value: Any) -> Effect:
        """Return what the checks that this one value passes do together."""
        if isinstance(value, str):
            return self._text_effect(value)
        if value is None or isinstance(value, bool):
            return self._constant_effect(value)
        if isinstance(value, int | float):
            return self._number_effect(value)
        return self._types[type_name(value)]

    def _text_effect(self, text: str) -> Effect:
        found = joined(self._string, self._exact.effect(text))
        return joined(found, self._folded.effect(text.casefold())) if self._folded else found

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
        """Return what the checks do that also look at the text of a number; folding changes no such text."""
        if self._number_texts is None:  # made when the first number comes: most columns never see one
            self._number_texts = TextIndex(self._of_numbers)
        return self._number_texts.effect(text)
