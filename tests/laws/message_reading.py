"""Reading messages as Slack does, to see what is really in them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.render.slack import SlackMessage

_TOKEN = re.compile(r"<([^<>]*)>")
_DATE = re.compile(r"!date\^\d{1,10}\^\{date_short_pretty\} at \{time_secs\}\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_BY_ITSELF = re.compile(r"https?://|\bwww\.\w|[\w-]\.[a-z]{2,}|@\w|(?<!&)#\w", re.IGNORECASE)
_WORD_JOINER = "\u2060"

MAX_BLOCKS, MAX_SECTION, MAX_FIELDS, MAX_FIELD, MAX_CONTEXT, MAX_TOTAL, MAX_TEXT, MAX_URL = (
    50,
    3000,
    10,
    2000,
    10,
    10_000,
    4000,
    3000,
)


class Reading(NamedTuple):
    """What Slack would make of a message."""

    mentions: list[str]
    links: list[str]


def read_message(message: SlackMessage) -> Reading:
    """Parse a message's blocks and text; asserts on the way everything that holds for all messages."""
    payload = message.payload()
    json.dumps(payload, ensure_ascii=False).encode()
    assert payload["unfurl_links"] is False
    assert payload["unfurl_media"] is False
    _read_text_field(payload["text"])
    objects = list(_text_objects(payload))
    for text, limit in objects:
        _check_text(text, limit)
    assert sum(len(text) for text, _ in objects) <= MAX_TOTAL
    tokens = [token for text, _ in objects for token in _TOKEN.findall(text)]
    return _sorted_out(tokens)


def read_text(text: str) -> Reading:
    """Parse a message's `text` as Slack would where there are no blocks."""
    _read_text_field(text)
    return _sorted_out(_TOKEN.findall(text))


def _sorted_out(tokens: list[str]) -> Reading:
    mentions, links = [], []
    for token in tokens:
        if token.startswith(("!here", "!channel", "!everyone", "!subteam", "@")):
            mentions.append(token)
        elif token.startswith("http"):
            links.append(token.partition("|")[0].replace("&amp;", "&"))
        else:
            assert _DATE.fullmatch(token), f"neither mention, link nor date: <{token}>"
    assert all(len(url) <= MAX_URL for url in links)
    return Reading(mentions, links)


def _read_text_field(text: str) -> None:
    """Nothing in `text` links or mentions by itself, the tokens apart."""
    assert 0 < len(text) <= MAX_TEXT
    _check_entities(text)
    _check_visible(text.replace(_WORD_JOINER, ""))
    without_tokens = _TOKEN.sub("", text)
    assert not _BY_ITSELF.search(without_tokens), without_tokens


def _text_objects(payload: dict[str, Any]) -> Iterator[tuple[str, int]]:
    groups = [payload.get("blocks", []), *(attachment["blocks"] for attachment in payload.get("attachments", []))]
    assert sum(map(len, groups)) <= MAX_BLOCKS
    for block in (block for group in groups for block in group):
        if "fields" in block:
            assert 0 < len(block["fields"]) <= MAX_FIELDS
        if block["type"] == "context":
            assert 0 < len(block["elements"]) <= MAX_CONTEXT
        else:
            assert block["type"] == "section"
        single = [block["text"]] if "text" in block else []
        for text in [*single, *block.get("fields", []), *block.get("elements", [])]:
            assert text["type"] == "mrkdwn"
            assert text["verbatim"] is True, "without it Slack links plain addresses, names and domains"
            yield text["text"], MAX_FIELD if "fields" in block else MAX_SECTION


def _check_text(text: str, limit: int) -> None:
    assert len(text.strip()) > 0
    assert len(text.encode("utf-16-le")) // 2 <= limit
    _check_entities(text)
    _check_visible(text)
    _check_formatting(text)


def _check_entities(text: str) -> None:
    """No entity was cut, no special character is left bare."""
    plain = _TOKEN.sub("", text)
    assert "<" not in plain
    assert ">" not in plain
    assert not re.search(r"&(?!amp;|lt;|gt;)", plain)


def _check_visible(text: str) -> None:
    """Nothing is invisible, reorders its neighbours, or breaks lines other than the template's."""
    odd = [
        char
        for char in text
        if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}
    ]
    assert not odd, odd


def _check_formatting(text: str) -> None:
    """Code spans are closed, bold is the template's own, and no line of an event's becomes a quote."""
    assert text.count("```") % 2 == 0
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert outside.count("`") % 2 == 0
    outside = re.sub(r"`[^`\n]+`", "", outside)
    outside = _TOKEN.sub("", outside)
    assert "`" not in outside
    assert outside.count("*") % 2 == 0
    assert not re.search(r"~|(?<![^\W_])_|_(?![^\W_])|:[^\s:]+:", outside), outside
    assert not re.search(r"^&gt;", outside, flags=re.MULTILINE)
