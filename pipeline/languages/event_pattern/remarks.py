"""What EventBridge accepts in a pattern but nobody can mean: conditions that no CloudTrail event satisfies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.errors import Problem, did_you_mean
from pipeline.languages.event_pattern.groups import read_group
from pipeline.languages.event_pattern.reading import Pairs, Spot, read_pattern
from pipeline.languages.event_pattern.wrapper import DETAIL_TYPES, SERVICE_SUFFIX, is_wrapped

WRAPPER_KEYS = {
    *("version", "id", "detail-type", "source", "account"),
    *("time", "region", "resources", "detail"),
}

EVENT_KEYS = {
    *("eventVersion", "eventTime", "eventSource", "eventName", "eventID", "eventType", "eventCategory"),
    *("userIdentity", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage"),
    *("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails"),
    *("requestID", "sharedEventID", "apiVersion", "managementEvent", "readOnly", "recipientAccountId"),
    *("vpcEndpointId", "tlsDetails", "sessionCredentialFromConsole"),
}
"""Top-level fields of CloudTrail events (CloudTrail guide, "Record contents")."""

_NEVER_FIELDS = {"anything-but", "equals-ignore-case", "numeric", "wildcard"}


def remarks(pattern: str | dict[str, Any]) -> tuple[Problem, ...]:
    """Return what should be known about a valid pattern; `where` is the key path. Raises RuleError as `parse` does."""
    pairs, spot = read_pattern(pattern)
    wrapped = is_wrapped(read_group(pairs, spot))
    return (*_about_top(pairs, spot, wrapped=wrapped), *_about_names(pairs, spot))


def _about_top(pairs: Pairs, spot: Spot, *, wrapped: bool) -> Iterator[Problem]:
    for index, (key, value) in enumerate(pairs):
        inner = spot.key(key, index)
        if key == "$or":
            for place, branch in enumerate(value):
                yield from _about_top(branch, inner.item(place), wrapped=wrapped)
        elif wrapped:
            yield from _about_wrapper_key(key, value, inner)
        elif key in WRAPPER_KEYS:
            message = f'"{key}" is looked for in the CloudTrail event itself, which has no such field'
            hint = "name source, detail-type or detail, too, and the pattern is matched over the wrapped event"
            yield Problem(inner.shown, message, hint)


def _about_wrapper_key(key: str, value: Any, spot: Spot) -> Iterator[Problem]:
    if key in EVENT_KEYS:
        hint = f'write "detail": {{"{key}": ...}}'
        yield Problem(spot.shown, f"EventBridge puts {key} inside detail, so nothing is here", hint)
    elif key not in WRAPPER_KEYS:
        yield Problem(spot.shown, f'the wrapped event has no "{key}"', did_you_mean(key, WRAPPER_KEYS, cutoff=0.8))
    elif key == "detail-type":
        yield from _about_detail_types(value, spot)
    elif key == "source":
        yield from _about_sources(value, spot)


def _about_detail_types(value: Any, spot: Spot) -> Iterator[Problem]:
    known = DETAIL_TYPES.values()
    for text in _texts(value):
        if text not in known:
            hint = did_you_mean(text, known, cutoff=0.8) or f"known are {', '.join(known)}"
            yield Problem(spot.shown, f'no CloudTrail event has the detail-type "{text}"', hint)


def _about_sources(value: Any, spot: Spot) -> Iterator[Problem]:
    for text in _texts(value):
        service = text.removeprefix("aws.").removesuffix(SERVICE_SUFFIX)
        if text != f"aws.{service}":
            message = f'no CloudTrail event has the source "{text}"'
            yield Problem(spot.shown, message, f'did you mean "aws.{service}"?')


def _about_names(pairs: Pairs, spot: Spot) -> Iterator[Problem]:
    for index, (key, value) in enumerate(pairs):
        inner = spot.key(key, index)
        if key == "$or":
            for place, branch in enumerate(value):
                yield from _about_names(branch, inner.item(place))
            continue
        if key in _NEVER_FIELDS:
            hint = f'a matcher stands in an array: [{{"{key}": ...}}]'
            yield Problem(inner.shown, f'"{key}" is taken for the name of a field here', hint)
        if "." in key:
            message = f'"{key}" is one key with a dot in its name, not a path'
            yield Problem(inner.shown, message, "write one object inside the other")
        if isinstance(value, Pairs):
            yield from _about_names(value, inner)


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
