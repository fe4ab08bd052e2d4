"""What Slack refuses in a message's blocks and attachments, in Slack's own words.

Limits: docs.slack.dev, Block Kit reference. The cap on a whole message's text is not published; messages of about
13,200 rendered characters were seen to pass and of 15,181 to be refused with `msg_blocks_too_long`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MAX_BLOCKS = 50
MAX_ATTACHMENTS = 100
MAX_MESSAGE_TEXT = 13_200
MAX_SECTION_TEXT = 3_000
MAX_FIELDS = 10
MAX_FIELD_TEXT = 2_000
MAX_HEADER_TEXT = 150
MAX_CONTEXT_ELEMENTS = 10
MAX_ACTIONS = 25
MAX_BUTTON_TEXT = 75
MAX_URL = 3_000
MAX_VALUE = 2_000
MAX_ALT_TEXT = 2_000
MAX_ID = 255
MAX_MARKDOWN = 12_000
MAX_TABLE_ROWS = 100
MAX_TABLE_CELLS = 20

Errors = Iterator[str]


def block_errors(blocks: list[Any], pointer: str = "/blocks") -> list[str]:
    """List what is wrong with a message's blocks, as `what [json-pointer:where]`; empty where Slack would take them."""
    return list(_list_errors(blocks, pointer, MAX_BLOCKS, _block)) + list(_repeated_ids(blocks, pointer))


def text_length(value: Any) -> int:
    """Count the characters that blocks would show, which a message may have only so many of."""
    if isinstance(value, list):
        return sum(map(text_length, value))
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    return (len(own) if isinstance(own, str) else 0) + sum(
        text_length(child) for child in value.values() if isinstance(child, dict | list)
    )


def _block(block: Any, at: str) -> Errors:
    if not isinstance(block, dict):
        yield _error("must be an object", at)
        return
    kind = block.get("type")
    check = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        yield _error(f"unsupported type: {kind}", f"{at}/type")
        return
    yield from _string(block, "block_id", at, MAX_ID, required=False)
    yield from check(block, at)


def _repeated_ids(blocks: list[Any], at: str) -> Errors:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                yield _error(f"`block_id` already exists ({block_id})", f"{at}/{index}/block_id")
            seen.add(block_id)


def _header(block: dict[str, Any], at: str) -> Errors:
    yield from _text(block, "text", at, MAX_HEADER_TEXT, plain=True)


def _section(block: dict[str, Any], at: str) -> Errors:
    if "text" not in block and "fields" not in block:
        yield _error("missing required field: text or fields", at)
    if "text" in block:
        yield from _text(block, "text", at, MAX_SECTION_TEXT)
    if "fields" in block:
        yield from _elements(
            block, "fields", at, MAX_FIELDS, lambda field, here: _text_object(field, here, MAX_FIELD_TEXT)
        )
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _context(block: dict[str, Any], at: str) -> Errors:
    yield from _elements(block, "elements", at, MAX_CONTEXT_ELEMENTS, _context_element)


def _context_element(element: Any, at: str) -> Errors:
    if isinstance(element, dict) and element.get("type") == "image":
        yield from _image(element, at)
    else:
        yield from _text_object(element, at, MAX_SECTION_TEXT)


def _actions(block: dict[str, Any], at: str) -> Errors:
    yield from _elements(block, "elements", at, MAX_ACTIONS, _element)


def _element(element: Any, at: str) -> Errors:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "button":
        yield from _button(element, at)
    elif kind == "image":
        yield from _image(element, at)
    elif kind not in _OTHER_ELEMENTS:
        yield _error(f"unsupported type: {kind}", f"{at}/type")


def _button(button: dict[str, Any], at: str) -> Errors:
    yield from _text(button, "text", at, MAX_BUTTON_TEXT, plain=True)
    yield from _string(button, "action_id", at, MAX_ID, required=False)
    yield from _string(button, "value", at, MAX_VALUE, required=False)
    yield from _url(button, "url", at, required=False)
    if button.get("style") not in {None, "primary", "danger"}:
        yield _error("must be a valid enum value", f"{at}/style")


def _image(image: dict[str, Any], at: str) -> Errors:
    yield from _string(image, "alt_text", at, MAX_ALT_TEXT)
    if "slack_file" not in image:
        yield from _url(image, "image_url", at)


def _markdown(block: dict[str, Any], at: str) -> Errors:
    yield from _string(block, "text", at, MAX_MARKDOWN)


def _table(block: dict[str, Any], at: str) -> Errors:
    yield from _elements(
        block, "rows", at, MAX_TABLE_ROWS, lambda row, here: _list_errors(row, here, MAX_TABLE_CELLS, _anything)
    )


def _rich_text(block: dict[str, Any], at: str) -> Errors:
    yield from _elements(block, "elements", at, None, _anything)


def _anything(_value: Any, _at: str) -> Errors:
    yield from ()


_BLOCKS: dict[str, Callable[[dict[str, Any], str], Errors]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _anything,
    "image": _image,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _rich_text,
}
_OTHER_ELEMENTS = {
    "overflow",
    "static_select",
    "datepicker",
    "users_select",
    "channels_select",
    "checkboxes",
    "radio_buttons",
}


def _text(holder: dict[str, Any], key: str, at: str, limit: int, *, plain: bool = False) -> Errors:
    if key not in holder:
        yield _error(f"missing required field: {key}", at)
    else:
        yield from _text_object(holder[key], f"{at}/{key}", limit, plain=plain)


def _text_object(value: Any, at: str, limit: int, *, plain: bool = False) -> Errors:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(value, dict):
        yield _error("must be an object", at)
    elif value.get("type") not in kinds:
        yield _error("must be a valid enum value", f"{at}/type")
    else:
        yield from _string(value, "text", at, limit)


def _string(holder: dict[str, Any], key: str, at: str, limit: int, *, required: bool = True) -> Errors:
    if key not in holder:
        if required:
            yield _error(f"missing required field: {key}", at)
        return
    value = holder[key]
    if not isinstance(value, str):
        yield _error("must be a string", f"{at}/{key}")
    elif not value and required:
        yield _error("must be more than 0 characters", f"{at}/{key}")
    elif len(value) > limit:
        yield _error(f"must be less than {limit + 1} characters", f"{at}/{key}")


def _url(holder: dict[str, Any], key: str, at: str, *, required: bool = True) -> Errors:
    errors = list(_string(holder, key, at, MAX_URL, required=required))
    yield from errors
    if not errors and key in holder and not holder[key].startswith(("https://", "http://", "mailto:")):
        yield _error("invalid url", f"{at}/{key}")


def _elements(
    holder: dict[str, Any], key: str, at: str, limit: int | None, check: Callable[[Any, str], Errors]
) -> Errors:
    if key not in holder:
        yield _error(f"missing required field: {key}", at)
    elif not holder[key]:
        yield _error("no less than 1 items allowed", f"{at}/{key}")
    else:
        yield from _list_errors(holder[key], f"{at}/{key}", limit, check)


def _list_errors(value: Any, at: str, limit: int | None, check: Callable[[Any, str], Errors]) -> Errors:
    if not isinstance(value, list):
        yield _error("must be an array", at)
    elif limit is not None and len(value) > limit:
        yield _error(f"no more than {limit} items allowed", at)
    else:
        for index, item in enumerate(value):
            yield from check(item, f"{at}/{index}")


def _error(what: str, at: str) -> str:
    return f"{what} [json-pointer:{at}]"
