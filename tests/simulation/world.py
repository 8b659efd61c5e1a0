"""A whole system in memory: the real escrow application and real agents, with a clock that tests step.

Only what is outside the project is replaced: the network between them is a function call, which a test may make lose
requests or answers.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import httpx2
import pandas as pd
from in_thread import InThread
from starlette.types import ASGIApp

from api.service.app import create_app
from api.service.desk import Desk
from cleanroom.agent import agreements, lists, sync
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.client import EscrowClient
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.partners import confirm, directory
from cleanroom.agent.progress import Progress
from cleanroom.agent.session import CONFIG, Agent, Config, sign_document
from cleanroom.agent.tables import load_tables
from cleanroom.agent.transport import Retries, Transport
from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import CountingMode, Kind, PartnerKind, RoomId
from cleanroom.messages.api import EnrolRequest
from cleanroom.messages.documents import instant
from cleanroom.messages.rooms import CappedCounting, Enrolment, ListLimits, NewTokens
from escrow import invites, schema
from escrow.database import Database
from escrow.identity import EscrowKey
from escrow.invites import Allowance

T = TypeVar("T")

URL = "http://127.0.0.1:8470"
PASSPHRASE = Secret("a passphrase of tests")
CHEAP = KdfCost(memory_kib=1024, iterations=1, lanes=1)
ALL_KINDS = tuple(Kind)
FEW_KINDS = (Kind.LEI, Kind.DUNS, Kind.VAT, Kind.DOMAIN, Kind.NAME_COUNTRY)
"""A list of websites has one key an account under these: what most simulations count."""


LOOSE: dict[str, Any] = {
    "counting": CappedCounting(mode=CountingMode.EXACT, floor=1, caps="unsafe_none"),
    "limits": ListLimits(
        distinct_percent=1_000_000, growth_entries=1_000_000, growth_percent=1_000_000, churn_percent=1_000_000
    ),
    "probes": 0,
    "new_tokens": NewTokens(count_from="next_answer", open_after_hours=0, open_after_snapshots=1),
}
"""Terms without disclosure control and without limits to guessing, for tests of everything else."""


class StepClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


class Line(httpx2.Client):
    """The network to the escrow. `fault` may raise before a request is handled, or after."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(transport=InThread(app), base_url=URL)
        self.app = app
        self.fault: Callable[[str, httpx2.Request], None] | None = None

    def send(self, request: httpx2.Request, **kwargs: object) -> httpx2.Response:
        if self.fault is not None:
            self.fault("request", request)
        response = super().send(request, **kwargs)
        if self.fault is not None:
            self.fault("response", request)
        return response


@dataclass(frozen=True, kw_only=True)
class Kept:
    """All that a world knew at one moment: its databases, by the files that they are kept in."""

    copies: tuple[tuple[Path, sqlite3.Connection], ...]
    now: datetime


