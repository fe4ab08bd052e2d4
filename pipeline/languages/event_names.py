"""Lists of event names: the simplest rule. `StopLogging` is that name, `Delete*` every name that begins so.

A `*` stands for any text, none included, a `?` for any one character. Names are case-sensitive, as CloudTrail's are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.checks import AnyCheck, like, one_of, regex
from pipeline.errors import RuleError
from pipeline.languages.condition import Condition
from pipeline.predicate import Test, any_of

_PATH = ("eventName",)
_GLOB = re.compile(r"[*?]")
_NO_NAME = re.compile(r"[\[\]{}(),;|\"']")
"""What stands in no event name, but in lists and in other tools' globs."""


def parse(names: Sequence[str]) -> Condition:
    """Compile a list of event names, any of which matches; raises RuleError if it is empty or has no names in it."""
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise RuleError("event_names is a list of names", hint='write event_names = ["StopLogging"]')
    if not names:
        raise RuleError("event_names is empty, so the rule would never match", hint='name one, as in ["StopLogging"]')
    for number, name in enumerate(names, start=1):
        _check(name, number)
    exact = [name for name in names if not _GLOB.search(name)]
    checks: list[AnyCheck] = [one_of(*exact)] if exact else []
    checks += [_glob(name) for name in dict.fromkeys(names) if _GLOB.search(name)]
    return Condition(any_of(*(Test(_PATH, check) for check in checks)))


def _check(name: object, number: int) -> None:
    if not isinstance(name, str):
        raise RuleError(f"event name {number} is not a string but {name!r}", hint="put it in quotes")
    if not name.strip():
        raise RuleError(f"event name {number} is empty", hint='"*" stands for every event')
    if name != name.strip():
        raise RuleError(f"event name {number} has blanks around it: {name!r}", hint="remove them")
    if odd := _NO_NAME.search(name):
        hint = "write each name in quotes of its own; * and ? are the wildcards"
        raise RuleError(f"event name {number} has {odd[0]} in it, which no event name has: {name!r}", hint=hint)


def _glob(name: str) -> AnyCheck:
    if "?" in name:
        pattern = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in name)
        return regex(rf"(?s)\A{pattern}\z")
    return like(*name.split("*"))
