"""The compiled rule set: one JSON file that Lambda reads in milliseconds, without any language's parser.

The rule set stands in it as it is, but for two things: rules' own tests stay behind, and a condition's program is
written as its language and source. A language is imported only where a condition has a program of it.

The law test: loading what was dumped gives the same rule set, apart from tests, and it matches the same.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from pipeline.errors import ConfigError, Problem, RuleError
from pipeline.languages.condition import Condition, Program
from pipeline.rules.rule import Ignore, Rule, RuleSet

VERSION = 1
"""Raised when an older Trailwire would misread the file."""
PROGRAM_LANGUAGES = frozenset({"filter_pattern", "jq", "python_expression"})
"""The modules of `pipeline.languages` that a compiled rule set may have imported."""

Owner = TypeVar("Owner", Rule, Ignore)
Written = tuple[str, str]
"""A program as (language, source)."""


class _File(msgspec.Struct, frozen=True):
    trailwire: int
    ruleset: RuleSet
    rule_programs: dict[str, Written] = {}
    """By the rule's place in the rule set; JSON keys are texts."""
    ignore_programs: dict[str, Written] = {}


class _Header(msgspec.Struct, frozen=True):
    trailwire: int


def dump(ruleset: RuleSet) -> bytes:
    """Write a rule set as JSON: the same bytes for equal rule sets. Rules' own tests are left out."""
    bare = msgspec.structs.replace(
        ruleset,
        rules=tuple(msgspec.structs.replace(rule, condition=_bare(rule.condition), tests=()) for rule in ruleset.rules),
        ignores=tuple(msgspec.structs.replace(ignore, condition=_bare(ignore.condition)) for ignore in ruleset.ignores),
    )
    file = _File(VERSION, bare, _programs(ruleset.rules), _programs(ruleset.ignores))
    try:
        return msgspec.json.encode(file, order="deterministic")
    except UnicodeEncodeError:  # a lone surrogate in somebody's rule: only escaped can it be written
        return json.dumps(msgspec.to_builtins(file, order="deterministic"), separators=(",", ":")).encode()


def load(data: bytes, *, name: str = "compiled rule set") -> RuleSet:
    """Read a compiled rule set; `name` is the file's name in messages.

    Raises ConfigError for what is none, what another version wrote, and programs that no longer compile.
    """
    try:
        return _loaded(data)
    except ConfigError as error:
        raise ConfigError(tuple(_placed(problem, name) for problem in error.problems)) from error


def _placed(problem: Problem, name: str) -> Problem:
    """Name the file of a problem that knows no place."""
    return problem if problem.where else msgspec.structs.replace(problem, where=f"{name}:1")


def _loaded(data: bytes) -> RuleSet:
    file = _decoded(data)
    if not (file.rule_programs or file.ignore_programs):
        return file.ruleset
    return msgspec.structs.replace(
        file.ruleset,
        rules=_with_programs(file.ruleset.rules, file.rule_programs),
        ignores=_with_programs(file.ruleset.ignores, file.ignore_programs),
    )


def is_compiled(data: bytes) -> bool:
    """Tell a compiled rule set from a TOML configuration, without reading it: no TOML document begins with a brace."""
    return data.lstrip()[:1] == b"{"


def _bare(condition: Condition) -> Condition:
    return Condition(condition.tree)


def _programs(owners: Iterable[Rule | Ignore]) -> dict[str, Written]:
    programs = ((str(i), owner.condition.program) for i, owner in enumerate(owners))
    return {i: (program.language, program.source) for i, program in programs if program}


def _decoded(data: bytes) -> _File:
    try:
        file = msgspec.json.decode(data, type=_File)
    except (ValueError, RecursionError):
        return _decoded_slowly(data)
    _check_version(file.trailwire)
    return file


def _decoded_slowly(data: bytes) -> _File:
    """Read it with the standard library, which takes lone surrogates; say what is wrong with what is none."""
    try:
        found = json.loads(data)
        _check_version(msgspec.convert(found, _Header).trailwire)
        return msgspec.convert(found, _File)
    except (ValueError, RecursionError) as error:
        raise _refusal(f"not a compiled rule set: {error}") from error


def _check_version(version: int) -> None:
    if version != VERSION:
        raise _refusal(f"form {version}, but this Trailwire reads form {VERSION}")


def _with_programs(owners: tuple[Owner, ...], programs: dict[str, Written]) -> tuple[Owner, ...]:
    return tuple(_with_program(owner, programs.get(str(i))) for i, owner in enumerate(owners))


def _with_program(owner: Owner, written: Written | None) -> Owner:
    if written is None:
        return owner
    condition = Condition(owner.condition.tree, _program(*written, owner.where))
    return msgspec.structs.replace(owner, condition=condition)


def _program(language: str, source: str, where: str) -> Program:
    if language not in PROGRAM_LANGUAGES:
        raise _refusal(f"{where}: no language called {language!r} has programs")
    module = importlib.import_module(f"pipeline.languages.{language}")
    try:
        program: Program = module.program(source)
    except RuleError as error:
        raise ConfigError((Problem(where, str(error), error.hint),)) from error
    return program


def _refusal(message: str) -> ConfigError:
    return ConfigError((Problem("", message, "run `trailwire compile` again with this version"),))
