"""What a failure on the way to a destination says about the message."""

from __future__ import annotations

from urllib.error import URLError

from pipeline.errors import Unavailable

_NEVER_SENT = (ConnectionRefusedError,)
"""What surely did not arrive. Every other failure may have come after the message was taken."""


def unavailable(error: Exception) -> Unavailable:
    """Describe a network failure; without secrets, which some libraries put into their texts as parts of addresses."""
    reason = error.reason if isinstance(error, URLError) else error
    name = type(reason).__name__ if isinstance(reason, Exception) else str(reason)[:100]
    return Unavailable(name, ambiguous=not isinstance(reason, _NEVER_SENT))
