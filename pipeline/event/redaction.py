"""Credentials are never shown: by the key they stand under, or by what they look like.

Access key ids (`AKIA...`, `ASIA...`) are not secret; they tell people which key to turn off, and stay.
"""

from __future__ import annotations

import json
import re
from itertools import islice, pairwise
from typing import Any

REDACTED = "[redacted]"
"""Stands where a credential stood."""

TOO_MUCH = "[...]"
"""Stands where a value was nested or spread too far to be looked through."""

_DEPTH = 40
_PAIR_AT_MOST = 12
_NODES = 20_000
_SECRETS_AT_MOST, _SHORTEST = 40, 6
"""Credentials of one event that are looked for in what a rule computed, and the characters of the shortest."""

_SECRET_KEYS = frozenset(
    """
    credentials secretstring secretbinary secretkey userdata samlassertion authorization apikey apikeys apikeyvalue
    xapikey privatekey keymaterial plaintext tokenvalue xamzsignature servicespecificcredential preshareddkey
    presharedkey connectionstring certificateprivatekey
    """.split(),  # noqa: SIM905 - a paragraph of words is read at a glance, forty lines are not
)
"""Keys, in lower case and without separators, whose values are credentials."""

_SECRET_ENDINGS = ("secretaccesskey", "secret", "token", "passwd", "passphrase", "passcode", "pwd")
_HARMLESS_KEYS = frozenset(
    """
    passwordresetrequired passwordlastused passwordlastchanged passwordreuseprevention minimumpasswordlength
    maxpasswordage passwordpolicy getpassworddataresponse nexttoken clienttoken clientrequesttoken requesttoken
    paginationtoken continuationtoken idempotencytoken
    """.split(),  # noqa: SIM905 - as above
)
"""Keys that would be taken for a credential's, and are what an alert may be about, or nobody's secret."""

_NAMING_KEYS = frozenset(["name", "key", "parameterkey", "parametername", "variablename"])
_NAMED_VALUES = frozenset(["value", "parametervalue", "stringvalue", "values"])
"""`{"name": "DB_PASSWORD", "value": ...}`, as ECS, CodeBuild, CloudFormation and tags have it."""

_SHOWN_OF_CREDENTIALS = frozenset(["accesskeyid", "expiration"])
"""Keys inside an object of credentials whose values are none."""

_LOOKS = re.compile(
    r"""
      -----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY.*?(?:-----END[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY-----|\Z)
    | \bxox[a-z]-[A-Za-z0-9-]{8,} | \bxapp-[A-Za-z0-9-]{8,}
    | hooks\.slack(?:-gov)?\.com/(?:services|workflows)/[A-Za-z0-9/_-]+
    | \bgh[pousr]_[A-Za-z0-9]{16,} | \bgithub_pat_[A-Za-z0-9_]{16,} | \bglpat-[A-Za-z0-9_-]{16,}
    | \bsk-[A-Za-z0-9_-]{20,} | \b[sr]k_(?:live|test)_[A-Za-z0-9]{10,} | \bAIza[A-Za-z0-9_-]{35}
    | (?<![A-Za-z0-9_-])ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?
    | (?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[A-Za-z0-9/+=_%\\-]{16,}
    | \bABSK[A-Za-z0-9+/]{32,}={0,2} | \bbedrock-api-key-[A-Za-z0-9+/]{16,}={0,2} | \bnpm_[A-Za-z0-9]{30,}
    | \bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}
    | LS0tLS1CRUdJTi(?:BSU0Eg|BQUklWQVRF|BPUEVOU1NI|BFQyBQUklW|BFTkNSWVBURUQg)[A-Za-z0-9+/_-]{8,}={0,2}
    | (?<=://)[^\s/:@"'\\]{0,64}:[^\s/@"'\\]{1,100}(?=@)
    | \bBearer[ ][A-Za-z0-9._~+/-]{16,}=* | \bBasic[ ](?=[A-Za-z+/]{0,99}[0-9=])[A-Za-z0-9+/]{12,}={0,2}
    """,
    re.VERBOSE | re.DOTALL,
)
"""Private keys (as they are and in base64), tokens of Slack, GitHub, GitLab and others, JSON web tokens, AWS session
tokens, Bedrock's keys, names and passwords in addresses, HTTP authorization.

Every alternative starts in few places and scans from each at most once: linear time on any text.
"""

