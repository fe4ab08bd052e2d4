"""Many alerts in one Slack message, the severest first."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.alerts.alert import Alert
from pipeline.render.context import Context
from pipeline.render.escaping import escaped, is_safe_url, link, visible
from pipeline.render.limits import context as context_block
from pipeline.render.limits import lines_that_fit, section
from pipeline.render.slack_message import SlackMessage, as_mrkdwn, as_text, mention
from pipeline.render.slack_parts import COLORS, EMOJI, MAY_REPEAT, assembled, plain_headline, sections
from pipeline.render.wording import Phrase, Said, Words, counted, folded, sentence, when
from pipeline.rules.rule import Severity

_LINES_AT_MOST = 8_000
_TEXT_LINES = 20
_MENTIONS_AT_MOST = 5


def digest(
    alerts: Sequence[Alert], context: Context, total: int | None = None, *, may_repeat: bool = False
) -> SlackMessage:
    """Render many alerts as one message; `total` is how many there were, if more than are given."""
    total = max(total or 0, len(alerts))
    groups = folded(alerts)
    kept, _ = lines_that_fit((_line(alert, count, context) for alert, count in groups), _LINES_AT_MOST)
    untold = total - sum(count for _, count in groups[: len(kept)])
    worst = groups[0][0].rule.severity if groups else Severity.LOW
    title = _title(alerts, total)
    top = section(f"{EMOJI[worst]} *{title}*, told together{_mentions(alerts)}")
    beside = [
        *sections(kept),
        *context_block(f"and {untold} more" if untold else "", MAY_REPEAT if may_repeat else ""),
    ]
    line = f"{EMOJI[worst]} {title}, told together"
    return assembled(line, [_mentions(alerts).strip(), line, *_text_lines(groups, total)], [top], beside, COLORS[worst])


def _title(alerts: Sequence[Alert], total: int) -> str:
    counts = f" ({counted(alerts)})" if len(alerts) == total and alerts else ""
    return f"{total} alert{'' if total == 1 else 's'}{counts}"


def _mentions(alerts: Sequence[Alert]) -> str:
    everybody = dict.fromkeys(filter(None, (mention(alert.mention) for alert in alerts)))
    return "".join(f" {who}" for who in list(everybody)[:_MENTIONS_AT_MOST])


def _text_lines(groups: Sequence[tuple[Alert, int]], total: int) -> list[str]:
    shown = groups[:_TEXT_LINES]
    lines = [
        f"{EMOJI[alert.rule.severity]} {plain_headline(alert)}: {as_text(sentence(alert.event, 80))}"
        for alert, _ in shown
    ]
    untold = total - sum(count for _, count in shown)
    return [*lines, f"and {untold} more"] if untold else lines


def _line(alert: Alert, count: int, context: Context) -> str:
    event = alert.event
    account = context.accounts.get(event.account, "")
    where: Phrase = (
        (Words(" in "), Words(account) if account else Said(event.account, limit=64)) if event.account else ()
    )
    calm = tuple(Said(part.text, limit=80) if isinstance(part, Said) else part for part in sentence(event))
    times = f" *x{count}*" if count > 1 else ""
    console = f"  {link(event.link, 'event')}" if is_safe_url(event.link) else ""
    says = as_mrkdwn((*calm, *where, Words(", "), *when(alert)))
    return f"{EMOJI[alert.rule.severity]} *{escaped(visible(alert.rule.name, 100))}*{times}: {says}{console}"
