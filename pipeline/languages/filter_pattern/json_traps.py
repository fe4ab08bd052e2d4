"""Traps of the form in braces, most of them seen in published patterns for CloudTrail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipeline.languages.filter_pattern.combine import groups, leaves
from pipeline.languages.filter_pattern.selectors import write_selector
from pipeline.languages.filter_pattern.syntax import (
    And,
    Comparison,
    Expression,
    IsValue,
    JsonForm,
    Leaf,
    NotExists,
    Number,
    Or,
    Text,
)
from pipeline.languages.filter_pattern.traps import Trap, value_traps
from pipeline.languages.filter_pattern.values import wildcards
from pipeline.predicate import CHILD, Path

ALWAYS_THERE: frozenset[Path] = frozenset(
    (
        ("eventVersion",),
        ("eventTime",),
        ("eventSource",),
        ("eventName",),
        ("awsRegion",),
        ("sourceIPAddress",),
        ("eventID",),
        ("eventType",),
        ("userIdentity", "type"),
    ),
)
"""Properties every CloudTrail management event has, so that `!=` on them loses nothing."""

_BOOLEANS = frozenset(("readOnly", "managementEvent"))
_BOOLEAN_TEXTS = frozenset(("mfaAuthenticated",))
_NULLS = frozenset(("responseElements", "requestParameters"))
_ARRAYS = frozenset(("items", "resources"))
_ACCOUNTS = frozenset(("accountId", "recipientAccountId"))
_NOUNS = re.compile(
    r"(SecurityGroup|NetworkAcl|Network|Vpc|Subnet|Route|Gateway|Policy|Role|User|Group|Bucket|Object|Key|Secret|Trail"
    r"|Instance|Volume|Snapshot|Image|Function|Cluster|Table|Stack|Certificate|LoginProfile|AccessKey|LoadBalancer)"
)
_PHRASES = ("Failed authentication", "No username found in supplied account", "AWS Internal")
_STRIPPED = {phrase.replace(" ", ""): phrase for phrase in _PHRASES}


def json_traps(form: JsonForm) -> Iterator[Trap]:
    """Find the traps of a pattern in braces."""
    yield from _absent_traps(form.expression)
    for group in groups(form.expression):
        if isinstance(group, Or):
            yield from _or_traps(group, whole=group is form.expression)
        else:
            yield from _and_traps(group)
    for leaf in leaves(form.expression):
        for find in _LEAF_TRAPS:
            yield from find(leaf, write_selector(leaf.path))
        if isinstance(leaf, Comparison):
            yield from value_traps(write_selector(leaf.path), leaf)


# ---- whole groups ----


def _absent_traps(expression: Expression) -> Iterator[Trap]:
    for selector in dict.fromkeys(_unguarded(expression, frozenset())):
        message = f"{selector} != ... does not hold where {selector} is absent: such events are lost"
        hint = f"if they should match, write ({selector} NOT EXISTS) || ({selector} != ...)"
        yield Trap("ne-absent", "warning", message, hint)


def _unguarded(expression: Expression, settled: frozenset[Path]) -> Iterator[str]:
    """Yield the selectors of `!=` whose absence the pattern does not speak of, near it or around it."""
    if isinstance(expression, And | Or):
        speaks: tuple[type, ...] = (NotExists,) if isinstance(expression, Or) else (Comparison, IsValue)
        here = {part.path for part in leaf_parts(expression) if isinstance(part, speaks) and not _is_unequal(part)}
        for part in expression.parts:
            yield from _unguarded(part, settled | here)
    elif _is_unequal(expression) and CHILD not in expression.path and expression.path not in settled | ALWAYS_THERE:
        yield write_selector(expression.path)


def leaf_parts(group: And | Or) -> list[Leaf]:
    """Return the conditions that stand in a group themselves."""
    return [part for part in group.parts if not isinstance(part, And | Or)]


def _is_unequal(part: Leaf) -> bool:
    return isinstance(part, Comparison) and part.operator == "!="


def _or_traps(group: Or, *, whole: bool) -> Iterator[Trap]:
    unequal = [part for part in group.parts if isinstance(part, Comparison) and part.operator == "!="]
    selectors = [write_selector(part.path) for part in unequal]
    twice = sorted({selector for selector in selectors if selectors.count(selector) > 1})
    if twice:
        message = (
            f"{twice[0]} != a || {twice[0]} != b holds for nearly every value: whatever it is, it differs from one"
        )
        yield Trap("always-true", "warning", message, "join exclusions with &&")
        return
    absent = {part.path for part in group.parts if isinstance(part, NotExists)}
    lone = [write_selector(part.path) for part in unequal if part.path not in absent]
    if lone and whole:
        message = f"the alternative {lone[0]} != ... alone makes nearly every event match"
        yield Trap("or-not-equal", "warning", message, "an exclusion is joined to the rest with &&")


def _and_traps(group: And) -> Iterator[Trap]:
    wanted: dict[Path, str] = {}
    for part in group.parts:
        match part:
            case Comparison(path, "=", Text(text)) if CHILD not in path and "*" not in text:
                if wanted.setdefault(path, text) != text:
                    message = f'{write_selector(path)} cannot be both "{wanted[path]}" and "{text}"'
                    yield Trap("never", "warning", message, "alternatives are joined with ||")


# ---- single conditions ----


def _boolean(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(path, _, Text(("true" | "false") as word)) if path[-1] not in _BOOLEAN_TEXTS:
            known = path[-1] in _BOOLEANS
            message = f'{selector} is compared with the text "{word}", and a JSON boolean is never equal to one'
            what = "this never holds" if known else "this fails if it is a boolean"
            hint = f"write {selector} IS {word.upper()}"
            yield Trap("boolean-as-text", "warning" if known else "note", f"{message}: {what}", hint)
        case IsValue(path, bool(value)) if path[-1] in _BOOLEAN_TEXTS:
            message = f"{selector} is a text in CloudTrail, so IS {str(value).upper()} never holds"
            yield Trap("text-as-boolean", "warning", message, f'write {selector} = "{str(value).lower()}"')


def _null(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case NotExists(path) if path[-1] in _NULLS:
            message = f"{selector} exists in every event that has it as null, so NOT EXISTS rarely holds"
            yield Trap("null-exists", "warning", message, f"write {selector} IS NULL")
        case IsValue(path, None) if path[-1] not in _NULLS and CHILD not in path:
            message = f"{selector} IS NULL does not hold where it is absent, and holds for an array with a null in it"
            yield Trap("null-not-absent", "note", message, f"for an absent one write {selector} NOT EXISTS")


def _exists(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(_, "=", Text(text)) if not wildcards(text)[1]:
            message = f"{selector} = * holds for strings and numbers only, not for booleans, null, objects and arrays"
            yield Trap("star-exists", "note", message)


def _wildcard(leaf: Leaf, selector: str) -> Iterator[Trap]:
    if CHILD not in leaf.path:
        return
    if isinstance(leaf, Comparison) and leaf.operator == "!=":
        message = f"{selector} != ... holds if no child is equal, also where there are no children at all"
        yield Trap("wildcard-not-equal", "note", message)
    if isinstance(leaf, NotExists):
        yield Trap("wildcard-not-exists", "note", f"{selector} NOT EXISTS holds for anything that has no children")


def _array(leaf: Leaf, selector: str) -> Iterator[Trap]:
    for step, following in zip(leaf.path, leaf.path[1:], strict=False):
        if step in _ARRAYS and isinstance(following, str):
            message = f'"{step}" is an array in CloudTrail, and {selector} does not look into its elements'
            yield Trap("array-skipped", "warning", message, f"write {step}[*].{following} or {step}[0].{following}")


def _account(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(path, operator, Number(literal)) if path[-1] in _ACCOUNTS:
            if operator in ("=", "!="):
                message = f"{selector} is a text in CloudTrail; an unquoted number equals only exactly these digits"
                yield Trap("account-as-number", "note", message, f'write "{literal}" in quotes')
            else:
                message = f"{selector} is a text in CloudTrail, so it is never {operator} a number"
                yield Trap("account-as-number", "warning", message, "compare it with = and quotes")


def _address(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(path, operator, Text(text)) if path[-1] == "sourceIPAddress" and re.match(r"[\d.:]+\*\Z", text):
            message = f"{selector} {operator} {text} compares texts, not networks"
            if operator == "!=":
                message += "; it also holds for calls by AWS services, whose address is a name"
            yield Trap("address-is-text", "note", message)


def _event_name(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(("eventName",), operator, Text(text)) if text.endswith("*") and _NOUNS.match(text):
            message = f'{selector} {operator} "{text}": event names begin with a verb, and this has no * in front'
            yield Trap("missing-star", "warning", message, f'write "*{text}"')


def _lost_blanks(leaf: Leaf, selector: str) -> Iterator[Trap]:
    match leaf:
        case Comparison(_, _, Text(text)) if text.strip("*") in _STRIPPED:
            phrase = _STRIPPED[text.strip("*")]
            message = f'{selector} is never "{text}": the blanks inside the quotes are lost'
            yield Trap("lost-blanks", "warning", message, f'write "{phrase}"')


_LEAF_TRAPS: tuple[Callable[[Leaf, str], Iterator[Trap]], ...] = (
    _boolean,
    _null,
    _exists,
    _wildcard,
    _array,
    _account,
    _address,
    _event_name,
    _lost_blanks,
)
