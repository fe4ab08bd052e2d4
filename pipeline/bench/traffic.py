"""Synthetic CloudTrail traffic for measuring: true to life in size and shape, the same every time.

`cool` is an everyday trail, on which 5 % of the events carry a name that some rule watches; on `hot`, an attack, 32 %
do. With `unique`, every address, session, agent and request is one that was never seen before, which no memo survives.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

EVENTS_PER_RECORD = 65
SHARES = {"cool": 0.05, "hot": 0.32}
"""The share of events with a watched name."""
FAILING = 0.06
IDENTITIES, PARAMETERS = (15, 10, 75), (20, 40, 40)
"""In percent, of a trail of an account that runs software."""

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1")
ACCOUNTS = tuple(f"{111122223333 + 7919 * i:012d}" for i in range(12))
_VERBS = ("Create", "Delete", "Put", "Update", "Attach", "Detach", "Stop", "Modify", "Disable", "Authorize")
_THINGS = (
    "Trail", "Bucket", "BucketPolicy", "User", "AccessKey", "LoginProfile", "Role", "RolePolicy", "UserPolicy",
    "SecurityGroupIngress", "NetworkAcl", "Vpc", "RouteTable", "Key", "Detector", "ConfigurationRecorder", "Function",
    "Snapshot", "Image", "Alias", "Domain", "Secret", "Parameter", "Certificate", "Subscription", "Queue", "Topic",
    "Stream", "Table", "Cluster",
)  # fmt: skip
WATCHED = tuple(verb + thing for verb in _VERBS for thing in _THINGS)
QUIET = (
    "Decrypt", "GetUser", "AssumeRole", "DescribeInstances", "GetObject", "ListBuckets", "GetBucketAcl", "PutObject",
    "DescribeRouteTables", "GetParameter", "ListTagsForResource", "GetCallerIdentity", "DescribeVolumes", "Encrypt",
    "GenerateDataKey", "DescribeLogGroups", "CreateLogStream", "ConsoleLogin", "LookupEvents", "ListKeys",
)  # fmt: skip
_SERVICES = ("kms", "iam", "sts", "ec2", "s3", "ssm", "logs", "cloudtrail", "lambda", "dynamodb", "sqs", "rds")
_AGENTS = (
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.213 md/arch#x86_64 lang/python#3.11.6 md/pyimpl#CPython",
    "aws-cli/2.15.30 Python/3.11.8 Linux/6.1.79-99.167.amzn2023.x86_64 exe/x86_64.amzn.2023 prompt/off command/s3.ls",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.186 OpenJDK_64-Bit_Server_VM/25.372-b08]",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 (+https://www.terraform.io) terraform-provider-aws/5.40.0",
    "cloudformation.amazonaws.com",
    "aws-sdk-go/1.44.122 (go1.19.3; linux; amd64) amazon-ssm-agent/3.2.2222.0",
)


def messages(kind: str, count: int, *, unique: bool = False, seed: int = 7) -> list[str]:
    """Make that many log messages of a kind of traffic."""
    chance = random.Random(f"{kind}{seed}")  # noqa: S311 - reproducible, not secret
    return [_message(chance, SHARES[kind], i if unique else None) for i in range(count)]


def real_messages(count: int, folder: Path = Path("../shared/data/cloudtrail")) -> list[str]:
    """Return that many messages of real events, repeated as needed; none where the folder is not there."""
    events = [event for file in sorted(folder.glob("*.json.gz")) for event in json.loads(_unpacked(file))["Records"]]
    found = [json.dumps(event, separators=(",", ":")) for event in events]
    return (found * (count // len(found) + 1))[:count] if found else []


def _unpacked(file: Path) -> bytes:
    return gzip.decompress(file.read_bytes())


def records(log_messages: list[str]) -> list[str]:
    """Pack messages into Kinesis records as CloudWatch Logs does, each as the base64 text that Lambda hands over."""
    packs = [log_messages[i : i + EVENTS_PER_RECORD] for i in range(0, len(log_messages), EVENTS_PER_RECORD)]
    return [_record(pack) for pack in packs]


def _record(pack: list[str]) -> str:
    envelope = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNTS[0],
        "logGroup": "cloudtrail",
        "logStream": f"{ACCOUNTS[0]}_CloudTrail_{REGIONS[0]}",
        "subscriptionFilters": ["trailwire"],
        "logEvents": [
            {"id": f"{38_000_000_000_000_000_000 + i:056d}", "timestamp": 1_710_000_000_000 + i, "message": message}
            for i, message in enumerate(pack)
        ],
    }
    return base64.b64encode(gzip.compress(json.dumps(envelope).encode(), 6)).decode()


def _message(chance: random.Random, share: float, number: int | None) -> str:
    event = _event(chance, share)
    if number is not None:
        _make_unique(event, number)
    return json.dumps(event, separators=(",", ":"))


def _event(chance: random.Random, share: float) -> dict[str, Any]:
    service, account, region = chance.choice(_SERVICES), chance.choice(ACCOUNTS), chance.choice(REGIONS)
    name = chance.choice(WATCHED if chance.random() < share else QUIET)
    event: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": _identity(chance, account),
        "eventTime": f"2024-03-{chance.randint(10, 28)}T{chance.randint(10, 23)}:{chance.randint(10, 59)}:42Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": f"203.0.113.{chance.randint(1, 90)}",
        "userAgent": chance.choice(_AGENTS),
        "requestParameters": _parameters(chance),
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "bytesTransferredOut": chance.randint(0, 9999)},
        "requestID": _identifier(chance),
        "eventID": _identifier(chance),
        "readOnly": name.startswith(("Get", "List", "Describe")),
        "resources": [{"accountId": account, "ARN": f"arn:aws:kms:{region}:{account}:key/{_identifier(chance)}"}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": f"{service}.{region}.amazonaws.com"},
    }
    if chance.random() < FAILING:
        event |= {"errorCode": chance.choice(("AccessDenied", "NoSuchEntityException")), "errorMessage": "User is not"}
    return event


def _identity(chance: random.Random, account: str) -> dict[str, Any]:
    kind = chance.choices(("service", "user", "role"), IDENTITIES)[0]
    if kind == "service":
        return {"type": "AWSService", "invokedBy": f"{chance.choice(_SERVICES)}.amazonaws.com"}
    key = f"AKIA{chance.randint(10**11, 10**12):016d}"
    if kind == "user":
        user = f"user-{chance.randint(1, 40)}"
        arn = f"arn:aws:iam::{account}:user/{user}"
        return {"type": "IAMUser", "arn": arn, "accountId": account, "accessKeyId": key, "userName": user}
    role, session = f"service-role-{chance.randint(1, 60)}", f"session-{chance.randint(1, 200)}"
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE{role}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}", "userName": role},
            "webIdFederationData": {},
            "attributes": {"creationDate": "2024-03-10T09:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def _parameters(chance: random.Random) -> dict[str, Any] | None:
    kind = chance.choices(("none", "bucket", "role"), PARAMETERS)[0]
    if kind == "none":
        return None
    if kind == "bucket":
        return {"bucketName": f"bucket-{chance.randint(1, 300)}", "key": f"data/{_identifier(chance)}", "Host": "s3"}
    return {"roleName": f"role-{chance.randint(1, 90)}", "encryptionContext": {"PARAMETER_ARN": _identifier(chance)}}


def _make_unique(event: dict[str, Any], number: int) -> None:
    """Give the event an address, an actor and an agent that no other has."""
    event["sourceIPAddress"] = f"100.{64 + number % 60}.{number // 60 % 250}.{number // 15_000 % 250}"
    event["userAgent"] += f" cfg/id#{number:x}"
    identity = event["userIdentity"]
    for key in ("principalId", "arn", "userName"):
        if key in identity:
            identity[key] += f"-{number:x}"
    if isinstance(event["requestParameters"], dict):
        for key in ("bucketName", "roleName"):
            if key in event["requestParameters"]:
                event["requestParameters"][key] += f"-{number:x}"


def _identifier(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
