"""The usual mistakes, and what to write instead. Only the hints of errors come from here, never a decision."""

from __future__ import annotations

import re
from typing import Literal

Place = Literal["term", "selector", "step", "operator", "value", "number", "joiner", "name", "entry"]

_QUOTE_IT = "put the whole value in double quotes"
_JOIN = "conditions are joined by && and ||"
_TEXT_MATCH = 'wildcards match parts of a text: = "*part*"; a regex stands between percent signs: = %part%'

_ANYWHERE: tuple[tuple[str, str], ...] = (
    ("[\u201c\u201d\u201e\u201f\u00ab\u00bb]", 'replace the curly quotes by straight ones: "'),
    ("[\u2018\u2019\u201a]", 'replace the curly quotes by straight double quotes: "'),
    ("[\u00a0\u2007\u202f\u200b\ufeff]", "this is an invisible special blank: replace it by an ordinary one"),
)

_HINTS: dict[Place, tuple[tuple[str, str], ...]] = {
    "term": (
        (r"'", 'single quotes are no quotes: write "..."'),
        (r"\*", "a term is found anywhere in the message, so it needs no *; a literal asterisk must be quoted"),
        (r"%", "a regex must be the whole pattern, or stand in a condition: { $.name = %regex% }"),
        (r"\$", "conditions on JSON stand in braces: { $.name = value }"),
        (r"\|", "alternatives are written ?one ?two"),
        (r"&", "terms that must all occur are simply written side by side"),
        (r"=", "conditions on JSON stand in braces: { $.name = value }"),
        (r'"', "leave a blank between terms"),
        (r"[-?]\s", "the sign and its term stand together, without a blank"),
        (r"[-?]", "the sign needs a term right behind it"),
        (r"[\[\]{}]", "a pattern in brackets begins with the bracket; inside a term quote it"),
        (r"\w", "leave a blank between terms"),
        (r".", 'put the term in double quotes; only letters, digits, "_" and "." may stand without'),
    ),
    "selector": (
        (r"\$\s", "no blank behind the $: write $.name"),
        (r"\$\[['\"]", "a period comes before the bracket, and single quotes inside: $.['name']"),
        (r"\$\[", "the event is one object: begin with a property, as in $.name[0]"),
        (r"\$[^.]", "a period comes behind the $: write $.name"),
        (r"\$\Z", "name a property: $.name"),
        (r"!", "there is no negation: use != or NOT EXISTS"),
        (r"(?i:NOT)\b", "NOT stands behind the selector: $.name NOT EXISTS"),
        (r"[&|]", "a condition is missing before this"),
        (r"\)", "there is nothing inside the parentheses, or one ) too many"),
        (r"'", 'write the selector without quotes: $.name = "value"'),
        (r'"[^"]*"\s*:', "this looks like an event pattern of EventBridge: its key in a rule is event_pattern"),
        (r'"', 'write the selector without quotes: $.name = "value"'),
        (r"\.", "a selector begins with $."),
        (r"@", "a selector begins with $."),
        (r"\w", "a selector begins with $., as in $.eventName"),
        (r"\Z", "write { $.name = value }"),
    ),
    "step": (
        (r"\[?\"", "a name with special characters is written ['name'], with single quotes and a period before it"),
        (r"\['", "a period comes before the bracket: $.name.['other']"),
        (r"\[-", "indexes count from 0; there is none from the end"),
        (r"\[\]", "name an element, as in [0], or take every one with [*]"),
        (r"\[[:0-9]", "one index, as in [0], or [*] for every element"),
        (r"\.", "there is no recursive search; every name on the way must be written, or * for one level"),
        (r"\s|\Z", "a name is missing behind the period"),
    ),
    "operator": (
        (r"==", "equality is a single ="),
        (r"=~|~", "a regex is compared with =: $.name = %regex%"),
        (r"<>|=!|!\s|\u2260", "inequality is !="),
        (r"!", "inequality is !="),
        (r"\u2264|\u2265", "write <= or >="),
        (r"(?i:IS\s+NOT)\b", "IS NOT does not exist; existing text or number: = *; anything but a text: !="),
        (r"(?i:IS\s+EMPTY|IS\b)", "IS is followed by NULL, TRUE or FALSE"),
        (r"(?i:EXISTS?)\b", "only NOT EXISTS exists; for an existing text or number write = *"),
        (r"(?i:NOT\s+EXIST)\b", "write NOT EXISTS"),
        (r"(?i:NOT)\b", "write NOT EXISTS, or compare with !="),
        (r"(?i:EQ|EQUALS)\b", "equality is ="),
        (r"(?i:LIKE|CONTAINS|MATCHES|MATCH|STARTSWITH|ENDSWITH|BEGINS)\b", _TEXT_MATCH),
        (r"(?i:IN)\b", "write one comparison for each value and join them with ||"),
        (r"\[", "only [0], [1], ... and [*] follow a name; a special name is written .['name']"),
        (r"\*", "a * takes the place of a whole name: $.name.*"),
        (r"[:/@#]", "a name with special characters is written ['name'], with a period before it"),
        (r"[&|)]|\Z", "a selector alone is no condition: compare it, or write NOT EXISTS, IS NULL, IS TRUE"),
    ),
    "value": (
        (r"'", 'single quotes are no quotes: write "..."'),
        (r"=", "equality is a single ="),
        (r"~", "a regex stands between percent signs: = %regex%"),
        (r"(?i:null)\b", 'null is no value: write IS NULL, or "null" for that text'),
        (r'""', "nothing can be compared with an empty text"),
        (r'"', "the closing double quote is missing"),
        (r"\$", "a selector is compared with a value, never with another selector"),
        (r"[(\[]", "write one comparison for each value and join them with ||"),
        (r"[&|)},\]]|\Z", "a value is missing"),
        (r".", _QUOTE_IT),
    ),
    "number": (
        (r'"', "remove the quotes: order is defined for numbers only"),
        (r"%", "a regex is compared with = or !="),
        (r"=", "write >= or <= without a blank"),
        (r">", "inequality is !="),
        (r".", "order is defined for plain numbers only; compare texts with = and wildcards"),
    ),
    "joiner": (
        (r"(?i:AND)\b", "write && instead"),
        (r"(?i:OR)\b", "write || instead"),
        (r"&(?!&)", "write && instead"),
        (r"\|(?!\|)", "write || instead"),
        (r",", _JOIN),
        (r"\}", "this } is one too many, or it must be quoted"),
        (r"\)", "this ) is one too many"),
        (r"\(", _JOIN),
        (r"\$", _JOIN),
        (r"%", "a regex contains no percent sign, and nothing follows it"),
        (r'"', "nothing may follow a value but && and ||"),
        (r"\Z", "a parenthesis is not closed"),
        (r".", f"{_QUOTE_IT}, or join conditions with && and ||"),
    ),
    "name": (
        (r"\d", "a field's name begins with a letter"),
        (r"\$", "fields are named without $"),
        (r"\.\.", "three periods stand for any number of fields"),
        (r'"', 'a literal text is a condition on a field, as in word = "text"; or quote the whole pattern'),
        (r"[%*]", "name the field and compare it: word = %regex%"),
        (r".", "a field's name has letters, digits and underscores, and begins with a letter"),
    ),
    "entry": (
        (r"(?i:AND)\b", "write && instead"),
        (r"(?i:OR)\b", "write || instead"),
        (r"&(?!&)", "write && instead"),
        (r"\|(?!\|)", "write || instead"),
        (r"==", "equality is a single ="),
        (r"-", "a field's name has letters, digits and underscores; a value with a hyphen must be quoted"),
        (r"\]", "this ] is one too many, or it must be quoted"),
        (r"\w", "fields are separated by commas"),
        (r".", f"fields are separated by commas; or {_QUOTE_IT}"),
    ),
}

_COMPILED = {
    place: tuple((re.compile(pattern), hint) for pattern, hint in _ANYWHERE + hints) for place, hints in _HINTS.items()
}


def hint_at(place: Place, rest: str) -> str:
    """Return what to write instead of the text that was not expected; empty where nobody knows."""
    return next((hint for pattern, hint in _COMPILED[place] if pattern.match(rest)), "")
