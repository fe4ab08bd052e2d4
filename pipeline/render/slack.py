"""Slack messages: what the person on call sees at first glance, and what they need next.

On top stand severity, rule, who did what to which resource; beside a bar in the severity's colour the facts, what the
rule computed, where to look and what silences it. Least important comes last: Slack folds long messages, and where a
message would grow too long, blocks are left out from the end.
"""

from __future__ import annotations

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.render.context import Context
from pipeline.render.escaping import escaped, is_safe_url, link, visible
from pipeline.render.limits import Block, field_sections, is_sound, lines_that_fit, section
from pipeline.render.limits import context as context_block
from pipeline.render.silence import ignore_toml, why_command
from pipeline.render.slack_digest import digest
from pipeline.render.slack_message import SlackMessage, as_mrkdwn, as_text, code_block, command, prose
from pipeline.render.slack_parts import (
    COLORS,
    EMOJI,
    MAY_REPEAT,
    assembled,
    console_link,
    mentioned,
    plain_headline,
    sections,
)
from pipeline.render.values import as_lines
from pipeline.render.wording import Phrase, Said, Words, account_named, facts, happened_again, seen, sentence

__all__ = ["SlackMessage", "alert", "closing", "digest", "notice", "thread_reply"]

_NOTICE = {"info": ("ℹ️", "#607d8b"), "warning": ("⚠️", "#f9a825"), "error": ("🛑", "#c62828")}  # noqa: RUF001 - an emoji

_LONG_VALUE = 48
"""Characters from which a fact gets a line of its own; a column holds about forty."""

_ANNOTATION_AT_MOST = 1_500


def alert(alert: Alert, context: Context, repeats: Repeats | None = None, *, may_repeat: bool = False) -> SlackMessage:
    """Render one alert; with `repeats` as its message looks after an edit."""
    again = seen(repeats) if repeats and happened_again(repeats) else ()
    top = _sentence_section(f"{_headline(alert)}{mentioned(alert)}\n", alert)
    beside = [
        *([section(f"⚠️ *Could not be decided:* {prose(alert.undecided, 400)}")] if alert.undecided else []),
        *([section(f"🔁 {as_mrkdwn(again)}")] if again else []),
        *_facts(alert, context),
        *_annotation(alert),
        *_links(alert),
        *_about(alert),
        *context_block(MAY_REPEAT if may_repeat else ""),
        *_silence(alert),
    ]
    line = f"{EMOJI[alert.rule.severity]} {plain_headline(alert)}: {as_text(sentence(alert.event))}"
    full = [mentioned(alert).strip(), line, *_plain_lines(alert, context, again), MAY_REPEAT if may_repeat else ""]
    return assembled(line, full, [top], beside, COLORS[alert.rule.severity])


