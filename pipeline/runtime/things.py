"""From what lies somewhere to the things to be replayed: recognised, their parts put together, done with one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.alerts.ticket import decode as read_ticket
from pipeline.aws.clients import error_code, failures
from pipeline.aws.undelivered import Found
from pipeline.decode.decoded import Undecodable
from pipeline.decode.parts import Joined, join_all
from pipeline.errors import DecodeError
from pipeline.runtime.undelivered import PartText, Piece, Recognised, recognise

NOT_A_TICKET = "not a ticket"
"""Why the outbox quarantines a message."""


@dataclass(slots=True, eq=False)
class Holder:
    """An object, message or file, and how many of the things that it holds are not done with."""

    found: Found
    pending: int = 1
    is_done: bool = True
    """Everything in it that was tried went through."""

    def settle(self, *, is_done: bool, delete: bool) -> str:
        """Note that one thing was tried; deletes what is wholly done with, if asked to. Returns why it could not."""
        self.pending -= 1
        self.is_done = self.is_done and is_done
        if self.pending or not self.is_done or not delete or self.found.delete is None:
            return ""
        try:
            self.found.delete()
        except failures() as error:
            return f"{self.found.where} went through and could not be deleted: {error_code(error)}"
        return ""


@dataclass(frozen=True, slots=True)
class Thing:
    """What is replayed in one go."""

    where: str
    pieces: tuple[Piece, ...]
    holders: tuple[Holder, ...]
    problem: str = ""
    """Why there is nothing to be replayed; empty where there is."""


def things(found: Iterable[Found]) -> Iterator[Thing]:
    """Yield what is to be replayed of everything that was found, in order; what is in parts comes last.

    Never raises for what one of them holds.
    """
    scattered: list[tuple[Holder, str]] = []
    for one in found:
        holder = Holder(one)
        try:
            recognised = recognise(one.read())
        except (OSError, DecodeError) as error:
            yield Thing(one.where, (), (holder,), str(error))
        except failures() as error:
            yield Thing(one.where, (), (holder,), f"cannot be read: {error_code(error)}")
        else:
            yield from _of(holder, recognised, scattered)
    yield from _rejoined(scattered)


def _of(holder: Holder, recognised: Recognised, scattered: list[tuple[Holder, str]]) -> Iterator[Thing]:
    """Yield what one holder has by itself; parts of which others may hold more are put aside."""
    if recognised.other_lines:
        holder.is_done = False  # lines that nobody understood are not for us to delete
    texts = [(holder, piece.text) for piece in recognised.pieces if isinstance(piece, PartText)]
    rest = tuple(piece for piece in recognised.pieces if not isinstance(piece, PartText))
    joined = join_all(texts)
    wholes = tuple(_mended(one.found) for one in joined if isinstance(one.found, Undecodable))
    if len(wholes) == len(joined):
        yield Thing(holder.found.where, (*rest, *wholes), (holder,))
        return
    scattered += texts
    if rest:
        holder.pending += 1
        yield Thing(holder.found.where, rest, (holder,))


def _rejoined(scattered: list[tuple[Holder, str]]) -> Iterator[Thing]:
    joined = join_all(scattered)
    for one in joined:
        for holder in one.held_by:
            holder.pending += 1
    for holder in {id(holder): holder for holder, _ in scattered}.values():
        holder.pending -= 1
    yield from map(_thing, joined)


def _thing(joined: Joined[Holder]) -> Thing:
    first, *others = joined.held_by
    where = first.found.where + (f" and {len(others)} more" if others else "")
    if isinstance(joined.found, DecodeError):
        return Thing(where, (), joined.held_by, str(joined.found))
    return Thing(where, (_mended(joined.found),), joined.held_by)


def _mended(part: Undecodable) -> Piece:
    """Read what the outbox could not as a ticket, if it is one by now."""
    if part.reason != NOT_A_TICKET:
        return part
    try:
        return read_ticket(part.data.decode("utf-8", "replace"))
    except DecodeError:
        return part
