"""One line of metrics for each invocation, in the CloudWatch embedded metric format.

CloudWatch Logs turns the line into metrics without a call. The format: CloudWatch User Guide, "Embedded metric format
specification": at most 100 metrics a directive, and a metric's value is a number or a list of at most 100.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.alerts.ledger import Fate, Ledger

NAMESPACE = "Trailwire"
MAX_VALUES = 100
MAX_COUNTED_RULES = 50
"""The line is one log event, and a configuration may have thousands of rules."""


def metrics_line(ledger: Ledger, *, handler: str, function: str, now_ms: int) -> dict[str, Any]:
    """Return the books of one invocation as an embedded metric, counted for each function: an account has many stages.

    `Imbalance` is not 0 only if an alert got no fate or two: the alarm on it is an alarm about a bug.
    """
    counts: dict[str, Any] = {
        "Events": ledger.events,
        "Matched": ledger.matched,
        "Unmatched": ledger.unmatched,
        "Quarantined": ledger.quarantined,
        "RuleFailures": ledger.failures,
        "Alerts": ledger.alerts,
        "DeferredIn": ledger.deferred_in,
        **{fate.value.capitalize(): ledger.fates[fate] for fate in Fate},
        "Posts": ledger.posts,
        "Edits": ledger.edits,
        "Imbalance": ledger.imbalance,
    }
    latencies = {
        "ArrivalToTold": _largest(ledger.latencies_ms),
        "EventToTold": _largest(ledger.event_latencies_ms),
    }
    latencies = {name: values for name, values in latencies.items() if values}
    definitions = [{"Name": name, "Unit": "Count"} for name in counts]
    definitions += [{"Name": name, "Unit": "Milliseconds"} for name in latencies]
    return {
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": definitions}],
        },
        "FunctionName": function or handler,  # a dimension may not be empty, and outside Lambda there is no name
        "Handler": handler,
        **counts,
        **latencies,
        "Rules": _commonest(ledger.rules),
        "Ignores": _commonest(ledger.ignores),
        "Rejections": _commonest(ledger.rejections),
    }


def _commonest(counted: Counter[str]) -> dict[str, int]:
    """Keep as many as the line has room for; `most_common` sorts with heapq, which a quiet start need not import."""
    return dict(counted.most_common(MAX_COUNTED_RULES)) if counted else {}


def _largest(values: list[int]) -> list[int]:
    """Keep as many as a metric may have, the slowest among them."""
    return values if len(values) <= MAX_VALUES else sorted(values, reverse=True)[:MAX_VALUES]
