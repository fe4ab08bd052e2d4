"""Text that others chose, made safe to show: it stays on its line and is never a mention, a link or formatting.

Slack (docs.slack.dev, "Formatting text"): in a mrkdwn text, `<...>` is a mention, a link or a date, and `&`, `<`, `>`
are written as entities, in code spans too. Plain URLs, domains, e-mail addresses, `@here` and `#channel` become links
by themselves, unless the text object says `verbatim: true`; all of ours do. The message's own `text` field knows no
`verbatim`: there `defused` breaks whatever would link itself with an invisible word joiner.
"""

from __future__ import annotations

import re
import unicodedata

from pipeline.checks import scrub
from pipeline.event.fields import clip
from pipeline.event.redaction import redact_text

_READ_AT_MOST = 8_000
_ODD = "\N{REPLACEMENT CHARACTER}"
_WORD_JOINER = "\N{WORD JOINER}"
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_MARKS_IN_A_ROW = 2
"""Combining marks on one letter that real languages need here; more of them climb over the lines above."""

_FORMATTING = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])|:[^\s:]+:|^(?:>|&gt;)")
"""What Slack may take for bold, strike, code, italic, an emoji or a quote. `a_b` is no italic: it has no boundary."""

_LINKS_ITSELF = re.compile(r"@(?=\S)|#(?=\S)|:(?=\S)|(?<=\S)\.(?=[^\W\d])")
_SAFE_URL = re.compile(
    r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?", re.ASCII
)
"""An absolute http address of printable ASCII without the characters that end a link (`<`, `>`, `|`, quotes, spaces)
and without a user name, which would make it look like another host's."""

_URL_AT_MOST = 2_000


def visible(text: str, limit: int) -> str:
    """Return text as one line of at most this many characters in which everything can be seen.

    Line breaks and tabs become spaces; control, bidirectional and zero-width characters become U+FFFD.
    """
    text = scrub(text[:_READ_AT_MOST])
    if not (text.isascii() and text.isprintable()):
        text = _made_visible(text)
    return clip(" ".join(text.split()), limit)


def from_event(text: str, limit: int) -> str:
    """Return text of an event as one visible line without credentials."""
    return visible(redact_text(scrub(text[:_READ_AT_MOST])), limit)


def escaped(text: str) -> str:
    """Return text for mrkdwn and plain_text objects: the three characters that Slack decodes as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Return one visible line as a code span, in which Slack sees no formatting and no emoji."""
    inner = text.strip("`") or text
    return f"`{escaped(inner.replace('`', chr(39)))}`"


def unformatted(text: str) -> str:
    """Return one visible line as mrkdwn that looks as it reads: words that Slack would format become code spans."""
    return " ".join(code(word) if _FORMATTING.search(word) else escaped(word) for word in text.split(" "))


def strong(text: str) -> str:
    """Return one visible line in bold, as a code span where Slack would see formatting in it."""
    return code(text) if _FORMATTING.search(text) else f"*{escaped(text)}*"


def defused(text: str) -> str:
    """Return one visible line for a message's `text`, where nothing links or mentions by itself."""
    return escaped(_LINKS_ITSELF.sub(lambda found: found[0] + _WORD_JOINER, text))


def without_links(text: str) -> str:
    """Return one visible line for plain text, where mail programs make links of addresses: `https[:]//host`."""
    return re.sub(r"(?i)\bwww\.", "www[.]", text.replace("://", "[:]//"))


def is_safe_url(url: str) -> bool:
    """Tell whether this may stand as a link: an http address that means what it looks like."""
    return len(url) <= _URL_AT_MOST and _SAFE_URL.fullmatch(url) is not None


def link(url: str, label: str) -> str:
    """Return a mrkdwn link; the address must have passed `is_safe_url`, the label is ours."""
    return f"<{escaped(url)}|{escaped(label.replace('|', '/'))}>"


def _made_visible(text: str) -> str:
    shown = []
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        shown.append(_shown(char, kind) if marks <= _MARKS_IN_A_ROW else "")
    return "".join(shown)


def _shown(char: str, kind: str) -> str:
    if kind in {"Zs", "Zl", "Zp"} or char in "\t\n\r\v\f\x85":
        return " "
    return _ODD if kind in {"Cc", "Cf", "Cs", "Co", "Cn"} or char in _INVISIBLE_LETTERS else char
