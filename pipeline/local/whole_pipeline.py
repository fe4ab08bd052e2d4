"""The whole pipeline on this machine: CloudWatch Logs -> subscription filter -> Kinesis -> the handler -> Slack.

    with WholePipeline(ruleset) as whole:
        whole.put(messages)
        whole.drain()
        whole.totals, whole.said()

Every destination of the rule set becomes a channel of the Slack stand-in, except the standard output. With a real token
and a channel, everything goes to that channel of the real Slack instead.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from msgspec.structs import replace

from pipeline.checks import scrub
from pipeline.local.aws import EmbeddedAws
from pipeline.local.event_source_mapping import Mapping
from pipeline.local.functions import InProcess
from pipeline.local.moto_logs import EVENT_OVERHEAD_BYTES, MAX_BATCH_BYTES
from pipeline.local.pollers import Pollers
from pipeline.local.slack import SlackStandIn
from pipeline.local.slack_messages import Post
from pipeline.rules import compiled
from pipeline.rules.rule import DestinationConfig, Route, RuleSet
from pipeline.runtime import handlers

LOG_GROUP = "trailwire-cloudtrail"
LOG_STREAM = "123456789012_CloudTrail_us-east-1"
STREAM = "trailwire"
PUT_EVENTS = 1_000
"""Events of one PutLogEvents call: CloudTrail delivers every few seconds, hundreds at most (AWS takes 10,000)."""
PUT_BYTES = 1_000_000
"""What one call weighs at most, a little less than it may."""
MOST_BYTES = MAX_BATCH_BYTES
"""What one event weighs at most, for it must fit into a call."""
BATCH_SIZE, BATCH_WINDOW_S = 100, 0.2
DRAIN_S = 600
_NO_PROFILE: dict[str, str | None] = {"AWS_PROFILE": None, "AWS_DEFAULT_PROFILE": None}
"""A profile of the user's own accounts has no say here, whether it exists or not."""


