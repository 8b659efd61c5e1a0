"""For all tests: Hypothesis draws the same examples in every `make test`, and fresh ones in `make soak`."""

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("test", deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINE)
settings.register_profile("soak", deadline=None, max_examples=1_000, suppress_health_check=SLOW_MACHINE)
settings.load_profile("test")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("markexpr") == "soak":
        settings.load_profile("soak")
