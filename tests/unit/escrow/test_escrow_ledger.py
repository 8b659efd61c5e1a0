"""A log's entries, tiles and bundles, on both databases."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgresql import PostgreSQL
from sqlalchemy import select
from sqlalchemy.orm import Session

from cleanroom.messages.documents import instant
from cleanroom.messages.entries import AnswerGiven, EntryRefused, InviteMade, OperatorActed, leaf, read_entry
from escrow import ledger, schema
from escrow.database import Database
from escrow.errors import NotFound
from escrow.ledger import OPERATOR, Log, of_room
from escrow.ledger_tables import LogEntry
from matching import merkle
from matching.tiles import WIDTH, tile_name

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
ROOM = of_room("a1" * 16)


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Callable[[], str]:
    return postgresql_server.fresh


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    fresh = None if request.param == "sqlite" else request.getfixturevalue("postgresql")
    database = Database(fresh() if fresh else f"sqlite:///{tmp_path / 'escrow.db'}")
    schema.migrate(database)
    yield database
    database.dispose()


def entry(number: int) -> InviteMade:
    at = instant(START + timedelta(seconds=number))
    return InviteMade(at=at, expires=at, invite=f"{number:064x}")


def fill(database: Database, log: Log, size: int) -> list[bytes]:
    """Append up to a size; the leaves of all entries."""
    entries = [entry(number) for number in range(size)]

    def work(session: Session) -> None:
        for item in entries[ledger.size(session, log) :]:
            ledger.append(session, log, item)

    database.write(work)
    return [leaf(item) for item in entries]


def head(leaves: list[bytes]) -> bytes:
    return merkle.head(b"".join(map(merkle.leaf_hash, leaves)))


def test_the_tree_of_the_tiles_is_that_of_the_leaves(database: Database) -> None:
    for size in (0, 1, 2, 255, 256, 257, 511, 512, 513):
        leaves = fill(database, ROOM, size)
        assert database.read(lambda session: ledger.size(session, ROOM)) == size
        for known in {0, size // 2, max(0, size - 1), size}:
            root = database.read(lambda session, known=known: ledger.tree(session, ROOM, known).root())
            assert root == head(leaves[:known])


def test_a_tree_of_thousands_still_shows_all_its_earlier_ones(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'escrow.db'}")
    schema.migrate(database)
    leaves = fill(database, ROOM, 2_100)
    for size in (1, 255, 256, 257, 1_024, 1_791, 1_792, 2_099, 2_100):
        root = database.read(lambda session, size=size: ledger.tree(session, ROOM, size).root())
        assert root == head(leaves[:size])
    database.dispose()


def test_tiles_and_bundles_of_every_width_that_was_are_served(database: Database) -> None:
    leaves = fill(database, ROOM, 300)
    for number, width in ((0, 256), (0, 1), (0, 255), (1, 44), (1, 7)):
        name, mine = tile_name(number, width), leaves[number * WIDTH :][:width]
        hashes = b"".join(map(merkle.leaf_hash, mine))
        assert database.read(lambda session, name=name: ledger.tile(session, ROOM, 0, name)) == hashes
        bundle = database.read(lambda session, name=name: ledger.bundle(session, ROOM, name))
        assert bundle == b"".join(len(data).to_bytes(2, "big") + data for data in mine)
    top = database.read(lambda session: ledger.tile(session, ROOM, 1, tile_name(0, 1)))
    assert top == head(leaves[:256])


@pytest.mark.parametrize("name", ["001.p/45", "001", "002.p/1", "000.p/256", "000.p/0", "0", "x000/001", "../000", ""])
def test_tiles_that_are_not_there_are_not_found(tmp_path: Path, name: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'escrow.db'}")
    schema.migrate(database)
    fill(database, ROOM, 300)
    for read in (
        lambda session: ledger.tile(session, ROOM, 0, name),
        lambda session: ledger.bundle(session, ROOM, name),
        lambda session: ledger.tile(session, ROOM, 1, "000.p/2"),
        lambda session: ledger.tile(session, ROOM, 2, "000.p/1"),
        lambda session: ledger.tile(session, OPERATOR, 0, "000.p/1"),
        lambda session: ledger.bundle(session, OPERATOR, "000.p/1"),
        lambda session: ledger.bundle(session, ROOM, "x999/x999/x999/x999/x999/999"),
    ):
        with pytest.raises(NotFound):
            database.read(read)
    database.dispose()


def test_logs_are_apart(database: Database) -> None:
    fill(database, ROOM, 3)
    fill(database, OPERATOR, 2)
    sizes = database.read(lambda session: [ledger.size(session, log) for log in (ROOM, OPERATOR, of_room("b2" * 16))])
    assert sizes == [3, 2, 0]


def test_a_clock_that_goes_back_does_not_take_the_log_with_it(database: Database) -> None:
    for seconds in (10, 3, 11):
        at = instant(START + timedelta(seconds=seconds))
        acted = OperatorActed(at=at, action="started", version="1")
        database.write(lambda session, acted=acted: ledger.append(session, OPERATOR, acted))
    query = select(LogEntry.leaf).order_by(LogEntry.number)
    leaves = database.read(lambda session: list(session.scalars(query)))
    assert [read_entry(data).at for data in leaves] == [
        "2026-03-01T09:00:10Z",
        "2026-03-01T09:00:10Z",
        "2026-03-01T09:00:11Z",
    ]


def test_an_entry_that_is_too_long_is_refused(database: Database) -> None:
    long = AnswerGiven.model_construct(at=instant(START), forbidden=((0, 0),) * 20_000)
    with pytest.raises(EntryRefused):
        database.write(lambda session: ledger.append(session, ROOM, long))
    assert database.read(lambda session: ledger.size(session, ROOM)) == 0


def test_a_write_that_fails_after_its_entry_leaves_none(database: Database) -> None:
    fill(database, ROOM, 1)

    def work(session: Session) -> None:
        ledger.append(session, ROOM, entry(1))
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work)
    assert fill(database, ROOM, 2)
    root = database.read(lambda session: ledger.tree(session, ROOM, 2).root())
    assert root == head([leaf(entry(0)), leaf(entry(1))])


def test_entries_of_many_writers_stand_in_one_row(database: Database) -> None:
    start = threading.Barrier(6)

    def run(writer: int) -> None:
        start.wait()
        for number in range(5):
            item = entry(0).model_copy(update={"invite": f"{writer:032x}{number:032x}"})
            database.write(lambda session, item=item: ledger.append(session, OPERATOR, item))

    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    leaves = database.read(lambda session: list(session.scalars(select(LogEntry.leaf).order_by(LogEntry.number))))
    assert len(set(leaves)) == 30
    assert database.read(lambda session: ledger.tree(session, OPERATOR, 30).root()) == head(leaves)


def test_a_migration_is_on_record_if_there_was_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'escrow.db'}")
    acted = OperatorActed(at=instant(START), action="migrated", version="1")
    for _ in range(2):
        schema.migrate(database, entry=acted)
    assert database.read(lambda session: session.scalars(select(LogEntry.leaf)).all()) == [leaf(acted)]
    database.dispose()
