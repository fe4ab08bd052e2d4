"""The few further facts that decide what to do about an event, each as (label, value).

Each fact is one small function from the event to its value; an empty value means that the fact does not apply.
`FACTS` orders them, most telling first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.event.fields import as_text, at, clean, entries, folded, text_at, texts
from pipeline.event.policy import accounts_added, openings, policy_in_words, trusted_principals

FACTS_AT_MOST = 8
VALUE_AT_MOST = 240

Fact = Callable[[dict[str, Any]], str]


def details_of(event: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the facts that apply, bounded and clean."""
    facts = ((label, clean(fact(event), VALUE_AT_MOST).strip()) for label, fact in FACTS)
    return tuple((label, value) for label, value in facts if value)[:FACTS_AT_MOST]


def tool_of(event: dict[str, Any]) -> str:
    """Return what the call was made with, by its user agent (which its caller chooses); empty where it is not known."""
    if text_at(event, "sessionCredentialFromConsole").lower() == "true":
        return "AWS console"
    agent = text_at(event, "userAgent")[:1_100].lower()
    system = next((f" on {name}" for mark, name in _SYSTEMS if mark in agent), "")
    return next((name + system for mark, name in _TOOLS if mark in agent), "")


_TOOLS = (
    ("console.amazonaws.com", "AWS console"),
    ("signin.amazonaws.com", "AWS console"),
    ("s3console/", "AWS console"),
    (" console, aws-internal", "AWS console"),
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
    ("pacu", "Pacu (an attack tool)"),
    ("scoutsuite", "ScoutSuite"),
    ("prowler", "Prowler"),
    ("stratus-red-team", "Stratus Red Team (an attack tool)"),
    ("aws-cdk", "AWS CDK"),
    ("aws-cli/", "AWS CLI"),
    ("powershell", "AWS Tools for PowerShell"),
    ("boto3/", "Boto3 (Python)"),
    ("botocore/", "botocore (Python)"),
    ("aws-sdk-go", "AWS SDK for Go"),
    ("aws-sdk-java", "AWS SDK for Java"),
    ("aws-sdk-js", "AWS SDK for JavaScript"),
    ("aws-sdk-rust", "AWS SDK for Rust"),
    ("mozilla/", "a browser"),
)
_SYSTEMS = (("kali", "Kali Linux"), ("parrot", "Parrot OS"), ("pentoo", "Pentoo"))


def _insight(event: dict[str, Any]) -> str:
    statistics = at(event, "insightDetails", "insightContext", "statistics")
    usual, now = (text_at(statistics, key, "average")[:8] for key in ("baseline", "insight"))
    return f"{now} a minute, usually {usual or 'none'}" if now else ""


def _aggregate(event: dict[str, Any]) -> str:
    """Say how many calls an aggregate stands for, and in how long."""
    counted = entries(at(event, "summary", "primaryDimension", "statistics"))
    calls = text_at(counted[0], "value") if counted else ""
    window = text_at(event, "timeWindow", "windowSize")
    return " in ".join(filter(None, [calls, window.removeprefix("PT").replace("M", " min")]))


def _mfa(event: dict[str, Any]) -> str:
    """Tell whether a second factor was used, where that could have been: sign-ins, root, and users with a session."""
    used = text_at(event, "additionalEventData", "MFAUsed")
    identity = at(event, "userIdentity")
    if not used and text_at(identity, "type") in {"Root", "IAMUser"}:
        used = text_at(identity, "sessionContext", "attributes", "mfaAuthenticated")
    return {"yes": "used", "true": "used", "no": "not used", "false": "not used"}.get(used.lower(), "")


def _security_group(event: dict[str, Any], verb: str) -> str:
    name = text_at(event, "eventName")
    side = "to" if name.endswith("Egress") else "from"
    return "; ".join(openings(at(event, "requestParameters"), side)) if name.startswith(f"{verb}SecurityGroup") else ""


def _opened(event: dict[str, Any]) -> str:
    return _security_group(event, "Authorize")


def _closed(event: dict[str, Any]) -> str:
    return _security_group(event, "Revoke")


