"""What a Sigma rule says about itself, as texts, whatever YAML made of them.

Published rules write one paragraph where a list belongs, and list entries such as `- Maintenance: see the calendar`,
which YAML reads as a mapping. Neither changes what a rule matches, so neither stops it from loading.
"""

from __future__ import annotations

from typing import Any

_LISTS = frozenset({"references", "falsepositives", "tags"})
_READ = _LISTS | {"title", "id", "status", "level", "description", "logsource", "detection"}
"""What is made use of. pySigma would also refuse a rule for the form of its date or author."""


def readable(content: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a rule that reach an alert or decide a match, with lists of texts where lists belong."""
    return {key: _texts(value) if key in _LISTS else value for key, value in content.items() if key in _READ}


def _texts(value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    return [text for text in map(_text, entries) if text]


def _text(entry: Any) -> str:
    if entry is None:
        return ""
    if isinstance(entry, dict):
        return "; ".join(f"{key}: {_text(value)}" for key, value in entry.items())
    if isinstance(entry, list):
        return "; ".join(map(_text, entry))
    return str(entry).strip()
