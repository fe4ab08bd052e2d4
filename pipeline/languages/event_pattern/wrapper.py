"""The event as EventBridge wraps it, and the trees that ask for it on the bare event.

`wrap` is the definition; `WRAPPED` lowers a pattern over the wrapped event to a tree over the bare one, exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.checks import AnyCheck, Cidr, Contains, Glob, IsType, OneOf, Prefix, Suffix, Text, one_of
from pipeline.languages.event_pattern.groups import Group
from pipeline.languages.event_pattern.lowering import BARE, Level, conjunction
from pipeline.languages.event_pattern.values import LEAF, STRING, Field, text_node
from pipeline.predicate import FALSE, TRUE, All, AnyOf, Node, Not, Path, Test, all_of, any_of, holds, negate, some_at

API_CALL = "AWS API Call via CloudTrail"

DETAIL_TYPES = {
    "AwsApiCall": API_CALL,
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsConsoleAction": "AWS Console Action via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
    "AwsCloudTrailInsight": "AWS Insight via CloudTrail",
}
"""`eventType` -> `detail-type` (EventBridge guide, "AWS service events delivered via AWS CloudTrail"). Sign-in events
arrive as "Sign In", as the guide's examples have it, although its list says "Signin"."""

SERVICE_SUFFIX = ".amazonaws.com"

_SOURCE, _TYPE, _RECIPIENT = ("eventSource",), ("eventType",), ("recipientAccountId",)


