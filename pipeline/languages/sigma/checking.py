"""What pySigma would not say of a Sigma rule, not say where, or not say so that its author knows what to do."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from pipeline.checks import regex
from pipeline.errors import RuleError, did_you_mean
from pipeline.languages.sigma.documents import Document, Keys
from pipeline.languages.sigma.values import field_tree, keyword_tree

REFUSALS = (ValueError, TypeError, AttributeError)
"""How pySigma refuses: its errors are ValueErrors, and values of a type it does not expect fail where they are used."""

_COUNT_INSTEAD = "leave the file out, and count with the threshold of a [[rule]]: { count = 20, within_s = 300 }"
_NOT_RULES = {
    "correlation": ("correlation rules count events over time, which one event cannot answer", _COUNT_INSTEAD),
    "filter": ("Sigma filters are not supported; write an [[ignore]]", ""),
}
_WORDS = re.compile(r"\b(AND|OR|NOT|OF|ALL|ANY|THEM)\b")
_SOME_NUMBER = re.compile(r"\b(?!1\b)\d+ +of\b", re.IGNORECASE)


def check(document: Document) -> None:
    """Raise RuleError, with a line, where the document is not a rule about one CloudTrail event."""
    _check_kind(document)
    detections = document.content["detection"]
    if not isinstance(detections, dict):
        raise RuleError("`detection` is a mapping", line=document.line("detection"))
    if "timeframe" in detections:
        raise RuleError(
            "`timeframe` counts events over time, which one event cannot answer",
            line=document.line("detection", "timeframe"),
            hint=f"without it this is a rule for each event; else {_COUNT_INSTEAD}",
        )
    if "condition" not in detections:
        raise RuleError("`detection` needs a `condition`", line=document.line("detection"))
    _check_conditions(detections["condition"], detections, document.line("detection", "condition"))
    for name, detection in detections.items():
        if name != "condition":
            _check_detection(document, ("detection", name), detection)


def _check_kind(document: Document) -> None:
    for key, (reason, hint) in _NOT_RULES.items():
        if key in document.content:
            raise RuleError(f"this is not a rule about one event: {reason}", line=document.line(key), hint=hint)
    for key in ("title", "logsource", "detection"):
        if key not in document.content:
            raise RuleError(f"a Sigma rule needs `{key}`", line=document.line())
    source = document.content["logsource"]
    if not isinstance(source, dict) or (source.get("product"), source.get("service")) != ("aws", "cloudtrail"):
        raise RuleError(
            "the log source is not CloudTrail",
            line=document.line("logsource"),
            hint="logsource needs product: aws and service: cloudtrail",
        )


def _check_conditions(condition: Any, detections: dict[str, Any], line: int) -> None:
    conditions = condition if isinstance(condition, list) else [condition]
    if not conditions:
        raise RuleError("`condition` is an empty list", line=line)
    for one in conditions:
        if not isinstance(one, str):
            raise RuleError("a `condition` is a text", line=line, hint="such as: selection and not filter")
        _check_condition(one, detections, line)


def _check_condition(condition: str, detections: dict[str, Any], line: int) -> None:
    before, pipe, after = condition.partition("|")
    if pipe:
        reason = f"`| {after.strip()}` counts or relates events over time, which one event cannot answer"
        hint = f"`condition: {before.strip()}` is a rule for each event; else {_COUNT_INSTEAD}"
        raise RuleError(reason, line=line, hint=hint)
    for word in _WORDS.findall(condition):
        if word not in detections:
            raise RuleError(f"`{word}` in a condition is written {word.lower()}", line=line)
    if number := _SOME_NUMBER.search(condition):
        raise RuleError(f"`{number[0]}` is not supported", line=line, hint="known are 1 of, any of and all of")


def _check_detection(document: Document, keys: Keys, detection: Any) -> None:
    """Check a mapping of fields, or a list of mappings and keywords, item by item, so that a mistake has a line."""
    if isinstance(detection, list):
        if not detection:
            raise RuleError(f"`{keys[-1]}` is empty", line=document.line(*keys))
        for index, item in enumerate(detection):
            _check_detection(document, (*keys, index), item)
    elif isinstance(detection, dict):
        if not detection:
            raise RuleError(f"`{keys[-1]}` is empty", line=document.line(*keys))
        for key, value in detection.items():
            _check_item(document, (*keys, str(key)), key, value)
    else:
        _check_item(document, keys, None, detection)


def _check_item(document: Document, keys: Keys, key: Any, value: Any) -> None:
    from sigma.rule import SigmaDetectionItem

    line = document.line(*keys)
    if key is not None and not isinstance(key, str):
        raise RuleError(f"the field name {key!r} is not a text", line=line, hint="put it in quotes")
    try:
        modifiers = key.split("|")[1:] if key is not None else []
        _check_values(value)
        _check_modifiers(modifiers, value)
        item = SigmaDetectionItem.from_mapping(key, value)
        for one in item.value:
            keyword_tree(one) if item.field is None else field_tree(item.field, one)
    except REFUSALS as error:
        raise RuleError(str(error), line=line, hint=_hint(value)) from error
    except RuleError as error:
        raise RuleError(error.message, line=line, hint=error.hint) from error


def _hint(value: Any) -> str:
    """What mends most of what pySigma refuses: a number or boolean where a modifier wants a text."""
    values = value if isinstance(value, list) else [value]
    return "put it in quotes" if any(isinstance(one, bool | int | float) for one in values) else ""


def _check_values(value: Any) -> None:
    """Refuse values that no event is compared with."""
    if isinstance(value, list) and not value:
        raise RuleError("an empty list of values", hint="a field that must be missing is written `field: null`")
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dt.date):
            raise RuleError(f"YAML reads {one} as a date", hint=f"put it in quotes: '{one}'")
        if isinstance(one, dict | list):
            kind = "a mapping" if isinstance(one, dict) else "a list in a list"
            raise RuleError(f"{kind} is not a value", hint="fields inside fields are written with dots, `a.b: value`")


def _check_modifiers(modifiers: list[str], value: Any) -> None:
    """Refuse modifiers that do not exist, and combinations whose meaning would get lost."""
    from sigma.modifiers import modifier_mapping

    for modifier in modifiers:
        if modifier not in modifier_mapping:
            hint = did_you_mean(modifier, modifier_mapping, cutoff=0.7) or "docs/sigma.md lists those that are known"
            raise RuleError(f"unknown modifier `{modifier}`", hint=hint)
    if {"cased", "fieldref"} <= {*modifiers}:
        raise RuleError("`cased` has no effect on `fieldref`")
    if "re" in modifiers:
        if {"startswith", "endswith"} & {*modifiers}:
            raise RuleError("`startswith` and `endswith` have no effect on `re`", hint="write ^ and $ in the regex")
        _check_regexes(value)


def _check_regexes(value: Any) -> None:
    """Refuse what google-re2 refuses before pySigma tries it, which would log it."""
    for pattern in value if isinstance(value, list) else [value]:
        if not isinstance(pattern, str):
            raise RuleError(f"the regex {pattern!r} is not a text", hint="put it in quotes")
        try:
            regex(pattern)
        except ValueError as error:
            hint = "lookaround and backreferences are not supported"
            raise RuleError(f"the regex {pattern!r} is not supported: {error}", hint=hint) from error