class WholePipeline:
    """One run, from put to post, while the `with` block runs."""

    def __init__(self, ruleset: RuleSet, *, filter_pattern: str = "", token: str = "", channel: str = "") -> None:
        self.aws = EmbeddedAws()
        self.slack = SlackStandIn()
        self.totals: Counter[str] = Counter()
        """The metrics of every invocation, added up."""
        self.latencies_ms: list[int] = []
        """From a record's arrival in the stream to its alert's post, one for each alert sent."""
        self._ruleset = ruleset
        self._filter_pattern = filter_pattern
        self._real = (token, channel) if token and channel else None
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start everything; the subscription filter is in place when this returns."""
        enter = self._undo.enter_context
        enter(self.slack)
        enter(self.aws)
        folder = Path(enter(tempfile.TemporaryDirectory()))
        config = folder / "trailwire.json"
        config.write_bytes(compiled.dump(self._localised()))
        enter(_environment({**self.aws.environment(), **_NO_PROFILE, **self._settings(config)}))
        enter(contextlib.redirect_stdout(_Log(sys.stdout, self._read_metrics)))
        stream_arn = self._subscribe()
        mapping = Mapping(
            source_arn=stream_arn,
            function_arn="trailwire",
            batch_size=BATCH_SIZE,
            batching_window_s=BATCH_WINDOW_S,
            bisects=True,
            reports_item_failures=True,
            max_retry_attempts=15,
        )
        self._pollers = enter(Pollers(self.aws, [(mapping, InProcess(handlers.kinesis))]))
        return self

    def rest(self) -> None:
        """Stop polling, for nothing more will be put; the stand-in's pages stay up."""
        self._pollers.stop()

    def __exit__(self, *exception: object) -> None:
        """Stop everything; what was said stays readable."""
        self._undo.close()

    def put(self, messages: Iterable[str]) -> Iterator[int]:
        """Log messages as CloudTrail does; yields how many each call took. Timestamps are the time of arrival.

        A message weighs MOST_BYTES at most; what is no UTF-8 in its file becomes U+FFFD, for an API takes nothing else.
        """
        for batch in _batches(messages):
            now_ms = time.time_ns() // 1_000_000
            answer = self.aws.client("logs").put_log_events(
                logGroupName=LOG_GROUP,
                logStreamName=LOG_STREAM,
                logEvents=[{"timestamp": now_ms, "message": scrub(message)} for message in batch],
            )
            if answer.get("rejectedLogEventsInfo"):
                raise RuntimeError(f"CloudWatch Logs rejected events: {answer['rejectedLogEventsInfo']}")
            yield len(batch)

    def drain(self) -> None:
        """Wait until everything that was put has been worked off."""
        self._pollers.drain(DRAIN_S)

    def said(self) -> list[tuple[str, Post]]:
        """Return (channel name, message) of everything the stand-in heard, in the order it was said."""
        workspace = self.slack.workspace
        posts = [(channel.name, post) for channel in workspace.channels() for post in workspace.transcript(channel.id)]
        return sorted(posts, key=lambda said: said[1].posted_at)

    def _localised(self) -> RuleSet:
        """Point every destination to a channel that can be reached from here."""
        destinations = self._ruleset.destinations
        changed = replace(self._ruleset, destinations=tuple(map(self._localise, destinations)))
        if destinations:
            return changed
        only = self._localise(DestinationConfig(id="alerts", type="slack", options={}, where=""))
        routes = (*changed.routes, Route(destinations=(only.id,), where=""))
        return replace(changed, destinations=(only,), routes=routes)

    def _localise(self, destination: DestinationConfig) -> DestinationConfig:
        if destination.type == "stdout":
            return destination
        if self._real is not None:
            options = {"channel": self._real[1], "token": "env:SLACK_BOT_TOKEN"}
        else:
            name = re.sub(r"[^a-z0-9_-]+", "-", destination.id.lower()).strip("-") or "alerts"
            options = {"channel": self._channel(name), "token": self.slack.token}
        return replace(destination, type="slack", options=options)

    def _channel(self, name: str) -> str:
        """Return the id of the stand-in's channel of this name, which is made where there is none."""
        there = {channel.name: channel.id for channel in self.slack.workspace.channels()}
        return there.get(name) or self.slack.workspace.add_channel(name)

    def _settings(self, config: Path) -> dict[str, str]:
        return {
            "TRAILWIRE_CONFIG": str(config),
            "TRAILWIRE_STATE": f"memory:{config.parent.name}",
            "TRAILWIRE_OUTBOX": "",
            "TRAILWIRE_QUARANTINE": "",
            "SLACK_API_URL": "" if self._real else self.slack.api_url,
            "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "WARNING",
        }

    def _subscribe(self) -> str:
        """Make the log group, the stream, and the filter between them; returns the stream's ARN."""
        logs, kinesis = self.aws.client("logs"), self.aws.client("kinesis")
        kinesis.create_stream(StreamName=STREAM, ShardCount=1)
        arn: str = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
        logs.create_log_group(logGroupName=LOG_GROUP)
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=LOG_STREAM)
        logs.put_subscription_filter(
            logGroupName=LOG_GROUP,
            filterName="trailwire",
            filterPattern=self._filter_pattern,
            destinationArn=arn,
            roleArn="arn:aws:iam::123456789012:role/logs-to-stream",
            distribution="Random",
        )
        return arn

    def _read_metrics(self, line: dict[str, Any]) -> None:
        metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        self.totals.update({m["Name"]: line[m["Name"]] for m in metrics if m["Unit"] == "Count"})
        self.totals.update(Invocations=1)
        self.latencies_ms += line.get("ArrivalToTold", [])


class _Log(io.TextIOBase):
    """The function's output: metrics are read, its other log lines (JSON) are no data, messages go on."""

    def __init__(self, stream: TextIO, read_metrics: Any) -> None:
        self._stream = stream
        self._read_metrics = read_metrics

    def write(self, text: str) -> int:
        """Take what the handler writes, which is whole lines."""
        if text.startswith('{"_aws":'):
            self._read_metrics(json.loads(text))
        elif text.startswith('{"'):
            sys.stderr.write(text)
        else:
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Pass it on."""
        self._stream.flush()


@contextlib.contextmanager
def _environment(values: dict[str, str | None]) -> Iterator[None]:
    """Set environment variables for a while; None takes one away."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def weight(message: str) -> int:
    """Return the bytes that a message counts for (PutLogEvents)."""
    return len(message.encode("utf-8", "surrogatepass")) + EVENT_OVERHEAD_BYTES


def _batches(messages: Iterable[str]) -> Iterator[list[str]]:
    """Cut messages into calls that PutLogEvents takes."""
    batch: list[str] = []
    size = 0
    for message in messages:
        if batch and (len(batch) >= PUT_EVENTS or size + weight(message) > PUT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += weight(message)
    if batch:
        yield batch
