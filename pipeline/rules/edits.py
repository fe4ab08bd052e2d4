"""Small changes to an event: where a path leads in it, and the event with a value put there or taken away.

A place is where one value stands, each step a key or an index; unlike a path it names exactly one value, which need not
be there yet. Events are never changed: `edited` returns a copy that shares what stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pipeline.predicate import RAW, Child, Path, Spread, Step

Place = tuple[str | int, ...]


class Absent:
    """What stands at a place where nothing stands."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
MAX_PADDING = 100
"""Highest index that is made up: an array is filled with nulls as far as there."""


class Edit(msgspec.Struct, frozen=True):
    """One change: this value at this place; ABSENT: nothing there."""

    place: Place
    value: Any


def edited(event: Any, edits: tuple[Edit, ...]) -> Any:
    """Return the event with every edit made. Objects and arrays on the way are made as needed.

    Outer places come first; what is taken away goes last, from the end, so that no index moves before its turn.
    """
    for edit in sorted(edits, key=lambda edit: len(edit.place)):
        event = event if edit.value is ABSENT else _with(event, edit.place, edit.value)
    for edit in sorted(edits, key=_document_order, reverse=True):
        event = _without(event, edit.place) if edit.value is ABSENT else event
    return event


def _document_order(edit: Edit) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in edit.place]


def value_at(event: Any, place: Place) -> Any:
    """Return what stands at a place, or ABSENT."""
    for step in place:
        if not _has(event, step):
            return ABSENT
        event = event[step]
    return event


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(value, dict) and step in value
    return isinstance(value, list) and 0 <= step < len(value)


def _with(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    step, rest = place[0], place[1:]
    if isinstance(step, str):
        fields = dict(value) if isinstance(value, dict) else {}
        fields[step] = _with(fields.get(step), rest, new)
        return fields
    elements = list(value) if isinstance(value, list) else []
    elements += [None] * (step + 1 - len(elements))
    elements[step] = _with(elements[step], rest, new)
    return elements


def _without(value: Any, place: Place) -> Any:
    if not place or not _has(value, place[0]):
        return value
    step, rest = place[0], place[1:]
    copy: Any = value.copy()
    if rest:
        copy[step] = _without(copy[step], rest)
    else:
        del copy[step]
    return copy


# ---- from paths to places ----


def places_at(path: Path, event: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the place and value of everything the path selects, in document order; nothing for the raw message."""
    if path == RAW:
        return
    yield from _places(path, event, ())


def _places(path: Path, value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if not path:
        yield place, value
        return
    for step, inner in _steps(path[0], value):
        yield from _places(path[1:], inner, (*place, *step))


def _steps(step: Step, value: Any) -> Iterator[tuple[Place, Any]]:
    match step:
        case str() | int():
            inner = value_at(value, (step,))
            if inner is not ABSENT:
                yield (step,), inner
        case Child() if isinstance(value, dict):
            yield from (((key,), inner) for key, inner in value.items())
        case Child() if isinstance(value, list):
            yield from (((index,), inner) for index, inner in enumerate(value))
        case Spread() if isinstance(value, list):
            yield from _spread(value)
        case Spread():
            yield (), value


def _spread(values: list[Any]) -> Iterator[tuple[Place, Any]]:
    stack: list[tuple[Place, Iterator[tuple[int, Any]]]] = [((), iter(enumerate(values)))]
    while stack:
        place, elements = stack[-1]
        for index, value in elements:
            if isinstance(value, list):
                stack.append(((*place, index), iter(enumerate(value))))
                break
            yield (*place, index), value
        else:
            stack.pop()


def new_place(path: Path, event: Any) -> Place | None:
    """Return a place with nothing at it yet (or null, or what stands in the way) where the path would select a value.

    None where there is no such place: in the raw message, and at the event itself.
    """
    place: Place = ()
    for before, step in zip(("", *path), path, strict=False):
        value = value_at(event, place)
        match step:
            case str():
                place = (*place, step)
            case int() if 0 <= step <= MAX_PADDING:
                place = (*place, step)
            case Child():
                # Looking through arrays ends at what is none, so the children are those of an object.
                fresh: Place = ("example",) if isinstance(before, Spread) else (0,)
                place = (*place, *(_appended(value, as_object=True) or fresh))
            case Spread():
                place = (*place, *_appended(value, as_object=False))
            case _:
                return None
    return place or None


def _appended(value: Any, *, as_object: bool) -> Place:
    """Step to one more element of an array; of an object to one more member, where `as_object`."""
    if isinstance(value, list):
        return (len(value),)
    return ("example",) if as_object and isinstance(value, dict) else ()