@dataclass
class World:
    """An escrow and its agents."""

    folder: Path
    database: Database
    clock: StepClock
    key: EscrowKey
    stack: ExitStack
    agents: dict[str, Agent] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    services: dict[EscrowKey, ASGIApp] = field(default_factory=dict)
    rooms: int = 0
    made: list[tuple[object, object, "Kept"]] = field(default_factory=list)

    def enrol(self, name: str) -> Agent:
        """A new partner's agent."""
        home = self.folder / name.lower()
        vault = self.stack.enter_context(Vault.create(home / "vault.db", PASSPHRASE, kdf_cost=CHEAP))
        identity = PrivateIdentity.generate()
        config = Config(name=name, kind=PartnerKind.ISV, url=URL, escrow_key=self.key.public.hex())
        identity.store(vault)
        vault.put(CONFIG, config.model_dump_json().encode())
        agent = self.agent(home, vault, identity, config)
        public = identity.public()
        enrolment = Enrolment(
            name=name,
            kind=PartnerKind.ISV,
            identity_key=public.identity_key.hex(),
            sealing_key=public.sealing_key.hex(),
            escrow_key=config.escrow_key,
            created=instant(self.clock()),
        )
        secret = self._invite(name)
        agent.escrow.enrol(agent.me, EnrolRequest(invite=secret, enrolment=sign_document(identity, enrolment)))
        self.agents[name] = agent
        return agent

    def agent(self, home: Path, vault: Vault, identity: PrivateIdentity, config: Config) -> Agent:
        """An agent over an open vault."""
        if self.key not in self.services:
            self.services[self.key] = create_app(Desk(database=self.database, key=self.key, clock=self.clock))
        line = self.stack.enter_context(Line(self.services[self.key]))
        self.lines[config.name] = line
        transport = Transport(
            URL,
            identity=identity,
            escrow_key=self.key.public,
            clock=self.clock,
            retries=Retries(total=2, first=0.0, longest=0.0),
            client=line,
        )
        return Agent(
            home=home,
            config=config,
            vault=vault,
            identity=identity,
            escrow=EscrowClient(transport),
            tables=load_tables(),
            clock=self.clock,
            progress=Progress(),
        )

    def introduce(self) -> None:
        """Everybody compares fingerprints with everybody."""
        for agent in self.agents.values():
            for partner in directory(agent):
                if not partner.me:
                    confirm(agent, partner.id, " ".join(partner.words))

    def room(self, proposer: Agent, acceptor: Agent, **terms: object) -> RoomId:
        """A fresh room that both signed."""
        self.rooms += 1
        defaults = {
            "title": f"Room {self.rooms}",
            "purpose": "tests",
            "kinds": FEW_KINDS,
            "minimum_population": 1,
            "answer_interval": "unsafe_every_push",
            **LOOSE,
        }
        if "floor" in terms:
            terms["counting"] = CappedCounting(mode=CountingMode.EXACT, floor=terms.pop("floor"), caps="unsafe_none")
        room = agreements.propose(proposer, acceptor.config.name, Proposal(**{**defaults, **terms}))
        agreements.accept(acceptor, room)
        return room

    def put_list(self, agent: Agent, room: RoomId, accounts: pd.DataFrame, name: str = "list") -> None:
        """Store a list that serves one room."""
        data = lists.keyed(agent, f"{name} {room}", accounts)
        lists.store(agent, data, (room,))

    def once(self, asked: object, make: Callable[[], T]) -> T:
        """What `make` makes in this world. Asked the same again, all is put back to when it was made.

        What happened since is undone, on all sides: for tests that begin alike, not for two rooms in one test. What is
        returned is the same object again: nobody alters it.
        """
        for known, made, kept in self.made:
            if known == asked:
                self._back_to(kept)
                return cast("T", made)
        made = make()
        self.made.append((asked, made, self._kept()))
        return made

    def settle(self, *agents: Agent, room: RoomId, strict: bool = True) -> None:
        """Sync in turn until nobody does anything any more."""
        busy = True
        while busy:
            busy = False
            for agent in agents:
                for result in sync.sync(agent, room):
                    if result.problem is not None and strict:
                        raise result.problem
                    busy = busy or bool(result.steps)

    def _kept(self) -> "Kept":
        files = [self.folder / "escrow.db", *(agent.vault.path for agent in self.agents.values())]
        copies = tuple((file, self.stack.enter_context(closing(sqlite3.connect(":memory:")))) for file in files)
        for file, copy in copies:
            with closing(sqlite3.connect(file)) as source:
                source.backup(copy)
        return Kept(copies=copies, now=self.clock.now)

    def _back_to(self, kept: "Kept") -> None:
        for file, copy in kept.copies:
            with closing(sqlite3.connect(file)) as target:
                copy.backup(target)
        for line in self.lines.values():
            line.fault = None
        self.clock.now = kept.now

    def _invite(self, name: str) -> str:
        until = self.clock() + timedelta(days=1)
        allowance = Allowance(name=name, kind=PartnerKind.ISV, expires_at=until)
        return self.database.write(lambda session: invites.make(session, allowance, now=self.clock()))


@cache
def _migrated() -> bytes:
    """An SQLite file with the tables in it, to begin from."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "escrow.db"
        database = Database(f"sqlite:///{path}")
        schema.migrate(database)
        database.dispose()
        return path.read_bytes()


@contextmanager
def new_world(folder: Path, url: str | None = None) -> Iterator[World]:
    """An escrow over a fresh database (SQLite below `folder`, unless `url` names another)."""
    with ExitStack() as stack:
        if url is None:
            (folder / "escrow.db").write_bytes(_migrated())
        database = Database(url or f"sqlite:///{folder / 'escrow.db'}")
        stack.callback(database.dispose)
        schema.migrate(database)
        yield World(
            folder=folder,
            database=database,
            clock=StepClock(),
            key=EscrowKey(Secret(secrets.token_bytes(32))),
            stack=stack,
        )


def accounts(rows: list[dict[str, str]]) -> pd.DataFrame:
    """An accounts frame; what a row leaves out is empty."""
    columns = ["account_id", "name", "website", "country", "lei", "duns", "vat", "segment"]
    frame = pd.DataFrame([{column: row.get(column, "") for column in columns} for row in rows], columns=columns)
    return frame.astype("str").assign(suppressed=False)
