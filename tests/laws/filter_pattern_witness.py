"""A second reading of the filter pattern language, for the laws: naive, slow, and without a line of the package's code.

Conditions are plain tuples: (steps, (operator, kind, literal)), where steps are `.name`, `.['name']`, `[0]`, `[*]` or
`.*`, and kind is `text`, `number` or `regex`. Expressions are ("leaf", condition) or ("&&" or "||", expressions).
"""

from __future__ import annotations

import math
import re
import sys
from fractions import Fraction
from typing import Any

NUMBER_TEXTS = {
    "0": 0,
    "1": 1,
    "-1": -1,
    "12": 12,
    "1.0": 1.0,
    "0.5": 0.5,
    "1000.0": 1e3,
    "9007199254740993": 2**53 + 1,
}
"""The numbers that events of the laws have, and the texts they are compared by. Infinity stands for 1e309."""


def regexes_in(expression: Any) -> int:
    """Count the regexes, of which a pattern has two at most."""
    kind, rest = expression
    return int(rest[1][1] == "regex") if kind == "leaf" else sum(map(regexes_in, rest))


def wildcards_in(expression: Any) -> int:
    """Count the wildcard selectors, of which a pattern has three at most."""
    kind, rest = expression
    return sum("*" in step for step in rest[0]) if kind == "leaf" else sum(map(wildcards_in, rest))


def written(expression: Any, subject: Any) -> str:
    """Write an expression as a pattern would have it."""
    kind, rest = expression
    if kind != "leaf":
        return f" {kind} ".join(f"({written(part, subject)})" for part in rest)
    operator, value_kind, literal = rest[1]
    if value_kind == "text":
        literal = '"' + literal.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{subject(rest[0])} {operator} {f'%{literal}%' if value_kind == 'regex' else literal}"


def decided(expression: Any, leaf: Any) -> bool:
    """Combine the verdicts of the leaves."""
    kind, rest = expression
    if kind == "leaf":
        return bool(leaf(rest))
    return (all if kind == "&&" else any)([decided(part, leaf) for part in rest])


# ---- conditions on JSON

MISSING = object()


def found(steps_: list[str], value: Any) -> list[Any]:
    """Return the nodes a selector finds."""
    if not steps_:
        return [value]
    step, rest = steps_[0], steps_[1:]
    if "*" in step:
        children = list(value.values()) if type(value) is dict else value if type(value) is list else []
        return [node for child in children for node in found(rest, child)]
    child = MISSING
    if step.startswith("["):
        index = int(step[1:-1])
        child = value[index] if type(value) is list and index < len(value) else MISSING
    elif type(value) is dict:
        child = value.get(step[3:-2] if step.startswith(".[") else step[1:], MISSING)
    return [] if child is MISSING else found(rest, child)


def text_of(node: Any) -> str | None:
    """Return the text that a string or number is compared by."""
    if type(node) is str:
        return node
    if type(node) not in (int, float):
        return None
    return next((text for text, number in NUMBER_TEXTS.items() if repr(number) == repr(node)), "inf")


def equal(kind: str, literal: str, node: Any) -> bool:
    """Tell whether a node equals a value."""
    text = text_of(node)
    if text is None:
        return False
    if kind == "regex":
        return re.search(literal, text) is not None
    if kind == "number":
        return node == literal if type(node) is str else node != math.inf and Fraction(node) == Fraction(literal)
    begins, ends = literal.startswith("*"), literal.endswith("*") and literal != "*"
    core = literal[begins : len(literal) - ends]
    tests = {(0, 0): text == core, (1, 0): text.endswith(core), (0, 1): text.startswith(core), (1, 1): core in text}
    return tests[begins, ends]


def ordered(operator: str, literal: str, node: Any) -> bool:
    """Tell whether a node stands in this order to a number."""
    if type(node) not in (int, float) or node == math.inf:
        return False
    left, right = Fraction(node), Fraction(literal)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def condition_holds(condition: Any, event: Any) -> bool:
    """Decide one condition by the truth tables."""
    steps_, (operator, kind, literal) = condition
    nodes = found(steps_, event)
    place = next((place for place, step in enumerate(steps_) if "*" in step), None)
    match operator:
        case "NOT EXISTS":
            return not nodes
        case "IS TRUE" | "IS FALSE":
            return any(node is (operator == "IS TRUE") for node in nodes)
        case "IS NULL":
            quirk = place is None and any(type(node) is list and None in node for node in nodes)
            return quirk or any(node is None for node in nodes)
        case "=":
            return any(equal(kind, literal, node) for node in nodes)
        case "!=" if place is not None:
            return bool(found(steps_[:place], event)) and not any(equal(kind, literal, node) for node in nodes)
        case "!=":
            comparable = [
                node for node in nodes if text_of(node) is not None and not (kind == "number" and node == math.inf)
            ]
            return any(not equal(kind, literal, node) for node in comparable)
        case _:
            return any(ordered(operator, literal, node) for node in nodes)


# ---- fields of a line


def split(line: str) -> list[tuple[str, int]]:
    """Split a line character by character into values and where they begin."""
    parts, place = [], 0
    while place < len(line):
        if line[place] in " \n\t":
            place += 1
            continue
        begin, closing = place, {'"': '"', "[": "]"}.get(line[place], "")
        if closing and closing in line[place + 1 :]:
            place = line.index(closing, place + 1) + 1
            parts.append((line[begin + 1 : place - 1], begin))
        else:
            while place < len(line) and line[place] not in " \n\t":
                place += 1
            parts.append((line[begin:place], begin))
    return parts


def field_holds(operand: Any, text: str) -> bool:
    """Decide one condition on a field."""
    operator, kind, literal = operand
    if kind != "number":
        return equal(kind, literal, text) is (operator == "=")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        return bool(operator == "!=")
    number = Fraction(text)
    if abs(number) > sys.float_info.max:
        return bool(operator == "=" and text == literal)
    if operator in ("=", "!="):
        return (number == Fraction(literal)) is (operator == "=")
    return ordered(operator, literal, float(number) if number.denominator > 1 else int(number))


def line_matches(found_entries: list[Any], line: str) -> bool:
    """Decide a whole line."""
    parts = split(line)
    texts = [text for text, _ in parts]
    if "..." not in found_entries and len(parts) > len(found_entries):
        last = len(found_entries) - 1
        texts = [*texts[:last], line[parts[last][1] :]]
    before = found_entries[: found_entries.index("...")] if "..." in found_entries else found_entries
    after = found_entries[len(before) + 1 :]
    if len(texts) < len(before) + len(after):
        return False
    pairs = [*zip(before, texts, strict=False), *zip(after, texts[len(texts) - len(after) :], strict=True)]
    return all(
        entry is None or decided(entry, lambda leaf, text=text: field_holds(leaf[1], text)) for entry, text in pairs
    )
