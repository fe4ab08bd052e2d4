"""What rendering knows beside the alert."""

from __future__ import annotations

import msgspec

from pipeline.rules.rule import Settings


class Context(msgspec.Struct, frozen=True):
    """Configuration that messages use; the same for every message of a rule set."""

    accounts: dict[str, str] = {}
    """Account id -> the name people know it by."""

    @classmethod
    def of(cls, settings: Settings) -> Context:
        """Return the context that these settings describe."""
        return cls(accounts=settings.accounts)
