"""The configuration is read from a file or from S3, and a broken version never replaces a good one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError
from mocked_account import Refusals, error, mocked_account

from pipeline.aws.clients import client
from pipeline.aws.configuration import LOOK_AGAIN_S, ConfigurationSource
from pipeline.errors import ConfigError
from pipeline.rules.rule import RuleSet

LOCATION = "s3://rules/team/trailwire.toml"


def config(rule: str) -> str:
    return f"""
[[rule]]
name = "{rule}"
event_names = ["StopLogging"]
"""


BROKEN = '[[rule]]\nname = "no language"\n'


class Time:
    """A monotonic clock."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def gets() -> Iterator[Refusals]:
    """Every GetObject, with a bucket that holds one configuration."""
    with mocked_account():
        client("s3").create_bucket(Bucket="rules", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        store(config("first"))
        yield Refusals("s3", "GetObject")


def store(text: str | bytes) -> None:
    client("s3").put_object(Bucket="rules", Key="team/trailwire.toml", Body=text)


def opened(time: Time) -> ConfigurationSource:
    source = ConfigurationSource(LOCATION, time)
    assert names(source.read()) == ["first"]
    return source


def names(ruleset: RuleSet | None) -> list[str]:
    return [rule.name for rule in ruleset.rules] if ruleset is not None else []


def minutes_later(source: ConfigurationSource, time: Time, count: int = 1) -> list[str]:
    """Ask for a newer version that much later."""
    time.now += LOOK_AGAIN_S * count
    return names(source.changed())


def test_a_newer_version_is_found_after_a_minute_and_not_before(gets: Refusals) -> None:
    time = Time()
    source = opened(time)
    store(config("second"))
    time.now += LOOK_AGAIN_S - 1
    assert source.changed() is None
    assert gets.requests == 1
    assert minutes_later(source, time) == ["second"]
    assert source.changed() is None
    assert gets.requests == 2


def test_an_unchanged_version_is_not_sent_again(gets: Refusals) -> None:
    time = Time()
    source = opened(time)
    assert minutes_later(source, time) == []
    assert source.problem == ""
    assert gets.requests == 2


@pytest.mark.parametrize("broken", [BROKEN, "not toml [", b"\xff\xfe\x00", "{"])
def test_a_broken_version_leaves_the_last_good_one_in_force_and_says_so(gets: Refusals, broken: str | bytes) -> None:
    time = Time()
    source = opened(time)
    store(broken)
    assert minutes_later(source, time) == []
    problem = source.problem
    assert problem
    assert minutes_later(source, time) == []
    assert source.problem == problem, "it is still broken, although it has not changed"
    store(config("mended"))
    assert minutes_later(source, time) == ["mended"]
    assert source.problem == ""
    assert gets.requests == 4


def test_an_outage_is_a_problem_until_it_is_over(gets: Refusals) -> None:
    time = Time()
    source = opened(time)
    gets.answers = [error("SlowDown", 503), None]
    assert minutes_later(source, time) == []
    assert "SlowDown" in source.problem
    assert minutes_later(source, time) == []
    assert source.problem == ""


def test_an_outage_does_not_hide_that_the_newest_version_is_broken(gets: Refusals) -> None:
    time = Time()
    source = opened(time)
    store(BROKEN)
    minutes_later(source, time)
    problem = source.problem
    gets.answers = [error("InternalError", 500), None]
    minutes_later(source, time)
    minutes_later(source, time)
    assert source.problem == problem


def test_a_timeout_is_a_problem_and_no_crash(gets: Refusals) -> None:
    time = Time()
    source = opened(time)

    def fail(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://s3")

    client("s3").meta.events.register_first("before-call.s3", fail)
    assert minutes_later(source, time) == []
    assert "ReadTimeoutError" in source.problem
    assert gets.requests == 2


def test_an_object_that_is_gone_leaves_the_last_good_version_in_force(gets: Refusals) -> None:
    time = Time()
    source = opened(time)
    client("s3").delete_object(Bucket="rules", Key="team/trailwire.toml")
    assert minutes_later(source, time) == []
    assert "NoSuchKey" in source.problem
    assert gets.requests == 2


@pytest.mark.parametrize("location", ["s3://rules/other.toml", "s3://elsewhere/trailwire.toml"])
def test_nothing_starts_without_a_configuration(gets: Refusals, location: str) -> None:
    with pytest.raises(ConfigError, match=location):
        ConfigurationSource(location).read()
    assert gets.requests == 1


def test_nothing_starts_with_a_broken_configuration(gets: Refusals) -> None:
    store(BROKEN)
    with pytest.raises(ConfigError):
        ConfigurationSource(LOCATION).read()
    assert gets.requests == 1


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "trailwire.toml"
    path.write_text(config("first"))
    time = Time()
    source = ConfigurationSource(str(path), time)
    assert names(source.read()) == ["first"]
    path.write_text(config("second"))
    assert minutes_later(source, time, 10) == []


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        ConfigurationSource(str(tmp_path / "absent.toml")).read()
