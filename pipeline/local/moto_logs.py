"""CloudWatch Logs as AWS runs it, where moto's differs.

Seen in moto 5.2.5:

- `LogStream._send_log_events` stores the filter pattern and ignores it, sends one record a call, whatever its size, and
  numbers events with integers (`LogEvent`);
- `LogGroup.put_subscription_filter` refuses to change one of two filters, wants no role, knows no logical destinations,
  keeps no distribution, checks no pattern, and sends no CONTROL_MESSAGE;
- `LogsBackend.put_log_events` takes batches of any size; `filter_log_events` knows plain words only; there is no
  `test_metric_filter`.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from moto.kinesis.exceptions import StreamNotFoundError
from moto.kinesis.models import kinesis_backends
from moto.logs import models
from moto.logs.exceptions import InvalidParameterException, LimitExceededException, ResourceNotFoundException
from moto.logs.responses import LogsResponse
from moto.utilities.arns import parse_arn

from pipeline.errors import PatternError
from pipeline.local.log_delivery import LogDelivery, Route
from pipeline.local.log_envelopes import MAX_EVENTS, Origin, control_message
from pipeline.local.patching import Patches

# Amazon CloudWatch Logs API reference, PutLogEvents and PutSubscriptionFilter
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
MAX_FILTERS = 2
DISTRIBUTIONS = ("ByLogStream", "Random")

Matches = Callable[[str], bool]


class Filter(models.SubscriptionFilter):  # type: ignore[misc]  # moto ships no types
    """A subscription filter that knows what it lets through and how it spreads records."""

    def __init__(self, settings: dict[str, Any], log_group_name: str) -> None:
        super().__init__(
            settings["filterName"],
            log_group_name,
            settings["filterPattern"],
            settings["destinationArn"],
            settings.get("roleArn"),
        )
        self.distribution = settings.get("distribution") or DISTRIBUTIONS[0]
        self.matches = compiled(self.filter_pattern)

    def to_json(self) -> dict[str, Any]:
        """Describe it as the API does: without what it doesn't have."""
        described = {**super().to_json(), "distribution": self.distribution}
        return {key: value for key, value in described.items() if value is not None}


def compiled(pattern: str) -> Matches:
    """Return what a filter pattern lets through; an invalid one is refused as AWS refuses it."""
    if not pattern:
        return lambda _message: True
    from pipeline.languages.filter_pattern import parse

    try:
        matches: Matches = parse(pattern).matches
    except PatternError as error:
        raise InvalidParameterException(f"Invalid filter pattern: {error}") from error
    return matches


def put_to_stream(stream_arn: str, partition_key: str, data: bytes) -> None:
    """Put a record into a stream of any account and region; raises LookupError where there is no such stream."""
    arn = parse_arn(stream_arn)
    try:
        stream = kinesis_backends[arn.account][arn.region].describe_stream(stream_arn=stream_arn, stream_name=None)
    except StreamNotFoundError as error:
        raise LookupError(str(error)) from error
    stream.put_record(partition_key=partition_key, explicit_hash_key="", data=b64encode(data).decode())


def put_subscription_filter(backend: Any, log_group_name: str, settings: dict[str, Any]) -> None:
    """Put or change a filter as PutSubscriptionFilter does; `settings` are the request's own parameters."""
    group = backend.groups.get(log_group_name)
    if group is None:
        raise ResourceNotFoundException
    _check_distribution(settings)
    subscription = Filter(settings, log_group_name)
    if settings["filterName"] not in group.subscription_filters and len(group.subscription_filters) >= MAX_FILTERS:
        raise LimitExceededException
    stream_arn = _stream_behind(subscription, backend)
    if stream_arn:
        put_to_stream(stream_arn, "CONTROL", control_message(int(time.time() * 1000)))
    group.subscription_filters[settings["filterName"]] = subscription


def _check_distribution(settings: dict[str, Any]) -> None:
    given = settings.get("distribution")
    if given is not None and given not in DISTRIBUTIONS:
        raise InvalidParameterException(
            constraint=f"Member must satisfy enum value set: [{', '.join(reversed(DISTRIBUTIONS))}]",
            parameter="distribution",
            value=given,
        )


def _stream_behind(subscription: Any, backend: Any) -> str | None:
    """Return the Kinesis stream that a filter sends to, after the checks AWS makes; None for other services."""
    service, resource = subscription.destination_arn.split(":")[2], subscription.destination_arn.split(":", 5)[5]
    if service == "kinesis" and not subscription.role_arn:
        raise InvalidParameterException("destinationArn for vendor kinesis cannot be used without roleArn")
    if service == "logs" and resource.startswith("destination:"):
        return _existing(_target(subscription.destination_arn))
    if service == "kinesis":
        return _existing(subscription.destination_arn)
    _checked_by_moto(backend, subscription)
    return None


