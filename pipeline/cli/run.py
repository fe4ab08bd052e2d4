"""`trailwire run`: the whole pipeline on this machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

import pipeline
from pipeline.cli.inputs import Inputs, config_option, config_path, load_config
from pipeline.cli.main import FINDINGS, WRONG_INPUT
from pipeline.cli.output import counted, visible
from pipeline.cli.pattern import parsed_or_shown
from pipeline.errors import AuthorError, ConfigError
from pipeline.local.whole_pipeline import MOST_BYTES, WholePipeline, weight
from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet

FIXTURES = Path(pipeline.__file__).parent.parent / "fixtures" / "events"


@click.command()
@config_option
@click.option("--events", multiple=True, metavar="PATH...", help="CloudTrail files or folders; else the fixtures.")
@click.argument("more", nargs=-1, metavar="")
@click.option("--filter-pattern", default="", metavar="PATTERN", help="The subscription filter's pattern.")
@click.option("--serve", is_flag=True, help="Keep the Slack stand-in's page up until Ctrl-C.")
@click.option(
    "--channel", default="", metavar="ID", help="With SLACK_BOT_TOKEN set: post to this channel of the real Slack."
)
def run(
    config: str | None, events: tuple[str, ...], more: tuple[str, ...], filter_pattern: str, serve: bool, channel: str
) -> int:
    """Run the whole pipeline on this machine: CloudWatch Logs, Kinesis, the handler, Slack.

    Without a configuration it runs its demo. AWS is embedded, and Slack is a stand-in that shows what it heard.
    """
    if more and not events:
        raise click.UsageError(f"files of events come after --events: trailwire run --events {' '.join(more)}")
    token = os.environ.get("SLACK_BOT_TOKEN", "")
    if channel and not token:
        raise click.UsageError("--channel posts to the real Slack, which needs SLACK_BOT_TOKEN in the environment")
    if parsed_or_shown(filter_pattern, "text") is None:
        return WRONG_INPUT
    paths = (*events, *more) or _fixtures()
    inputs = Inputs(paths)
    with WholePipeline(_rules(config), filter_pattern=filter_pattern, token=token, channel=channel) as whole:
        began = time.monotonic()
        put = sum(whole.put(_messages(inputs)))
        whole.drain()
        _show_alerts(whole)
        accounted = _summarise(whole, put, time.monotonic() - began, channel if token else "")
        if serve:
            _serve(whole)
    if inputs.unreadable:
        return WRONG_INPUT
    return 0 if accounted else FINDINGS


def _rules(config: str | None) -> RuleSet:
    """Load the configuration, or where none is named or lies here, the demo's."""
    try:
        config_path(config)
    except ConfigError:
        demo = (resources.files("pipeline.local") / "demo.toml").read_bytes()
        return ruleset.from_bytes(demo, name="demo.toml")
    return load_config(config)


def _fixtures() -> tuple[str, ...]:
    if not FIXTURES.is_dir():
        raise AuthorError("there are no fixtures beside this installation: name files with --events PATH...")
    return (str(FIXTURES),)


def _messages(inputs: Inputs) -> Iterator[str]:
    for message in inputs:
        if weight(message.text) > MOST_BYTES:
            inputs.complain(message.path, f"message {message.index}: too large for CloudWatch Logs")
        else:
            yield message.text


def _show_alerts(whole: WholePipeline) -> None:
    """Print each message on a line of its own."""
    for channel, post in whole.said():
        thread = "  ↳ " if post.thread_ts else ""
        click.echo(f"#{channel}  {thread}{visible(_plain(post.content.text))}")


def _plain(text: str) -> str:
    """Undo Slack's escaping, and drop the joiners that keep it from finding links."""
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("\u2060", "")):
        text = text.replace(entity, char)
    return text


def _summarise(whole: WholePipeline, put: int, took_s: float, real_channel: str) -> bool:
    """Say what went in and what became of it; tells whether the books balance."""
    totals = whole.totals
    read = totals["Events"] + totals["Quarantined"]
    fates = ("Sent", "Grouped", "Deferred", "Suppressed", "Duplicate", "Rejected", "Unsafe")
    told = ", ".join(f"{totals[fate]} {fate.lower()}" for fate in fates if totals[fate]) or "none"
    invocations, posts = counted(totals["Invocations"], "invocation"), counted(totals["Posts"], "post")
    lines = [
        f"{counted(put, 'event')} in, {put - read} held back by the filter, {totals['Quarantined']} quarantined",
        f"{totals['Matched']} matched, {totals['Unmatched']} unmatched, in {invocations}",
        f"{counted(totals['Alerts'], 'alert')}: {told}",
        f"{posts} and {counted(totals['Edits'], 'edit')}" + (f" to {real_channel}" if real_channel else ""),
    ]
    if whole.latencies_ms:
        middle, most = statistics.median(whole.latencies_ms), max(whole.latencies_ms)
        lines.append(f"put to post: {middle:.0f} ms in the middle, {most} ms at most")
    balanced = totals["Imbalance"] == 0 and put >= read
    lines.append(
        f"{'every event and alert is accounted for' if balanced else 'THE BOOKS DO NOT BALANCE'} ({took_s:.1f} s)"
    )
    for line in lines:
        click.echo(line, err=True)
    return balanced


def _serve(whole: WholePipeline) -> None:
    whole.rest()
    click.echo(f"The channels are at {whole.slack.url}/ until you press Ctrl-C.", err=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("", err=True)
