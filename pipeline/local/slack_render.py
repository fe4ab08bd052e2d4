"""A message's blocks and attachments as HTML, shown as Slack shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from pipeline.local.slack_messages import Post
from pipeline.local.slack_mrkdwn import mrkdwn_to_html, plain_to_html

_COLORS = {"good": "#2eb67d", "warning": "#daa038", "danger": "#e01e5a"}
_HEX = re.compile(r"#?[0-9a-fA-F]{6}")


def content_html(post: Post) -> str:
    """Show what a message says: its blocks or else its text, then its attachments."""
    mark = _edited(post)
    if post.blocks:
        body = blocks_html(post.blocks)
    elif post.text:
        body = f'<div class="text">{mrkdwn_to_html(post.text, styled=post.content.styled)}{mark}</div>'
    else:
        body = ""
    return body + "".join(map(_attachment, post.attachments)) + (mark if post.blocks or not post.text else "")


def blocks_html(blocks: tuple[dict[str, Any], ...] | list[dict[str, Any]]) -> str:
    """Show blocks one below the other."""
    return "".join(_BLOCKS.get(block["type"], _other)(block) for block in blocks)


def _edited(post: Post) -> str:
    """Mark an edit; Slack itself leaves the mark out where a message is shown by its blocks."""
    if post.edited_at is None:
        return ""
    at = datetime.fromtimestamp(post.edited_at, UTC).astimezone()
    times = len(post.earlier)
    return (
        f' <span class="edited" title="{times} edit{"s" if times > 1 else ""}, last at {at:%H:%M:%S}">(edited)</span>'
    )


def _text(value: dict[str, Any]) -> str:
    if value.get("type") == "mrkdwn":
        return mrkdwn_to_html(value["text"], verbatim=bool(value.get("verbatim")))
    return plain_to_html(value["text"])


def _header(block: dict[str, Any]) -> str:
    return f'<div class="header-block">{_text(block["text"])}</div>'


def _section(block: dict[str, Any]) -> str:
    text = f'<div class="text">{_text(block["text"])}</div>' if "text" in block else ""
    fields = "".join(f'<div class="text">{_text(field)}</div>' for field in block.get("fields", []))
    fields = f'<div class="fields">{fields}</div>' if fields else ""
    accessory = f'<div class="accessory">{_element(block["accessory"])}</div>' if "accessory" in block else ""
    return f'<div class="section"><div class="section-text">{text}{fields}</div>{accessory}</div>'


def _context(block: dict[str, Any]) -> str:
    elements = "".join(
        _element(element) if element.get("type") == "image" else f"<span>{_text(element)}</span>"
        for element in block["elements"]
    )
    return f'<div class="context">{elements}</div>'


def _divider(_block: dict[str, Any]) -> str:
    return "<hr>"


def _actions(block: dict[str, Any]) -> str:
    return f'<div class="actions">{"".join(map(_element, block["elements"]))}</div>'


def _element(element: dict[str, Any]) -> str:
    if element["type"] == "image":
        return _image(element)
    if element["type"] != "button":
        return f'<span class="button">{escape(element["type"])}</span>'
    style = {"primary": " primary", "danger": " danger"}.get(element.get("style", ""), "")
    label = _text(element["text"])
    if url := element.get("url"):
        return f'<a class="button{style}" href="{escape(url)}" target="_blank" rel="noopener noreferrer">{label}</a>'
    return f'<span class="button{style}">{label}</span>'


def _image(image: dict[str, Any]) -> str:
    """Name an image instead of fetching it: the page loads nothing from elsewhere."""
    return (
        f'<span class="image" title="{escape(image.get("image_url", ""))}">🖼 {plain_to_html(image["alt_text"])}</span>'
    )


def _markdown(block: dict[str, Any]) -> str:
    """Show Markdown with its headings and bold text; the rest of it reads as mrkdwn does."""
    text = re.sub(r"^#{1,6} +(.+)$", r"*\1*", block["text"], flags=re.MULTILINE)
    text = re.sub(r"\*\*([^*\n]+)\*\*", r"*\1*", text)
    return f'<div class="text">{mrkdwn_to_html(text)}</div>'


def _table(block: dict[str, Any]) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{_leaves(cell)}</td>' for cell in row)}</tr>" for row in block["rows"])
    return f'<table class="table-block">{rows}</table>'


def _rich_text(block: dict[str, Any]) -> str:
    return f'<div class="text">{_leaves(block)}</div>'


def _leaves(value: Any) -> str:
    """Show the texts and links anywhere below a rich text element, without its styles."""
    if isinstance(value, list):
        return "".join(map(_leaves, value))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("text"), str):
        return plain_to_html(value["text"])
    if isinstance(value.get("url"), str):
        return mrkdwn_to_html(f"<{value['url']}>")
    return "".join(_leaves(child) for child in value.values() if isinstance(child, list | dict))


def _other(block: dict[str, Any]) -> str:
    return f'<div class="context"><span>({escape(str(block["type"]))})</span></div>'


_BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "divider": _divider,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _rich_text,
}


def _attachment(attachment: dict[str, Any]) -> str:
    """Show an attachment beside its colour bar, whether it has blocks or the older fields."""
    # an SVG's fill is an attribute: unlike a style it is no way around the page's content security policy
    bar = (
        f'<svg class="bar" aria-hidden="true"><rect width="4" height="100%" rx="2" fill="{_color(attachment)}"/></svg>'
    )
    blocks = attachment.get("blocks")
    inside = blocks_html(blocks) if isinstance(blocks, list) and blocks else _fields(attachment)
    pretext = attachment.get("pretext")
    before = f'<div class="text">{mrkdwn_to_html(pretext)}</div>' if isinstance(pretext, str) else ""
    return f'{before}<div class="attachment">{bar}<div class="attachment-body">{inside}</div></div>'


def _color(attachment: dict[str, Any]) -> str:
    color = str(attachment.get("color", ""))
    if _HEX.fullmatch(color):
        return "#" + color.removeprefix("#")
    return _COLORS.get(color, "#dddddd")


def _fields(attachment: dict[str, Any]) -> str:
    parts = []
    if title := attachment.get("title"):
        parts.append(f'<div class="text"><b>{plain_to_html(str(title))}</b></div>')
    if text := attachment.get("text") or attachment.get("fallback"):
        parts.append(f'<div class="text">{mrkdwn_to_html(str(text))}</div>')
    fields = [field for field in attachment.get("fields") or [] if isinstance(field, dict)]
    if fields:
        shown = "".join(
            f'<div class="text"><b>{plain_to_html(str(field.get("title", "")))}</b><br>'
            f"{mrkdwn_to_html(str(field.get('value', '')))}</div>"
            for field in fields
        )
        parts.append(f'<div class="fields">{shown}</div>')
    if footer := attachment.get("footer"):
        parts.append(f'<div class="context"><span>{plain_to_html(str(footer))}</span></div>')
    return "".join(parts)
