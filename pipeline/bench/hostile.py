"""Fuzz: no message, however it is written, is matched otherwise than the plain walk over `json.loads` of it matches.

    python -m pipeline.bench.hostile [--messages N] [--seed N]

The rules ask for everything a tree can ask, over few keys and texts, so that the messages meet them. The messages are
events damaged, escaped, respaced, retyped, nested, said twice, with lone surrogates and numbers beyond any type; half
of them still carry what some rule looks for. What the standard library cannot read, without its limits on digits and
depth, must raise DecodeError here, and nothing else may. Prints the first disagreement and exits with 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pipeline.checks import AnyCheck, Cidr, Contains, Exists, Glob, InRange, Is, IsType, OneOf, Prefix, Suffix, regex
from pipeline.decode.json_text import MAX_DIGITS
from pipeline.errors import DecodeError
from pipeline.languages.condition import Condition
from pipeline.predicate import CHILD, RAW, SPREAD, All, AnyOf, Node, Not, Path, Same, Some, Test, holds
from pipeline.rules.matcher import Matcher
from pipeline.rules.rule import Rule, RuleFacts, RuleSet

KEYS = ("eventName", "userIdentity", "type", "a", "é", "requestParameters", "resources", "k.x", "")
TEXTS = (
    "StopLogging",
    "stoplogging",
    "Stop",
    "Root",
    "",
    "ß",
    "SS",
    "10.0.0.1",
    "1",
    "é",
    "\ud800",
    "a\ud800b",
    "DeleteTrail",
)
ODD = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-0", "-0.0", "1E2", "1.0", "0.1", "123456789012345678901234567890"),
    *("null", "true", "[]", "{}", "[[[[]]]]", '"\\ud83d\\ude00"', '"\\udc00\\ud800"', "1" * 5000, '[null,1,"Root"]'),
)
WRAPS = 1_200
"""Levels: more than Python 3.11 reads by itself, fewer than 3.12 can be brought to read (1,500, built in)."""
SPACES = ("", "", "", " ", "\n", "\t\r\n ")
RULES_EACH = 60
"""Rules in a set; a new set is made every so often, for compiling costs more than matching."""
MESSAGES_EACH = 2_000


def run(messages: int, seed: int) -> str | None:
    """Match that many messages; return the first disagreement, None if there is none."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for done in range(0, messages, MESSAGES_EACH):
        trees = [tree(chance, 3) for _ in range(RULES_EACH)]
        matcher = Matcher(RuleSet(tuple(_rule(i, found) for i, found in enumerate(trees))))
        for _ in range(min(MESSAGES_EACH, messages - done)):
            raw = message(chance)
            expected, found = plain(trees, raw), matched(matcher, raw)
            if expected != found:
                odd = [str(trees[i]) for i in set(expected or ()) ^ set(found or ())]
                return f"{raw!r}\nby the plain walk: {expected}\nby the matcher: {found}\n" + "\n".join(odd)
    return None


def plain(trees: list[Node], raw: str) -> list[int] | None:
    """Return the rules that match by the plain walk; None where the standard library finds no object."""
    try:
        event = _unlimited(raw)
    except ValueError:
        return None
    return [i for i, found in enumerate(trees) if holds(found, event, raw)] if isinstance(event, dict) else None


