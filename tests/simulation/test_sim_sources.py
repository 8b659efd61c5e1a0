"""What a list's owner says of its source travels with every batch; where nobody said anything, that is said."""

from pathlib import Path

import pytest
from world import World, accounts

from cleanroom.agent import push, push_plan, sources
from cleanroom.agent.guess_view import guesses_of
from cleanroom.agent.push_plan import Choices, File
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.sources import Statement, read_from_words
from cleanroom.cli.terms_view import sources_document
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.lists import Source


def pushed(agent: Agent, room: RoomId, file: Path, said: Statement, rows: int) -> None:
    """Push a list whose name is the room's: no test leans on what another one said."""
    lines = [f"{i},company{i}.com,customers" for i in range(rows)]
    file.write_text("id,website,segment\n" + "\n".join(lines) + "\n")
    table = push_plan.read(agent, File(path=file))
    planned = push_plan.plan(agent, table, Choices(name=f"list {room}"))
    prepared = push.prepare(agent, planned)
    push.push(agent, prepared, rooms=(room,), said=said, read_from=read_from_words(file.name))


def test_the_other_side_reads_what_was_said_and_what_was_not(
    world: World, acme: Agent, globex: Agent, tmp_path: Path
) -> None:
    room = world.room(acme, globex)
    world.put_list(
        globex, room, accounts([{"account_id": "x\x1f1", "website": "company1.com", "segment": "customers"}])
    )
    pushed(acme, room, tmp_path / "accounts.csv", Statement(), 3)
    world.settle(acme, globex, room=room)
    seen = guesses_of(globex, open_room(globex, room)).sources
    assert seen == (Source(system="file accounts.csv", query="all rows", rows=3, who="not said"),)
    assert guesses_of(acme, open_room(acme, room)).sources == (
        Source(system="not said", query="not said", rows=1, who="not said"),
    )
    said = Statement(system="Salesforce", query="type = customer", who="Ann of sales operations")
    pushed(acme, room, tmp_path / "accounts.csv", said, 4)
    pushed(acme, room, tmp_path / "later.csv", Statement(query="type = customer, since May"), 6)
    world.settle(acme, globex, room=room)
    told = Source(system="Salesforce", query="type = customer, since May", rows=6, who="Ann of sales operations")
    assert guesses_of(globex, open_room(globex, room)).sources == (told,)
    assert sources_document(open_room(globex, room))[acme.me] == [told.model_dump()]


def test_what_nobody_said_is_not_remembered_as_said(world: World, acme: Agent, globex: Agent, tmp_path: Path) -> None:
    room = world.room(acme, globex)
    for name in ("first.csv", "second.csv"):
        pushed(acme, room, tmp_path / name, Statement(), 2)
    (found,) = [item for item in sources.sources(acme, room) if item.rows == 2]
    assert found.system == "file second.csv"


def test_what_cannot_stand_on_a_line_is_refused_before_anything_is_stored(
    world: World, acme: Agent, globex: Agent, tmp_path: Path
) -> None:
    room = world.room(acme, globex)
    before = sources.sources(acme, room)
    for said in (Statement(system="a\nb"), Statement(query="x" * 201), Statement(who="\u202eevil")):
        with pytest.raises(InputRefused, match="source"):
            pushed(acme, room, tmp_path / "accounts.csv", said, 9)
    assert sources.sources(acme, room) == before
    assert read_from_words("a\nb.csv") == "file a?b.csv"
    assert read_from_words(None) == "a database"
