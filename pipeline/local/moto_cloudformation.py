"""The CloudFormation resources that `osls deploy` needs and moto lacks.

Seen in moto 5.2.5: the types below are skipped with a warning, so that a deployed pipeline has no subscription filter;
an executed change set leaves the stack's outputs as they were; a bucket policy's conditions are ignored, so that the
usual "deny without TLS" denies everything.

moto finds types among the direct subclasses of `CloudFormationModel`, once, at the first use of CloudFormation: `mend`
must run before it. Importing this imports every service that moto has, which takes a second.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from moto.cloudformation import parsing
from moto.cloudformation.models import ChangeSet, cloudformation_backends
from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException

from pipeline.local.moto_logs import put_subscription_filter
from pipeline.local.patching import Patches

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """The account and region that a stack lives in."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Made:
    """What creating a resource gives: its physical id and its attributes."""

    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


Properties = dict[str, Any]
Create = Callable[[str, Properties, Place], Made]
Delete = Callable[[str, Properties, Place], None]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type: how it is created and deleted. Creating one that exists changes it."""

    name: str
    create: Create
    delete: Delete
    name_property: str = ""
    attributes: tuple[str, ...] = ()


def _put_filter(name: str, properties: Properties, place: Place) -> Made:
    settings = {
        "filterName": properties.get("FilterName", name),
        "filterPattern": properties["FilterPattern"],
        "destinationArn": properties["DestinationArn"],
        "roleArn": properties.get("RoleArn"),
        "distribution": properties.get("Distribution"),
    }
    put_subscription_filter(logs_backends[place.account][place.region], properties["LogGroupName"], settings)
    return Made(settings["filterName"])


def _delete_filter(name: str, properties: Properties, place: Place) -> None:
    logs_backends[place.account][place.region].delete_subscription_filter(properties["LogGroupName"], name)


def _put_destination(name: str, properties: Properties, place: Place) -> Made:
    backend = logs_backends[place.account][place.region]
    destination = backend.put_destination(name, properties["RoleArn"], properties["TargetArn"], {})
    backend.put_destination_policy(name, properties.get("DestinationPolicy", ""))
    return Made(name, {"Arn": destination.arn})


def _delete_destination(name: str, _properties: Properties, place: Place) -> None:
    logs_backends[place.account][place.region].delete_destination(name)


def _put_bucket_policy(name: str, properties: Properties, place: Place) -> Made:
    """Put the policy without the denials that depend on a condition, which moto would take for unconditional."""
    document = dict(properties["PolicyDocument"])
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    document["Statement"] = [s for s in statements if not (s["Effect"] == "Deny" and s.get("Condition"))]
    if document["Statement"]:
        policy = json.dumps(document).encode()
        s3_backends[place.account][get_partition(place.region)].put_bucket_policy(properties["Bucket"], policy)
    return Made(name)


def _delete_bucket_policy(_name: str, properties: Properties, place: Place) -> None:
    s3_backends[place.account][get_partition(place.region)].delete_bucket_policy(properties["Bucket"])


def _create_trail(name: str, properties: Properties, place: Place) -> Made:
    backend = cloudtrail_backends[place.account][place.region]
    trail = backend.create_trail(
        name,
        properties["S3BucketName"],
        properties.get("S3KeyPrefix"),
        properties.get("SnsTopicName"),
        properties.get("IncludeGlobalServiceEvents", True),
        properties.get("IsMultiRegionTrail", False),
        properties.get("EnableLogFileValidation", False),
        properties.get("IsOrganizationTrail", False),
        properties.get("CloudWatchLogsLogGroupArn"),
        properties.get("CloudWatchLogsRoleArn"),
        properties.get("KMSKeyId"),
        properties.get("Tags", []),
    )
    if properties.get("IsLogging"):
        backend.start_logging(name)
    return Made(name, {"Arn": trail.arn})


def _delete_trail(name: str, _properties: Properties, place: Place) -> None:
    cloudtrail_backends[place.account][place.region].delete_trail(name)


def _put_alarm(name: str, properties: Properties, place: Place) -> Made:
    threshold = properties.get("Threshold")
    cloudwatch_backends[place.account][place.region].put_metric_alarm(
        name=name,
        namespace=properties.get("Namespace"),
        metric_name=properties.get("MetricName"),
        comparison_operator=properties["ComparisonOperator"],
        evaluation_periods=int(properties["EvaluationPeriods"]),
        period=int(properties.get("Period", 60)),
        threshold=None if threshold is None else float(threshold),
        statistic=properties.get("Statistic"),
        description=properties.get("AlarmDescription", ""),
        dimensions=properties.get("Dimensions", []),
        alarm_actions=properties.get("AlarmActions", []),
        ok_actions=properties.get("OKActions", []),
        treat_missing_data=properties.get("TreatMissingData"),
        tags=[],
    )
    return Made(name, {"Arn": f"arn:aws:cloudwatch:{place.region}:{place.account}:alarm:{name}"})


def _delete_alarm(name: str, _properties: Properties, place: Place) -> None:
    cloudwatch_backends[place.account][place.region].delete_alarms([name])


def _subscribe(_name: str, properties: Properties, place: Place) -> Made:
    backend = sns_backends[place.account][place.region]
    return Made(backend.subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"]).arn)


def _unsubscribe(name: str, _properties: Properties, place: Place) -> None:
    sns_backends[place.account][place.region].unsubscribe(name)


def _accept(name: str, _properties: Properties, _place: Place) -> Made:
    return Made(name)


def _forget(_name: str, _properties: Properties, _place: Place) -> None:
    """Nothing was kept: moto enforces no policies of queues and topics."""


RESOURCE_TYPES = (
    ResourceType("AWS::Logs::SubscriptionFilter", _put_filter, _delete_filter, "FilterName"),
    ResourceType("AWS::Logs::Destination", _put_destination, _delete_destination, "DestinationName", ("Arn",)),
    ResourceType("AWS::S3::BucketPolicy", _put_bucket_policy, _delete_bucket_policy),
    ResourceType("AWS::CloudTrail::Trail", _create_trail, _delete_trail, "TrailName", ("Arn",)),
    ResourceType("AWS::CloudWatch::Alarm", _put_alarm, _delete_alarm, "AlarmName", ("Arn",)),
    ResourceType("AWS::SNS::Subscription", _subscribe, _unsubscribe),
    ResourceType("AWS::SNS::TopicPolicy", _accept, _forget),
    ResourceType("AWS::SQS::QueuePolicy", _accept, _forget),
)


class _Resource:
    """What moto asks of a resource, answered by its type; mixed into the subclass that moto looks for."""

    type: ClassVar[ResourceType]

    def __init__(self, made: Made, properties: Properties) -> None:
        self.made = made
        self.properties = properties

    @property
    def physical_resource_id(self) -> str:
        return self.made.id

    @classmethod
    def cloudformation_name_type(cls) -> str:
        return cls.type.name_property

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.type.name

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls.type.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self.made.attributes[attribute_name]

    def is_created(self) -> bool:
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_others: Any
    ) -> Self:
        properties = cloudformation_json["Properties"]
        return cls(cls.type.create(resource_name, properties, Place(account_id, region_name)), properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Self:
        name = original_resource.made.id if original_resource else new_resource_name
        if original_resource:
            original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        _delete(cls.type, resource_name, cloudformation_json["Properties"], Place(account_id, region_name))

    def delete(self, account_id: str, region_name: str) -> None:
        _delete(self.type, self.made.id, self.properties, Place(account_id, region_name))


def _model(resource: ResourceType) -> Any:
    """Write a type as a direct subclass of CloudFormationModel."""
    name = resource.name.replace("::", "")
    # moto takes the second part of the module's name for the service
    return type(CloudFormationModel)(name, (_Resource, CloudFormationModel), {"type": resource, "__module__": __name__})


def _delete(resource: ResourceType, name: str, properties: Properties, place: Place) -> None:
    """Delete a resource that may be gone: moto deletes a stack's resources in any order."""
    try:
        resource.delete(name, properties, place)
    except (ServiceException, HTTPException, LookupError) as error:
        _log.debug("%s %s was gone: %s", resource.name, name, error)


# moto refers to them weakly
_models: list[Any] = []


def mend(patches: Patches) -> None:
    """Let moto know the missing types, for good, and compute outputs anew when a change set has run."""
    if not _models:
        _models.extend(map(_model, RESOURCE_TYPES))
        for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
            cached.cache_clear()

    def apply(change_set: Any) -> None:
        before(change_set)
        stack = change_set.stack
        stack.template_dict = change_set.template_dict
        stack.output_map = stack._create_output_map()  # noqa: SLF001  what moto itself calls for a new stack
        exports = cloudformation_backends[stack.account_id][stack.region_name].exports
        for export in stack.exports:
            exports[export.name] = export

    before = patches.replace(ChangeSet, "apply", apply)
