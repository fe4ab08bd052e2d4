"""Plain text messages, for e-mail, SNS and standard output.

Text of events stays on its line, shows everything odd as U+FFFD, and has its addresses broken (`https[:]//host`), for
mail programs make links of addresses. Bare domain names stay as they are: AWS's own service names are such.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.event.fields import clip
from pipeline.render.context import Context
from pipeline.render.escaping import from_event, is_safe_url, visible, without_links
from pipeline.render.silence import ignore_toml, why_command
from pipeline.render.values import as_lines
from pipeline.render.wording import (
    Moment,
    Part,
    Phrase,
    Said,
    account_named,
    counted,
    facts,
    folded,
    happened_again,
    seen,
    sentence,
    spaced,
    utc,
    when,
)

SUBJECT_AT_MOST = 99
"""SNS takes subjects under 100 characters, ASCII, on one line (botocore's model of Publish)."""

_DIGEST_LINES = 200
_ANNOTATION_LINES = 40
_MAY_REPEAT = "This may repeat an earlier message: the destination did not confirm that one."


class PlainMessage(msgspec.Struct, frozen=True):
    """One message of plain text."""

    subject: str
    """One ASCII line of at most `SUBJECT_AT_MOST` characters."""
    body: str
    """Lines ended by line feeds; begins with what the subject says, in full."""


def alert(alert: Alert, context: Context, repeats: Repeats | None = None, *, may_repeat: bool = False) -> PlainMessage:
    """Render one alert; with `repeats` it says how often it was seen."""
    again = [as_plain(seen(repeats))] if repeats and happened_again(repeats) else []
    undecided = [f"Could not be decided: {_quoted(alert.undecided, 400)}"] if alert.undecided else []
    table = [(label, as_plain(value)) for label, value in facts(alert, context)]
    blocks = [
        [_headline(alert), as_plain(sentence(alert.event))],
        [*undecided, *again],
        _table([*table, *_links(alert)]),
        _annotation(alert),
        _about(alert),
        [_MAY_REPEAT] if may_repeat else [],
        _silence(alert),
    ]
    return _message(f"{_headline(alert)}: {as_plain(sentence(alert.event, 60))}", blocks)


def digest(
    alerts: Sequence[Alert], context: Context, total: int | None = None, *, may_repeat: bool = False
) -> PlainMessage:
    """Render many alerts as one message, the severest first; `total` is how many there were, if more than are given."""
    total = max(total or 0, len(alerts))
    groups = folded(alerts)
    shown = groups[:_DIGEST_LINES]
    untold = total - sum(count for _, count in shown)
    counts = f" ({counted(alerts)})" if len(alerts) == total and alerts else ""
    title = f"{total} alert{'' if total == 1 else 's'}{counts}, told together"
    lines = [_digest_line(one, count, context) for one, count in shown]
    more = [f"and {untold} more"] if untold else []
    return _message(title, [[title], [*lines, *more], [_MAY_REPEAT] if may_repeat else []])


def thread_reply(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> PlainMessage:
    """Render the repeats of an alert, `alert` being the latest."""
    return _short("Again", alert, context, repeats, may_repeat=may_repeat)


def closing(alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool = False) -> PlainMessage:
    """Render the last word on a group where its first message cannot be edited."""
    return _short("Over for now", alert, context, repeats, may_repeat=may_repeat)


def notice(notice: Notice, context: Context) -> PlainMessage:  # noqa: ARG001 - every renderer takes the context
    """Render something about Trailwire itself."""
    times = f" ({notice.count} times)" if notice.count > 1 else ""
    title = f"Trailwire {visible(notice.severity, 20)}: {_quoted(notice.cause, 150)}{times}"
    return _message(title, [[title], [_quoted(notice.text, 3_000)]])


def as_plain(phrase: Iterable[Part]) -> str:
    """Write a phrase as plain text."""
    return "".join(map(_part, phrase))


def _part(part: Part) -> str:
    if isinstance(part, Moment):
        return utc(part.at_ms)
    return (_quoted(part.text, part.limit) or "?") if isinstance(part, Said) else spaced(part.text)


def _quoted(text: str, limit: int) -> str:
    return without_links(from_event(text, limit))


def _message(subject: str, blocks: Iterable[Sequence[str]]) -> PlainMessage:
    ascii_subject = visible(subject, 400).replace("…", "...").encode("ascii", "replace").decode()
    body = "\n\n".join("\n".join(line for line in lines if line) for lines in blocks if any(lines))
    return PlainMessage(clip(ascii_subject, SUBJECT_AT_MOST).replace("…", "."), body + "\n")


def _short(opening: str, alert: Alert, context: Context, repeats: Repeats, *, may_repeat: bool) -> PlainMessage:
    event = alert.event
    where: Phrase = account_named(event.account, context) if event.account else ()
    says = as_plain(sentence(event)) + (f" in {as_plain(where)}" if where else "")
    title = f"{opening}: {_headline(alert)}: {as_plain(sentence(event, 60))}"
    lines = [
        f"{opening}: {_headline(alert)}",
        says,
        as_plain(seen(repeats)),
        event.link if is_safe_url(event.link) else "",
    ]
    return _message(title, [lines, [_MAY_REPEAT] if may_repeat else []])


def _headline(alert: Alert) -> str:
    return f"{alert.rule.severity.upper()} {visible(alert.rule.name, 150)}"


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(label) for label, _ in rows), default=0)
    return [f"{label.ljust(width)}  {value}" for label, value in rows]


def _links(alert: Alert) -> list[tuple[str, str]]:
    rows = [("Event", alert.event.link if is_safe_url(alert.event.link) else "")]
    rows += [("Runbook", visible(alert.rule.runbook, 2_000))]
    rows += [("See", visible(reference, 2_000)) for reference in alert.rule.references[:3]]
    return [row for row in rows if row[1]]


def _annotation(alert: Alert) -> list[str]:
    if alert.annotation is None:
        return []
    lines = as_lines(alert.annotation)
    shown = [" " * (len(line) - len(line.lstrip(" "))) + without_links(visible(line, 300)) for line in lines]
    more = [f"... and {len(shown) - _ANNOTATION_LINES} more lines"] if len(shown) > _ANNOTATION_LINES else []
    return ["The rule says:", *shown[:_ANNOTATION_LINES], *more]


def _about(alert: Alert) -> list[str]:
    harmless = "; ".join(visible(text, 200) for text in alert.rule.false_positives[:3])
    return [
        visible(alert.rule.description, 1_000),
        f"Harmless if: {harmless}" if harmless else "",
        f"Rule id: {visible(alert.rule.id, 100)}" if alert.rule.id else "",
    ]


def _silence(alert: Alert) -> list[str]:
    ignore = ignore_toml(alert)
    expected = ["Expected? This in trailwire.toml silences it:", *ignore.splitlines()] if ignore else []
    return [*expected, f"Why it matched: {why_command(alert)}"]


def _digest_line(alert: Alert, count: int, context: Context) -> str:
    event = alert.event
    where = f" in {as_plain(account_named(event.account, context))}" if event.account else ""
    times = f" x{count}" if count > 1 else ""
    says = f"{as_plain(sentence(event, 80))}{where}, {as_plain(when(alert))}"
    return f"{_headline(alert)}{times}: {says}" + (f" {event.link}" if is_safe_url(event.link) else "")
