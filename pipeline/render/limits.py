"""Slack's size limits, and the shapes that keep to them whatever they are given.

Limits: docs.slack.dev, Block Kit reference, and python-slack-sdk's own checks. The cap on a whole message is not
published; about 13,200 characters were seen to pass and 15,181 to be refused, so ours stay under 10,000. Lengths are
counted in UTF-16 units, the larger of the ways in which Slack may count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOST_BLOCKS = 50
MOST_IN_SECTION = 3_000
MOST_IN_FIELD = 2_000
MOST_FIELDS = 10
MOST_CONTEXT_ELEMENTS = 10
MOST_IN_MESSAGE = 9_500
MOST_IN_TEXT = 3_500

Block = dict[str, Any]


def size(text: str) -> int:
    """Return a text's length in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text) if not text.isascii() else len(text)


def section(text: str) -> Block:
    """Return a section block."""
    return {"type": "section", "text": mrkdwn(text)}


def field_sections(fields: Iterable[str]) -> list[Block]:
    """Return fields in two columns, in as many sections as they need; a field that is too long is left out."""
    kept = [mrkdwn(field) for field in fields if field and size(field) <= MOST_IN_FIELD]
    return [
        {"type": "section", "fields": kept[start : start + MOST_FIELDS]} for start in range(0, len(kept), MOST_FIELDS)
    ]


def context(*texts: str) -> list[Block]:
    """Return a context block, small and grey; none where there is nothing to say."""
    elements = [mrkdwn(text) for text in texts if text][:MOST_CONTEXT_ELEMENTS]
    return [{"type": "context", "elements": elements}] if elements else []


def mrkdwn(text: str) -> dict[str, Any]:
    """Return a text object in which Slack makes no links or mentions by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def lines_that_fit(lines: Iterable[str], most: int) -> tuple[list[str], int]:
    """Return the first lines that fit together, and how many characters they leave; no line is ever cut."""
    kept: list[str] = []
    for line in lines:
        if size(line) + 1 > most:
            break
        kept.append(line)
        most -= size(line) + 1
    return kept, most


def blocks_that_fit(blocks: Iterable[Block], most: int = MOST_IN_MESSAGE, count: int = MOST_BLOCKS) -> list[Block]:
    """Return the blocks that fit into a message, in order. What is least important stands last and goes first."""
    kept: list[Block] = []
    for block in blocks:
        length = block_size(block)
        if length <= most and len(kept) < count:
            kept.append(block)
            most -= length
    return kept


def block_size(block: Block) -> int:
    """Return how many characters of text a block shows."""
    texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    return sum(size(text["text"]) for text in texts if text)


def is_sound(block: Block) -> bool:
    """Tell whether a block is within Slack's limits and not empty."""
    texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    most = MOST_IN_FIELD if "fields" in block else MOST_IN_SECTION
    return all(text is None or 0 < size(text["text"]) <= most for text in texts)
