"""From content to a message: one way through, whichever form the destination takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.alerts.content import About, Content, Many, One, Reply
from pipeline.render.context import Context

MOST_LISTED = 1_000
"""A digest says `x1000` of an alert that happened so often or oftener; its total is exact."""

Form_co = TypeVar("Form_co", covariant=True)


class Renderer(Protocol[Form_co]):
    """What `render.slack`, `render.plain` and `render.document` each offer."""

    def alert(
        self, alert: Alert, context: Context, repeats: Repeats | None = None, *, may_repeat: bool = False
    ) -> Form_co:
        """One alert."""
        ...

    def thread_reply(self, alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> Form_co:
        """Its repeats, for its thread."""
        ...

    def closing(self, alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> Form_co:
        """The last word on its group."""
        ...

    def digest(
        self, alerts: Sequence[Alert], context: Context, total: int | None = None, *, may_repeat: bool = False
    ) -> Form_co:
        """Many alerts."""
        ...

    def notice(self, notice: Notice, context: Context) -> Form_co:
        """Something about Trailwire itself."""
        ...


def rendered(renderer: Renderer[Form_co], content: Content, context: Context) -> Form_co:
    """Render whatever is to be said."""
    match content:
        case One(alert, repeats, may_repeat):
            return renderer.alert(alert, context, repeats, may_repeat=may_repeat)
        case Reply(alert, repeats, may_repeat) if repeats.closed:
            return renderer.closing(alert, context, repeats, may_repeat=may_repeat)
        case Reply(alert, repeats, may_repeat):
            return renderer.thread_reply(alert, context, repeats, may_repeat=may_repeat)
        case Many(alerts, counts, may_repeat):
            listed = [
                alert for alert, count in zip(alerts, counts, strict=True) for _ in range(min(count, MOST_LISTED))
            ]
            return renderer.digest(listed, context, total=sum(counts), may_repeat=may_repeat)
        case About(notice):
            return renderer.notice(notice, context)
