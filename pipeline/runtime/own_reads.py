"""The pipeline's own reads of its secrets: what keeps a rule on secret access from telling of itself for ever.

Each read of a secret is a CloudTrail event, and with a customer's key so is the Decrypt behind it. Without this an
alert about reading secrets would be sent with a secret whose reading is an alert.

Held to recorded events of Secrets Manager, Parameter Store and KMS. What the caller could choose counts for nothing:
`invokedBy` and the encryption context are AWS's, and so is the session's name (the function's) under a role that only
Lambda may assume. Whoever may assume another role names the session as he likes, so the role counts, where it is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.checks import Glob, OneOf, Suffix
from pipeline.languages.condition import Condition
from pipeline.predicate import Node, Test, all_of, any_of, exists, negate
from pipeline.printer import show
from pipeline.rules.rule import SECRET_KEYS, DestinationConfig, Ignore

REASON = "Trailwire reads its own secrets"

_SESSION = r"(?:arn:[a-z-]+:sts::[0-9]+:assumed-role/[A-Za-z0-9_+=,.@-]{1,64}/)?[A-Za-z0-9_-]{1,64}"
_ARN = "arn:"
_SECRET_ARN = ("requestParameters", "encryptionContext", "SecretARN")
_PARAMETER_ARN = ("requestParameters", "encryptionContext", "PARAMETER_ARN")


def own_reads(destinations: Iterable[DestinationConfig], sessions: Iterable[str]) -> Ignore | None:
    """Return an ignore that holds exactly for these functions' successful reads of their destinations' secrets.

    A session is an ARN (`arn:aws:sts::ACCOUNT:assumed-role/ROLE/FUNCTION`), or a function's name alone, which may then
    have any role. None where one is neither, or nothing is read from Secrets Manager or Parameter Store. Reads of other
    secrets, by other sessions and in vain are told as ever.
    """
    secrets, parameters = _names(destinations)
    reads = [*_secret_reads(secrets), *_parameter_reads(parameters)]
    own = list(sessions)
    if not own or not reads or not all(re.fullmatch(_SESSION, session) for session in own):
        return None
    tree = all_of(any_of(*map(_is_session, own)), negate(exists("errorCode")), any_of(*reads))
    return Ignore(
        reason=REASON,
        condition=Condition(tree),
        language="event_pattern",
        source=show(tree),
        where="built in",
    )


def _names(destinations: Iterable[DestinationConfig]) -> tuple[list[str], list[str]]:
    """Return what is read from Secrets Manager and from Parameter Store, each in order and once."""
    options = [config.options.get(key) for config in destinations for key in SECRET_KEYS]
    references = dict.fromkeys(option.partition(":")[::2] for option in options if isinstance(option, str))
    secrets = dict.fromkeys(name.partition("#")[0] for kind, name in references if kind == "secretsmanager")
    parameters = [name for kind, name in references if kind == "ssm"]
    return [name for name in secrets if name], [name for name in parameters if name]


def _is_session(session: str) -> Node:
    pieces = (session,) if session.startswith(_ARN) else (_ARN, ":assumed-role/", f"/{session}")
    return all_of(_is("AssumedRole", "userIdentity", "type"), Test(("userIdentity", "arn"), Glob(pieces=pieces)))


def _secret_reads(names: list[str]) -> list[Node]:
    if not names:
        return []
    return [
        all_of(
            *_call("secretsmanager.amazonaws.com", "GetSecretValue"),
            Test(("requestParameters", "secretId"), OneOf(texts=frozenset(names))),
        ),
        all_of(
            *_decrypt("secretsmanager.amazonaws.com"),
            any_of(*map(_is_secret_arn, names)),
        ),
    ]


def _is_secret_arn(name: str) -> Node:
    """Hold where the encryption context names this secret; a reference is a name, or an ARN with its end or without.

    The end is a hyphen and six letters or digits. A longer name has one more hyphen: `slack` is not `slack-backup`.
    """
    start = (f"{name}-",) if name.startswith(_ARN) else (_ARN, f":secret:{name}-")
    own_end = all_of(
        Test(_SECRET_ARN, Glob(pieces=(*start, ""))), negate(Test(_SECRET_ARN, Glob(pieces=(*start, "-", ""))))
    )
    return any_of(_is(name, *_SECRET_ARN), own_end)


def _parameter_reads(names: list[str]) -> list[Node]:
    if not names:
        return []
    return [
        all_of(
            *_call("ssm.amazonaws.com", "GetParameter"),
            Test(("requestParameters", "name"), OneOf(texts=frozenset(names))),
        ),
        all_of(
            # recorded as "AWS Internal" in 2023
            *_decrypt("AWS Internal", "ssm.amazonaws.com"),
            any_of(*(Test(_PARAMETER_ARN, _parameter_arn(name)) for name in names)),
        ),
    ]


def _parameter_arn(name: str) -> OneOf | Suffix:
    """Return what the ARN of a parameter looks like; a reference may add a version or a label after a colon."""
    if name.startswith(_ARN):
        return OneOf(texts=frozenset({name}))
    plain = name.partition(":")[0].removeprefix("/")
    return Suffix(text=f":parameter/{plain}")


def _call(source: str, name: str) -> list[Node]:
    return [_is(source, "eventSource"), _is(name, "eventName")]


def _decrypt(*services: str) -> list[Node]:
    return [
        *_call("kms.amazonaws.com", "Decrypt"),
        Test(("userIdentity", "invokedBy"), OneOf(texts=frozenset(services))),
    ]


def _is(text: str, *path: str) -> Node:
    return Test(path, OneOf(texts=frozenset({text})))
