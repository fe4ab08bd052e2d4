"""What it was done to: the best name of the resource that an event offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipeline.event.fields import as_text, at, clean, entries, folded, text_at, texts

RESOURCE_AT_MOST = 300

_BY_SERVICE: dict[tuple[str, str], str] = {
    ("cloudtrail", "name"): "trail",
    ("iam", "groupname"): "group",
    ("ssm", "name"): "parameter",
    ("ssm", "target"): "",
    ("logs", "destinationname"): "log destination",
    ("sns", "name"): "topic",
    ("sqs", "queuename"): "queue",
    ("kms", "aliasname"): "key alias",
    ("rds", "resourcename"): "",
    ("events", "name"): "event rule",
    ("config", "configurationrecordername"): "recorder",
    ("eks", "name"): "cluster",
    ("secretsmanager", "name"): "secret",
    ("cloudformation", "stackname"): "stack",
    ("ec2", "groupname"): "security group",
    ("guardduty", "detectorid"): "detector",
    ("rolesanywhere", "name"): "",
}
"""(service, key in lower case) -> the word before the name; tried before `_BY_KEY`."""

_BY_KEY: dict[str, str] = {
    "username": "user",
    "rolename": "role",
    "instanceprofilename": "instance profile",
    "functionname": "function",
    "secretid": "secret",
    "keyid": "key",
    "trailname": "trail",
    "trailarn": "trail",
    "dbinstanceidentifier": "database",
    "dbclusteridentifier": "database cluster",
    "dbsnapshotidentifier": "database snapshot",
    "dbclustersnapshotidentifier": "database snapshot",
    "instanceid": "instance",
    "instanceids": "instance",
    "groupid": "security group",
    "snapshotid": "snapshot",
    "imageid": "image",
    "volumeid": "volume",
    "networkinterfaceid": "network interface",
    "routetableid": "route table",
    "networkaclid": "network ACL",
    "natgatewayid": "NAT gateway",
    "internetgatewayid": "internet gateway",
    "vpnconnectionid": "VPN connection",
    "vpcendpointid": "VPC endpoint",
    "vpcpeeringconnectionid": "VPC peering",
    "flowlogid": "flow log",
    "flowlogids": "flow log",
    "subnetid": "subnet",
    "vpcid": "VPC",
    "allocationid": "elastic IP",
    "loggroupname": "log group",
    "topicarn": "topic",
    "queueurl": "queue",
    "tablename": "table",
    "stackname": "stack",
    "clustername": "cluster",
    "cluster": "cluster",
    "repositoryname": "repository",
    "streamname": "stream",
    "detectorid": "detector",
    "hostedzoneid": "hosted zone",
    "distributionid": "distribution",
    "domainname": "domain",
    "statemachinearn": "state machine",
    "certificatearn": "certificate",
    "policyarn": "policy",
    "policyname": "policy",
    "resolverquerylogconfigid": "query log",
    "trustanchorid": "trust anchor",
    "samlproviderarn": "SAML provider",
    "openidconnectproviderarn": "OIDC provider",
    "webaclarn": "web ACL",
    "modelid": "model",
    "accesskeyid": "access key",
    "sessionid": "session",
    "rolearn": "role",
    "resourcearn": "",
    "arn": "",
    "resourceid": "",
    "name": "",
    "keyname": "key pair",
    "id": "",
}
"""Well-known keys of requestParameters in lower case, most telling first -> the word before the name."""

_ARN_KINDS = {"db": "database", "group": "group", "assumed-role": "role", "log-group": "log group"}
_ARN_SERVICES = {"sns": "topic", "sqs": "queue"}
_DENIED_ON = re.compile(r"on resource: (arn:[^\s\"']{1,400})")
_TYPED = re.compile(r"([a-z][a-z0-9-]{1,30})[/:](.+)", re.DOTALL)


def resource_of(event: dict[str, Any]) -> str:
    """Return what it was done to, such as `role Admin` or `bucket logs + 2 more`; empty where it does not say."""
    for find in (_from_insight, _from_aggregate, _from_arns, _from_request, _from_response, _from_error):
        names = list(dict.fromkeys(name for name in find(event) if name))
        if names:
            more = f" + {len(names) - 1} more" if len(names) > 1 else ""
            return clean(names[0], RESOURCE_AT_MOST - len(more)).strip() + more
    return ""


def named_arn(arn: str) -> str:
    """Return an ARN as people say it: its kind and its name. What is not an ARN stays as it is."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[5]:  # noqa: PLR2004 - arn:partition:service:region:account:resource
        return arn
    service, resource = parts[2], parts[5]
    if service == "s3":
        return f"{'object' if '/' in resource else 'bucket'} {resource}"
    if service in _ARN_SERVICES:
        return f"{_ARN_SERVICES[service]} {resource}"
    if typed := _TYPED.fullmatch(resource):
        return f"{_ARN_KINDS.get(typed[1], typed[1])} {typed[2]}"
    return f"{service} {resource}"


