"""Synthetic rules for measuring: a hard mix.

Of 20 rules, 16 ask for event names and three further things, 3 for a prefix, a suffix or a glob of other fields, and
one for something that no exact value anchors: text anywhere in the user agent, a glob, a regex, mere absences.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from pipeline.bench.traffic import ACCOUNTS, REGIONS, WATCHED
from pipeline.checks import Contains as HasText
from pipeline.checks import Glob, cidr, one_of, regex
from pipeline.checks import Prefix as BeginsWith
from pipeline.checks import Suffix as EndsWith
from pipeline.languages.condition import Condition
from pipeline.predicate import Node, Test, all_of, any_of, exists, negate
from pipeline.rules.rule import Rule, RuleFacts, RuleSet

NAME, ERROR, AGENT = ("eventName",), ("errorCode",), ("userAgent",)
ADDRESS, REGION, ACCOUNT = ("sourceIPAddress",), ("awsRegion",), ("recipientAccountId",)
KIND, ARN, INVOKER = ("userIdentity", "type"), ("userIdentity", "arn"), ("userIdentity", "invokedBy")
ISSUER = ("userIdentity", "sessionContext", "sessionIssuer", "userName")
MFA = ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated")
PARAMETERS = ("bucketName", "roleName", "groupId", "policyArn", "trailName", "keyId")


def rule_set(count: int, seed: int = 1) -> RuleSet:
    """Make that many rules of the mix; the same every time. A larger set begins with the smaller."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    return RuleSet(tuple(_rule(i, _tree(i, chance)) for i in range(count)))


def _rule(i: int, tree: Node) -> Rule:
    facts = RuleFacts(f"rule {i}", description="Somebody did something that somebody should know about")
    return Rule(facts, Condition(tree), "event_pattern", "{...}", f"trailwire.toml:{i}")


def _tree(i: int, chance: random.Random) -> Node:
    kind = "named" if i % 20 < _NAMED else "shaped" if i % 20 < _NAMED + _SHAPED else "anywhere"
    return {"named": _named, "shaped": _shaped, "anywhere": _anywhere}[kind](i, chance)


_NAMED, _SHAPED = 16, 3
"""Of every 20 rules."""


def _named(i: int, chance: random.Random) -> Node:
    """Ask for one to five event names and three further things; folded, as Sigma does, in one rule of four."""
    names = one_of(*chance.sample(WATCHED, chance.randint(1, 5)), fold=i % 4 == 0)
    further = (*chance.sample(_NARROW, 2), chance.choice(_WIDE))
    return all_of(Test(NAME, names), *(ask(i, chance) for ask in further))


Ask = Callable[[int, random.Random], Node]
_NARROW: list[Ask] = [
    lambda _i, chance: Test(REGION, one_of(*chance.sample(REGIONS, 2))),
    lambda _i, chance: Test(ACCOUNT, one_of(*chance.sample(ACCOUNTS, 3))),
    lambda _i, _chance: Test(KIND, one_of("IAMUser", "Root")),
    lambda i, chance: Test(("requestParameters", chance.choice(PARAMETERS)), HasText(text=f"-{i % 90}")),
    lambda i, _chance: any_of(Test(ERROR, EndsWith(text="Denied")), Test(AGENT, BeginsWith(text=f"tool-{i % 60}/"))),
]
_WIDE: list[Ask] = [
    lambda _i, _chance: negate(Test(KIND, one_of("AWSService"))),
    lambda _i, _chance: negate(exists(*INVOKER)),
    lambda _i, _chance: negate(exists(*ERROR)),
    lambda _i, _chance: negate(Test(MFA, one_of("true"))),
    lambda i, _chance: negate(Test(ARN, BeginsWith(text=f"arn:aws:sts::{ACCOUNTS[i % 5]}:assumed-role/ci-{i % 40}"))),
    lambda i, _chance: negate(Test(ADDRESS, cidr(f"10.{i % 250}.0.0/16"))),
]


def _shaped(i: int, chance: random.Random) -> Node:
    account = chance.choice(ACCOUNTS)
    return (
        Test(ARN, BeginsWith(text=f"arn:aws:iam::{account}:user/contractor-{i}")),
        Test(ARN, EndsWith(text=f"/session-of-{i}")),
        Test(ARN, Glob(pieces=(f"arn:aws:sts::{account}:assumed-role/break-glass-{i}", "/", ""))),
        Test(ISSUER, Glob(pieces=("", f"-admin-{i}", "-x"))),
        Test(ADDRESS, cidr(f"198.{18 + i % 2}.{i % 250}.0/24")),
        all_of(Test(ERROR, EndsWith(text=f"Exception{i}")), negate(exists(*INVOKER))),
    )[i % 6]


def _anywhere(i: int, _chance: random.Random) -> Node:
    return (
        Test(AGENT, HasText(text=f"scanner-{i}")),
        Test(AGENT, regex(rf"\bhack(er)?-tool/{i}\.")),
        Test(AGENT, Glob(pieces=("", f"kit-{i}", " beta", ""))),
        all_of(
            negate(Test(ARN, BeginsWith(text="arn:aws:"))),
            negate(Test(REGION, one_of(*REGIONS))),
            negate(exists(*ERROR)),
        ),
    )[i // 20 % 4]
