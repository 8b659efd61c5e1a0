"""Engine and transactions: where atomicity, isolation and durability are decided.

One call of `read` or `write` is one transaction, committed at its end or not at all. A write that finds its room does
so through `escrow.rooms.locked`, so writes to one room are serial:

| | SQLite | PostgreSQL |
|---|---|---|
| write | BEGIN IMMEDIATE: one writer at a time | READ COMMITTED; the room's row is locked FOR UPDATE first |
| read | a snapshot (WAL) | REPEATABLE READ, read only |
| durable | synchronous=FULL | as the server is configured |

What is unique across rooms (names, invites, keys, nonces) is unique by constraint. A write that loses such a race, or a
deadlock, is done again from the start: then it sees the winner and is refused, or repeated, in words.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

ATTEMPTS: Final = 6
BUSY_SECONDS: Final = 120
"""How long a write on SQLite waits for its turn; the longest turn is the join of two large lists."""

_TO_BE_REPEATED: Final = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_BEGIN = "cleanroom_begin"


class Database:
    """One database. Dispose of it at the end."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            self._reading = self.engine.execution_options(**{_BEGIN: "BEGIN"})
            self._writing = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        else:
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writing = self.engine.execution_options(isolation_level="READ COMMITTED")

    def read(self, work: Callable[[Session], T]) -> T:
        """What `work` makes of one consistent state."""
        with Session(self._reading, expire_on_commit=False) as session:
            return work(session)

    def write(self, work: Callable[[Session], T]) -> T:
        """What `work` returns, once all it wrote is durable. It may be called again after a lost race."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with Session(self._writing, expire_on_commit=False) as session, session.begin():
                    return work(session)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not _was_a_race(error):
                    raise
        raise AssertionError

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _was_a_race(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _TO_BE_REPEATED


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=30,
        )
    engine = create_engine(
        parsed, hide_parameters=True, pool_size=10, max_overflow=40, connect_args={"timeout": BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver begins transactions late and in its own way; `_begin_sqlite` does it at the right moment.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))
