"""A secret that a destination needs, fetched when first used and forgotten when it is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


class Secret:
    """A reference to a secret, or (with a finding) the secret itself."""

    def __init__(self, reference: str, fetch: Callable[[str], str], forget: Callable[[str], None]) -> None:
        self._reference = reference
        self._fetch = fetch
        self._forget = forget

    @property
    def name(self) -> str:
        """A short stable name that tells nothing: destinations with the same secret share its rate limits."""
        return hashlib.sha256(self._reference.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def value(self) -> str:
        """The secret; raises DeliveryError where it cannot be had."""
        return self._fetch(self._reference)

    def forget(self) -> None:
        """Fetch it anew next time."""
        self._forget(self._reference)

    def __repr__(self) -> str:
        """Never show it."""
        return f"Secret({self.name})"
