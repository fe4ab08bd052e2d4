"""What stays warm between invocations, and when it is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_at_hand import CONFIG, AtHand, at_hand, configured

from pipeline.alerts.content import About
from pipeline.aws.configuration import ConfigurationSource
from pipeline.aws.quarantine import BucketQuarantine, LogQuarantine
from pipeline.errors import ConfigError, RateLimited, StateError
from pipeline.rules import ruleset
from pipeline.rules.rule import RuleSet
from pipeline.runtime.service import current, open_state
from pipeline.state.memory import MemoryState

SECOND = CONFIG.replace("Trail tampering", "Another rule")


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AtHand:
    configured(monkeypatch, tmp_path)
    return at_hand(monkeypatch)


def parsed(text: str) -> RuleSet:
    return ruleset.parse(text, lambda path: path)


def rules() -> list[str]:
    return [rule.name for rule in current().ruleset.rules]


# ---- the environment ----


def test_the_service_stays_as_long_as_the_environment_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path)
    service = current()
    (tmp_path / "trailwire.toml").write_text("not toml [")
    assert current() is service
    assert rules() == ["Trail tampering"]


def test_another_environment_is_read_when_the_next_invocation_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, tmp_path)
    first = current()
    other = tmp_path / "other.toml"
    other.write_text(SECOND)
    monkeypatch.setenv("TRAILWIRE_CONFIG", str(other))
    assert current() is not first
    assert rules() == ["Another rule"]
    monkeypatch.setenv("TRAILWIRE_CONFIG", str(tmp_path / "trailwire.toml"))
    assert current() is first


def test_each_variable_decides_its_own_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path)
    assert current().outbox is None
    assert isinstance(current().quarantine, LogQuarantine)
    monkeypatch.setenv("TRAILWIRE_QUARANTINE", "s3://undelivered/quarantine")
    assert isinstance(current().quarantine, BucketQuarantine)
    monkeypatch.setenv("TRAILWIRE_OUTBOX", "https://sqs.example/outbox")
    assert current().outbox is not None


# ---- the state ----


def test_memory_is_shared_by_its_name_for_as_long_as_the_process_lives() -> None:
    assert open_state("memory:shared") is open_state("memory:shared")
    assert open_state("memory:shared") is not open_state("memory:another")
    assert open_state("memory:a:b") is not open_state("memory:a")
    assert isinstance(open_state("memory:shared"), MemoryState)


def test_services_of_two_environments_share_the_memory_of_the_same_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, tmp_path, state="memory:common")
    first = current()
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    second = current()
    assert first is not second
    state = first.begin(None).state.view
    assert state.take_turn(str(tmp_path), until_ms=2, now_ms=1)
    assert not second.begin(None).state.view.take_turn(str(tmp_path), until_ms=2, now_ms=1)


@pytest.mark.parametrize(
    "name", ["memory", "memory:", "dynamodb", "dynamodb:", "redis:x", "Memory:x", ":x", "trailwire", "", " memory:x"]
)
def test_a_state_that_nobody_knows_is_a_configuration_error(name: str) -> None:
    with pytest.raises(ConfigError, match="TRAILWIRE_STATE: must be memory:NAME or dynamodb:TABLE, not"):
        open_state(name)


def test_an_unknown_state_lets_nothing_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path, state="redis:x")
    for _ in range(2):
        with pytest.raises(ConfigError):
            current()


def test_one_invocations_outage_is_not_the_next_ones(hand: AtHand) -> None:
    running = hand.service.begin(None)
    running.state.failure = StateError("throttled")
    assert hand.service.begin(None).state.failure is None


# ---- the configuration ----

REFUSED = [
    ("", r"no \[\[destination\]\]"),
    ('[settings]\nerrors_to = ["ops"]\n', "ops"),
    ('[[rule]]\nname = "A"\nevent_names = ["*"]\n', r"\[\[destination\]\]"),
    ('[[rule]]\nname = "no language"\n', "trailwire.toml:1"),
    ("not toml [", "trailwire.toml"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_nothing_starts_with_a_configuration_that_tells_nobody_or_is_broken(
    text: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(monkeypatch, tmp_path, text)
    with pytest.raises(ConfigError, match=told):
        current()


def test_a_configuration_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path, "")
    with pytest.raises(ConfigError):
        current()
    (tmp_path / "trailwire.toml").write_text(CONFIG)
    assert rules() == ["Trail tampering"]


def test_a_configuration_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(monkeypatch, tmp_path)
    monkeypatch.setenv("TRAILWIRE_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        current()


def test_the_functions_own_reads_of_its_secrets_are_ignored_and_the_authors_ignores_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slack = 'type = "slack"\nchannel = "C0123456789"\ntoken = "secretsmanager:trailwire/slack"'
    ignored = '[[ignore]]\nreason = "known"\nevent_names = ["A"]\n'
    configured(monkeypatch, tmp_path, CONFIG.replace('type = "stdout"', slack, 1) + ignored)
    assert [ignore.reason for ignore in current().ruleset.ignores] == ["known"]
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "trailwire-prod")
    authors, own = current().ruleset.ignores
    assert authors.reason == "known"
    assert own.where == "built in"


def newer(monkeypatch: pytest.MonkeyPatch, *versions: RuleSet | str | None) -> None:
    """Have the source find these, one an invocation: a configuration, why one is broken, or nothing new."""
    left = list(versions)

    def changed(source: ConfigurationSource) -> RuleSet | None:
        found = left.pop(0) if left else None
        if isinstance(found, str):
            source.problem = found
            return None
        if found is not None:
            source.problem = ""
        return found

    monkeypatch.setattr(ConfigurationSource, "changed", changed)


def test_a_newer_configuration_is_in_force_from_the_invocation_that_finds_it(
    hand: AtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hand.service.matcher
    newer(monkeypatch, None, parsed(SECOND), None)
    hand.service.begin(None)
    assert hand.service.matcher is before
    running = hand.service.begin(None)
    assert running.chain.ruleset is hand.service.ruleset
    assert [rule.name for rule in hand.service.matcher.rules] == ["Another rule"]
    assert hand.service.broken_configuration == ""
    hand.service.begin(None)
    assert rules() == ["Another rule"]


BROKEN: list[RuleSet | str] = ['trailwire.toml:3: a rule needs a "name"', RuleSet(rules=parsed(CONFIG).rules)]


@pytest.mark.parametrize("broken", BROKEN, ids=["unreadable", "nobody to tell"])
def test_a_broken_newer_configuration_is_told_once_and_the_last_good_one_stays_in_force(
    broken: RuleSet | str, hand: AtHand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newer(monkeypatch, broken)
    for _ in range(3):
        assert hand.service.begin(None).invocation().take([]).imbalance == 0
    assert hand.ops.notices == ["broken configuration"]
    [about] = hand.ops.said
    assert isinstance(about, About)
    assert about.notice.severity == "error"
    assert "the last good one stays in force: " in about.notice.text
    assert hand.service.broken_configuration in about.notice.text
    assert rules() == ["Trail tampering"]
    assert set(hand.service.destinations) == {"security", "ops"}
    assert capsys.readouterr().out.count("the newest configuration cannot be used") == 3


def test_a_configuration_that_is_mended_is_used_and_no_longer_spoken_of(
    hand: AtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(monkeypatch, "broken", parsed(SECOND))
    hand.service.begin(None).invocation().take([])
    hand.service.begin(None).invocation().take([])
    assert hand.service.broken_configuration == ""
    assert rules() == ["Another rule"]


def test_a_notice_that_cannot_be_told_now_does_not_stop_an_invocation(
    hand: AtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(monkeypatch, "broken")
    hand.ops.raises = RateLimited(30)
    ledger = hand.service.begin(None).invocation().take([])
    assert (ledger.imbalance, ledger.unsafe_owners, hand.ops.said) == (0, set(), [])
