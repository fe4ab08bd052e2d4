"""What the environment says, and what stands in for what it does not say."""

from __future__ import annotations

import pytest

from pipeline.runtime.environment import Environment, read_environment

VARIABLES = {
    "config": ("TRAILWIRE_CONFIG", "s3://rules/trailwire.toml", "trailwire.toml"),
    "state": ("TRAILWIRE_STATE", "dynamodb:trailwire", "memory:default"),
    "outbox": ("TRAILWIRE_OUTBOX", "https://sqs.example/outbox", ""),
    "quarantine": ("TRAILWIRE_QUARANTINE", "s3://undelivered/quarantine", ""),
    "slack_api_url": ("SLACK_API_URL", "http://127.0.0.1:8000/api/", ""),
    "log_level": ("LOG_LEVEL", "DEBUG", "INFO"),
    "own_sessions": ("TRAILWIRE_OWN_SESSIONS", "arn:aws:sts::1:assumed-role/r/a arn:aws:sts::1:assumed-role/r/b", ""),
    "function_name": ("AWS_LAMBDA_FUNCTION_NAME", "trailwire-prod", ""),
}
"""Field -> its variable, a value of it, and what holds without one."""


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _, _ in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_every_field_has_its_row() -> None:
    assert tuple(VARIABLES) == Environment.__struct_fields__


@pytest.mark.parametrize("field", VARIABLES)
def test_a_variable_changes_its_own_field_alone(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {name: default for name, (_, _, default) in VARIABLES.items()}
    assert read_environment() == Environment(**defaults)
    variable, value, _ = VARIABLES[field]
    monkeypatch.setenv(variable, value)
    assert read_environment() == Environment(**{**defaults, field: value})


@pytest.mark.parametrize("field", VARIABLES)
def test_an_empty_variable_is_none(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, _, default = VARIABLES[field]
    monkeypatch.setenv(variable, "")
    assert getattr(read_environment(), field) == default


def test_a_log_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "warning")
    assert read_environment().log_level == "WARNING"


def test_the_same_environment_is_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_environment()
    assert {before: 1}[read_environment()] == 1
    monkeypatch.setenv("TRAILWIRE_OUTBOX", "x")
    assert read_environment() != before
