"""Sorting the parts of many quarantined things, in whatever order they are found, for `quarantined.join`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from pipeline.decode.decoded import Undecodable
from pipeline.decode.json_text import loads
from pipeline.decode.quarantined import Part, join
from pipeline.errors import DecodeError

H = TypeVar("H", bound=Hashable)


class Joined(NamedTuple, Generic[H]):
    """One quarantined thing, and what its parts were found in."""

    found: Undecodable | DecodeError
    """The thing, or why it cannot be put together."""
    held_by: tuple[H, ...]
    """The holders of its parts, each once, in the order in which they were found."""


def looks_like_part(value: object) -> bool:
    """Tell whether a JSON value is such a part, by its keys."""
    return isinstance(value, dict) and value.keys() >= {"v", "reason", "stage", "part", "parts", "data_b64"}


def join_all(parts: Iterable[tuple[H, str]]) -> list[Joined[H]]:
    """Put all parts together, each given with its holder; things come in the order of their first parts.

    Things that have reason, stage, source and number of parts in common are told apart where their parts come one thing
    after the other, as stores with an order keep them; where they do not, a DecodeError stands for all of them: their
    parts could be mixed up.
    """
    groups: defaultdict[tuple[object, ...], list[tuple[int, str, H]]] = defaultdict(list)
    for holder, text in parts:
        part = _read(text)
        key = (text,) if part is None else (part.reason, part.stage, part.source, part.parts)
        groups[key].append((part.part if part else 1, text, holder))
    return [joined for group in groups.values() for joined in _things(group)]


def _things(group: list[tuple[int, str, H]]) -> list[Joined[H]]:
    distinct: defaultdict[int, set[str]] = defaultdict(set)
    for number, text, _ in group:
        distinct[number].add(text)
    if all(len(texts) == 1 for texts in distinct.values()):
        return [_joined(group)]
    count = max(distinct)
    if [number for number, _, _ in group] == [*range(1, count + 1)] * (len(group) // count):
        return [_joined(group[start : start + count]) for start in range(0, len(group), count)]
    error = DecodeError("parts do not belong together", "several things of the same place that cannot be told apart")
    return [Joined(error, _holders(group))]


def _joined(group: list[tuple[int, str, H]]) -> Joined[H]:
    try:
        return Joined(join(text for _, text, _ in group), _holders(group))
    except DecodeError as error:
        return Joined(error, _holders(group))


def _holders(group: list[tuple[int, str, H]]) -> tuple[H, ...]:
    return tuple(dict.fromkeys(holder for _, _, holder in group))


def _read(text: str) -> Part | None:
    try:
        return msgspec.convert(loads(text), Part)
    except (ValueError, DecodeError):
        return None
