"""What Slack messages are put together from."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.alerts.alert import Alert
from pipeline.render.escaping import is_safe_url, link
from pipeline.render.limits import (
    MOST_BLOCKS,
    MOST_IN_MESSAGE,
    MOST_IN_SECTION,
    MOST_IN_TEXT,
    Block,
    block_size,
    blocks_that_fit,
    is_sound,
    lines_that_fit,
    section,
)
from pipeline.render.slack_message import SlackMessage, as_text, mention
from pipeline.render.wording import Words
from pipeline.rules.rule import Severity

EMOJI = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.MEDIUM: "🟡", Severity.LOW: "🔵"}
COLORS = {
    Severity.CRITICAL: "#c62828",
    Severity.HIGH: "#ef6c00",
    Severity.MEDIUM: "#f9a825",
    Severity.LOW: "#1e88e5",
}


MAY_REPEAT = "This may repeat an earlier message: Slack did not confirm that one."


def assembled(
    line: str, full: Sequence[str], top: Sequence[Block], beside: Sequence[Block], color: str
) -> SlackMessage:
    """Put a message together so that it keeps Slack's limits."""
    kept_top = [block for block in top if is_sound(block)]
    left = MOST_IN_MESSAGE - sum(map(block_size, kept_top))
    kept = blocks_that_fit((block for block in beside if is_sound(block)), left, MOST_BLOCKS - len(kept_top))
    lines, _ = lines_that_fit([text for text in full if text], MOST_IN_TEXT)
    return SlackMessage(line, "\n".join(lines) or line, tuple(kept_top), tuple(kept), color)


def plain_headline(alert: Alert) -> str:
    """Return severity and rule as they stand in `text`."""
    return f"{alert.rule.severity.capitalize()}: {as_text((Words(alert.rule.name),))}"


def mentioned(alert: Alert) -> str:
    """Return the alert's mention after a space, or nothing."""
    who = mention(alert.mention)
    return f" {who}" if who else ""


def sections(lines: Sequence[str]) -> list[Block]:
    """Fill as few sections as possible with whole lines."""
    if not lines:
        return []
    kept, _ = lines_that_fit(lines, MOST_IN_SECTION)
    block = [section("\n".join(kept))] if kept else []
    return [*block, *sections(lines[max(len(kept), 1) :])]


def console_link(alert: Alert) -> str:
    """Return the link to the event, or nothing."""
    return link(alert.event.link, "Event in CloudTrail") if is_safe_url(alert.event.link) else ""
