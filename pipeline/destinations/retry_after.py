"""How long a destination asks us to stay away."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime

DEFAULT_RETRY_AFTER_S = 30.0
MAX_RETRY_AFTER_S = 3_600.0
"""Services ask for seconds to minutes; an absurd header must not silence a channel for days."""


def retry_after_s(header: str | None, now_s: float | None = None) -> float:
    """Read a Retry-After header: seconds or an HTTP date (RFC 9110, section 10.2.3), within an hour from now."""
    seconds = _seconds(header or "", time.time() if now_s is None else now_s)
    if math.isnan(seconds):
        return DEFAULT_RETRY_AFTER_S
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_S)


def _seconds(header: str, now_s: float) -> float:
    try:
        return float(header)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(header).timestamp() - now_s
    except (ValueError, OverflowError):
        return math.nan