def thread_reply(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> SlackMessage:
    """Render the repeats of an alert for its thread, `alert` being the latest; nobody is mentioned again."""
    return _short("🔁 It happened again", alert, context, repeats, may_repeat=may_repeat)


def closing(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> SlackMessage:
    """Render the last word on a group where its first message cannot be edited."""
    return _short("🏁 It is over for now", alert, context, repeats, may_repeat=may_repeat)


def notice(notice: Notice, context: Context) -> SlackMessage:  # noqa: ARG001 - every renderer takes the context
    """Render something about Trailwire itself."""
    emoji, color = _NOTICE.get(notice.severity, _NOTICE["warning"])
    times = f" ({notice.count} times)" if notice.count > 1 else ""
    cause = visible(notice.cause, 150)
    top = section(f"{emoji} *Trailwire:* {prose(notice.cause, 150) or 'a notice'}{times}")
    text = prose(notice.text, 1_500)
    line = f"{emoji} Trailwire: {as_text((Said(cause, limit=150),))}{times}"
    full = [line, as_text((Said(notice.text, limit=1_500),))]
    return assembled(line, full, [top], [section(text)] if text else [], color)


def _short(opening: str, alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool) -> SlackMessage:
    says, again = sentence(alert.event), seen(repeats)
    where: Phrase = (Words(" in "), *account_named(alert.event.account, context)) if alert.event.account else ()
    links = [console_link(alert)] if alert.event.link else []
    after = "\n".join([as_mrkdwn(where), as_mrkdwn(again), *links])
    line = f"{opening}: {plain_headline(alert)}: {as_text(says)}"
    beside = context_block(MAY_REPEAT if may_repeat else "")
    return assembled(
        line,
        [line, as_text(again)],
        [_sentence_section(f"{opening}: ", alert, after)],
        beside,
        COLORS[alert.rule.severity],
    )


def _sentence_section(before: str, alert: Alert, after: str = "") -> Block:
    """Put the sentence between two texts, shortening its names until the section holds all three."""
    for limit in (160, 80, 40, 20):
        block = section(f"{before}{as_mrkdwn(sentence(alert.event, limit))}{after}")
        if is_sound(block):
            return block
    return section(before)


def _headline(alert: Alert) -> str:
    severity = alert.rule.severity
    return f"{EMOJI[severity]} *{severity.capitalize()}: {escaped(visible(alert.rule.name, 150))}*"


def _facts(alert: Alert, context: Context) -> list[Block]:
    """Set short facts in two columns and give long ones lines of their own."""
    short, long = [], []
    for label, phrase in facts(alert, context):
        value = as_mrkdwn(phrase)
        if len(as_text(phrase)) > _LONG_VALUE:
            long.append(f"*{label}*  {value}")
        else:
            short.append(f"*{label}*\n{value}")
    return [*field_sections(short), *sections(long)]


def _annotation(alert: Alert) -> list[Block]:
    if alert.annotation is None:
        return []
    if isinstance(alert.annotation, str | int | float):
        return [section(f"*The rule says*  {prose(_as_scalar(alert.annotation), 600) or '(an empty text)'}")]
    lines = as_lines(alert.annotation)
    kept, _ = lines_that_fit((code_block([line]) for line in lines), _ANNOTATION_AT_MOST)
    more = [f"… and {len(lines) - len(kept)} more lines"] if len(lines) > len(kept) else []
    return [section(f"*The rule says*\n{code_block([*lines[: len(kept)], *more])}")]


def _as_scalar(value: str | float) -> str:
    """Return a text, number or boolean that a rule computed as text."""
    return value if isinstance(value, str) else "".join(as_lines(value))


def _links(alert: Alert) -> list[Block]:
    """Offer where to look: the event, the runbook, the references. What is not an http address is only text."""
    shown = [console_link(alert)] if alert.event.link else []
    if runbook := visible(alert.rule.runbook, 2_000):
        shown.append(link(runbook, "Runbook") if is_safe_url(runbook) else f"Runbook: {prose(runbook, 200)}")
    references = alert.rule.references[:3]
    shown += [link(url, _host(url)) if is_safe_url(url) else prose(url, 200) for url in references]
    kept, _ = lines_that_fit(shown, 2_500)
    return [section("  ·  ".join(kept))] if kept else []


def _host(url: str) -> str:
    return visible(url.split("/")[2], 80)


def _about(alert: Alert) -> list[Block]:
    """Repeat what the rule's author wrote about it."""
    rule = alert.rule
    harmless = "; ".join(visible(text, 200) for text in rule.false_positives[:3])
    return context_block(
        escaped(visible(rule.description, 500)),
        f"Harmless if: {escaped(harmless)}" if harmless else "",
        f"Rule id: {escaped(visible(rule.id, 100))}" if rule.id else "",
    )


def _silence(alert: Alert) -> list[Block]:
    """Show what silences this action of this actor, and what explains the match."""
    ignore = ignore_toml(alert)
    why = f"Why it matched: {command(why_command(alert))}"
    return context_block(
        f"Expected? This in `trailwire.toml` silences it:\n{code_block(ignore.splitlines(), 1_600)}" if ignore else "",
        why,
    )


def _plain_lines(alert: Alert, context: Context, again: Phrase) -> list[str]:
    """Say in text what the blocks would have said, for the one time that Slack refuses them."""
    told = [f"{label}: {as_text(value)}" for label, value in facts(alert, context)]
    where = [f"<{escaped(url)}>" for url in (alert.event.link, alert.rule.runbook) if is_safe_url(url)]
    undecided = [f"Could not be decided: {as_text((Said(alert.undecided),))}"] if alert.undecided else []
    return [*undecided, *([as_text(again)] if again else []), *told, *where]
