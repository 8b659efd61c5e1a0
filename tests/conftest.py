"""For all tests: folders in memory, one PostgreSQL a session, and the same examples in every `make test`.

`make soak` draws fresh ones.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import postgresql
import pytest
from hypothesis import HealthCheck, settings

from cleanroom.domain.collector import collect_rarely

SLOW_MACHINE = [HealthCheck.too_slow]

settings.register_profile("test", max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINE)
settings.register_profile("soak", deadline=None, max_examples=1_000, suppress_health_check=SLOW_MACHINE)
settings.load_profile("test")


MEMORY, ENOUGH = Path("/dev/shm"), 2 << 30  # noqa: S108 - a place for folders that pytest makes, and closes to others


def pytest_configure(config: pytest.Config) -> None:
    collect_rarely()
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        # Every commit waits for its disk, and no test pulls the plug.
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # noqa: TID251 - pytest's own setting
    if config.getoption("markexpr") == "soak":
        settings.load_profile("soak")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgreSQL]:
    """A real PostgreSQL, up for this session."""
    with postgresql.running() as server:
        yield server
