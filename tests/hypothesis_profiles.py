"""How laws are tried; a plugin of pytest's.

`make test` uses Hypothesis's own profile `ci`: the same examples each time, so that one commit has one verdict.
"""

from hypothesis import HealthCheck, settings

# New examples each time. A law says what is true, not how fast: Hypothesis's clocks fail it where a machine is busy.
settings.register_profile("soak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
