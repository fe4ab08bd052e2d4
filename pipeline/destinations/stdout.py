"""The standard output: for trying rules, and in Lambda for its log."""

from __future__ import annotations

import sys
from typing import TextIO

from pipeline.alerts.content import Content
from pipeline.alerts.ports import Posted
from pipeline.destinations.rendering import rendered
from pipeline.errors import Fault, Rejected
from pipeline.render import plain as render
from pipeline.render.context import Context


class Stdout:
    """Writes each message as text, an empty line after it."""

    edit_scope = ""

    def __init__(self, name: str, context: Context, stream: TextIO | None = None) -> None:
        self.id = name
        self.bucket = f"stdout:{name}"
        self.post_scope = self.bucket
        self._context = context
        self._stream = stream

    def post(self, content: Content, *, dedupe_id: str, thread: str = "", plain: bool = False) -> Posted:  # noqa: ARG002
        """Write a message; see `Destination`. What the output's encoding lacks is written as an escape."""
        stream = self._stream or sys.stdout
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = rendered(render, content, self._context).body + "\n"
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as error:  # a pipe whose reader has gone, a full disk, a closed file
            raise Rejected(f"the output takes nothing: {type(error).__name__}", Fault.DESTINATION) from error
        return Posted()

    def edit(self, posted: Posted, content: Content) -> None:
        """Never called: what is written stays."""
        raise AssertionError(posted, content)

    def refresh(self) -> None:
        """There is no secret to fetch anew."""
