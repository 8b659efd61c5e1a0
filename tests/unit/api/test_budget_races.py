"""Fifty writers at once, each for the last unit: exactly one gets it, on both databases."""

import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from partner import START, Partner, StepClock, make_terms
from sqlalchemy import select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import CountingMode, Digest
from cleanroom.messages.rooms import Terms
from escrow import budgets, schema
from escrow.budgets import Price
from escrow.counting_tables import SpendRecord
from escrow.database import Database
from escrow.edges import seconds
from escrow.rooms import WorkingRoom
from escrow.tables import Partner as PartnerRecord
from escrow.tables import Room

WRITERS = 50
NOW = seconds(START)
MONTH = 31 * 86_400


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    fresh = None if request.param == "sqlite" else request.getfixturevalue("postgresql")
    made = Database(fresh() if fresh else f"sqlite:///{tmp_path / 'escrow.db'}")
    schema.migrate(made)
    yield made
    made.dispose()


def enrolled(database: Database, *names: str) -> list[Partner]:
    made = [Partner(http=None, clock=StepClock(), escrow_key=bytes(32), name=name) for name in names]  # type: ignore[arg-type] - sends nothing
    rows = [
        PartnerRecord(
            id=partner.id,
            name=partner.name,
            folded_name=partner.name.casefold(),
            identity_key=partner.key.hex(),
            sealing_key=secrets.token_hex(8),
            digest=secrets.token_hex(32),
            signed="",
            change=1,
            enrolled_at=START,
        )
        for partner in made
    ]
    database.write(lambda session: session.add_all(rows))
    return made


def room_of(database: Database, first: Partner, second: Partner) -> Terms:
    terms = make_terms(first, second)
    database.write(lambda session: session.add(Room(id=terms.room, change=0, anchor=START, closed=None)))
    return terms


def race(database: Database, rooms: list[Terms], at: Callable[[int], int]) -> int:
    """How many of the writers, each in one of the rooms, are granted one more answer."""
    granted: list[bool] = []
    start = threading.Barrier(WRITERS)

    def work(session: Session, number: int) -> bool:
        terms = rooms[number % len(rooms)]
        row = session.scalars(select(Room).where(Room.id == terms.room).with_for_update()).one()
        room = WorkingRoom(
            session=session,
            row=row,
            caller=terms.members[0].partner,
            now=START,
            epoch=0,
            terms=terms,
            digest=Digest(terms.digest()),
            versions_in_force=(terms,),
            accepted=frozenset(),
        )
        price = Price(mode=CountingMode.STANDARD, cost=1, correction=False)
        return budgets.charge(room, 1_000 + number, price, at(number))

    def run(number: int) -> None:
        start.wait()
        granted.append(database.write(lambda session: work(session, number)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == WRITERS
    return sum(granted)


def spent(database: Database, owner: str) -> int:
    query = select(SpendRecord.units).where(SpendRecord.owner == owner)
    return sum(database.read(lambda session: session.scalars(query).all()))


def already(database: Database, owner: str, recipient: str, units: int) -> None:
    record = SpendRecord(
        owner=owner,
        recipient=recipient,
        room="before",
        number=1,
        at=NOW - MONTH,
        units=units,
        mode="standard",
        correction=False,
    )
    database.write(lambda session: session.add(record))


def test_the_last_unit_of_a_pair_in_one_room_and_in_many(database: Database) -> None:
    ana, bo = enrolled(database, "Ana", "Bo")
    already(database, ana.id, bo.id, 11)
    rooms = [room_of(database, *pair) for pair in ((ana, bo), (bo, ana), (ana, bo), (bo, ana), (ana, bo))]
    # A month apart, so that nothing but the year's units holds anybody back.
    assert race(database, rooms, lambda number: NOW + number % 2) == 1
    assert (spent(database, ana.id), spent(database, bo.id)) == (12, 1)


def test_the_last_unit_of_an_owner_among_many_partners(database: Database) -> None:
    ana, *others = enrolled(database, *(f"P{number}" for number in range(WRITERS + 1)))
    already(database, ana.id, "0f" * 16, 13)
    rooms = [room_of(database, *((ana, other) if i % 2 else (other, ana))) for i, other in enumerate(others)]
    assert race(database, rooms, lambda _: NOW) == 1
    assert spent(database, ana.id) == 14


def test_never_more_than_there_is(database: Database) -> None:
    ana, *others = enrolled(database, *(f"P{number}" for number in range(WRITERS + 1)))
    already(database, ana.id, "0f" * 16, 7)
    rooms = [room_of(database, *((ana, other) if i % 2 else (other, ana))) for i, other in enumerate(others)]
    assert race(database, rooms, lambda _: NOW) == 7
    assert spent(database, ana.id) == 14
