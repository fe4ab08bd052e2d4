"""One line of embedded metrics for each invocation, which CloudWatch can read and whose sums agree."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.alerts.ledger import Fate, Ledger
from pipeline.runtime.metrics import MAX_COUNTED_RULES, MAX_VALUES, NAMESPACE, metrics_line
from pipeline.testing import NOON_MS


def line(ledger: Ledger) -> dict[str, Any]:
    """Write the metrics, and read them as CloudWatch does."""
    written = json.dumps(metrics_line(ledger, handler="kinesis", function="trailwire-prod-kinesis", now_ms=NOON_MS))
    assert written.isascii()
    found: dict[str, Any] = json.loads(written)
    return found


def ledger(**more: Any) -> Ledger:
    found = Ledger(events=100, matched=9, alerts=12, deferred_in=3, quarantined=2, posts=4, edits=1, **more)
    for number, fate in enumerate(Fate, 1):
        found.decide(fate, number)
    return found


def directive(document: dict[str, Any]) -> dict[str, Any]:
    [found] = document["_aws"]["CloudWatchMetrics"]
    assert isinstance(found, dict)
    return found


def units(document: dict[str, Any]) -> dict[str, str]:
    return {definition["Name"]: definition["Unit"] for definition in directive(document)["Metrics"]}


LEDGERS = [
    Ledger(),
    ledger(),
    ledger(latencies_ms=[1], event_latencies_ms=[2]),
    ledger(latencies_ms=list(range(500)), event_latencies_ms=list(range(101))),
    ledger(rules=Counter({f"rule {number}": number for number in range(5_000)})),
    ledger(rules=Counter({"\ud800": 1, '"}\n{"': 2, "é\x00": 3}), rejections=Counter({"\ud800": 1})),
]


@pytest.mark.parametrize("books", LEDGERS)
def test_the_line_is_what_the_specification_of_the_format_asks_for(books: Ledger) -> None:
    """CloudWatch User Guide, "Embedded metric format specification"."""
    found = line(books)
    assert set(found["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert found["_aws"]["Timestamp"] == NOON_MS
    declared = directive(found)
    assert set(declared) == {"Namespace", "Dimensions", "Metrics"}
    assert (declared["Namespace"], declared["Dimensions"]) == (NAMESPACE, [["FunctionName"]])
    assert (found["FunctionName"], found["Handler"]) == ("trailwire-prod-kinesis", "kinesis")
    assert len(declared["Metrics"]) == len(units(found)) <= 100
    for name, unit in units(found).items():
        value = found[name]
        values = value if isinstance(value, list) else [value]
        assert 1 <= len(values) <= 100
        assert all(type(one) is int for one in values)
        assert unit == ("Milliseconds" if isinstance(value, list) else "Count")


def test_outside_lambda_a_function_is_called_by_its_handler() -> None:
    """CloudWatch drops a metric whose dimension is empty."""
    assert metrics_line(Ledger(), handler="s3", function="", now_ms=NOON_MS)["FunctionName"] == "s3"


COUNTS = {
    "Events": 100,
    "Matched": 9,
    "Unmatched": 91,
    "Quarantined": 2,
    "RuleFailures": 0,
    "Alerts": 12,
    "DeferredIn": 3,
    "Sent": 1,
    "Grouped": 2,
    "Deferred": 3,
    "Suppressed": 4,
    "Duplicate": 5,
    "Rejected": 6,
    "Unsafe": 7,
    "Posts": 4,
    "Edits": 1,
    "Imbalance": 12 + 3 - 28,
}


def test_every_figure_of_the_books_is_a_metric() -> None:
    found = line(ledger())
    assert units(found) == dict.fromkeys(COUNTS, "Count")
    assert {name: found[name] for name in COUNTS} == COUNTS


FATES: list[tuple[dict[Fate, int], int, int]] = [
    # fates, alerts, deferred in
    ({}, 0, 0),
    ({Fate.SENT: 1}, 1, 0),
    ({Fate.SENT: 1}, 0, 1),
    (dict.fromkeys(Fate, 2), 10, 4),
    ({Fate.SENT: 4, Fate.GROUPED: 49_997}, 50_001, 0),
]


@pytest.mark.parametrize(("fates", "alerts", "deferred_in"), FATES)
def test_the_books_that_balance_say_what_became_of_every_alert(
    fates: dict[Fate, int], alerts: int, deferred_in: int
) -> None:
    """Promise 1: the alerts, and what came back from the outbox, are what was sent, grouped, deferred and so on."""
    books = Ledger(events=7, matched=2, alerts=alerts, deferred_in=deferred_in, fates=Counter(fates))
    found = line(books)
    assert found["Imbalance"] == 0
    assert found["Alerts"] + found["DeferredIn"] == sum(found[fate.value.capitalize()] for fate in Fate)
    assert found["Events"] == found["Unmatched"] + found["Matched"]


@pytest.mark.parametrize(("given", "imbalance"), [([], 1), ([Fate.SENT, Fate.SENT], -1)])
def test_an_alert_without_a_fate_or_with_two_is_an_imbalance(given: list[Fate], imbalance: int) -> None:
    books = Ledger(alerts=1)
    for fate in given:
        books.decide(fate)
    assert line(books)["Imbalance"] == imbalance


def test_how_long_telling_took_is_declared_only_where_something_was_told() -> None:
    assert "ArrivalToTold" not in line(Ledger())
    found = line(Ledger(latencies_ms=[5, 7], event_latencies_ms=[]))
    assert found["ArrivalToTold"] == [5, 7]
    assert units(found)["ArrivalToTold"] == "Milliseconds"
    assert "EventToTold" not in found
    assert "EventToTold" not in units(found)


def test_no_metric_has_more_values_than_cloudwatch_takes() -> None:
    found = line(Ledger(latencies_ms=[1] * 101, event_latencies_ms=[1] * 100))
    assert len(found["ArrivalToTold"]) == len(found["EventToTold"]) == MAX_VALUES == 100


def test_the_busiest_rules_are_counted_beside_the_metrics() -> None:
    rules = Counter({f"rule {number}": number for number in range(1, 1_000)})
    found = line(Ledger(rules=rules, ignores=Counter(known=3), rejections=Counter(unrouted=1)))
    assert len(found["Rules"]) == MAX_COUNTED_RULES
    assert found["Rules"]["rule 999"] == 999
    assert (found["Ignores"], found["Rejections"]) == ({"known": 3}, {"unrouted": 1})
    assert not {"Rules", "Ignores", "Rejections"} & set(units(found))


def test_writing_the_line_changes_nothing_in_the_books() -> None:
    books = ledger(latencies_ms=[1])
    assert line(books) == line(books)
    assert set(books.fates) == set(Fate)
