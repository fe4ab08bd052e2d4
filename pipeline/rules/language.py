"""The rule languages as a configuration names them."""

from __future__ import annotations

import importlib
from typing import Any

from pipeline.errors import RuleError
from pipeline.languages.condition import Condition

MODULES = {
    "filter_pattern": "filter_pattern",
    "event_names": "event_names",
    "event_pattern": "event_pattern",
    "sigma": "sigma",
    "jq_match": "jq",
    "python": "python_expression",
}
"""Configuration key -> module of `pipeline.languages`. Each is imported when a rule first needs it."""

_TAKES: dict[str, tuple[type, ...]] = {"event_names": (list,), "event_pattern": (str, dict)}


def compile_condition(key: str, source: Any) -> Condition:
    """Compile a rule's text, or for `event_names` its list; raises RuleError."""
    takes = _TAKES.get(key, (str,))
    if not isinstance(source, takes):
        hint = f'write {key} = ["{source}"]' if takes == (list,) and isinstance(source, str) else ""
        raise RuleError(f"must be {_described(takes)}", hint=hint)
    condition: Condition = importlib.import_module(f"pipeline.languages.{MODULES[key]}").parse(source)
    return condition


def _described(takes: tuple[type, ...]) -> str:
    words: dict[type, str] = {str: "a string", list: "a list of strings", dict: "a table"}
    return " or ".join(words[kind] for kind in takes)
