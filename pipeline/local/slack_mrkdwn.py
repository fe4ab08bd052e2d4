"""Slack's mrkdwn as HTML that shows exactly what Slack would show, and in which nothing but Slack's markup is markup.

Rules: docs.slack.dev, formatting message text. `&amp;`, `&lt;` and `&gt;` are the only entities; `<...>` holds links,
mentions and dates, in code, too; bare addresses become links.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from html import escape
from importlib.resources import files

MENTIONS = {"here", "channel", "everyone"}
EMOJI: dict[str, str] = tomllib.loads(files("pipeline.local").joinpath("slack_emoji.toml").read_text(encoding="utf-8"))

_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_ANGLE = re.compile(r"<([^<>\n]+)>")
_BARE = re.compile(r"https?://[^\s<>|`\x00]+[^\s<>|`\x00.,;:!?'\")\]*_~]")
_EMOJI = re.compile(r":([a-z0-9_+-]{1,50}):")
_QUOTE = re.compile(r"^(?:&gt;|>) ?")
# An opening mark stands after a non-word and before a non-space, a closing one the other way round
_STYLES = [
    (re.compile(rf"(?<![\w{mark}]){mark}(?=[^\s{mark}])([^{mark}\n]*[^\s{mark}]){mark}(?![\w{mark}])"), tag)
    for mark, tag in ((r"\*", "b"), ("_", "i"), ("~", "s"))
]
_LINKS = ("https://", "http://", "mailto:", "tel:")
_HELD = re.compile(r"\x00(\d+)\x00")


class _Holder:
    """Finished pieces of HTML, kept out of the way of what is still to be read as text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def hold(self, html: str) -> str:
        self._pieces.append(html)
        return f"\x00{len(self._pieces) - 1}\x00"

    def restore(self, html: str) -> str:
        while _HELD.search(html):
            html = _HELD.sub(lambda found: self._pieces[int(found[1])], html)
        return html


def decoded(text: str) -> str:
    """Return the characters that a text stands for."""
    return re.sub(r"&(amp|lt|gt);", lambda found: {"amp": "&", "lt": "<", "gt": ">"}[found[1]], text)


def plain_to_html(text: str) -> str:
    """Show a plain_text object: no markup, but entities and emoji."""
    return _EMOJI.sub(_emoji, escape(decoded(text))).replace("\n", "<br>")


def mrkdwn_to_html(text: str, zone: tzinfo | None = None, *, verbatim: bool = False, styled: bool = True) -> str:
    """Show a mrkdwn text in a reader's time zone (this machine's by default).

    A verbatim text's bare addresses are no links; in one that isn't styled only what stands in `<...>` is markup.
    """
    holder = _Holder()
    text = text.replace("\x00", "")
    if styled:
        text = _FENCE.sub(lambda found: holder.hold(f"<pre>{_code(found[1].strip(chr(10)), zone)}</pre>"), text)
        text = _CODE.sub(lambda found: holder.hold(f"<code>{_code(found[1], zone)}</code>"), text)
    text = _ANGLE.sub(lambda found: holder.hold(_angle(found[1], zone)), text)
    if not verbatim:
        text = _BARE.sub(lambda found: holder.hold(_link(decoded(found[0]), escape(decoded(found[0])))), text)
    return holder.restore(_lines(text) if styled else plain_to_html(text))


def _code(text: str, zone: tzinfo | None) -> str:
    holder = _Holder()
    text = _ANGLE.sub(lambda found: holder.hold(_angle(found[1], zone)), text)
    return holder.restore(escape(decoded(text)))


def _lines(text: str) -> str:
    """Style a text line by line; neighbouring lines of a quote stand in one."""
    html: list[str] = []
    quoting = False
    for line in text.split("\n"):
        quoted = _QUOTE.match(line)
        if bool(quoted) is not quoting:
            html.append("<blockquote>" if quoted else "</blockquote>")
            quoting = bool(quoted)
        elif html:
            html.append("<br>")
        html.append(_styled(line[quoted.end() :] if quoted else line))
    return "".join(html) + ("</blockquote>" if quoting else "")


