"""The tables of docs/packs.md, made from the packs themselves and from the simulated attacks in ../shared.

`python tests/conformance/packs_tables.py` writes them into the document; test_packs_document.py holds it to them.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.event.actor import resolve_actor
from pipeline.rules import ruleset
from pipeline.rules.matcher import Match, Matcher
from pipeline.rules.rule import Rule, RuleFacts, RuleSet, Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "packs.md"
SHARED = ROOT.parent / "shared" / "data" / "cloudtrail"
PACKS = ("baseline", "cis", "baseline-classic")
ATTACKS = {
    "attack_simulation": "an account under attack, 55 minutes",
    "stratus_detonations": "one technique after another",
}
WINDOW_S = Settings().group_window_s


def tables() -> dict[str, str]:
    """Return every table that can be made here, by the name of its place in the document."""
    made = {pack: rule_table(ruleset.read_pack(pack)) for pack in PACKS}
    return made | ({"loudness": loudness_table(), "techniques": technique_table()} if SHARED.is_dir() else {})


def filled(document: str) -> str:
    """Return the document with its tables as they are now."""
    for name, table in tables().items():
        start, end = f"<!-- table: {name} -->\n", "<!-- end of table -->"
        before, _, rest = document.partition(start)
        after = rest.partition(end)[2]
        document = f"{before}{start}{table}{end}{after}"
    return document


def rule_table(rules: Iterable[Rule]) -> str:
    """One row a rule; its exclusions are the names of its quiet tests, near misses apart."""
    rows = [("Rule", "Severity", "What it tells, and why", "Stays quiet about")]
    rows += [
        (
            f"**{rule.name}**<br>{', '.join(rule.facts.tags)}",
            rule.facts.severity,
            "<br>".join([rule.facts.description + ".", *_also(rule.facts)]),
            "; ".join(test.name for test in rule.tests if not test.matches and not test.name.startswith("almost: ")),
        )
        for rule in rules
    ]
    return _markdown(rows)


def _also(facts: RuleFacts) -> Iterator[str]:
    yield f"*First:* {facts.runbook}"
    if facts.false_positives:
        yield f"*May be:* {'; '.join(facts.false_positives)}."


def loudness_table() -> str:
    """How many events match, and how many messages that makes."""
    rows = [("Pack", *(f"`{name}`: {what}" for name, what in ATTACKS.items()))]
    rows += [(pack, *(_loudness(pack, attack) for attack in ATTACKS)) for pack in PACKS]
    return _markdown(rows)


def _loudness(pack: str, attack: str) -> str:
    events = attack_events(attack)
    matches = attack_matches(pack, attack)
    messages = sum(len(opened(group)) for group in _by_rule(matches).values())
    return f"{len(events)} events, {len(matches)} matches, {messages} messages"


def technique_table() -> str:
    """Which calls of the simulated attacks each rule of the baseline tells."""
    rows = [("Rule", "Calls it matched", "Messages")]
    both = {attack: _by_rule(attack_matches("baseline", attack)) for attack in ATTACKS}
    for rule in ruleset.read_pack("baseline"):
        found = [by_rule[rule.name] for by_rule in both.values() if rule.name in by_rule]
        if found:
            calls = Counter(match.event["eventName"] for matches in found for match in matches)
            shown = ", ".join(f"{name} {count}" if count > 1 else name for name, count in sorted(calls.items()))
            rows.append((rule.name, shown, str(sum(len(opened(matches)) for matches in found))))
    return _markdown(rows)


def attack_events(attack: str) -> list[dict[str, Any]]:
    """Read the events of one set, in the order in which they happened."""
    records: list[dict[str, Any]] = json.loads(gzip.decompress((SHARED / f"{attack}.json.gz").read_bytes()))["Records"]
    return sorted(records, key=lambda event: str(event["eventTime"]))


def attack_matches(pack: str, attack: str) -> list[Match]:
    """Match one set against one pack."""
    matcher = Matcher(RuleSet(rules=ruleset.read_pack(pack)))
    return [match for event in attack_events(attack) for match in matcher.match(event)]


def opened(matches: list[Match]) -> list[Match]:
    """Return the matches of one rule that open a message; the others are below its threshold, or repeats."""
    recent: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    windows: dict[tuple[str, ...], float] = {}
    found = []
    for match in matches:
        at_s, facts = _seconds(match.event), match.rule.facts
        if facts.threshold is not None:
            times = recent[_key(match, facts.threshold.by)]
            times[:] = [*(time for time in times if at_s - time < facts.threshold.within_s), at_s]
            if len(times) < facts.threshold.count:
                continue
        key = _key(match, facts.group_by)
        if at_s >= windows.get(key, 0):
            windows[key] = at_s + WINDOW_S
            found.append(match)
    return found


def _by_rule(matches: Iterable[Match]) -> dict[str, list[Match]]:
    by_rule: defaultdict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_rule[match.rule.name].append(match)
    return dict(by_rule)


def _key(match: Match, fields: Iterable[str]) -> tuple[str, ...]:
    event = match.event
    values = {
        "rule": match.rule.name,
        "account": str(event.get("recipientAccountId")),
        "actor": resolve_actor(event).group,
        "eventName": str(event.get("eventName")),
        "sourceIPAddress": str(event.get("sourceIPAddress")),
    }
    return tuple(values[field] for field in fields)


def _seconds(event: dict[str, Any]) -> float:
    return dt.datetime.fromisoformat(event["eventTime"]).timestamp()


def _markdown(rows: Sequence[tuple[str, ...]]) -> str:
    head, *body = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows]
    return "".join([head, "|" + "---|" * len(rows[0]) + "\n", *body])


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text()))
