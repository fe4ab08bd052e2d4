"""From a configuration to a rule set: everything read, every mistake found, nothing started half-read."""

from __future__ import annotations

import codecs
import errno
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigError, Problem, did_you_mean
from pipeline.rules import compiled
from pipeline.rules.destination_keys import read_destination
from pipeline.rules.language import MODULES
from pipeline.rules.places import DEEPEST, Key, Places, open_string
from pipeline.rules.reading import override_facts, read_ignore, read_route, read_rule, read_settings
from pipeline.rules.rule import Route, Rule, RuleSet
from pipeline.rules.rule_tests import Read
from pipeline.rules.section import Document, Findings, Section, reason_of

PACK_FOLDER = "packs"
_LONG_NUMBER = re.compile(r"[0-9_]{4301}")
"""More digits than Python reads of an integer."""


def load(path: str | Path) -> RuleSet:
    """Read a configuration file, or a compiled rule set.

    Raises ConfigError with every problem found, and OSError where the file cannot be read.
    """
    file = Path(path)
    return from_bytes(file.read_bytes(), name=str(file), read=_reader(file.parent))


def from_bytes(data: bytes, *, name: str, read: Read | None = None) -> RuleSet:
    """Read a configuration, or a compiled rule set, from what its file holds.

    `read` follows the paths in it; without one there is nowhere to follow them to. Raises ConfigError.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if compiled.is_compiled(data):
        return compiled.load(data, name=name)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError((Problem(f"{name}:{line}", reason_of(error)),)) from error
    return parse(text, read or _nowhere, name=name)


def _nowhere(path: str) -> str:
    raise FileNotFoundError(2, "only compiled configurations can refer to files from here", path)


def parse(text: str, read: Read, *, name: str = "trailwire.toml") -> RuleSet:
    """Read a configuration from its text.

    `read` gives what the paths in it lead to (see `rule_tests.Read`); `name` is the file's name in messages.
    Raises ConfigError with every problem found, each as `file:line: message`.
    """
    findings = Findings()
    root = _open(text, name, findings)
    defaults = root.section("settings")
    rules = [*_read_packs(root), *(r for s in root.sections("rule") for r in read_rule(s, read))]
    ruleset = RuleSet(
        rules=tuple(rules),
        ignores=tuple(read_ignore(section) for section in root.sections("ignore")),
        routes=tuple(read_route(section) for section in root.sections("route")),
        destinations=tuple(read_destination(section) for section in root.sections("destination")),
        settings=read_settings(defaults),
    )
    root.finish()
    _check_names(ruleset, findings)
    _check_destinations(ruleset, findings, errors_to=defaults.where("errors_to"))
    if findings.problems:
        raise ConfigError(tuple(sorted(findings.problems, key=_file_order)))
    return msgspec.structs.replace(ruleset, notes=tuple(findings.notes))


def _open(text: str, name: str, findings: Findings) -> Section:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{name}:{line[1] if line else open_string(text) or max(1, len(text.splitlines()))}"
        raise ConfigError((Problem(where, f"not TOML: {error}"),)) from error
    except ValueError as error:  # Python's own bound
        line_of_digits = text.count("\n", 0, found.start()) + 1 if (found := _LONG_NUMBER.search(text)) else 1
        raise ConfigError((Problem(f"{name}:{line_of_digits}", "this number has too many digits"),)) from error
    except RecursionError as error:
        raise ConfigError((Problem(f"{name}:1", "nested too deeply to be read"),)) from error
    document = Document(name, Places(text), findings)
    if deep := _too_deep(table):
        raise ConfigError((Problem(document.where(deep), "nested too deeply to be read"),))
    return Section(document, (), table)


def _too_deep(table: dict[str, Any]) -> Key:
    """Find something so deep in a document that whoever looks into it might end up too deep himself; empty: nothing."""
    waiting: list[tuple[Key, Any]] = [((), table)]
    while waiting:
        key, value = waiting.pop()
        if len(key) > DEEPEST:
            return key
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*key, name), item) for name, item in inner]
    return ()


def _reader(folder: Path) -> Read:
    def read(path: str) -> str | list[str]:
        target = folder / path
        try:
            if target.is_dir():
                return sorted(str(Path(path) / p.relative_to(target)) for p in target.rglob("*") if p.is_file())
            data = target.read_bytes()
        except ValueError as error:  # a NUL in it
            raise OSError(errno.EINVAL, "not a path") from error
        return data.decode("utf-8-sig")

    return read


# ---- packs ----


def pack_names() -> list[str]:
    """Name the packs that ship."""
    folder = resources.files("pipeline.rules") / PACK_FOLDER
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def read_pack(name: str) -> tuple[Rule, ...]:
    """Read one shipped pack whole; raises ConfigError, and FileNotFoundError for a name that is none."""
    folder = resources.files("pipeline.rules") / PACK_FOLDER

    def read(path: str) -> str:
        return (folder / path).read_text(encoding="utf-8")

    findings = Findings()
    root = _open(read(f"{name}.toml"), f"{name}.toml", findings)
    rules = [rule for section in root.sections("rule") for rule in read_rule(section, read, pack=name)]
    root.finish()
    if findings.problems:
        raise ConfigError(tuple(findings.problems))
    return tuple(rules)


def _read_packs(root: Section) -> list[Rule]:
    chosen, shipped = root.texts("packs"), pack_names()
    tuning = root.section("pack") if not isinstance(root.take("pack"), list) else _not_packs(root)
    rules: list[Rule] = []
    for name, times in Counter(chosen).items():
        if times > 1:
            root.problem("packs", f'"packs" names "{name}" {times} times')
        if name not in shipped:
            hint = did_you_mean(name, shipped) or f"there are {', '.join(shipped)}"
            root.problem("packs", f'there is no pack "{name}"', hint)
            tuning.take(name)
            continue
        rules += _tuned(read_pack(name), tuning.section(name))
    for name in tuning.names():
        tuning.problem(name, f'[pack.{name}] tunes a pack that "packs" does not name', did_you_mean(name, chosen))
    return rules


def _not_packs(root: Section) -> Section:
    """Report packs that were named under the key of their tuning."""
    root.problem("pack", '"pack" tunes packs, as in [pack.baseline]', 'packs are named with packs = ["baseline"]')
    return Section(root.document, ("pack",), {})


def _tuned(rules: tuple[Rule, ...], section: Section) -> Iterable[Rule]:
    """Apply a `[pack.NAME]` table: `enable` keeps only some rules, `disable` drops some, `override` changes fields."""
    names = [rule.name for rule in rules]
    enable, disable = section.texts("enable", tuple(names)), section.texts("disable")
    for key, listed in (("enable", enable), ("disable", disable)):
        for name in listed:
            if name not in names:
                section.problem(key, f'the pack has no rule "{name}"', did_you_mean(name, names))
    overrides = section.section("override")
    kept = [
        _overridden(rule, overrides.section(rule.name)) if overrides.has(rule.name) else rule
        for rule in rules
        if rule.name in enable and rule.name not in disable
    ]
    for name in overrides.names():
        hint = "it is disabled" if name in names else did_you_mean(name, names)
        overrides.problem(name, f'override of "{name}" changes nothing', hint)
    section.finish()
    return kept


def _overridden(rule: Rule, section: Section) -> Rule:
    facts = override_facts(section, rule.facts)
    destinations = section.texts("destinations", rule.destinations)
    for key in MODULES:
        if section.has(key):
            section.take(key)
            section.problem(
                key, f'an override cannot change what matches ("{key}")', "disable the rule and write your own"
            )
    section.finish()
    return msgspec.structs.replace(rule, facts=facts, destinations=destinations, where=section.where())


# ---- what holds across tables ----


def _check_names(ruleset: RuleSet, findings: Findings) -> None:
    for things, what in ((ruleset.rules, "rule"), (ruleset.destinations, "destination")):
        first: dict[str, str] = {}
        for thing in things:
            name = thing.name if isinstance(thing, Rule) else thing.id
            if name in first:
                message = f'there is a {what} "{name}" already, at {first[name]}'
                findings.problems.append(Problem(thing.where, message, "names must be unique"))
            first.setdefault(name, thing.where)


def _check_destinations(ruleset: RuleSet, findings: Findings, *, errors_to: str) -> None:
    known = [destination.id for destination in ruleset.destinations]
    users: list[Rule | Route] = [*ruleset.rules, *ruleset.routes]
    for user in users:
        _check_known(user.destinations, known, user.where, findings)
    _check_known(ruleset.settings.errors_to, known, errors_to, findings)
    if not known:
        return  # a file of rules alone can be matched, tested and explained; running it is refused
    for rule in ruleset.rules:
        if not rule.destinations and not ruleset.routes:
            hint = 'give it "destinations", or the file a [[route]] with a default'
            findings.problems.append(Problem(rule.where, f'rule "{rule.name}" is told to nobody', hint))


def _check_known(wanted: Iterable[str], known: list[str], where: str, findings: Findings) -> None:
    for name in wanted:
        if name not in known:
            findings.problems.append(Problem(where, f'there is no destination "{name}"', did_you_mean(name, known)))


def _file_order(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return file, int(line) if line.isdecimal() else 0