def wrap(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as EventBridge would deliver it. What is not a string in the event is left out around it.

    `source` is "aws." and the service of `eventSource`, left out if that doesn't end in ".amazonaws.com".
    `detail-type` follows `eventType` (DETAIL_TYPES); it is an API call if there is none, and left out if it is unknown.
    `account` is `recipientAccountId`, else `userIdentity.accountId`. `id` is `eventID`, for want of EventBridge's own.
    """
    identity = event.get("userIdentity")
    owner = identity.get("accountId") if isinstance(identity, dict) else None
    recipient = event.get("recipientAccountId")
    kind = event.get("eventType")
    around = {
        "id": event.get("eventID"),
        "detail-type": DETAIL_TYPES.get(kind) if isinstance(kind, str) else API_CALL,
        "source": _source_of(event.get("eventSource")),
        "account": recipient if isinstance(recipient, str) else owner,
        "time": event.get("eventTime"),
        "region": event.get("awsRegion"),
    }
    texts = {key: value for key, value in around.items() if isinstance(value, str)}
    return {"version": "0", **texts, "resources": [], "detail": event}


def is_wrapped(group: Group) -> bool:
    """Tell whether the pattern means the wrapped event."""
    return not group.all_keys().isdisjoint({"source", "detail-type", "detail"})


def _source_of(event_source: Any) -> str | None:
    if not isinstance(event_source, str) or not event_source.endswith(SERVICE_SUFFIX):
        return None
    return f"aws.{event_source.removesuffix(SERVICE_SUFFIX)}"


# ---- lowering: each function below asks `value`, whose paths start at one wrapper field, of the bare event ----


def _field(key: str, leaf: Field) -> Node:
    ask = _FIELDS.get(key)
    if ask is None:
        return TRUE if leaf.absent else FALSE
    return any_of(ask(leaf.value), *([negate(ask(Test((), LEAF)))] if leaf.absent else []))


def _group(key: str, group: Group) -> Node:
    if key == "detail":
        return conjunction(group, BARE)
    return TRUE if _holds_of_nothing(group) else FALSE


def _holds_of_nothing(group: Group) -> bool:
    """Tell whether the group holds where none of its fields is."""
    return (
        all(leaf.absent for leaf in group.fields.values())
        and all(_holds_of_nothing(inner) for inner in group.groups.values())
        and all(any(_holds_of_nothing(branch) for branch in branches) for branches in group.ors)
    )


def _at(path: Path) -> Callable[[Node], Node]:
    return lambda value: _string_at(path, value)


def _string_at(path: Path, value: Node) -> Node:
    return some_at(path, _of_string(value, _ask_itself))


def _ask_itself(check: AnyCheck) -> Node:
    return Test((), check)


def _of_string(value: Node, ask: Callable[[AnyCheck], Node]) -> Node:
    """Rewrite a node for a value that is a string: what only other types satisfy is false."""
    match value:
        case Test(_, IsType(types)):
            return ask(STRING) if "string" in types else FALSE
        case Test(_, check) if isinstance(check, Text | Cidr):
            return ask(check)
        case Not(child):
            return negate(_of_string(child, ask))
        case All(children):
            return all_of(*(_of_string(child, ask) for child in children))
        case AnyOf(children):
            return any_of(*(_of_string(child, ask) for child in children))
        case _:
            return FALSE


def _account(value: Node) -> Node:
    owner = all_of(negate(Test(_RECIPIENT, STRING)), _string_at(("userIdentity", "accountId"), value))
    return any_of(_string_at(_RECIPIENT, value), owner)


def _detail_type(value: Node) -> Node:
    kinds = [kind for kind, name in DETAIL_TYPES.items() if holds(value, name)]
    nodes: list[Node] = [Test(_TYPE, one_of(*kinds))] if kinds else []
    if "AwsApiCall" in kinds:
        nodes.append(negate(Test(_TYPE, STRING)))
    return any_of(*nodes)


def _version(value: Node) -> Node:
    return TRUE if holds(value, "0") else FALSE


def _source(value: Node) -> Node:
    return some_at(_SOURCE, _of_string(value, _ask_source))


def _ask_source(check: AnyCheck) -> Node:
    """Turn a check of the source into one of `eventSource`: "aws." is taken off the check, the suffix put on it."""
    if isinstance(check, IsType):
        return Test((), Suffix(text=SERVICE_SUFFIX))
    if not isinstance(check, Text):
        return FALSE  # a source is no address
    rests = [rest for pieces in _pieces(check) for rest in _after("aws.", pieces)]
    exact = {f"{rest[0]}{SERVICE_SUFFIX}" for rest in rests if len(rest) == 1}
    globs = {(*rest[:-1], f"{rest[-1]}{SERVICE_SUFFIX}") for rest in rests if len(rest) > 1}
    nodes = [text_node(pieces, fold=check.fold) for pieces in sorted(globs)]
    if exact:
        nodes.insert(0, Test((), one_of(*exact, fold=check.fold)))
    asked = any_of(*nodes)
    return all_of(asked, Test((), Suffix(text=SERVICE_SUFFIX))) if check.fold else asked


def _pieces(check: Text) -> list[tuple[str, ...]]:
    """Write any check of text as literal pieces with anything between."""
    match check:
        case OneOf(texts=texts):
            return [(text,) for text in sorted(texts)]
        case Prefix(text=text):
            return [(text, "")]
        case Suffix(text=text):
            return [("", text)]
        case Contains(text=text):
            return [("", text, "")]
        case Glob(pieces=pieces):
            return [pieces]
        case _:
            raise AssertionError(check)


def _after(start: str, pieces: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the patterns of what may follow `start` in a text that the pieces match.

    The pieces are read as an automaton: its states are (piece, characters of it read), and it may stay before any
    piece but the first.
    """
    states = {(0, 0)}
    for char in start:
        states = {after for state in states for after in _step(state, char, pieces)}
    return [
        (pieces[at][read:], *pieces[at + 1 :]) if not _open(at, read) else ("", *pieces[at:]) for at, read in states
    ]


def _open(at: int, read: int) -> bool:
    return at > 0 and read == 0


def _step(state: tuple[int, int], char: str, pieces: tuple[str, ...]) -> set[tuple[int, int]]:
    at, read = state
    after = {state} if _open(at, read) else set()
    while read == len(pieces[at]) and at + 1 < len(pieces):
        at, read = at + 1, 0
        after.add((at, 0))
    if read < len(pieces[at]) and pieces[at][read] == char:
        after.add((at, read + 1))
    return after


_FIELDS: dict[str, Callable[[Node], Node]] = {
    "source": _source,
    "detail-type": _detail_type,
    "account": _account,
    "version": _version,
    "time": _at(("eventTime",)),
    "region": _at(("awsRegion",)),
    "id": _at(("eventID",)),
}

WRAPPED = Level(_field, _group)
"""Keys are those of the wrapped event."""
