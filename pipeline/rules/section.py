"""Reading one TOML table, key by key, so that every mistake in it is found and said where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import Problem, did_you_mean
from pipeline.rules.places import Key, Places


@dataclass(slots=True)
class Findings:
    """What reading a configuration turned up: problems stop it, notes do not."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """One TOML file being read."""

    name: str
    places: Places
    findings: Findings

    def where(self, key: Key) -> str:
        """`file:line` of a key."""
        return f"{self.name}:{self.places.line(key)}"

    def problem(self, key: Key, message: str, hint: str = "") -> None:
        """Record a mistake at a key."""
        self.problem_at(self.where(key), message, hint)

    def problem_at(self, where: str, message: str, hint: str = "") -> None:
        """Record a mistake at a place."""
        self.findings.problems.append(Problem(where, message, hint))

    def note(self, key: Key, message: str, hint: str = "") -> None:
        """Record what should be known, but stops nothing."""
        self.findings.notes.append(Problem(self.where(key), message, hint))


class Section:
    """One table. Each `take` checks one key; `finish` reports the keys that nobody took."""

    def __init__(self, document: Document, key: Key, table: Any) -> None:
        self.document = document
        self.key = key
        self._table: dict[str, Any] = table if isinstance(table, dict) else {}
        self._taken: set[str] = set()
        self.is_table = isinstance(table, dict)
        if not self.is_table:
            document.problem(key, f"{_shown(key)} must be a table")

    def has(self, name: str) -> bool:
        """Tell whether the key is given."""
        return name in self._table

    def where(self, name: str = "") -> str:
        """`file:line` of a key, or of the table."""
        return self.document.where((*self.key, name) if name else self.key)

    def problem(self, name: str, message: str, hint: str = "") -> None:
        """Record a mistake at a key, or with an empty name at the table."""
        self.document.problem((*self.key, name) if name else self.key, message, hint)

    def take(self, name: str) -> Any:
        """Return a key's value as it is; None where it is absent."""
        self._taken.add(name)
        return self._table.get(name)

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        """Return a string; required ones must not be blank."""
        value = self.take(name)
        if value is None:
            if required:
                self.problem("", f'"{name}" is missing')
            return default
        if not isinstance(value, str):
            self.problem(name, f'"{name}" must be a string, not {_kind(value)}')
            return default
        if required and not value.strip():
            self.problem(name, f'"{name}" must not be empty')
        return value

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of strings."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, str):
            self.problem(name, f'"{name}" must be a list of strings', f'write {name} = ["{value}"]')
            return (value,)  # what was meant: nothing else follows from the mistake
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.problem(name, f'"{name}" must be a list of strings')
            return default
        return tuple(value)

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """Return one of a few words."""
        value, known = self.text(name, default), list(choices)
        if value not in known:
            self.problem(name, f'"{name}" must be {_either(known)}, not "{value}"', did_you_mean(value, known))
            return default
        return value

    def choices(self, name: str, known: Iterable[str], default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of words, each one of a few."""
        values, words = self.texts(name, default), list(known)
        for value in values:
            if value not in words:
                self.problem(name, f'"{name}" knows {_either(words)}, not "{value}"', did_you_mean(value, words))
        return tuple(value for value in values if value in words)

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number within bounds, both included."""
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(name, f'"{name}" must be a whole number from {low} to {high}')
            return default
        return value

    def truth(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(name, f'"{name}" must be true or false')
            return default
        return value

    def section(self, name: str) -> Section:
        """Return a table inside this one, empty where it is absent."""
        value = self.take(name)
        return Section(self.document, (*self.key, name), {} if value is None else value)

    def sections(self, name: str) -> list[Section]:
        """Return an array of tables, without what is none in it."""
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(name, f'"{name}" must be written [[{_shown((*self.key, name))}]]')
            return []
        found = [Section(self.document, (*self.key, name, i), table) for i, table in enumerate(value)]
        return [section for section in found if section.is_table]

    def names(self) -> list[str]:
        """Return the keys nobody has taken yet."""
        return [name for name in self._table if name not in self._taken]

    def finish(self, *also_known: str) -> None:
        """Report every key that was never asked for."""
        for name in self.names():
            hint = did_you_mean(name, [*self._taken, *also_known])
            self.problem(name, f'unknown key "{name}"{_inside(self.key)}', hint)


UNREADABLE = (OSError, LookupError, UnicodeDecodeError)
"""How a reader says that it cannot read something."""


def reason_of(error: Exception) -> str:
    """Say why something could not be read. A LookupError is a reader that looks its files up in a table."""
    match error:
        case OSError():
            return str(error.strerror or error)
        case UnicodeDecodeError():
            return f"not UTF-8 text: {error.reason} at byte {error.start}"
        case _:
            return "there is no such file"


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _kind(value: Any) -> str:
    return {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}.get(
        type(value), f"a {type(value).__name__}"
    )


def _shown(key: Key) -> str:
    return ".".join(str(part) for part in key if isinstance(part, str))


def _inside(key: Key) -> str:
    return f" in [{_shown(key)}]" if key else ""
