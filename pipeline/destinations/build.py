"""From the configuration's destinations to places that take messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from pipeline.render.context import Context
from pipeline.rules.rule import DestinationConfig

if TYPE_CHECKING:
    from pipeline.alerts.ports import Destination, Destinations
    from pipeline.destinations.secret import Secret


class Surroundings(msgspec.Struct, frozen=True):
    """What destinations need beside their own keys."""

    context: Context
    fetch_secret: Callable[[str], str]
    forget_secret: Callable[[str], None]
    slack_api_url: str = ""


class OnDemand(Mapping[str, "Destination"]):
    """Destinations by id, each made, and its type imported, when it is first told something."""

    def __init__(self, configs: Iterable[DestinationConfig], around: Surroundings) -> None:
        self._configs = {config.id: config for config in configs}
        self._around = around
        self._made: dict[str, Destination] = {}

    def __getitem__(self, name: str) -> Destination:
        """Return a destination; raises KeyError for one that the configuration does not have."""
        if name not in self._made:
            self._made[name] = _build(self._configs[name], self._around)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the ids."""
        return iter(self._configs)

    def __len__(self) -> int:
        """Count them."""
        return len(self._configs)


def build(configs: Iterable[DestinationConfig], around: Surroundings) -> Destinations:
    """Make the destinations available; nothing is imported or contacted yet."""
    return OnDemand(configs, around)


def _build(config: DestinationConfig, around: Surroundings) -> Destination:
    from pipeline.destinations.secret import Secret

    options, context = config.options, around.context

    def secret(key: str) -> Secret:
        return Secret(options[key], around.fetch_secret, around.forget_secret)

    match config.type:
        case "slack":
            from pipeline.destinations.slack import Slack

            return Slack(config.id, options["channel"], secret("token"), context, around.slack_api_url)
        case "slack_webhook":
            from pipeline.destinations.slack_webhook import SlackWebhook

            return SlackWebhook(config.id, secret("webhook_url"), context)
        case "sns":
            from pipeline.destinations.sns import Sns

            return Sns(config.id, options["sns_arn"], context)
        case "ses":
            from pipeline.destinations.ses import Ses

            return Ses(config, context)
        case "webhook":
            from pipeline.destinations.webhook import Webhook

            return Webhook(config.id, secret("url"), secret("secret") if "secret" in options else None, context)
        case "stdout":
            from pipeline.destinations.stdout import Stdout

            return Stdout(config.id, context)
        case _:
            raise AssertionError(config.type)