_NAMED = re.compile(
    r"""
    (?P<name> (?<!:) pass(?:word|wd|phrase) | (?<![A-Za-z0-9:])(?: X-Amz-(?:Signature|Security-Token|Credential)
      | (?:aws_)?(?:secret_?access_?key|session_?token|security_?token) | client_?secret | api_?key | access_?token
      | refresh_?token | pwd | secret ))
    (?P<between> ["'\\]{0,9} \s{0,3} (?:[=:]|%3D) \s{0,3} ["'\\]{0,9} )
    (?!arn:) (?: (?<=["'])(?![\s,:}\])])(?:[^"'\\\n]|\\[/u]){1,200} | (?:[^\s"'\\&,;}]|\\[/u]){6,} )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""`name=value` and `"name": "value"` inside text, in JSON inside JSON too; what is quoted goes up to the next
quote. A secret's ARN (`:secret:name`) is a name, not a secret.
"""

_AWS_SECRET = re.compile(r"[A-Za-z0-9/+]{40,}")
_AWS_SECRET_LENGTH = 40
_SLASHES_AT_MOST = 8
_CHANGES = 14
"""Forty random base64 characters change their class (upper, lower, digit, sign) about 25 times; names and paths of
that length rarely do so half as often, and hexadecimal digests have no upper case beside lower case."""


def redact(value: Any) -> Any:
    """Return a JSON value with every known credential replaced by a marker, and bounded depth and size.

    Never raises. What is not JSON becomes a marker too.
    """
    return _redact(value, _DEPTH, [_NODES])


def redact_computed(value: Any, event: dict[str, Any]) -> Any:
    """Redact what a rule computed from an event, or an engine said about it.

    Keys get lost on the way: what stands under a credential's key in the event is replaced wherever it turns up.
    """
    shown = redact(value)
    return _without(shown, _secrets_of(event)) if shown else shown


def redact_text(text: str) -> str:
    """Return text with everything in it that looks like a credential replaced by a marker."""
    text = _LOOKS.sub(REDACTED, text)
    text = _NAMED.sub(lambda found: found["name"] + found["between"] + REDACTED, text)
    return _AWS_SECRET.sub(lambda found: _without_secrets(found[0]), text)


def is_secret_key(key: str) -> bool:
    """Tell whether what stands under this key is a credential."""
    plain = re.sub(r"[^a-z0-9]", "", key[:100].lower())
    if plain in _HARMLESS_KEYS:
        return False
    return plain in _SECRET_KEYS or "password" in plain or plain.endswith(_SECRET_ENDINGS)


def _redact(value: Any, depth: int, nodes_left: list[int]) -> Any:
    nodes_left[0] -= 1
    if nodes_left[0] < 0:
        return TOO_MUCH
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == 0 or not isinstance(value, list | tuple | dict):
        return TOO_MUCH
    if isinstance(value, dict):
        names_secret = _names_secret(value)
        return {
            redact_text(str(key)): REDACTED
            if names_secret and str(key).lower() in _NAMED_VALUES
            else _member(key, member, depth, nodes_left)
            for key, member in value.items()
        }
    return [_redact(member, depth - 1, nodes_left) for member in value]


def _secrets_of(event: dict[str, Any]) -> list[str]:
    """List the texts that stand under a credential's key, longest first, each also as JSON writes it inside a text."""
    found: set[str] = set()
    stack: list[tuple[Any, bool]] = [(event, False)]
    for _ in range(_NODES):
        if not stack or len(found) >= _SECRETS_AT_MOST:
            break
        value, is_secret = stack.pop()
        if isinstance(value, dict):
            names_secret = _names_secret(value)
            for key, member in islice(value.items(), _NODES):
                name = str(key).lower()
                inherits = is_secret and name not in _SHOWN_OF_CREDENTIALS
                stack.append((member, inherits or is_secret_key(name) or (names_secret and name in _NAMED_VALUES)))
        elif isinstance(value, list):
            stack.extend((member, is_secret) for member in value[:_NODES])
        elif is_secret and isinstance(value, str) and len(value) >= _SHORTEST and not value.startswith("arn:"):
            found |= {value, json.dumps(value, ensure_ascii=False)[1:-1]}
    return sorted(found, key=len, reverse=True)


def _without(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return value
    if isinstance(value, dict):
        return {_without(key, secrets): _without(member, secrets) for key, member in value.items()}
    return [_without(member, secrets) for member in value] if isinstance(value, list) else value


def _names_secret(pair: dict[Any, Any]) -> bool:
    """Tell whether an object names a credential beside its value, or calls it one as SSM's parameters do."""
    return len(pair) <= _PAIR_AT_MOST and any(
        isinstance(value, str)
        and (value == "SecureString" or (str(key).lower() in _NAMING_KEYS and is_secret_key(value)))
        for key, value in pair.items()
    )


def _member(key: Any, value: Any, depth: int, nodes_left: list[int]) -> Any:
    """Redact what stands under a key. Objects named like credentials keep what is not secret, such as the key id."""
    if not is_secret_key(str(key)) or value is None or isinstance(value, bool):
        return _redact(value, depth - 1, nodes_left)
    if isinstance(value, dict) and depth > 1:
        return {
            redact_text(str(name)): _redact(member, depth - 2, nodes_left)
            if str(name).lower() in _SHOWN_OF_CREDENTIALS
            else REDACTED
            for name, member in value.items()
        }
    return REDACTED


def _without_secrets(run: str) -> str:
    """Redact each forty random characters that end where the run or a part of a path ends.

    A secret may hold slashes itself, about one in two does; eight are beyond chance.
    """
    shown, kept_to, start = [], 0, 0
    while 0 <= start <= len(run) - _AWS_SECRET_LENGTH:
        end = start + _AWS_SECRET_LENGTH
        piece = run[start:end]
        if run[end : end + 1] in {"", "/"} and piece.count("/") < _SLASHES_AT_MOST and _looks_random(piece):
            shown += [run[kept_to:start], REDACTED]
            start = kept_to = end
        start = run.find("/", start) + 1 or -1
    return "".join([*shown, run[kept_to:]])


def _looks_random(text: str) -> bool:
    kinds = [0 if char.isupper() else 1 if char.islower() else 2 if char.isdigit() else 3 for char in text]
    return {0, 1, 2} <= set(kinds) and sum(a != b for a, b in pairwise(kinds)) >= _CHANGES
