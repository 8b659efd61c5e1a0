"""For all tests: one PostgreSQL a session, and the same examples in every `make test` (fresh ones in `make soak`)."""

from collections.abc import Iterator

import postgresql
import pytest
from hypothesis import HealthCheck, settings

from cleanroom.domain.collector import collect_rarely

SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("test", deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINE)
settings.register_profile("soak", deadline=None, max_examples=1_000, suppress_health_check=SLOW_MACHINE)
settings.load_profile("test")


def pytest_configure(config: pytest.Config) -> None:
    collect_rarely()
    if config.getoption("markexpr") == "soak":
        settings.load_profile("soak")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgreSQL]:
    """A real PostgreSQL, up for this session."""
    with postgresql.running() as server:
        yield server
