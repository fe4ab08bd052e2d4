"""What a filter pattern means, in plain words, and where it may surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.languages.filter_pattern.json_traps import json_traps
from pipeline.languages.filter_pattern.pattern import FilterPattern, parse, read
from pipeline.languages.filter_pattern.selectors import write_selector
from pipeline.languages.filter_pattern.syntax import (
    And,
    AnyFields,
    Comparison,
    Expression,
    Field,
    IsValue,
    JsonForm,
    Leaf,
    NotExists,
    Number,
    Or,
    RegexText,
    SpaceForm,
    Syntax,
    Terms,
    Text,
    Value,
    WholeRegex,
)
from pipeline.languages.filter_pattern.traps import Trap, regex_traps, space_traps, terms_traps, text_traps
from pipeline.languages.filter_pattern.values import wildcards
from pipeline.predicate import CHILD, Path

FormName = Literal["terms", "regex", "json", "space-delimited"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A pattern in plain words."""

    form: FormName
    canonical: str
    """The pattern as Trailwire writes it; it means the same."""
    meaning: str
    """What it matches; several lines where it has several conditions."""
    traps: tuple[Trap, ...] = ()

    def __str__(self) -> str:
        """Write the meaning and below it each trap."""
        lines = [self.meaning]
        for trap in self.traps:
            lines.append(f"{trap.severity}: {trap.message} [{trap.code}]")
            lines += [f"  hint: {trap.hint}"] if trap.hint else []
        return "\n".join(lines)


def explain(pattern: str | FilterPattern) -> Explanation:
    """Explain a pattern, given as text or parsed; raises PatternError for a text that is none."""
    parsed = pattern if isinstance(pattern, FilterPattern) else parse(pattern)
    syntax, unclear = read(parsed.text)
    traps = [*text_traps(parsed.text, syntax, unclear), *_traps(syntax)]
    return Explanation(_form(syntax), str(parsed), "\n".join(_meaning(syntax)), tuple(dict.fromkeys(traps)))


def _form(syntax: Syntax) -> FormName:
    match syntax:
        case Terms():
            return "terms"
        case WholeRegex():
            return "regex"
        case JsonForm():
            return "json"
        case SpaceForm():
            return "space-delimited"


def _traps(syntax: Syntax) -> Iterator[Trap]:
    match syntax:
        case Terms():
            return terms_traps(syntax)
        case WholeRegex():
            return regex_traps(syntax)
        case JsonForm():
            return json_traps(syntax)
        case SpaceForm():
            return space_traps(syntax)


def _meaning(syntax: Syntax) -> Iterator[str]:
    match syntax:
        case Terms():
            yield _say_terms(syntax)
        case WholeRegex(source):
            yield f"Matches a message in which the regex /{source}/ is found, in this case of letters."
        case JsonForm(expression):
            yield "Matches a message that is one JSON object and nothing else, in which"
            yield from _say_expression(expression, 1, _say_condition)
        case SpaceForm(entries):
            yield from _say_entries(entries)


def _say_terms(form: Terms) -> str:
    signs = {term.sign for term in form.terms}
    if not signs:
        return "Matches every message."
    if signs == {"?"}:
        return f"Matches a message that contains {_listed(form, '?', 'or')}, in this case of letters."
    parts = []
    if "" in signs:
        parts.append(f"contains {_listed(form, '', 'and')}")
    if "-" in signs:
        parts.append(f"does not contain {_listed(form, '-', 'or')}")
    return f"Matches a message that {' and '.join(parts)}, in this case of letters."


def _listed(form: Terms, sign: str, joiner: str) -> str:
    return f" {joiner} ".join(f'"{term.text}"' for term in form.terms if term.sign == sign)


def _say_expression(expression: Expression, level: int, say: Callable[[Leaf], str]) -> Iterator[str]:
    indent = "  " * level
    match expression:
        case And(parts) | Or(parts):
            yield f"{indent}{'all of these hold' if isinstance(expression, And) else 'at least one of these holds'}:"
            for part in parts:
                yield from _say_expression(part, level + 1, say)
        case Comparison() | IsValue() | NotExists():
            yield f"{indent}- {say(expression)}"


def _say_condition(leaf: Leaf) -> str:
    selector = write_selector(leaf.path)
    some = f"some {selector}" if CHILD in leaf.path else selector
    match leaf:
        case NotExists():
            return f"nothing is at {selector}" if CHILD in leaf.path else f"{selector} is absent (null is not absent)"
        case IsValue(_, None):
            return f"{some} is null" + ("" if CHILD in leaf.path else ", or an array with a null in it")
        case IsValue(_, value):
            return f"{some} is the JSON boolean {str(value).lower()}"
        case Comparison(path, "!=", value):
            return _say_unequal(path, value)
        case Comparison(_, operator, value):
            return f"{some} {_say_value(operator, value)}"


def _say_unequal(path: Path, value: Value) -> str:
    said = _say_value("=", value)
    if CHILD not in path:
        return f"{write_selector(path)} is there as a string or number, and it is not so that it {said}"
    before = path[: path.index(CHILD)]
    there = f"{write_selector(before)} is there, and " if before else ""
    return f"{there}no {write_selector(path)} {said}"


def _say_value(operator: str, value: Value) -> str:
    match value:
        case Number(literal) if operator == "=":
            return f'is the number {literal} or the text "{literal}"'
        case Number(literal):
            words = {"<": "less than", "<=": "at most", ">": "greater than", ">=": "at least"}
            return f"is a number {words[operator]} {literal}"
        case RegexText(source):
            return f"has a match of the regex /{source}/"
        case Text(text):
            return _say_text(text)


def _say_text(text: str) -> str:
    leading, core, trailing = wildcards(text)
    if not core:
        return "is any string or number"
    if leading:
        return f'contains "{core}"' if trailing else f'ends with "{core}"'
    return f'begins with "{core}"' if trailing else f'is "{core}"'


def _say_entries(entries: tuple[Field | AnyFields, ...]) -> Iterator[str]:
    if all(isinstance(entry, AnyFields) for entry in entries):
        yield "Matches every message."
        return
    yield "Matches a line whose fields, separated by blanks, are"
    for entry in entries:
        match entry:
            case AnyFields():
                yield "  - any number of fields, or none"
            case Field(name, None):
                yield f'  - "{name}": anything' if name else "  - anything"
            case Field(name, condition):
                assert condition
                yield f'  - "{name}", for which'
                yield from _say_expression(condition, 2, _say_field)
    if not any(isinstance(entry, AnyFields) for entry in entries):
        yield "The last of them takes the whole rest of the line."


def _say_field(leaf: Leaf) -> str:
    match leaf:
        case Comparison(_, "!=", value):
            return f"it is not so that it {_say_value('=', value)}"
        case Comparison(_, operator, value):
            return f"it {_say_value(operator, value)}"
        case IsValue() | NotExists():
            raise AssertionError(leaf)