def _policy(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    if not isinstance(request, dict):
        return ""
    document = request.get("policyDocument") or request.get("bucketPolicy") or request.get("policy")
    words = "" if text_at(event, "eventName") == "UpdateAssumeRolePolicy" else policy_in_words(document)
    holder = any(key in request for key in ("userName", "roleName", "groupName"))
    name = (text_at(request, "policyArn") or text_at(request, "policyName")) if holder else ""
    return ": ".join(filter(None, [name, words]))


def _trust(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    key = "policyDocument" if text_at(event, "eventName") == "UpdateAssumeRolePolicy" else "assumeRolePolicyDocument"
    return trusted_principals(at(request, key))


def _shared_with(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    added = accounts_added(at(request, "launchPermission")) or accounts_added(at(request, "createVolumePermission"))
    values = ", ".join(texts(at(request, "valuesToAdd"))[:3])
    principal = text_at(request, "principal") if text_at(event, "eventName").startswith("AddPermission") else ""
    return added or values or ("everyone" if principal == "*" else principal)


def _acl(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    canned = [text for text in texts(at(request, "x-amz-acl")) if text != "private"]
    grants = entries(at(request, "AccessControlPolicy", "AccessControlList", "Grant"))
    public = [text_at(grant, "Permission") for grant in grants if "global/AllUsers" in text_at(grant, "Grantee", "URI")]
    return ", ".join([*canned, *(f"everyone: {permission}" for permission in public)][:3])


def _public_access_block(event: dict[str, Any]) -> str:
    block = at(event, "requestParameters", "PublicAccessBlockConfiguration")
    if text_at(event, "eventName").startswith("DeletePublicAccessBlock"):
        return "removed"
    keys = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    off = [key for key in keys if text_at(block, key) == "false"]
    return f"off: {', '.join(off)}" if off else ""


def _new_key(event: dict[str, Any]) -> str:
    return text_at(event, "responseElements", "accessKey", "accessKeyId")


def _named_key(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    status = text_at(request, "status")
    return text_at(request, "accessKeyId") + (f" ({status})" if status else "")


def _own_key(event: dict[str, Any]) -> str:
    """Return the long-lived access key that was used: it is what gets turned off. Session keys are gone anyway."""
    key = text_at(event, "userIdentity", "accessKeyId")
    return key if key.startswith("AKIA") else ""


def _event_selectors(event: dict[str, Any]) -> str:
    if text_at(event, "eventName") != "PutEventSelectors":
        return ""
    selectors = entries(at(event, "requestParameters", "eventSelectors"))
    words = []
    for selector in selectors[:3]:
        management = text_at(selector, "includeManagementEvents") != "false"
        words.append(f"{text_at(selector, 'readWriteType')}, management events {'kept' if management else 'left out'}")
    return "; ".join(words)


def _route(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    to = text_at(request, "destinationCidrBlock")
    through = (
        text_at(request, "gatewayId") or text_at(request, "natGatewayId") or text_at(request, "networkInterfaceId")
    )
    return f"{to} through {through}" if to and through else to


def _instances(event: dict[str, Any]) -> str:
    request = at(event, "requestParameters")
    if text_at(event, "eventName") != "RunInstances":
        return ""
    first = (entries(at(request, "instancesSet")) or [None])[0]
    count = text_at(first, "maxCount")
    return " ".join(filter(None, [count and f"{count} x", text_at(request, "instanceType")]))


def _switched(key: str, word: str, value: str = "true") -> Fact:
    """Make a fact of a request's flag: the word where the flag has this value."""

    def fact(event: dict[str, Any]) -> str:
        return word if as_text(folded(at(event, "requestParameters")).get(key)).lower() == value else ""

    return fact


def _requested(*keys: str, on: str = "") -> Fact:
    """Make a fact of a request's member as it is, under the first of these keys; `on` limits it to one event name."""

    def fact(event: dict[str, Any]) -> str:
        if on and not text_at(event, "eventName").startswith(on):
            return ""
        members = folded(at(event, "requestParameters"))
        return next((", ".join(found[:3]) for key in keys if (found := texts(members.get(key)))), "")

    return fact


def _late(event: dict[str, Any]) -> str:
    reason = text_at(event, "addendum", "reason")
    fields = text_at(event, "addendum", "updatedFields")
    original = text_at(event, "addendum", "originalEventID")
    words = {
        "DELIVERY_DELAY": "CloudTrail delivered it late",
        "SERVICE_OUTAGE": "CloudTrail delivered it late, after an outage",
        "UPDATED_DATA": f"corrects {original or 'an earlier event'}" + (f" ({fields})" if fields else ""),
    }
    return words.get(reason, reason)


def _omitted(event: dict[str, Any]) -> str:
    """Name the parts that CloudTrail left out because they were too large, which somebody may have wanted."""
    parts = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")
    return ", ".join(part for part in parts if text_at(event, part, "omitted") == "true")


def _shared_event(event: dict[str, Any]) -> str:
    """Return the id under which the other account has the same event, where two accounts are involved."""
    caller, owner = text_at(event, "userIdentity", "accountId"), text_at(event, "recipientAccountId")
    return text_at(event, "sharedEventID") if caller and owner and caller != owner else ""


FACTS: tuple[tuple[str, Fact], ...] = (
    ("MFA", _mfa),
    ("Opened", _opened),
    ("Closed", _closed),
    ("Shared with", _shared_with),
    ("Trusts", _trust),
    ("Policy", _policy),
    ("ACL", _acl),
    ("Public access block", _public_access_block),
    ("Rate", _insight),
    ("State", lambda event: text_at(event, "insightDetails", "state")),
    ("Calls", _aggregate),
    ("New access key", _new_key),
    ("Access key", _named_key),
    ("Event selectors", _event_selectors),
    ("Logging", _switched("ismultiregiontrail", "one region only", "false")),
    ("Recovery", _switched("forcedeletewithoutrecovery", "none, deleted at once")),
    ("Final snapshot", _switched("skipfinalsnapshot", "skipped")),
    ("Deleted after (days)", _requested("pendingwindowindays", "recoverywindowindays")),
    ("Public", _switched("publiclyaccessible", "reachable from the internet")),
    ("Group", _requested("groupname", on="AddUserToGroup")),
    ("Route", _route),
    ("Instances", _instances),
    ("Document", _requested("documentname")),
    ("OS user", _requested("instanceosuser")),
    ("Session", _requested("rolesessionname")),
    ("Key of the caller", _own_key),
    ("VPC endpoint", lambda event: text_at(event, "vpcEndpointId")),
    ("Note", _late),
    ("Too large, omitted", _omitted),
    ("Shared event", _shared_event),
)