def _unlimited(raw: str) -> Any:
    """Read with the standard library, but for its limits: longer integers are beyond any double."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 4 * WRAPS))
    try:
        return json.loads(raw, parse_int=lambda digits: int(digits) if len(digits) <= MAX_DIGITS else float(digits))
    finally:
        sys.setrecursionlimit(limit)


def matched(matcher: Matcher, raw: str) -> list[int] | None:
    """Return the rules that match by the matcher; None where it raises DecodeError."""
    try:
        return [int(match.rule.name) for match in matcher.match_message(raw).matches]
    except DecodeError:
        return None


def message(chance: random.Random) -> str:
    """Write an event as text, in one of very many ways, some of which are no JSON at all."""
    text = _object(chance, 0)
    if chance.random() < 0.1:  # noqa: PLR2004
        text = _damaged(chance, text)
    return chance.choice(SPACES) + text + chance.choice(SPACES)


def _damaged(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    ways: list[Callable[[], str]] = [
        lambda: text[:place],
        lambda: text[:place] + chance.choice('",:{}[]\\\x00\ud800é1-\ufeff') + text[place:],
        lambda: text[:place] + text[place + 1 :],
        lambda: text + chance.choice(("x", "{}", ",", "\x00", "]")),
        lambda: "[" + text + "]",
        lambda: text.replace('"', "'", 1),
        lambda: '{"a":' * WRAPS + text + "}" * WRAPS,
    ]
    return chance.choice(ways)()


def _object(chance: random.Random, depth: int) -> str:
    members = [
        f"{_key(chance)}{_space(chance)}:{_space(chance)}{_value(chance, depth)}" for _ in range(chance.randint(0, 5))
    ]
    return "{" + _space(chance) + f"{_space(chance)},{_space(chance)}".join(members) + "}"


def _key(chance: random.Random) -> str:
    return _string(chance, chance.choice(KEYS))


def _value(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if kind < 0.2 and depth < 4:  # noqa: PLR2004
        return _object(chance, depth + 1)
    if kind < 0.35 and depth < 4:  # noqa: PLR2004
        return "[" + ",".join(_value(chance, depth + 1) for _ in range(chance.randint(0, 3))) + _space(chance) + "]"
    if kind < 0.5:  # noqa: PLR2004
        return chance.choice(ODD)
    return _string(chance, chance.choice(TEXTS))


def _string(chance: random.Random, text: str) -> str:
    """Write a string plainly, or with some or all characters as escapes; a lone surrogate in either way."""
    written = "".join(
        f"\\u{ord(c):04x}" if (0xD800 <= ord(c) < 0xE000 and chance.random() < 0.8) or chance.random() < 0.05 else c  # noqa: PLR2004
        for c in text
    )
    return f'"{written}"'


def _space(chance: random.Random) -> str:
    return chance.choice(SPACES)


def tree(chance: random.Random, depth: int) -> Node:
    """Make a random tree."""
    kind = chance.randrange(10) if depth else 9
    if kind in (0, 1):
        return All(tuple(tree(chance, depth - 1) for _ in range(chance.randint(1, 3))))
    if kind in (2, 3):
        return AnyOf(tuple(tree(chance, depth - 1) for _ in range(chance.randint(1, 3))))
    if kind == 4:  # noqa: PLR2004
        return Not(tree(chance, depth - 1))
    if kind == 5:  # noqa: PLR2004
        return Some(path(chance), tree(chance, depth - 1))
    if kind == 6 and chance.random() < 0.3:  # noqa: PLR2004
        return Same(path(chance), path(chance), fold=chance.random() < 0.5)  # noqa: PLR2004
    return Test(RAW if chance.random() < 0.05 else path(chance), check(chance))  # noqa: PLR2004


def path(chance: random.Random) -> Path:
    """Make a random path."""
    steps = [chance.choice((*KEYS, *KEYS, 0, CHILD, SPREAD)) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    return (chance.choice((*KEYS, *KEYS, *KEYS, CHILD)), *steps)


def check(chance: random.Random) -> AnyCheck:
    """Make a random check."""
    text, fold, numbers = chance.choice(TEXTS), chance.random() < 0.3, chance.random() < 0.3  # noqa: PLR2004
    bound = Decimal(chance.choice(("0", "1", "0.1", "123456789012345678901234567890", "100")))
    makers: list[Callable[[], AnyCheck]] = [
        Exists,
        lambda: IsType(frozenset({chance.choice(("string", "number", "boolean", "null", "array", "object"))})),
        lambda: Is(chance.choice((None, True, False))),
        lambda: InRange(low=bound, high=chance.choice((None, bound))),
        lambda: OneOf(texts=frozenset({text, chance.choice(TEXTS)}), fold=fold, numbers=numbers),
        lambda: OneOf(texts=frozenset({text}), fold=fold, numbers=numbers),
        lambda: Prefix(text=text[:2], fold=fold, numbers=numbers),
        lambda: Suffix(text=text[-2:], fold=fold, numbers=numbers),
        lambda: Contains(text=text[1:3], fold=fold, numbers=numbers),
        lambda: Glob(pieces=(text[:1], text[2:3], ""), fold=fold, numbers=numbers),
        lambda: regex(chance.choice(("^S", "g$", "[a-z]+o", "(?i)ROOT", "\\d")), fold=fold, numbers=numbers),
        lambda: Cidr(chance.choice(("10.0.0.0/8", "10.0.0.1/32", "::/0"))),
    ]
    return chance.choice(makers)()


def _rule(number: int, found: Node) -> Rule:
    return Rule(RuleFacts(str(number)), Condition(found), "", "", "")


def main(arguments: list[str]) -> int:
    """Fuzz for as long as asked; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bench.hostile", description=str(__doc__))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args(arguments)
    print(f"{options.messages:,} messages, seed {options.seed}", file=sys.stderr)
    disagreement = run(options.messages, options.seed)
    print(disagreement or "no disagreement")
    return 1 if disagreement else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
