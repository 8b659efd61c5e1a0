"""Rooms in which accounts with fields were opened, for simulations of releases."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from consent import put_in_force
from lists_of_accounts import lei
from world import World, accounts

from cleanroom.agent import opening, openings_received, sync
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shared import Shared, shared
from cleanroom.agent.viewing import Viewer
from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Role, RoomId
from cleanroom.policy.model import Effect, Policy, Rule, When

FIELDS = ("owner", "owner_email", "stage", "amount", "currency", "close_date", "region", "notes")
ADMIN = Viewer(role=Role.ADMIN)
Rows = list[dict[str, str]]


def with_fields(rows: Rows) -> pd.DataFrame:
    """An accounts frame with all fields of the catalogue; what a row leaves out is empty."""
    frame = accounts(rows)
    for name in FIELDS:
        frame[name] = pd.Series([row.get(name, "") for row in rows], dtype="str")
    return frame


def deals(start: int, stop: int, *, prefix: str = "x", **fields: str) -> Rows:
    """Accounts known by their LEIs and domains, with fields."""
    return [
        {
            "account_id": f"{prefix}\x1f{i:05}",
            "name": f"Company {i} {prefix}",
            "website": f"company{i}.com",
            "lei": lei(i),
            "country": "DE",
            "segment": "customers",
            "owner": "Ann Example",
            "owner_email": "ann@acme.example",
            "stage": "open",
            "amount": f"{i + 60}000.00",
            "currency": "EUR",
            "close_date": "2026-05-17",
            "region": "north",
            "notes": "call back",
            **fields,
        }
        for i in range(start, stop)
    ]


def grant(name: str, form: Form, *fields: str, roles: frozenset[Role] = frozenset()) -> Rule:
    """One grant."""
    return Rule(id=name, effect=Effect.GRANT, fields=frozenset(fields), form=form, when=When(roles=roles))


def policy(agent: Agent, *rules: Rule, accepts: dict[str, Form] | None = None) -> Policy:
    """A policy that lets all matches exist, with these rules; it accepts everything unless told."""
    everything: dict[str, Form] = {str(entry): Form.FULL for entry in FieldClass}
    known = grant("known", Form.EXISTS, ACCOUNT)
    accepted = everything if accepts is None else accepts
    return Policy(owner=agent.me, rules=(known, *rules), accepts={ACCOUNT: Form.EXISTS, **accepted})


@dataclass
class Sharing:
    """Acme and Globex in a room that they have opened."""

    world: World
    acme: Agent
    globex: Agent
    room: RoomId

    def view(self, agent: Agent) -> Room:
        return open_room(agent, self.room)

    def settle(self) -> None:
        """Sync in turn until nothing happens any more."""
        self.world.settle(self.acme, self.globex, room=self.room)

    def share(self, agent: Agent) -> list[str]:
        """One side syncs; the steps it took."""
        (result,) = sync.sync(agent, self.room)
        if result.problem is not None:
            raise result.problem
        return list(result.steps)

    def shared(self, agent: Agent, viewer: Viewer = ADMIN) -> Shared:
        return shared(agent, self.view(agent), viewer)

    def table(self, agent: Agent, viewer: Viewer = ADMIN) -> pd.DataFrame:
        return self.shared(agent, viewer).frame()

    def enforce(self, agent: Agent, *rules: Rule, **changes: Any) -> None:  # noqa: ANN401 - what `policy` takes
        put_in_force(agent, self.room, policy(agent, *rules, **changes))


def opened(
    world: World,
    mine: Rows,
    theirs: Rows,
    *,
    acme: Callable[[Agent], Policy],
    globex: Callable[[Agent], Policy],
    **terms: object,
) -> Sharing:
    """A fresh room with these lists and policies, opened and verified; nothing is released yet."""
    one, other = world.agents["Acme"], world.agents["Globex"]
    room = world.room(one, other, **terms)
    world.put_list(one, room, with_fields(mine))
    world.put_list(other, room, with_fields(theirs))
    world.settle(one, other, room=room)
    put_in_force(one, room, acme(one))
    put_in_force(other, room, globex(other))
    for agent in (one, other):
        opening.open_round(agent, open_room(agent, room))
    for agent in (one, other):
        openings_received.verify_round(agent, open_room(agent, room))
    return Sharing(world, one, other, room)
