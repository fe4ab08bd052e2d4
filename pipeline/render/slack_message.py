"""A Slack message as a value, and how its parts are written in mrkdwn."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.render.escaping import code, defused, escaped, from_event, strong, unformatted, visible
from pipeline.render.limits import Block
from pipeline.render.wording import Moment, Part, Said, Words, spaced, utc

_USER = re.compile(r"[UW][A-Z0-9]{2,20}", re.ASCII)
_GROUP = re.compile(r"S[A-Z0-9]{2,20}", re.ASCII)
_LAST_TOKEN_MS = 4_102_444_800_000
"""2100-01-01: later (or negative) times are written out, for a date token with an odd time is an invalid message."""


class SlackMessage(msgspec.Struct, frozen=True):
    """One message for chat.postMessage, chat.update or a webhook."""

    text: str
    """One telling line: what notifications and screen readers say."""
    full_text: str
    """A few lines that stand for the whole message where Slack refuses the blocks."""
    blocks: tuple[Block, ...] = ()
    beside_bar: tuple[Block, ...] = ()
    """Blocks beside the coloured bar; Slack offers it on attachments only."""
    color: str = ""

    def payload(self) -> dict[str, Any]:
        """Return the message's arguments. Nothing unfurls, and Slack looks for no links in `text` by itself."""
        message: dict[str, Any] = {
            "text": self.text,
            "unfurl_links": False,
            "unfurl_media": False,
            "parse": "none",
            "mrkdwn": False,
        }
        if self.blocks:
            message["blocks"] = list(self.blocks)
        if self.beside_bar:
            message["attachments"] = [{"color": self.color, "blocks": list(self.beside_bar)}]
        return message

    def plain(self) -> SlackMessage:
        """Return the same as text only, for the one time that Slack refuses the blocks."""
        return SlackMessage(text=self.full_text, full_text=self.full_text)


def mention(who: str) -> str:
    """Return the mention that a configuration asks for; anything but its four forms is nobody."""
    if who in {"here", "channel"}:
        return f"<!{who}>"
    if _USER.fullmatch(who):
        return f"<@{who}>"
    return f"<!subteam^{who}>" if _GROUP.fullmatch(who) else ""


def as_mrkdwn(phrase: Iterable[Part]) -> str:
    """Write a phrase for a verbatim mrkdwn text object."""
    return "".join(map(_part, phrase))


def as_text(phrase: Iterable[Part]) -> str:
    """Write a phrase for a message's `text`, which knows neither formatting nor `verbatim`."""
    return "".join(utc(part.at_ms) if isinstance(part, Moment) else defused(_plain(part)) for part in phrase)


def code_block(lines: Iterable[str], line_limit: int = 200) -> str:
    """Write lines as a code block; indentation stays, everything odd becomes visible."""
    shown = []
    for line in lines:
        indent = " " * min(len(line) - len(line.lstrip(" ")), 40)
        shown.append(indent + escaped(visible(line, line_limit).replace("`", "'")))
    return "```" + "\n".join(shown) + "```"


def command(text: str) -> str:
    """Write something to be pasted as a code span."""
    return code(visible(text, 500))


def prose(text: str, limit: int) -> str:
    """Write a paragraph that may quote an event."""
    return unformatted(from_event(text, limit))


def _part(part: Part) -> str:
    if isinstance(part, Moment):
        return _moment(part.at_ms)
    if isinstance(part, Said):
        text = from_event(part.text, part.limit)
        return (strong(text) if part.strong else unformatted(text)) if text else "?"
    return escaped(spaced(part.text))


def _plain(part: Words | Said) -> str:
    return from_event(part.text, part.limit) if isinstance(part, Said) else spaced(part.text)


def _moment(at_ms: int) -> str:
    written = utc(at_ms)
    if not 0 < at_ms < _LAST_TOKEN_MS:
        return escaped(written)
    return f"<!date^{at_ms // 1000}^{{date_short_pretty}} at {{time_secs}}|{written}>"
