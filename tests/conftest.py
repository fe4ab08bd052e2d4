"""What holds for every test, however it is run."""

from hypothesis import HealthCheck, settings

# A law says what is true, not how fast: on a slow or busy machine Hypothesis's own clocks would fail it.
settings.register_profile("trailwire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trailwire")
