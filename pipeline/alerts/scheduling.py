"""Scheduling: an edit for a group's message that does not show yet what has been counted."""

from __future__ import annotations

from pipeline.alerts.group import lead_of
from pipeline.alerts.telling import Telling
from pipeline.alerts.ticket import Kind, Ticket
from pipeline.state.lifecycle import Group


def schedule(telling: Telling, key: str, group: Group) -> None:
    """Queue an edit, at most one per group and interval; it reads the count when its time comes.

    Nothing is queued before the message is out: whoever posts it looks what was counted meanwhile.
    """
    lead, now_ms = lead_of(group), telling.now_ms
    if not telling.has_outbox or not group.message or lead is None:
        return
    interval_ms = telling.settings.edit_interval_s * 1000
    if telling.state.take_turn(edit_turn(key), until_ms=now_ms + interval_ms, now_ms=now_ms):
        telling.queue([(Ticket(Kind.EDIT, alert=lead, opener=group.opener, born_ms=now_ms), interval_ms)])


def edit_turn(group_key: str) -> str:
    """Name the turn that whoever has an edit of this group in the outbox holds."""
    return f"edit:{group_key}"
