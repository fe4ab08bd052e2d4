"""What serverless.yml and infra/*.yml promise, read as they stand: no Node is needed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.package import SHIPPED_CONFIG
from pipeline.state.lifecycle import FUNCTION_TIMEOUT_S

ROOT = Path(__file__).resolve().parents[3]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` becomes `{"Ref": "X"}`, `!Sub X` `{"Sub": "X"}`."""


def _short_form(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    raise AssertionError(f"!{tag} of a mapping")


Loader.add_multi_constructor("!", _short_form)


def _read(path: Path) -> dict[str, Any]:
    document = yaml.load(path.read_text("utf-8"), Loader)  # a SafeLoader of our own
    assert isinstance(document, dict)
    return document


SERVICE = _read(ROOT / "serverless.yml")
FRAGMENTS = {path.name: _read(path) for path in sorted((ROOT / "infra").glob("*.yml"))}
RESOURCES = {name: body for part in FRAGMENTS.values() for name, body in part.get("Resources", {}).items()}
DEFAULTS = SERVICE["params"]["default"]
STREAM = SERVICE["functions"]["kinesis"]["events"][0]["stream"]
QUEUE = SERVICE["functions"]["outbox"]["events"][0]["sqs"]


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {name: body for name, body in RESOURCES.items() if body["Type"] == f"AWS::{kind}"}


def _statements() -> Iterator[dict[str, Any]]:
    """Yield every statement of a policy that grants something to a role."""
    for body in RESOURCES.values():
        properties = body.get("Properties", {})
        policies = [properties, *properties.get("Policies", [])]
        for policy in policies:
            if not body["Type"].endswith("BucketPolicy"):
                yield from policy.get("PolicyDocument", {}).get("Statement", [])


def test_every_fragment_is_included_once() -> None:
    """A fragment that is not included is a resource that nobody gets."""
    included = [re.fullmatch(r"\$\{file\(\./infra/(.+)\)\}", entry)[1] for entry in SERVICE["resources"]]  # type: ignore[index]  # None fails the test as it should
    assert sorted(included) == sorted(FRAGMENTS)
    assert sum(len(part.get("Resources", {})) for part in FRAGMENTS.values()) == len(RESOURCES)


def test_every_param_that_is_used_has_a_default_and_every_default_is_used() -> None:
    """A deployment without a single choice works."""
    text = "".join(path.read_text("utf-8") for path in [ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml")])
    assert set(re.findall(r"\$\{param:(\w+)\}", text)) == set(DEFAULTS)


def test_the_timeouts_fit_each_other() -> None:
    """A ticket stays hidden for as long as any invocation may hold it: six timeouts, as Lambda asks of a queue."""
    assert SERVICE["provider"]["timeout"] == FUNCTION_TIMEOUT_S
    assert RESOURCES["OutboxQueue"]["Properties"]["VisibilityTimeout"] == 6 * SERVICE["provider"]["timeout"]


def test_the_stream_mapping_loses_nothing() -> None:
    """Partial failures are read, retries end, and what is given up is kept with its payload."""
    assert STREAM["functionResponseType"] == "ReportBatchItemFailures"
    assert STREAM["bisectBatchOnFunctionError"] is True
    assert 0 < STREAM["maximumRetryAttempts"] < 100
    retention_s = RESOURCES["EventStream"]["Properties"]["RetentionPeriodHours"] * 3600
    assert 60 <= STREAM["maximumRecordAgeInSeconds"] < retention_s
    (extension,) = FRAGMENTS["mapping.yml"]["extensions"].values()
    assert extension["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == {
        "GetAtt": "UndeliveredBucket.Arn"
    }


def test_no_filter_looks_at_the_data_of_a_record() -> None:
    """The data is gzip: a filter on it would match nothing and drop every record without a word."""
    assert "filterPatterns" not in STREAM
    assert "FilterCriteria" not in json.dumps(FRAGMENTS)


def test_the_queue_mapping_acknowledges_tickets_one_by_one() -> None:
    """Redelivery after a crash ends in the dead-letter queue, which keeps a ticket as long as a queue can."""
    assert (QUEUE["functionResponseType"], QUEUE["batchSize"]) == ("ReportBatchItemFailures", 10)
    assert RESOURCES["OutboxQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert {body["Properties"]["MessageRetentionPeriod"] for body in _of("SQS::Queue").values()} == {14 * 86400}


def test_the_state_table_is_what_the_state_code_expects() -> None:
    """One string key, and a time to live."""
    table = RESOURCES["StateTable"]["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_subscription_waits_for_the_policy_it_needs_and_spreads_over_shards() -> None:
    """CloudWatch Logs tests the way to the stream while the filter is made."""
    subscription = RESOURCES["Subscription"]
    assert subscription["DependsOn"] == "LogsToStreamPolicy"
    assert subscription["Properties"]["Distribution"] == "Random"


@pytest.mark.parametrize("name", sorted(_of("S3::Bucket")))
def test_a_bucket_is_private_encrypted_and_outlives_the_stack(name: str) -> None:
    """What is in them exists nowhere else."""
    bucket = RESOURCES[name]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket["Properties"]
    policies = [
        body["Properties"] for body in _of("S3::BucketPolicy").values() if body["Properties"]["Bucket"]["Ref"] == name
    ]
    assert [s["Effect"] for p in policies for s in p["PolicyDocument"]["Statement"] if s["Sid"] == "OnlyOverTls"] == [
        "Deny"
    ]


def test_roles_are_granted_named_actions_on_named_resources() -> None:
    """Only ListStreams, which takes no resource, is granted on everything; no action has a wildcard."""
    statements = list(_statements())
    assert len(statements) > 15
    everywhere = [statement["Action"] for statement in statements if statement["Resource"] == "*"]
    assert everywhere == ["kinesis:ListStreams"]
    assert "*" not in json.dumps([statement["Action"] for statement in statements])


def test_a_secret_is_granted_by_its_name() -> None:
    """Six characters follow the name in a secret's ARN: a trailing star would grant `trailwire/slack-other` as well."""
    (secret,) = [s["Resource"]["Sub"] for s in _statements() if s["Action"] == "secretsmanager:GetSecretValue"]
    assert secret.endswith(":secret:${param:secret}-??????")


def test_topics_and_senders_may_be_in_any_region_as_the_documentation_says() -> None:
    """A destination names its region; what is granted is bound to the account and the name."""
    granted = {s["Sid"]: s["Resource"]["Sub"] for s in _statements() if s.get("Sid") in {"Topics", "Email"}}
    assert granted == {
        "Topics": "arn:${AWS::Partition}:sns:*:${AWS::AccountId}:${param:topics}",
        "Email": "arn:${AWS::Partition}:ses:*:${AWS::AccountId}:identity/${param:emailIdentity}",
    }


@pytest.mark.parametrize("kind", ["Kinesis::Stream", "Logs::LogGroup", "DynamoDB::Table", "SQS::Queue", "S3::Bucket"])
def test_what_holds_data_says_what_becomes_of_it(kind: str) -> None:
    """Neither removal nor replacement is left to what CloudFormation does by default."""
    assert all({"DeletionPolicy", "UpdateReplacePolicy"} <= body.keys() for body in _of(kind).values())


def test_every_param_is_explained() -> None:
    """docs/deploy.md lists what can be chosen."""
    document = (ROOT / "docs" / "deploy.md").read_text("utf-8").split("## What can be chosen")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in document.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[0])} == set(DEFAULTS)


def test_every_function_has_its_own_role() -> None:
    """The framework's shared role is never made."""
    roles = {name: body["role"] for name, body in SERVICE["functions"].items()}
    assert roles == {"kinesis": {"Sub": "${KinesisRole.Arn}"}, "outbox": {"Sub": "${OutboxRole.Arn}"}}


@pytest.mark.parametrize("name", sorted(_of("CloudWatch::Alarm")))
def test_an_alarm_says_what_it_means_and_tells_the_topic(name: str) -> None:
    """Whoever is woken by it reads what happened and what to do."""
    alarm = RESOURCES[name]["Properties"]
    assert len(alarm["AlarmDescription"]) > 40
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm["TreatMissingData"] == ("breaching" if name == "SilentAlarm" else "notBreaching")
    assert 1 <= (DEFAULTS["silentHours"] if name == "SilentAlarm" else alarm["EvaluationPeriods"]) <= 168


def test_the_functions_find_what_they_need_in_their_environment() -> None:
    """The names are the contract of the handlers."""
    environment = SERVICE["provider"]["environment"]
    assert environment == {
        "TRAILWIRE_CONFIG": "${param:config}",
        "TRAILWIRE_STATE": {"Sub": "dynamodb:${StateTable}"},
        "TRAILWIRE_OUTBOX": {"Ref": "OutboxQueue"},
        "TRAILWIRE_QUARANTINE": {"Sub": "s3://${UndeliveredBucket}/quarantine"},
        "TRAILWIRE_OWN_SESSIONS": {
            "Sub": " ".join(
                "arn:${AWS::Partition}:sts::${AWS::AccountId}:assumed-role/"
                f"${{{role}}}/${{self:service}}-${{sls:stage}}-{name}"
                for role, name in (("KinesisRole", "kinesis"), ("OutboxRole", "outbox"))
            )
        },
        "LOG_LEVEL": "${param:logLevel}",
    }
    assert DEFAULTS["config"] == SHIPPED_CONFIG


def test_every_reference_between_fragments_leads_somewhere() -> None:
    """Ref, GetAtt and Sub name a resource, a parameter, or what the framework makes for our functions."""
    made = {f"{name.capitalize()}{kind}" for name in SERVICE["functions"] for kind in ("LambdaFunction", "LogGroup")}
    known = {*RESOURCES, *made, *FRAGMENTS["mapping.yml"]["extensions"], *FRAGMENTS["parameters.yml"]["Parameters"]}
    assert {name for part in [SERVICE, FRAGMENTS] for name in _references(part)} <= known


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in {"Ref", "GetAtt"} and isinstance(inner, str):
                yield inner.split(".")[0]
            elif key == "Sub" and isinstance(inner, str):
                yield from re.findall(r"\$\{(\w+)[.}]", inner)
            else:
                yield from _references(inner)


def test_node_packages_are_pinned_and_name_no_registry() -> None:
    """Whoever installs gets what was tested, from the registry of their choice."""
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert not [name for name, entry in lock["packages"].items() if name and "integrity" not in entry]
