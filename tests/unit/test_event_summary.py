"""What an event is said to be: resource, outcome, link, time, facts."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pipeline.event.summary import summarize
from pipeline.event.values import MOST_BYTES, Outcome

Json = dict[str, Any]
ID = "0c7f2a91-3b1d-4f6e-9a51-6d1f0b7e4c10"
S3_OBJECT = {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k/x"}
S3_BUCKET = {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}


@pytest.mark.parametrize(
    ("source", "request_parameters", "resource"),
    [
        ("cloudtrail", {"name": "main"}, "trail main"),
        ("cloudtrail", {"name": "arn:aws:cloudtrail:us-east-1:1:trail/main"}, "trail main"),
        ("s3", {"bucketName": "b", "key": "k/x"}, "object b/k/x"),
        ("s3", {"bucketName": "b", "Host": "b.s3.amazonaws.com"}, "bucket b"),
        ("s3", {"bucketName": "b", "id": "rule-1"}, "bucket b"),
        ("iam", {"userName": "u", "policyArn": "arn:aws:iam::aws:policy/P"}, "user u"),
        ("iam", {"roleName": "r", "policyName": "p"}, "role r"),
        ("iam", {"groupName": "admins"}, "group admins"),
        ("ec2", {"groupName": "web"}, "security group web"),
        ("ec2", {"groupId": "sg-1"}, "security group sg-1"),
        ("ec2", {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}, "instance i-1 + 1 more"),
        ("ec2", {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}}, "flow log fl-1"),
        ("ec2", {"DeleteNatGatewayRequest": {"NatGatewayId": "nat-1"}}, "NAT gateway nat-1"),
        ("ec2", {"snapshotId": "snap-1", "attributeType": "x"}, "snapshot snap-1"),
        ("lambda", {"functionName": "arn:aws:lambda:us-east-1:1:function:f"}, "function f"),
        ("kms", {"keyId": "1234-5678"}, "key 1234-5678"),
        (
            "secretsmanager",
            {"secretId": "arn:aws:secretsmanager:us-east-1:1:secret:db-password-AbCdEf"},
            "secret db-password-AbCdEf",
        ),
        ("ssm", {"name": "/prod/x"}, "parameter /prod/x"),
        ("ssm", {"instanceIds": ["i-1", "i-2", "i-3"]}, "instance i-1 + 2 more"),
        ("rds", {"dBInstanceIdentifier": "orders"}, "database orders"),
        ("sns", {"topicArn": "arn:aws:sns:us-east-1:1:alarms"}, "topic alarms"),
        (
            "elasticloadbalancing",
            {"targetGroupArn": "arn:aws:elasticloadbalancing:r:1:targetgroup/web/1"},
            "targetgroup web/1",
        ),
        ("sts", None, ""),
        ("sts", "text", ""),
        ("sts", [], ""),
        ("iam", {"userName": None, "roleName": {}}, ""),
    ],
)
def test_the_request_names_the_resource(source: str, request_parameters: Any, resource: str) -> None:
    event = {"eventSource": f"{source}.amazonaws.com", "requestParameters": request_parameters}
    assert summarize(event).resource == resource


@pytest.mark.parametrize(
    ("event", "resource"),
    [
        ({"resources": [S3_OBJECT, S3_BUCKET]}, "object b/k/x"),
        ({"resources": [S3_BUCKET, S3_OBJECT]}, "object b/k/x"),
        ({"resources": [{"ARN": f"arn:aws:kms:r:1:key/{n}"} for n in range(4)]}, "key 0 + 3 more"),
        ({"resources": [{"ARNPrefix": "arn:aws:s3:::b/"}], "requestParameters": {"bucketName": "b"}}, "bucket b"),
        ({"resources": {"ARN": "x"}}, ""),
        ({"responseElements": {"accessKey": {"userName": "u", "accessKeyId": "AKIA1"}}}, "user u"),
        ({"responseElements": {"instancesSet": {"items": [{"instanceId": "i-9"}]}}}, "instance i-9"),
        ({"errorMessage": "x is not authorized on resource: arn:aws:iam::1:role/r because"}, "role r"),
        ({"eventSource": "secretsmanager.amazonaws.com", "responseElements": {"name": "db"}}, "secret db"),
        ({"resources": [{"ARN": f"arn:aws:sqs:r:1:{n}{'q' * 400}"} for n in "ab"]}, f"queue a{'q' * 283}… + 1 more"),
        ({"insightDetails": {"eventName": "A", "eventSource": "b"}}, "A of b"),
    ],
)
def test_other_places_name_the_resource(event: Json, resource: str) -> None:
    assert summarize(event).resource == resource


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({}, Outcome.SUCCEEDED),
        ({"errorCode": ""}, Outcome.SUCCEEDED),
        ({"errorCode": None}, Outcome.SUCCEEDED),
        ({"errorCode": "AccessDenied"}, Outcome.DENIED),
        ({"errorCode": "AccessDeniedException"}, Outcome.DENIED),
        ({"errorCode": "Client.UnauthorizedOperation"}, Outcome.DENIED),
        ({"errorCode": "UnauthorizedOperation"}, Outcome.DENIED),
        ({"errorCode": "VpceAccessDenied"}, Outcome.DENIED),
        ({"errorCode": "Client.AuthFailure"}, Outcome.DENIED),
        ({"errorCode": "accessdenied"}, Outcome.FAILED),
        ({"errorCode": "ThrottlingException"}, Outcome.FAILED),
        ({"errorCode": "Client.DryRunOperation"}, Outcome.FAILED),
        ({"errorCode": 500}, Outcome.FAILED),
        ({"errorMessage": "Failed authentication"}, Outcome.FAILED),
        (
            {
                "eventType": "AwsConsoleSignIn",
                "eventName": "ConsoleLogin",
                "responseElements": {"ConsoleLogin": "Failure"},
            },
            Outcome.FAILED,
        ),
        (
            {
                "eventSource": "signin.amazonaws.com",
                "eventName": "CheckMfa",
                "responseElements": {"CheckMfa": "Failure"},
            },
            Outcome.FAILED,
        ),
        ({"eventName": "Other", "responseElements": {"Other": "Failure"}}, Outcome.SUCCEEDED),
    ],
)
def test_the_outcome_is_told(event: Json, outcome: Outcome) -> None:
    assert summarize(event).outcome == outcome


INSIGHT = {"eventType": "AwsCloudTrailInsight", "insightDetails": {"insightType": "ApiCallRateInsight"}}
OF_SNS = {"insightDetails": {"eventSource": "sns.amazonaws.com"}}


@pytest.mark.parametrize(
    ("event", "name", "source"),
    [
        (
            {"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com", **INSIGHT},
            "StopLogging",
            "cloudtrail.amazonaws.com",
        ),
        ({"eventSource": "s3.amazonaws.com", **OF_SNS}, "an unnamed event", "s3.amazonaws.com"),
        (INSIGHT, "ApiCallRateInsight", ""),
        (OF_SNS, "an unnamed event", "sns.amazonaws.com"),
        ({"eventType": "AwsCloudTrailAggregatedEvent"}, "AwsCloudTrailAggregatedEvent", ""),
        ({"eventName": "", "eventType": ["odd"]}, "an unnamed event", ""),
    ],
)
def test_the_best_word_for_what_happened_names_it(event: Json, name: str, source: str) -> None:
    """Insights and aggregates have no name and no source of their own."""
    summary = summarize(event)
    assert (summary.name, summary.source) == (name, source)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("ap-southeast-4", "ap-southeast-4.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_link_opens_the_event_in_its_partitions_console(region: str, host: str) -> None:
    link = summarize({"awsRegion": region, "eventID": ID}).link
    assert link == f"https://{host}/cloudtrailv2/home?region={region}#/events/{ID}"


@pytest.mark.parametrize(
    "event",
    [
        {"awsRegion": "us-east-1"},
        {"awsRegion": "evil.example/?", "eventID": ID},
        {"awsRegion": "us-east-1.evil.example", "eventID": ID},
        {"awsRegion": "us-east-1\n", "eventID": ID},
        {"awsRegion": "us-east-1", "eventID": "x|evil> <!here"},
        {"awsRegion": "us-east-1", "eventID": f"{ID}\n"},
        {"awsRegion": "us-east-1", "eventID": "a" * 500},
        {"awsRegion": "us-eäst-1", "eventID": ID},
        {"awsRegion": ["us-east-1"], "eventID": ID},
        {"awsRegion": "us-east-1", "eventID": ID, "eventCategory": "Data"},
        {"awsRegion": "us-east-1", "eventID": ID, "managementEvent": False},
    ],
)
def test_no_link_is_made_of_odd_fields_or_of_events_the_console_does_not_keep(event: Json) -> None:
    assert summarize(event).link == ""


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2026-07-01T14:02:11Z", 1_782_914_531_000),
        ("2026-07-01T14:02:11.250Z", 1_782_914_531_250),
        ("2026-13-01T14:02:11Z", None),
        ("2026-07-01T25:02:11Z", None),
        ("2026-07-01", None),
        ("0000-00-00T00:00:00Z", None),
        ("٢٠٢٦-07-01T14:02:11Z", None),
        (None, None),
        (1_782_914_531, None),
    ],
)
def test_the_time_is_read_or_is_none(text: Any, time_ms: int | None) -> None:
    assert summarize({"eventTime": text}).time_ms == time_ms


SSH = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        ({"eventName": "ConsoleLogin", "additionalEventData": {"MFAUsed": "No"}}, ("MFA", "not used")),
        ({"additionalEventData": {"MFAUsed": "YES"}}, ("MFA", "used")),
        (
            {
                "eventName": "AuthorizeSecurityGroupIngress",
                "requestParameters": {
                    "ipPermissions": {"items": [{**SSH, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}
                },
            },
            ("Opened", "tcp 22 from 0.0.0.0/0 (anywhere)"),
        ),
        (
            {
                "eventName": "AuthorizeSecurityGroupIngress",
                "requestParameters": {**SSH, "cidrIp": "10.0.0.0/8", "ipPermissions": {}},
            },
            ("Opened", "tcp 22 from 10.0.0.0/8"),
        ),
        (
            {
                "eventName": "RevokeSecurityGroupEgress",
                "requestParameters": {
                    "ipPermissions": {"items": [{"ipProtocol": "-1", "groups": {"items": [{"groupId": "sg-1"}]}}]}
                },
            },
            ("Closed", "all traffic to sg-1"),
        ),
        (
            {
                "eventName": "AttachRolePolicy",
                "requestParameters": {"roleName": "r", "policyArn": "arn:aws:iam::aws:policy/P"},
            },
            ("Policy", "arn:aws:iam::aws:policy/P"),
        ),
        (
            {
                "eventName": "PutRolePolicy",
                "requestParameters": {
                    "roleName": "r",
                    "policyName": "p",
                    "policyDocument": '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
                },
            },
            ("Policy", "p: Allow * on *"),
        ),
        (
            {
                "eventName": "UpdateAssumeRolePolicy",
                "requestParameters": {"policyDocument": '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"}}]}'},
            },
            ("Trusts", "everyone"),
        ),
        (
            {"requestParameters": {"createVolumePermission": {"add": {"items": [{"group": "all"}]}}}},
            ("Shared with", "everyone"),
        ),
        ({"requestParameters": {"valuesToAdd": ["999988887777"]}}, ("Shared with", "999988887777")),
        ({"responseElements": {"accessKey": {"accessKeyId": "AKIA2"}}}, ("New access key", "AKIA2")),
        ({"userIdentity": {"type": "IAMUser", "accessKeyId": "AKIA1"}}, ("Key of the caller", "AKIA1")),
        ({"requestParameters": {"omitted": True, "originalSize": 1}}, ("Too large, omitted", "requestParameters")),
        ({"addendum": {"reason": "DELIVERY_DELAY"}}, ("Note", "CloudTrail delivered it late")),
        (
            {"addendum": {"reason": "UPDATED_DATA", "originalEventID": "e1", "updatedFields": "x.y"}},
            ("Note", "corrects e1 (x.y)"),
        ),
        (
            {
                "insightDetails": {
                    "insightContext": {"statistics": {"baseline": {"average": 0.5}, "insight": {"average": 90}}}
                }
            },
            ("Rate", "90 a minute, usually 0.5"),
        ),
        ({"requestParameters": {"skipFinalSnapshot": True}}, ("Final snapshot", "skipped")),
    ],
)
def test_facts_that_decide_are_told(event: Json, fact: tuple[str, str]) -> None:
    assert fact in summarize(event).details


@pytest.mark.parametrize(
    ("agent", "tool"),
    [
        ("aws-cli/2.17.0 Python/3.12 Linux/6.1", "AWS CLI"),
        ("aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0-kali5-amd64", "AWS CLI on Kali Linux"),
        ("[APN/1.0 HashiCorp/1.0 Terraform/1.9]", "Terraform"),
        ("Boto3/1.40.0", "Boto3 (Python)"),
        ("console.amazonaws.com", "AWS console"),
        ("something else", ""),
        (None, ""),
    ],
)
def test_the_tool_is_known_by_its_user_agent(agent: Any, tool: str) -> None:
    assert summarize({"userAgent": agent}).tool == tool


def test_an_event_is_selected_by_exact_strings_or_not_at_all() -> None:
    """An ignore made of shortened or redacted strings would silence something else."""
    event: Json = {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "recipientAccountId": "1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/u"},
    }
    assert dict(summarize(event).selector) == {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "recipientAccountId": "1",
        "userIdentity.arn": "arn:aws:iam::1:user/u",
    }
    for odd in ("x" * 300, "\ud800", "ghp_" + "a1B2" * 9, None, ["u"]):
        assert summarize({**event, "userIdentity": {"type": "IAMUser", "arn": odd}}).selector == ()
    assert summarize({**event, "userIdentity": None}).selector == ()


@pytest.mark.parametrize("char", ["x", "\u00e9", "\U0001f600", "\ud800", "\x00", '"'])
def test_a_summary_fits_its_bound_whatever_its_texts(char: str) -> None:
    """Tickets carry summaries; 12 ASCII bytes for one character must not make them large."""
    long = char * 5000
    event = {
        **dict.fromkeys(
            ["eventName", "eventSource", "sourceIPAddress", "userAgent", "errorCode", "errorMessage"], long
        ),
        "userIdentity": {"type": "IAMUser", "userName": long, "invokedBy": long, "accountId": long},
        "requestParameters": dict.fromkeys(
            ["userName", "policyArn", "documentName", "instanceOSUser", "principal"], long
        ),
        "awsRegion": long,
        "recipientAccountId": long,
        "vpcEndpointId": long,
        "eventID": long,
    }
    summary = summarize(event)
    assert len(json.dumps(msgspec.to_builtins(summary))) <= MOST_BYTES
    assert summary.actor.name
