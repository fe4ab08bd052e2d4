"""The further facts of an event: each where it applies, and none where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.event.details import FACTS_AT_MOST, details_of

Json = dict[str, Any]


def called(name: str, /, **request: Any) -> Json:
    """Build a call with these parameters."""
    return {"eventName": name, "requestParameters": request}


def session(kind: str, mfa: str) -> Json:
    """Build an event of an identity whose session tells of a second factor."""
    return {"userIdentity": {"type": kind, "sessionContext": {"attributes": {"mfaAuthenticated": mfa}}}}


def grants(*pairs: tuple[str, str]) -> Json:
    """Build S3's way to write an access control list."""
    listed = [{"Grantee": {"URI": f"http://acs.amazonaws.com/groups/{who}"}, "Permission": may} for who, may in pairs]
    return {"AccessControlPolicy": {"AccessControlList": {"Grant": listed}}}


ALL_BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
SELECTORS = [{"readWriteType": "All", "includeManagementEvents": False}, {"readWriteType": "ReadOnly"}]

ALLOW_ALL = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'

FACTS: list[tuple[Json, list[tuple[str, str]]]] = [
    # event, every fact of it
    ({}, []),
    (session("IAMUser", "true"), [("MFA", "used")]),
    (session("Root", "false"), [("MFA", "not used")]),
    (session("AssumedRole", "false"), []),
    ({**session("IAMUser", "false"), "additionalEventData": {"MFAUsed": "Yes"}}, [("MFA", "used")]),
    (called("AddPermission20150331v2", principal="*"), [("Shared with", "everyone")]),
    (called("AddPermission", principal="999988887777"), [("Shared with", "999988887777")]),
    (called("Other", principal="*"), []),
    (called("X", valuesToAdd=["1", "2", "3", "4"]), [("Shared with", "1, 2, 3")]),
    (called("CreatePolicy", policyName="p", policyDocument=ALLOW_ALL), [("Policy", "Allow * on *")]),
    (called("PutUserPolicy", userName="u", policyName="p", policyDocument=ALLOW_ALL), [("Policy", "p: Allow * on *")]),
    (
        called(
            "PutBucketPolicy", bucketPolicy={"Statement": {"Effect": "Allow", "NotAction": "s3:Get*", "Principal": "*"}}
        ),
        [("Policy", "Allow everything but s3:Get* to everyone")],
    ),
    (
        called("PutBucketPolicy", bucketPolicy={"Statement": {"Effect": "Deny", "Principal": {"AWS": list("12345")}}}),
        [("Policy", "Deny to 1, 2, 3 and 2 more")],
    ),
    (called("UpdateAssumeRolePolicy", policyDocument={"Statement": {"Effect": "Deny", "Principal": "*"}}), []),
    (
        called("UpdateAssumeRolePolicy", policyDocument={"Statement": {"Effect": "Allow", "Principal": "*"}}),
        [("Trusts", "everyone")],
    ),
    (
        called("AuthorizeSecurityGroupIngress", ipProtocol="tcp", cidrIp="10.0.0.0/8"),
        [("Opened", "tcp all ports from 10.0.0.0/8")],
    ),
    (
        called(
            "AuthorizeSecurityGroupIngress", ipPermissions={"items": ["odd", {"ipProtocol": "icmp", "fromPort": -1}]}
        ),
        [("Opened", "icmp all ports from nobody")],
    ),
    (called("PutBucketAcl", **{"x-amz-acl": ["public-read"]}), [("ACL", "public-read")]),
    (called("PutBucketAcl", **{"x-amz-acl": ["private"]}), []),
    (
        called("PutBucketAcl", **grants(("global/AllUsers", "READ"), ("s3/LogDelivery", "WRITE"))),
        [("ACL", "everyone: READ")],
    ),
    (called("DeletePublicAccessBlock"), [("Public access block", "removed")]),
    (called("PutPublicAccessBlock", PublicAccessBlockConfiguration=ALL_BLOCKED), []),
    (
        called("PutPublicAccessBlock", PublicAccessBlockConfiguration={**ALL_BLOCKED, "IgnorePublicAcls": False}),
        [("Public access block", "off: IgnorePublicAcls")],
    ),
    (called("UpdateAccessKey", accessKeyId="AKIA1", status="Inactive"), [("Access key", "AKIA1 (Inactive)")]),
    (called("DeleteAccessKey", accessKeyId="AKIA1"), [("Access key", "AKIA1")]),
    ({"userIdentity": {"accessKeyId": "ASIA1"}}, []),
    (
        called("PutEventSelectors", eventSelectors=SELECTORS),
        [("Event selectors", "All, management events left out; ReadOnly, management events kept")],
    ),
    (called("GetEventSelectors", eventSelectors=SELECTORS), []),
    (called("UpdateTrail", isMultiRegionTrail=False), [("Logging", "one region only")]),
    (called("UpdateTrail", isMultiRegionTrail=True), []),
    (called("DeleteSecret", forceDeleteWithoutRecovery=True), [("Recovery", "none, deleted at once")]),
    (called("DeleteSecret", recoveryWindowInDays=7), [("Deleted after (days)", "7")]),
    (called("ScheduleKeyDeletion", pendingWindowInDays=8), [("Deleted after (days)", "8")]),
    (called("CreateDBInstance", publiclyAccessible=True), [("Public", "reachable from the internet")]),
    (called("AddUserToGroup", groupName="admins", userName="u"), [("Group", "admins")]),
    (called("CreateGroup", groupName="admins"), []),
    (
        called("CreateRoute", destinationCidrBlock="0.0.0.0/0", gatewayId="igw-1"),
        [("Route", "0.0.0.0/0 through igw-1")],
    ),
    (
        called("CreateRoute", destinationCidrBlock="10.0.0.0/8", natGatewayId="nat-1"),
        [("Route", "10.0.0.0/8 through nat-1")],
    ),
    (called("CreateRoute", destinationCidrBlock="10.0.0.0/8"), [("Route", "10.0.0.0/8")]),
    (
        called("RunInstances", instanceType="p5.48xlarge", instancesSet={"items": [{"minCount": 1, "maxCount": 20}]}),
        [("Instances", "20 x p5.48xlarge")],
    ),
    (called("RunInstances", instanceType="t3.micro"), [("Instances", "t3.micro")]),
    (called("ModifyInstanceAttribute", instanceType="t3.micro"), []),
    (called("SendCommand", documentName="AWS-RunShellScript"), [("Document", "AWS-RunShellScript")]),
    (called("AssumeRole", roleSessionName="al"), [("Session", "al")]),
    ({"vpcEndpointId": "vpce-1"}, [("VPC endpoint", "vpce-1")]),
    ({"addendum": {"reason": "SERVICE_OUTAGE"}}, [("Note", "CloudTrail delivered it late, after an outage")]),
    ({"addendum": {"reason": "NEW"}}, [("Note", "NEW")]),
    (
        {"userIdentity": {"accountId": "1"}, "recipientAccountId": "2", "sharedEventID": "e"},
        [("Shared event", "e")],
    ),
    ({"userIdentity": {"accountId": "1"}, "recipientAccountId": "1", "sharedEventID": "e"}, []),
    (
        {"timeWindow": {"windowSize": "PT5M"}, "summary": {"primaryDimension": {"statistics": [{"value": 42}]}}},
        [("Calls", "42 in 5 min")],
    ),
]


@pytest.mark.parametrize(("event", "facts"), FACTS)
def test_exactly_the_facts_that_apply_are_told(event: Json, facts: list[tuple[str, str]]) -> None:
    """Nothing is said of a call that a fact is not about."""
    assert list(details_of(event)) == facts


def test_the_most_telling_facts_are_told_of_an_event_that_has_many() -> None:
    """And none of them at length."""
    every: Json = {"eventName": "AddUserToGroup"}
    for event, _ in FACTS:
        every["requestParameters"] = {**every.get("requestParameters", {}), **event.get("requestParameters", {})}
    every["requestParameters"]["destinationCidrBlock"] = "9" * 1_000
    told = details_of(every)
    assert len(told) == FACTS_AT_MOST
    assert [label for label, _ in told][:3] == ["Shared with", "Policy", "ACL"]
    assert max(len(value) for _, value in details_of(called("CreateRoute", destinationCidrBlock="9" * 1_000))) <= 240
