"""Whole messages, as they are sent: each alert of `alerts/` beside its message in `slack/` and `plain/`.

After a wanted change, `UPDATE_GOLDEN=1 python -m pytest tests/golden` writes the files again; the diff is reviewed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.alerts.alert import Alert, Notice, Repeats
from pipeline.event.summary import summarize
from pipeline.render import Context, document, plain, slack
from pipeline.rules.rule import RuleFacts

HERE = Path(__file__).parent
CASES = sorted((HERE / "alerts").glob("*.json"))
CONTEXT = Context(accounts={"111122223333": "production"})
NO_TIME_MS = 1_782_914_531_000


def read(path: Path) -> tuple[Alert, Repeats | None, bool]:
    """Build the alert that a case describes: rule, raw event, and how many seconds later it was seen."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    event = summarize(case["event"])
    alert = Alert(
        key="0" * 64,
        group="1" * 64,
        destination="security",
        rule=msgspec.convert(case["rule"], RuleFacts),
        event=event,
        first_seen_ms=(event.time_ms or NO_TIME_MS) + 1000 * case.get("lag_s", 30),
        annotation=case.get("annotation"),
        mention=case.get("mention", ""),
        undecided=case.get("undecided", ""),
    )
    repeats = msgspec.convert(case["repeats"], Repeats) if "repeats" in case else None
    return alert, repeats, case.get("may_repeat", False)


def compare(path: Path, text: str) -> None:
    """Hold a text against its golden file, or write it there when asked to."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 writes the new message; review the diff"


def as_json(value: Any) -> str:
    """Write a message so that a diff is read easily."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_alert_becomes_this_slack_message(path: Path) -> None:
    alert, repeats, may_repeat = read(path)
    message = slack.alert(alert, CONTEXT, repeats, may_repeat=may_repeat)
    compare(HERE / "slack" / path.name, as_json({**message.payload(), "instead of blocks": message.plain().text}))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_alert_becomes_this_plain_text(path: Path) -> None:
    alert, repeats, may_repeat = read(path)
    message = plain.alert(alert, CONTEXT, repeats, may_repeat=may_repeat)
    compare(HERE / "plain" / f"{path.stem}.txt", f"Subject: {message.subject}\n\n{message.body}")


def test_many_alerts_become_one_message() -> None:
    alerts = [read(path)[0] for path in CASES]
    compare(HERE / "slack_other" / "digest.json", as_json(slack.digest(alerts, CONTEXT, total=60).payload()))
    message = plain.digest(alerts, CONTEXT)
    compare(HERE / "plain_other" / "digest.txt", f"Subject: {message.subject}\n\n{message.body}")


def test_repeats_and_notices_become_these_messages() -> None:
    alert, repeats, _ = read(HERE / "alerts" / "access_denied.json")
    assert repeats
    notice = Notice(
        "rule failed", "Rule *x* failed on event 17: KeyError `foo`. `trailwire why` explains it.", "error", 3
    )
    messages = {
        "thread_reply": slack.thread_reply(alert, CONTEXT, msgspec.structs.replace(repeats, closed=False)),
        "closing": slack.closing(alert, CONTEXT, repeats),
        "notice": slack.notice(notice, CONTEXT),
    }
    payloads = {name: message.payload() for name, message in messages.items()}
    compare(HERE / "slack_other" / "repeats_and_notice.json", as_json(payloads))
    texts = [plain.closing(alert, CONTEXT, repeats).body, plain.notice(notice, CONTEXT).body]
    compare(HERE / "plain_other" / "repeats_and_notice.txt", "\n---\n".join(texts))


def test_a_document_holds_the_values_and_one_readable_line() -> None:
    alert, repeats, _ = read(HERE / "alerts" / "access_key_created.json")
    compare(HERE / "document" / "access_key_created.json", as_json(document.alert(alert, CONTEXT, repeats)))
