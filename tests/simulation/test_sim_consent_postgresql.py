"""From policies to fields over PostgreSQL, as over SQLite: locks, bytes and moments of P6 to P9."""

from collections.abc import Iterator

import pytest
from consent import agree, existence, put_in_force
from lists_of_accounts import companies
from postgresql import PostgreSQL
from world import World, accounts, new_world

from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shared import shared
from cleanroom.agent.verified import verified
from cleanroom.agent.viewing import Viewer
from cleanroom.domain.vocabulary import Role, RoomId


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgreSQL) -> Iterator[World]:
    with new_world(tmp_path_factory.mktemp("world"), postgresql_server.fresh()) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


def seen(agent: Agent, room: RoomId) -> set[str]:
    table = shared(agent, open_room(agent, room), Viewer(role=Role.ADMIN))
    return {
        field.value
        for row in table.rows
        for name, field in row.fields.items()
        if name == "account_website" and field.value
    }


def test_policies_openings_and_releases_work_on_postgresql(production: World) -> None:
    acme, globex = production.agents.values()
    room = production.room(acme, globex)
    production.put_list(acme, room, accounts(companies(0, 6)))
    production.put_list(globex, room, accounts(companies(2, 10)))
    agree(room, acme, globex)
    production.settle(acme, globex, room=room)
    assert seen(acme, room) == seen(globex, room) == {f"company{i}.com" for i in range(2, 6)}
    put_in_force(acme, room, existence(acme))
    production.settle(acme, globex, room=room)
    assert open_room(acme, room).epoch == 1
    assert len(verified(globex, open_room(globex, room))) == 4
    assert seen(globex, room) == set()
