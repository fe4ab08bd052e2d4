"""Blocks are refused where Slack refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.local.slack_blocks import block_errors, text_length

TOO_LONG_76 = "must be less than 76 characters"


def mrkdwn(text: Any) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: Any) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), **changes}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": plain("h" * 150)},
        {"type": "section", "text": mrkdwn("s" * 3000)},
        {"type": "section", "fields": [mrkdwn("f" * 2000)] * 10},
        {"type": "section", "text": plain("a"), "accessory": button(url="https://x.y/")},
        {"type": "context", "elements": [mrkdwn("c")] * 10},
        {"type": "context", "elements": [{"type": "image", "image_url": "https://x/y.png", "alt_text": "a"}]},
        {"type": "divider"},
        {"type": "divider", "block_id": "b" * 255},
        {"type": "actions", "elements": [button(style="danger", value="v" * 2000)] * 25},
        {"type": "image", "image_url": "https://x/y.png", "alt_text": "a"},
        {"type": "markdown", "text": "m" * 12_000},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20] * 100},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    ],
)
def test_a_block_at_its_limits_is_taken(block: dict[str, Any]) -> None:
    assert block_errors([block]) == []


@pytest.mark.parametrize(
    ("block", "error", "where"),
    [
        ("text", "must be an object", ""),
        ({}, "unsupported type: None", "/type"),
        ({"type": ["section"]}, "unsupported type: ['section']", "/type"),
        ({"type": "alert"}, "unsupported type: alert", "/type"),
        ({"type": "header"}, "missing required field: text", ""),
        ({"type": "header", "text": plain("h" * 151)}, "must be less than 151 characters", "/text/text"),
        ({"type": "header", "text": mrkdwn("h")}, "must be a valid enum value", "/text/type"),
        ({"type": "header", "text": "h"}, "must be an object", "/text"),
        ({"type": "section"}, "missing required field: text or fields", ""),
        ({"type": "section", "text": mrkdwn("s" * 3001)}, "must be less than 3001 characters", "/text/text"),
        ({"type": "section", "text": mrkdwn(5)}, "must be a string", "/text/text"),
        ({"type": "section", "fields": []}, "no less than 1 items allowed", "/fields"),
        ({"type": "section", "fields": [mrkdwn("f")] * 11}, "no more than 10 items allowed", "/fields"),
        ({"type": "section", "fields": [mrkdwn("f" * 2001)]}, "must be less than 2001 characters", "/fields/0/text"),
        ({"type": "context", "elements": [mrkdwn("c")] * 11}, "no more than 10 items allowed", "/elements"),
        ({"type": "context", "elements": "c"}, "must be an array", "/elements"),
        ({"type": "actions", "elements": [button()] * 26}, "no more than 25 items allowed", "/elements"),
        ({"type": "actions", "elements": [button(text=plain("b" * 76))]}, TOO_LONG_76, "/elements/0/text/text"),
        ({"type": "actions", "elements": [button(url="javascript:x")]}, "invalid url", "/elements/0/url"),
        ({"type": "actions", "elements": [button(style="loud")]}, "must be a valid enum value", "/elements/0/style"),
        ({"type": "actions", "elements": [{"type": "toaster"}]}, "unsupported type: toaster", "/elements/0/type"),
        ({"type": "image", "image_url": "https://x/y.png"}, "missing required field: alt_text", ""),
        ({"type": "divider", "block_id": "b" * 256}, "must be less than 256 characters", "/block_id"),
        ({"type": "table", "rows": [["x"] * 21]}, "no more than 20 items allowed", "/rows/0"),
    ],
)  # fmt: skip
def test_a_block_beyond_its_limits_is_refused(block: Any, error: str, where: str) -> None:
    assert block_errors([block]) == [f"{error} [json-pointer:/blocks/0{where}]"]


def test_a_message_takes_fifty_blocks_with_ids_of_their_own() -> None:
    assert block_errors([{"type": "divider"}] * 50) == []
    assert block_errors([{"type": "divider"}] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]
    twice = [{"type": "divider", "block_id": "same"}] * 2
    assert block_errors(twice) == ["`block_id` already exists (same) [json-pointer:/blocks/1/block_id]"]


def test_every_text_of_a_message_counts_once() -> None:
    blocks = [
        {"type": "header", "text": plain("12345")},
        {"type": "section", "fields": [mrkdwn("123"), mrkdwn("12")]},
        {"type": "actions", "elements": [button()]},
    ]
    assert text_length(blocks) == 12
