"""CloudTrail files, plain and gzipped."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.decode.decoded import LogEvent, Source, Undecodable
from pipeline.decode.json_text import read_event
from pipeline.decode.s3 import is_digest_key, read

FIXTURES = Path(__file__).parents[3] / "fixtures"
REAL = Path(__file__).parents[4] / "shared" / "data" / "cloudtrail"
FILE = Source(id="file")
TEXT = '{"Records":[{"eventName":"é"},{"eventName":"B"}]}'
MESSAGES = ['{"eventName":"é"}', '{"eventName":"B"}']

FORMS = {
    "plain": TEXT.encode(),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip in two members": gzip.compress(TEXT.encode()[:9]) + gzip.compress(TEXT.encode()[9:]),
    "with a byte order mark": TEXT.encode("utf-8-sig"),
    "UTF-16 with a byte order mark": TEXT.encode("utf-16"),
    "big-endian UTF-16": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "gzipped UTF-16": gzip.compress(TEXT.encode("utf-16")),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_file_is_read_however_it_was_written(data: bytes) -> None:
    """Compressed or not, and as shells on any system write text."""
    assert list(read(data, FILE)) == [LogEvent(message) for message in MESSAGES]


def test_bytes_that_are_no_text_cost_only_the_string_they_stand_in() -> None:
    """The event is read, with a lone surrogate where the byte was."""
    first, second = read(TEXT.encode("latin-1"), FILE)
    assert isinstance(first, LogEvent)
    assert read_event(first.message) == {"eventName": "\udce9"}
    assert second == LogEvent(MESSAGES[1])


def test_a_damaged_file_is_undecodable_whole() -> None:
    """With its name and its reason."""
    data = gzip.compress(TEXT.encode())[:-2]
    (lost,) = read(data, FILE)
    assert isinstance(lost, Undecodable)
    assert (lost.reason, lost.data, lost.source) == ("truncated gzip", data, FILE)


def test_junk_behind_a_file_is_reported_after_its_events() -> None:
    """Nothing is dropped silently."""
    *messages, lost = read(gzip.compress(TEXT.encode()) + b"junk", FILE)
    assert messages == [LogEvent(message) for message in MESSAGES]
    assert isinstance(lost, Undecodable)
    assert (lost.reason, lost.data) == ("trailing bytes", b"junk")


def test_a_bomb_ends_at_the_callers_limit() -> None:
    """Whoever has less memory asks for less."""
    (lost,) = read(gzip.compress(b" " * 1000), FILE, limit=999)
    assert isinstance(lost, Undecodable)
    assert lost.reason == "too large"


KEYS = [
    ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/111122223333_CloudTrail_x.json.gz", False),
    ("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/02/x.json.gz", True),
    ("prefix/AWSLogs/o-example/111122223333/CloudTrail-Digest/eu-west-1/x.json.gz", True),
    ("AWSLogs/111122223333/CloudTrail-Insight/eu-west-1/x.json.gz", False),
    ("AWSLogs/111122223333/CloudTrail-Aggregated/eu-west-1/x.json.gz", False),
    ("CloudTrail-Digest/x.json.gz", True),
    ("my-CloudTrail-Digest-notes/x.json", False),
]


@pytest.mark.parametrize(("key", "expected"), KEYS)
def test_digest_files_are_told_by_their_folder(key: str, expected: bool) -> None:
    """A test for "CloudTrail" alone would match them all."""
    assert is_digest_key(key) is expected


EVENTS = sorted((FIXTURES / "events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_fixture_is_one_event(path: Path) -> None:
    """And its message says what the file says."""
    (item,) = read(path.read_bytes(), FILE)
    assert isinstance(item, LogEvent)
    assert "\n" not in item.message
    assert repr(read_event(item.message)) == repr(json.loads(path.read_text(encoding="utf-8")))


def test_the_fixtures_cover_every_record_kind_and_identity() -> None:
    """What the reference lists; None is the service event's identity, which has no type."""
    events = [json.loads(path.read_text(encoding="utf-8")) for path in EVENTS]
    kinds = {event["eventType"] for event in events}
    identities = [event["userIdentity"] for event in events if isinstance(event.get("userIdentity"), dict)]
    assert kinds == {
        "AwsApiCall",
        "AwsConsoleSignIn",
        "AwsConsoleAction",
        "AwsServiceEvent",
        "AwsCloudTrailInsight",
        "AwsVpceEvent",
        "AwsAggregatedEvent",
    }
    assert {identity.get("type") for identity in identities} >= {
        "Root",
        "IAMUser",
        "AssumedRole",
        "SAMLUser",
        "WebIdentityUser",
        "FederatedUser",
        "AWSAccount",
        "AWSService",
        "IdentityCenterUser",
        None,
    }
    identifiers = [event.get("eventID", event.get("eventId")) for event in events]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize(("name", "count"), [("attack_simulation", 1233), ("stratus_detonations", 310)])
def test_real_files_are_read_event_by_event(name: str, count: int) -> None:
    """Every event of the published samples, none undecodable."""
    path = REAL / f"{name}.json.gz"
    if not path.exists():
        pytest.skip("the shared samples are not here")
    items = list(read(path.read_bytes(), FILE))
    records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
    assert len(items) == len(records) == count
    assert [read_event(item.message) for item in items if isinstance(item, LogEvent)] == records
