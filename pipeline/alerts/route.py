"""Route: from a match to the destinations that hear about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from pipeline.alerts.candidate import Candidate, Sighting, from_sighting
from pipeline.alerts.ledger import Fate, Ledger
from pipeline.rules.rule import Route as RouteRule
from pipeline.rules.rule import Rule


class Route:
    """A rule's own destinations win; without them the first route that admits the match decides."""

    name = "route"

    def __init__(self, routes: tuple[RouteRule, ...], accounts: Mapping[str, str]) -> None:
        self._routes = routes
        self._accounts = accounts

    def __call__(self, sightings: Iterable[Sighting], ledger: Ledger) -> Iterator[Candidate]:
        """Yield one candidate for each destination of each match."""
        from pipeline.event.summary import account_of  # not before the first match: see `candidate`

        for sighting in sightings:
            rule = sighting.match.rule
            account = account_of(sighting.match.event)
            route = first_route(self._routes, rule, account, self._accounts.get(account, ""))
            mention = route.mention if route else ""
            destinations = rule.destinations or (route.destinations if route else ())
            ledger.alerts += len(destinations) or 1
            if not destinations:
                ledger.decide(Fate.REJECTED)
                ledger.rejections["unrouted"] += 1
            for destination in destinations:
                yield from_sighting(sighting, destination, mention)

    def __str__(self) -> str:
        """Say the setting in force."""
        return f"{len(self._routes)} route{'' if len(self._routes) == 1 else 's'}"


def first_route(routes: Iterable[RouteRule], rule: Rule, account: str, account_name: str = "") -> RouteRule | None:
    """Return the first route that admits this rule's match in this account, which routes may call by id or name."""
    called = {account, account_name} - {""}
    return next((route for route in routes if _admits(route, rule, called)), None)


def _admits(route: RouteRule, rule: Rule, account: set[str]) -> bool:
    return (
        (not route.accounts or not account.isdisjoint(route.accounts))
        and (not route.severities or rule.facts.severity in route.severities)
        and (not route.rules or any(glob == rule.name or fnmatchcase(rule.name, glob) for glob in route.rules))
        and (not route.tags or not set(route.tags).isdisjoint(rule.facts.tags))
    )