def _from_insight(event: dict[str, Any]) -> Iterator[str]:
    details = at(event, "insightDetails")
    if isinstance(details, dict):
        yield " of ".join(filter(None, [text_at(details, "eventName"), text_at(details, "eventSource")]))


def _from_aggregate(event: dict[str, Any]) -> Iterator[str]:
    for entry in entries(at(event, "summary", "primaryDimension", "statistics")):
        yield named_arn(text_at(entry, "name"))


def _from_arns(event: dict[str, Any]) -> Iterator[str]:
    """Yield the resources' names; a bucket is not named beside the object in it."""
    arns = [text_at(entry, "ARN") or text_at(entry, "arn") for entry in entries(at(event, "resources"))]
    for arn in arns:
        if not any(other != arn and other.startswith(arn + "/") for other in arns):
            yield named_arn(arn)


def _from_request(event: dict[str, Any]) -> Iterator[str]:
    members = folded(at(event, "requestParameters"))
    if bucket := as_text(members.get("bucketname")) or as_text(members.get("bucket")):
        key = as_text(members.get("key"))
        yield f"object {bucket}/{key}" if key else f"bucket {bucket}"
        return
    for entry in entries(members.get("instancesset")):
        if instance := text_at(entry, "instanceId"):
            yield f"instance {instance}"
    yield from _well_known(members, text_at(event, "eventSource").partition(".")[0])


def _from_response(event: dict[str, Any]) -> Iterator[str]:
    """Yield what was made: the response names it, on top or one object deeper."""
    response = at(event, "responseElements")
    service = text_at(event, "eventSource").partition(".")[0]
    members = folded(response)
    for entry in entries(members.get("instancesset")):
        if instance := text_at(entry, "instanceId"):
            yield f"instance {instance}"
    for inner in [members, *map(folded, list(members.values())[:20])]:
        found = list(_well_known(inner, service))
        if found:
            yield from found
            return


def _from_error(event: dict[str, Any]) -> Iterator[str]:
    """Yield what permission was missing on: denied calls often come without their parameters."""
    if found := _DENIED_ON.search(text_at(event, "errorMessage")[:2_000]):
        yield named_arn(found[1])


def _well_known(members: dict[str, Any], service: str) -> Iterator[str]:
    """Yield the names under the most telling key that is there."""
    for (owner, key), word in _BY_SERVICE.items():
        if owner == service and (names := _names(members.get(key))):
            yield from (_worded(word, name) for name in names)
            return
    for key, word in _BY_KEY.items() if members else ():
        if key in members and (names := _names(members[key])):
            yield from (_worded(word, name) for name in names)
            return
    yield from (named_arn(name) for value in members.values() for name in _names(value) if name.startswith("arn:"))


def _names(value: Any) -> list[str]:
    """Return the texts of a value; EC2 writes `{"content": "fl-1", "tag": 1}` for a member of a list."""
    if isinstance(value, dict):
        value = value.get("content")
    return [text for text in texts(value) if text.strip()]


def _worded(word: str, name: str) -> str:
    if name.startswith("arn:"):
        return named_arn(name)
    return f"{word} {name}".strip()
