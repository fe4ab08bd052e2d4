"""The deployment itself: packaged, checked, deployed to the embedded AWS, updated and removed, by the framework.

It needs Node, so `make test` leaves it alone; `make test-deploy` runs it.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.package import SERVICES, SHIPPED_CONFIG, STAGED, ZIP
from pipeline.local.aws import EmbeddedAws

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / ".serverless" / "cloudformation-template-update-stack.json"
STACK = "trailwire-dev"
ENVIRONMENT = {"NODE_NO_WARNINGS": "1", "TRAILWIRE_CONFIG": "infra/starter.toml", "SLS_AWS_MONITORING_FREQUENCY": "200"}

# moto warns of resource types that it doesn't know; the account is none the worse for it
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")


def _serverless(*arguments: str, environment: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run the framework and return all it said; it must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [ROOT / "node_modules" / ".bin" / "serverless", *arguments],
        cwd=folder,
        env={**kept, **ENVIRONMENT, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _lint(template: Path) -> str:
    """Return what cfn-lint finds."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--include-checks", "W", "E", "--", str(template)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return str(done.stdout)


def _params(choices: dict[str, str]) -> list[str]:
    return [f"--param={name}={value}" for name, value in choices.items()]


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    """Lend an empty account to one test."""
    with EmbeddedAws() as account:
        yield account


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"source": "new-trail", "shards": "4", "alarmEmail": "oncall@example.com"},
        {"source": "existing-log-group", "logGroup": "aws-controltower/CloudTrailLogs", "silentHours": "168"},
        {"filterPattern": '{ ($.eventName = "StopLogging") || ($.errorCode = "*Denied*") }', "undeliveredDays": "365"},
    ],
    ids=lambda choices: choices.get("source") or ",".join(choices) or "defaults",
)
def test_whatever_is_chosen_cfn_lint_finds_nothing(choices: dict[str, str]) -> None:
    """No credentials, no network but the package registry; both sides of every condition are looked at."""
    _serverless("package", *_params(choices))
    assert _lint(TEMPLATE) == ""
    resources = json.loads(TEMPLATE.read_text("utf-8"))["Resources"]
    assert resources["Subscription"]["Properties"]["FilterPattern"] == choices.get("filterPattern", "")
    functions = [body["Properties"] for body in resources.values() if body["Type"] == "AWS::Lambda::Function"]
    assert [function["Architectures"] for function in functions] == [["arm64"], ["arm64"]]
    assert not [
        name for name, body in resources.items() if name == "IamRoleLambdaExecution" or "FilterCriteria" in str(body)
    ]