def _styled(line: str) -> str:
    html = escape(decoded(line))
    for pattern, tag in _STYLES:
        html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
    return _EMOJI.sub(_emoji, html)


def _emoji(found: re.Match[str]) -> str:
    return EMOJI.get(found[1], found[0])


def _angle(inside: str, zone: tzinfo | None) -> str:
    """Show what stands between angle brackets: a mention, a date, a channel, a person, or a link."""
    target, _, label = inside.partition("|")
    if target.startswith("!date^"):
        return _date(target, label, zone)
    if target.startswith("!"):
        return _mention(target[1:], label)
    if target.startswith(("@", "#")):
        return f'<span class="mention">{target[0]}{escape(decoded(label or target[1:]))}</span>'
    return _link(decoded(target), plain_to_html(label) if label else escape(decoded(target)))


def _mention(command: str, label: str) -> str:
    name = command.partition("^")[0]
    loud = " loud" if name in MENTIONS else ""
    return f'<span class="mention{loud}">@{escape(decoded(label.lstrip("@") or name))}</span>'


def _link(target: str, label: str) -> str:
    if not target.startswith(_LINKS) or _HELD.search(target):  # finished HTML cannot stand in an attribute
        return escape(f"<{target}>")
    return f'<a href="{escape(target)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def _date(target: str, fallback: str, zone: tzinfo | None) -> str:
    """Show `!date^SECONDS^FORMAT^LINK` as the reader's clock has it; the fallback where it can't be read."""
    parts = target.split("^")
    try:
        at = datetime.fromtimestamp(int(parts[1]), UTC).astimezone(zone)
        text = re.sub(r"\{(\w+)\}", lambda found: _DATES[found[1]](at), parts[2])
    except (ValueError, KeyError, IndexError, OverflowError, OSError):
        return escape(decoded(fallback))
    title = escape(decoded(_HELD.sub("", fallback)))
    shown = f'<time datetime="{at.isoformat()}" title="{title}">{escape(decoded(text))}</time>'
    return _link(decoded(parts[3]), shown) if len(parts) > 3 else shown  # noqa: PLR2004  the optional fourth part


def ordinal(day: int) -> str:
    """Write a day of the month as Slack does: 1st, 2nd, 13th."""
    teen = 10 < day % 100 < 14  # noqa: PLR2004  11th, 12th, 13th
    return f"{day}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def clock(at: datetime) -> str:
    """Write a time of day as Slack does: 9:05 AM."""
    return f"{at.hour % 12 or 12}:{at:%M %p}"


def _ago(at: datetime) -> str:
    seconds = int((datetime.now(UTC) - at).total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def _pretty(written: Callable[[datetime], str]) -> Callable[[datetime], str]:
    def pretty(at: datetime) -> str:
        days = (datetime.now(at.tzinfo).date() - at.date()).days
        return {-1: "tomorrow", 0: "today", 1: "yesterday"}.get(days) or written(at)

    return pretty


def _short(at: datetime) -> str:
    return f"{at:%b} {at.day}, {at.year}"


def _date_text(at: datetime) -> str:
    return f"{at:%B} {ordinal(at.day)}, {at.year}"


def _long(at: datetime) -> str:
    return f"{at:%A}, {_date_text(at)}"


_DATES: dict[str, Callable[[datetime], str]] = {
    "date_num": lambda at: f"{at:%Y-%m-%d}",
    "date_slash": lambda at: f"{at:%m/%d/%Y}",
    "date": _date_text,
    "date_pretty": _pretty(_date_text),
    "date_short": _short,
    "date_short_pretty": _pretty(_short),
    "date_long": _long,
    "date_long_pretty": _pretty(_long),
    "day_divider_pretty": _pretty(_long),
    "date_long_full": _long,
    "time": clock,
    "time_secs": lambda at: f"{at.hour % 12 or 12}:{at:%M:%S %p}",
    "ago": _ago,
}
