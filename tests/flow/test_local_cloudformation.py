"""A stack with everything that the deployed pipeline has comes up in the embedded AWS, changes and goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.local.aws import EmbeddedAws

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}
ONLY_TLS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}


def template(filter_pattern: str = "", topic_name: str = "first") -> str:
    """A stack of every type that is filled in, and what those need."""
    resources: dict[str, Any] = {
        "Role": ROLE,
        "Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "events", "ShardCount": 1}},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "trail"}},
        "Filter": {
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": filter_pattern,
                "DestinationArn": {"Fn::GetAtt": ["Events", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "Distribution": "Random",
            },
        },
        "Destination": {
            "Type": "AWS::Logs::Destination",
            "Properties": {
                "DestinationName": "shared",
                "TargetArn": {"Fn::GetAtt": ["Events", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DestinationPolicy": "{}",
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "trail-bucket"}},
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": ONLY_TLS},
        },
        "Trail": {
            "Type": "AWS::CloudTrail::Trail",
            "Properties": {"TrailName": "all", "IsLogging": True, "S3BucketName": {"Ref": "Bucket"}},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": topic_name}},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "oncall@example.com"},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "late",
                "Namespace": "AWS/Lambda",
                "MetricName": "IteratorAge",
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 5,
                "Threshold": 60000,
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
    }
    outputs = {"TopicArn": {"Value": {"Ref": "Topic"}}, "AlarmArn": {"Value": {"Fn::GetAtt": ["Alarm", "Arn"]}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


def outputs(aws: EmbeddedAws) -> dict[str, str]:
    stack = aws.client("cloudformation").describe_stacks(StackName="s")["Stacks"][0]
    assert stack["StackStatus"].endswith("_COMPLETE")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def execute(aws: EmbeddedAws, kind: str, body: str) -> None:
    client = aws.client("cloudformation")
    client.create_change_set(StackName="s", ChangeSetName=kind.lower(), ChangeSetType=kind, TemplateBody=body)
    client.execute_change_set(StackName="s", ChangeSetName=kind.lower())


def test_a_stack_is_created_changed_and_deleted_with_all_its_resources(aws: EmbeddedAws) -> None:
    execute(aws, "CREATE", template())
    assert outputs(aws)["TopicArn"].endswith(":first")
    assert outputs(aws)["AlarmArn"].endswith(":alarm:late")
    (subscription,) = aws.client("logs").describe_subscription_filters(logGroupName="trail")["subscriptionFilters"]
    assert subscription["distribution"] == "Random"
    assert aws.client("cloudtrail").get_trail_status(Name="all")["IsLogging"]
    assert len(aws.client("sns").list_subscriptions()["Subscriptions"]) == 1
    assert [d["destinationName"] for d in aws.client("logs").describe_destinations()["destinations"]] == ["shared"]
    aws.client("s3").put_object(Bucket="trail-bucket", Key="k", Body=b"a policy of TLS only lets plain HTTP in here")
    aws.client("s3").delete_object(Bucket="trail-bucket", Key="k")

    execute(aws, "UPDATE", template(topic_name="second"))
    assert outputs(aws)["TopicArn"].endswith(":second"), "outputs follow an update"

    aws.client("cloudformation").delete_stack(StackName="s")
    assert aws.client("logs").describe_log_groups()["logGroups"] == []
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert aws.client("cloudtrail").list_trails()["Trails"] == []
