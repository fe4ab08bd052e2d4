"""Reading an event that may hold anything: a missing key, a list for an object, a number for a string.

No function here raises, whatever the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.checks import number_text, scrub
from pipeline.event.redaction import redact_text

_READ_AT_MOST = 8_000
"""Characters of one string that are looked at. What is shown is far shorter, so a credential cut here is never seen."""

ITEMS_AT_MOST = 50
"""Elements of one list that are looked at."""


def at(value: Any, *path: str) -> Any:
    """Return what lies at this path of object keys, None where nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(value: Any, *path: str) -> str:
    """Return the string at this path, numbers and booleans as JSON writes them, anything else as empty text."""
    return as_text(at(value, *path))


def as_text(value: Any) -> str:
    """Return a string, a number or a boolean as text; empty for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else ""


def entries(value: Any) -> list[Any]:
    """Return the elements of a list, or of EC2's `{"items": [...]}` or `{"item": ...}`; a bounded number of them."""
    if isinstance(value, dict):
        value = value.get("items", value.get("item", []))
        value = value if isinstance(value, list) else [value]
    return value[:ITEMS_AT_MOST] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Return the non-empty texts of a value that is one text or a list of them."""
    many = value[:ITEMS_AT_MOST] if isinstance(value, list) else [value]
    return [text for text in map(as_text, many) if text]


def folded(value: Any) -> dict[str, Any]:
    """Return an object's members under lower-case keys: services disagree about capitals, and wrap some requests.

    EC2 wraps newer calls as `{"DeleteFlowLogsRequest": {...}}`; what is inside counts as if it stood outside.
    """
    members = dict(_some(value))
    for key, inner in list(members.items()):
        if key.endswith("request") and isinstance(inner, dict):
            members = {**dict(_some(inner)), **members}
    return members


def _some(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in list(value.items())[:200]:
            yield str(key).lower(), member


def clean(text: str, limit: int) -> str:
    """Return text without lone surrogates and credentials, at most this many characters long."""
    return clip(redact_text(scrub(text[:_READ_AT_MOST])), limit) if text else ""


def clip(text: str, limit: int) -> str:
    """Return at most this many characters; a shortened text ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
