import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from in_thread import InThread
from partner import AUTHORITY, Companies, Partner, StepClock, companies, digest_in, make_terms
from postgresql import PostgreSQL

from api.service.app import create_app
from api.service.desk import Desk
from cleanroom.domain.secret import Secret
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.rooms import Terms
from escrow import invites, schema
from escrow.database import Database
from escrow.identity import EscrowKey
from matching.rows import Rows


@pytest.fixture(scope="session")
def postgresql(postgresql_server: PostgreSQL) -> Callable[[], str]:
    """URLs of fresh databases, with tables, of one real PostgreSQL."""

    def url() -> str:
        fresh = postgresql_server.fresh()
        database = Database(fresh)
        schema.migrate(database)
        database.dispose()
        return fresh

    return url


@dataclass
class Escrow:
    """A running escrow and the means to look behind its API."""

    desk: Desk
    clock: StepClock
    http: httpx2.Client

    def invite(self, **changes: Any) -> str:  # noqa: ANN401 - any field
        fields = {"name": None, "kind": None, "expires_at": self.clock() + timedelta(days=14), **changes}
        allowance = invites.Allowance(**fields)
        return self.desk.database.write(lambda session: invites.make(session, allowance, now=self.clock()))

    def stranger(self, name: str) -> Partner:
        return Partner(http=self.http, clock=self.clock, escrow_key=self.desk.key.public, name=name)

    def partner(self, name: str) -> Partner:
        partner = self.stranger(name)
        digest_in(partner.enrol(self.invite()))
        return partner


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the tables in it, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "escrow.db"
    database = Database(f"sqlite:///{path}")
    schema.migrate(database)
    database.dispose()
    return path


@pytest.fixture
def database_url(tmp_path: Path, migrated: Path) -> str:
    path = tmp_path / "escrow.db"
    shutil.copy(migrated, path)
    return f"sqlite:///{path}"


@pytest.fixture
def desk(database_url: str, clock: StepClock) -> Iterator[Desk]:
    database = Database(database_url)
    yield Desk(database=database, key=EscrowKey(Secret(bytes(range(32)))), clock=clock)
    database.dispose()


@pytest.fixture
def http(desk: Desk) -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=InThread(create_app(desk)), base_url=f"http://{AUTHORITY}") as client:
        yield client


@pytest.fixture
def escrow(desk: Desk, clock: StepClock, http: httpx2.Client) -> Escrow:
    return Escrow(desk, clock, http)


@pytest.fixture
def ana(escrow: Escrow) -> Partner:
    return escrow.partner("Ana Software")


@pytest.fixture
def bo(escrow: Escrow) -> Partner:
    return escrow.partner("Bo Services")


@dataclass
class Setting:
    """Two partners, their room, and what they push into it."""

    ana: Partner
    bo: Partner
    terms: Terms
    ana_list: Companies
    bo_list: Companies

    @property
    def room(self) -> str:
        return self.terms.room

    def rows_of_ana(self) -> Rows:
        return self.ana.rows(self.terms, self.ana_list)

    def push_both(self, epoch: int = 0) -> tuple[Snapshot, Snapshot]:
        a = self.ana.push(self.terms, self.ana.rows(self.terms, self.ana_list, epoch), self.bo, epoch=epoch)
        b = self.bo.push(self.terms, self.bo.rows(self.terms, self.bo_list, epoch), self.ana, epoch=epoch)
        return a, b

    def sign_both(self, a: list[Snapshot], b: list[Snapshot]) -> tuple[list[Rows], list[Rows]]:
        """Both sides' signed roots for the newest pair; returns what each has evaluated of the other's list."""
        by_bo = [self.bo.evaluated(self.terms, self.ana, snapshot) for snapshot in a]
        by_ana = [self.ana.evaluated(self.terms, self.bo, snapshot) for snapshot in b]
        digest_in(self.bo.put_evaluation(self.bo.evaluation(self.terms, self.ana, a[-1], b[-1], by_bo)))
        digest_in(self.ana.put_evaluation(self.ana.evaluation(self.terms, self.bo, b[-1], a[-1], by_ana)))
        return by_bo, by_ana

    def evaluate_both(self, a: list[Snapshot], b: list[Snapshot]) -> None:
        by_bo, by_ana = self.sign_both(a, b)
        for evaluator, batches in ((self.bo, by_bo), (self.ana, by_ana)):
            for number, rows in enumerate(batches, 1):
                digest_in(evaluator.upload(self.room, number, rows, a[-1].epoch))


@pytest.fixture
def setting(ana: Partner, bo: Partner) -> Setting:
    """An active room with both epoch keys published."""
    return open_room(ana, bo)


def open_room(ana: Partner, bo: Partner, **changes: Any) -> Setting:  # noqa: ANN401 - any field of the terms
    terms = make_terms(ana, bo, **changes)
    digest_in(ana.propose(terms))
    digest_in(bo.accept(terms))
    for partner in (ana, bo):
        digest_in(partner.publish(partner.epoch_key(terms)))
    return Setting(ana, bo, terms, companies(range(30), split=2), companies(range(10, 40), split=3))


@pytest.fixture
def room_with(ana: Partner, bo: Partner) -> Callable[..., Setting]:
    """Opens an active room with changed terms."""
    return lambda **changes: open_room(ana, bo, **changes)