def _checked_by_moto(backend: Any, subscription: Any) -> None:
    """Let moto check what it knows, on a group of its own."""
    group = backend.groups[subscription.log_group_name]
    before, group.subscription_filters = group.subscription_filters, {}
    try:
        backend.put_subscription_filter(
            subscription.log_group_name,
            subscription.name,
            subscription.filter_pattern,
            subscription.destination_arn,
            subscription.role_arn,
        )
    finally:
        group.subscription_filters = before


def _target(destination_arn: str) -> str:
    arn = parse_arn(destination_arn)
    name = arn.resource_id.split(":")[-1]
    return str(models.logs_backends[arn.account][arn.region].get_destination(name).target_arn)


def _existing(stream_arn: str) -> str:
    arn = parse_arn(stream_arn)
    try:
        kinesis_backends[arn.account][arn.region].describe_stream(stream_arn=stream_arn, stream_name=None)
    except StreamNotFoundError as error:
        raise InvalidParameterException(
            "Could not deliver test message to specified Kinesis stream. "
            "Check if the given kinesis stream is in ACTIVE state."
        ) from error
    return stream_arn


def mend(patches: Patches, delivery: LogDelivery) -> None:
    """Run moto's CloudWatch Logs as AWS does until the patches are undone; deliveries go through `delivery`."""
    _mend_events(patches)
    _mend_delivery(patches, delivery)
    _mend_batches(patches)
    patches.replace(LogsResponse, "put_subscription_filter", _respond_put_subscription_filter)
    patches.replace(LogsResponse, "test_metric_filter", _respond_test_metric_filter)
    patches.replace(models, "EventMessageFilter", _MessageFilter)


def _mend_events(patches: Patches) -> None:
    def numbered(event: Any, ingestion_time: int, log_event: dict[str, Any]) -> None:
        before(event, ingestion_time, log_event)
        # as AWS': 56 digits, growing with time
        event.event_id = f"3{int(event.timestamp):019d}{event.event_id:036d}"

    before = patches.replace(models.LogEvent, "__init__", numbered)


def _mend_delivery(patches: Patches, delivery: LogDelivery) -> None:
    def send(stream: Any, service: str, destination_arn: str, filter_name: str, log_events: list[Any]) -> None:
        subscription = stream.log_group.subscription_filters[filter_name]
        chosen = [event for event in log_events if subscription.matches(event["message"])]
        to_destination = ":destination:" in destination_arn
        if not chosen:
            return
        if service == "kinesis" or to_destination:
            target = _target(destination_arn) if to_destination else destination_arn
            origin = Origin(stream.account_id, stream.log_group.name, stream.log_stream_name, filter_name)
            delivery.add(Route(origin, target, subscription.distribution), chosen)
        else:
            before(stream, service, destination_arn, filter_name, chosen)

    before = patches.replace(models.LogStream, "_send_log_events", send)


def _mend_batches(patches: Patches) -> None:
    def put(backend: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]) -> Any:
        size = sum(len(event["message"].encode()) + EVENT_OVERHEAD_BYTES for event in log_events)
        if size > MAX_BATCH_BYTES:
            raise InvalidParameterException(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
        if len(log_events) > MAX_EVENTS:
            raise InvalidParameterException(
                constraint=f"Member must have length less than or equal to {MAX_EVENTS}",
                parameter="logEvents",
                value="[...]",
            )
        return before(backend, log_group_name, log_stream_name, log_events)

    before = patches.replace(models.LogsBackend, "put_log_events", put)


def _respond_put_subscription_filter(response: Any) -> str:
    names = ("filterName", "filterPattern", "destinationArn", "roleArn", "distribution")
    settings = {name: response._get_param(name) for name in names}  # noqa: SLF001  how moto's responses read parameters
    put_subscription_filter(response.logs_backend, response._get_param("logGroupName"), settings)  # noqa: SLF001
    return ""


def _respond_test_metric_filter(response: Any) -> str:
    matches = compiled(response._get_param("filterPattern"))  # noqa: SLF001
    messages = response._get_param("logEventMessages")  # noqa: SLF001
    found = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
        for number, message in enumerate(messages, 1)
        if matches(message)
    ]
    return json.dumps({"matches": found})


class _MessageFilter:
    """Stands in for moto's own filter in FilterLogEvents."""

    def __init__(self, pattern: str | None) -> None:
        self.matches = compiled(pattern or "")
