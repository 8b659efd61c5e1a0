"""One escrow for the tests of a module, and a fresh room in each test.

No test leans on what another has left, rosters and the clock included: they are dealt out to workers in any order.
"""

import logging
from collections.abc import Iterator

import pytest
import structlog
from world import World, new_world

from cleanroom.agent.session import Agent


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    """The service logs each request; thousands of them would hide what a test has to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Acme and Globex, who have compared fingerprints."""
    with new_world(tmp_path_factory.mktemp("world")) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def acme(world: World) -> Agent:
    """The partner that proposes."""
    return world.agents["Acme"]


@pytest.fixture
def globex(world: World) -> Agent:
    """The partner that accepts."""
    return world.agents["Globex"]
