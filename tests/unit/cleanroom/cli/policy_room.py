"""Two partners with lists, users and a room, and `cleanroom` run over their agents: only the network is a call."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import structlog
from commandline import Ended
from simulation.world import CHEAP, PASSPHRASE, World

from cleanroom.agent import users
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.cli.invocation import Ask, Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role, RoomId

OF_USER = Secret("a passphrase of a user")

OPEN = """\
accepts: {account: exists, identity: full, contact: full, commercial: full, free_text: full}
rules:
  - {id: known, grant: exists, fields: account, until: 2027-06-01}
  - {id: all, grant: full, classes: [identity, contact, commercial], until: 2027-06-01}
"""


def companies(name: str, first: int, count: int, segment: str) -> list[dict[str, object]]:
    """Accounts with all fields; the same numbers are the same companies."""
    return [
        {
            "account_id": f"{name}-{number}",
            "name": f"Company {number}",
            "website": f"company{number}.example",
            "country": "DE",
            "lei": "",
            "duns": "",
            "vat": "",
            "segment": segment,
            "suppressed": False,
            "owner": "Ann Example",
            "owner_email": "ann@seller.example",
            "stage": "=cmd()",
            "amount": f"{number * 1000}.00",
            "currency": "EUR",
            "close_date": "2026-05-17",
            "region": "North",
            "notes": "secret words",
        }
        for number in range(first, first + count)
    ]


@dataclass
class Ground:
    """The room of these tests, and the way to run commands in it."""

    world: World
    room: RoomId
    folder: Path

    def file(self, text: str, name: str = "policy.yaml") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def __call__(self, who: str, *arguments: str, ask: Ask | None = None, user: Secret[str] | None = OF_USER) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        environment = Environment(
            home=self.world.agents[who].home,
            passphrase=PASSPHRASE,
            passphrase_file=None,
            clock=self.world.clock,
            output=Output(out, err),
            ask=ask,
            user_passphrase=user,
            opener=self._open,
        )
        return Ended(run(("policy", *arguments), environment), out.getvalue(), err.getvalue())

    def json(self, who: str, *arguments: str) -> dict[str, Any]:
        """The result of a command that must succeed."""
        ended = self(who, *arguments, "--json")
        assert ended.code == 0, ended.out
        return dict(json.loads(ended.out))

    def refused(self, who: str, *arguments: str) -> tuple[int, str]:
        """Exit code and error code of a command that must not succeed."""
        ended = self(who, *arguments, "--json")
        return ended.code, str(json.loads(ended.out)["error"]["code"])

    def opened(self, who: str) -> Room:
        return open_room(self.world.agents[who], self.room)

    def in_force(self, who: str, text: str, *, author: str, approver: str) -> None:
        """A policy of that partner's, approved by a second person."""
        self.json(who, "propose", self.room, self.file(text, f"{who}.yaml"), "--user", author)
        self.json(who, "approve", self.room, "--user", approver)

    @contextmanager
    def _open(self, home: Path, *_: object, **__: object) -> Iterator[Agent]:
        yield next(agent for agent in self.world.agents.values() if agent.home == home)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the service's log."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def ground(world: World, folder: Path, **terms: object) -> Ground:
    """A fresh room of Acme and Globex; commands find the world's agents by their homes."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    title = f"Acme x Globex {world.rooms + 1}"
    return Ground(world=world, room=world.room(acme, globex, title=title, **terms), folder=folder)


def with_users(world: World) -> None:
    """Ann, Bob and Sue (a seller) of Acme, Gil of Globex, who is alone until a test adds somebody."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    users.add(acme, "Ann", Role.ADMIN, passphrase=OF_USER, kdf_cost=CHEAP)
    by = users.unlock(acme, "Ann", OF_USER)
    users.add(acme, "Bob", Role.SECURITY_REVIEWER, passphrase=OF_USER, by=by, kdf_cost=CHEAP)
    users.add(acme, "Sue", Role.SELLER, passphrase=OF_USER, by=by, kdf_cost=CHEAP)
    users.add(globex, "Gil", Role.ADMIN, passphrase=OF_USER, kdf_cost=CHEAP)


def push_lists(made: Ground) -> None:
    """30 customers of Acme are prospects of Globex, 20 prospects of Acme are its customers; and everybody syncs."""
    acme, globex = made.world.agents["Acme"], made.world.agents["Globex"]
    ours = companies("a", 0, 50, "customers") + companies("a", 100, 50, "prospects")
    theirs = companies("g", 20, 50, "prospects") + companies("g", 130, 50, "customers")
    made.world.put_list(acme, made.room, pd.DataFrame(ours))
    made.world.put_list(globex, made.room, pd.DataFrame(theirs))
    made.world.settle(acme, globex, room=made.room)
