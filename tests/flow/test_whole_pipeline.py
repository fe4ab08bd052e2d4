"""The main job, end to end: log events in, Slack messages out, every event and alert accounted for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from pipeline.decode import s3
from pipeline.decode.decoded import LogEvent, Source
from pipeline.local.slack_faults import ratelimited
from pipeline.local.whole_pipeline import WholePipeline
from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "cloudtrail"


def demo() -> RuleSet:
    text = (resources.files("pipeline.local") / "demo.toml").read_text(encoding="utf-8")
    return ruleset.parse(text, lambda path: path, name="demo.toml")


def messages(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        if file.suffix in (".json", ".gz"):
            items = s3.read(file.read_bytes(), Source(id=file.name))
            yield from (item.message for item in items if isinstance(item, LogEvent))


def test_the_fixtures_become_at_most_a_dozen_alerts_each_said_once() -> None:
    with WholePipeline(demo()) as whole:
        put = sum(whole.put(messages(ROOT / "fixtures" / "events")))
        whole.drain()
        said = [post.content.text for _, post in whole.said()]
    assert whole.totals["Events"] == put == len(list((ROOT / "fixtures" / "events").iterdir()))
    assert whole.totals["Imbalance"] == 0
    assert whole.totals["Alerts"] <= 12
    assert len(said) == len(set(said)) == whole.totals["Posts"]
    assert any("DeleteTrail" in text and "mallory" in text for text in said)


def test_the_users_own_profile_and_proxies_have_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("AWS_PROFILE", "of-somebody-else")
    with WholePipeline(demo()) as whole:
        list(whole.put(['{"eventName": "CreateAccessKey"}']))
        whole.drain()
        assert len(whole.said()) == 1
    assert (os.environ["AWS_PROFILE"], os.environ["NO_PROXY"]) == ("of-somebody-else", "example.com")


def test_an_event_that_is_logged_again_is_not_told_again() -> None:
    stop = (ROOT / "fixtures" / "events" / "stop_logging.json").read_text(encoding="utf-8")
    with WholePipeline(demo()) as whole:
        for _ in range(3):
            list(whole.put([stop]))
            whole.drain()
        assert len(whole.said()) == 1
    assert whole.totals["Duplicate"] == 2


def test_what_cannot_be_read_costs_its_neighbours_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stop = (ROOT / "fixtures" / "events" / "stop_logging.json").read_text(encoding="utf-8")
    with WholePipeline(demo()) as whole:
        list(whole.put(["not json", stop, '{"eventName": "StopLogg']))
        whole.drain()
        assert len([post for _, post in whole.said() if "StopLogging" in post.content.text]) == 1
    assert (whole.totals["Events"], whole.totals["Quarantined"]) == (1, 2)
    kept = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith('{"v":1')]
    assert [part["reason"] for part in kept] == ["not JSON", "not JSON"]


def test_what_cannot_be_read_is_told_behind_an_alert_to_the_same_channel() -> None:
    """A notice waits for its turn, for there is no outbox that would keep it."""
    with WholePipeline(demo()) as whole:
        list(whole.put(["not json", '{"eventName": "CreateAccessKey"}']))
        whole.drain()
        told = [post.content.text for _, post in whole.said()]
    assert [("Access key created" in text, "quarantined" in text) for text in told] == [(True, False), (False, True)]


def test_a_retry_after_is_waited_out_where_there_is_no_outbox() -> None:
    stop = (ROOT / "fixtures" / "events" / "stop_logging.json").read_text(encoding="utf-8")
    with WholePipeline(demo()) as whole:
        whole.slack.faults.script(ratelimited(1), times=2)
        list(whole.put([stop]))
        whole.drain()
        assert len(whole.said()) == 1
    assert (whole.totals["Sent"], whole.totals["Unsafe"], whole.totals["Posts"]) == (1, 0, 3)


def test_the_subscription_filter_decides_what_arrives() -> None:
    with WholePipeline(demo(), filter_pattern='{ $.eventName = "DeleteTrail" }') as whole:
        list(whole.put(messages(ROOT / "fixtures" / "events")))
        whole.drain()
        assert len(whole.said()) == 1
    assert whole.totals["Events"] == 1


@pytest.mark.skipif(not REAL.is_dir(), reason="the real events are not part of the project")
def test_every_real_event_is_carried_through_and_accounted_for() -> None:
    with WholePipeline(demo()) as whole:
        put = sum(whole.put(messages(REAL)))
        whole.drain()
        said = whole.said()
    assert put == whole.totals["Events"] == 1543
    assert whole.totals["Imbalance"] == whole.totals["Quarantined"] == 0
    assert 1 <= len(said) <= 30


def test_bytes_that_are_no_text_travel_as_replacement_characters() -> None:
    """A file may hold what no API call can carry; the event around it counts all the same."""
    with WholePipeline(demo()) as whole:
        list(whole.put(['{"eventSource":"kms.amazonaws.com","eventName":"ScheduleKeyDeletion","x":"\udcff"}']))
        whole.drain()
    assert (whole.totals["Events"], whole.totals["Matched"], len(whole.said())) == (1, 1, 1)