def test_packaging_twice_makes_the_same_bytes_and_the_services_work_from_the_staged_folder() -> None:
    """What is left of boto3 can still make a client of every service that is called."""
    digests = []
    for _ in range(2):
        _serverless("package")
        digests.append(hashlib.sha256(ZIP.read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    make_clients = f"[boto3.client(name, region_name='eu-west-1') for name in {sorted(SERVICES)}]"
    ask = f"import boto3; {make_clients}; print(boto3.__file__)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=STAGED, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(STAGED / "boto3" / "__init__.py")


def test_it_deploys_updates_and_goes(aws: EmbeddedAws) -> None:
    """One account through a deployment's life; what the functions are told of is what was made."""
    environment = dict(aws.environment())
    _serverless("deploy", environment=environment)
    _check_functions(aws)
    _check_mappings(aws)
    assert _parameters(aws) == {
        "Source": "new-log-group",
        "LogGroupName": "/trailwire/dev/cloudtrail",
        "AlarmEmail": "",
    }
    assert "No changes to deploy" in _serverless("deploy", environment=environment)
    choices = {"source": "new-trail", "alarmEmail": "oncall@example.com"}
    _serverless("deploy", *_params(choices), environment=environment)
    _check_functions(aws)
    assert (_parameters(aws)["Source"], _parameters(aws)["AlarmEmail"]) == ("new-trail", "oncall@example.com")
    assert _bucket(aws, "trail")
    _serverless("remove", environment=environment)
    assert not aws.client("cloudformation").describe_stacks()["Stacks"]


def _check_functions(aws: EmbeddedAws) -> None:
    for name in ("kinesis", "outbox"):
        function = aws.client("lambda").get_function_configuration(FunctionName=f"{STACK}-{name}")
        assert (function["Runtime"], function["Timeout"]) == ("python3.13", 60)
        assert function["Handler"] == f"pipeline.runtime.handlers.{name}"
        assert function["Environment"]["Variables"] == {
            "TRAILWIRE_CONFIG": SHIPPED_CONFIG,
            "TRAILWIRE_STATE": f"dynamodb:{_only_table(aws)}",
            "TRAILWIRE_OUTBOX": f"https://sqs.{aws.region}.amazonaws.com/{aws.account_id}/{STACK}-outbox",
            "TRAILWIRE_QUARANTINE": f"s3://{_bucket(aws, 'undelivered')}/quarantine",
            "TRAILWIRE_OWN_SESSIONS": " ".join(_session(aws, each) for each in ("kinesis", "outbox")),
            "LOG_LEVEL": "INFO",
        }


def _session(aws: EmbeddedAws, name: str) -> str:
    """Return the ARN of a function's session, which is its role's and its own name."""
    function = aws.client("lambda").get_function_configuration(FunctionName=f"{STACK}-{name}")
    role = str(function["Role"]).rpartition("/")[2]
    return f"arn:aws:sts::{aws.account_id}:assumed-role/{role}/{STACK}-{name}"


def _check_mappings(aws: EmbeddedAws) -> None:
    mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    stream, queue = sorted(mappings, key=lambda mapping: ":sqs:" in mapping["EventSourceArn"])
    assert stream["EventSourceArn"].endswith(f":stream/{STACK}")
    assert stream["DestinationConfig"]["OnFailure"]["Destination"] == f"arn:aws:s3:::{_bucket(aws, 'undelivered')}"
    assert (stream["BatchSize"], stream["BisectBatchOnFunctionError"]) == (100, True)
    assert stream["FunctionResponseTypes"] == queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert not stream.get("FilterCriteria")


def _parameters(aws: EmbeddedAws) -> dict[str, str]:
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def _only_table(aws: EmbeddedAws) -> str:
    (table,) = aws.client("dynamodb").list_tables()["TableNames"]
    return str(table)


def _bucket(aws: EmbeddedAws, kind: str) -> str:
    names = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
    (name,) = [name for name in names if name.startswith(f"{STACK}-{kind}bucket")]
    return str(name)


def test_a_function_for_files_is_added_as_the_documentation_says(tmp_path: Path) -> None:
    """What docs/deploy.md tells to put into serverless.yml and infra/ is packaged, and cfn-lint finds nothing."""
    document = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    function, role = re.findall(r"^```yaml\n(.+?)^```$", document, re.DOTALL | re.MULTILINE)
    for name in ("node_modules", "build", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    (tmp_path / "infra" / "files.yml").write_text(role, "utf-8")
    service = (ROOT / "serverless.yml").read_text("utf-8")
    service = service.replace("\nfunctions:\n", f"\nfunctions:\n{function}") + "  - ${file(./infra/files.yml)}\n"
    (tmp_path / "serverless.yml").write_text(service, "utf-8")
    (tmp_path / "infra" / "build-zip.js").write_text("module.exports = class {};\n", "utf-8")
    _serverless("package", folder=tmp_path)
    assert _lint(tmp_path / TEMPLATE.relative_to(ROOT)) == ""
    resources = json.loads((tmp_path / TEMPLATE.relative_to(ROOT)).read_text("utf-8"))["Resources"]
    assert resources["FilesLambdaFunction"]["Properties"]["Handler"] == "pipeline.runtime.handlers.sqs"
    assert resources["FilesEventSourceMappingSQSTrailfiles"]["Properties"]["FunctionResponseTypes"]
