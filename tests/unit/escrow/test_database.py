"""Transactions, times and schema, on both databases."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from postgresql import PostgreSQL
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cleanroom.domain.clock import NaiveTime
from escrow import schema
from escrow.database import Database
from escrow.errors import SchemaMissing
from escrow.tables import Base, Nonce, SeenKey

NOW = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Callable[[], str]:
    return postgresql_server.fresh


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    fresh = None if request.param == "sqlite" else request.getfixturevalue("postgresql")
    database = Database(fresh() if fresh else f"sqlite:///{tmp_path / 'escrow.db'}")
    yield database
    database.dispose()


@pytest.fixture
def database(empty: Database) -> Database:
    schema.migrate(empty)
    return empty


def keys(session: Session) -> set[str]:
    return set(session.scalars(select(SeenKey.key)))


def test_migrations_make_exactly_the_tables_of_the_model(empty: Database) -> None:
    with pytest.raises(SchemaMissing):
        schema.require_current(empty)
    schema.migrate(empty)
    schema.migrate(empty)
    schema.require_current(empty)
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_moments_keep_their_instant_and_come_back_in_utc(database: Database) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    database.write(lambda session: session.add(Nonce(partner="p", nonce="n", forget_at=elsewhere)))
    read = database.read(lambda session: session.scalars(select(Nonce.forget_at)).one())
    assert (read, read.tzinfo) == (NOW, UTC)
    earlier = select(Nonce.nonce).where(Nonce.forget_at < elsewhere + timedelta(microseconds=1))
    assert database.read(lambda session: session.scalar(earlier)) == "n"


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="time zone") as caught:
        database.write(lambda session: session.add(Nonce(partner="p", nonce="n", forget_at=NOW.replace(tzinfo=None))))
    assert isinstance(caught.value.__cause__ or caught.value, NaiveTime)


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def work(session: Session) -> None:
        session.add(SeenKey(key="half"))
        session.flush()
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work)
    assert database.read(keys) == set()


def test_a_lost_race_is_done_again_and_sees_the_winner(database: Database) -> None:
    attempts = []

    def work(session: Session) -> str:
        attempts.append(1)
        if len(attempts) > 1:
            return "seen" if "k" in keys(session) else "not seen"
        session.add(SeenKey(key="k"))
        session.flush()
        raise IntegrityError("insert", None, Exception("somebody else was first"))

    database.write(lambda session: session.add(SeenKey(key="k")))
    assert database.write(work) == "seen"
    assert len(attempts) == 2


def test_a_write_that_never_wins_is_not_tried_for_ever(database: Database) -> None:
    def work(session: Session) -> None:
        session.add(SeenKey(key="k"))

    database.write(work)
    with pytest.raises(IntegrityError):
        database.write(work)


def test_concurrent_writes_of_one_key_have_one_winner(database: Database) -> None:
    inserted: list[str] = []
    start = threading.Barrier(6)

    def work(session: Session) -> str:
        if "k" in keys(session):
            return "refused"
        session.add(SeenKey(key="k"))
        session.flush()
        return "accepted"

    def run() -> None:
        start.wait()
        inserted.append(database.write(work))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(inserted) == ["accepted"] + ["refused"] * 5


def test_sqlite_is_durable_and_checks_references(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'escrow.db'}")
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    database.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
