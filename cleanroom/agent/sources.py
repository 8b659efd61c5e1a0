"""What the lists of this partner come from, as its people state it: signed with every batch of a room.

Nobody checks the statement. It is what the owner answers for when the other side asks where a list came from. What was
not said is said to be so; nothing is read from the machine.
"""

from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ValidationError

from cleanroom.agent import lists
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Title, Wire
from cleanroom.messages.lists import Source

NOT_SAID: Final = "not said"
ALL_ROWS: Final = "all rows"
MOST: Final = 100
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a push says of its list's source; None: as said at the last push, or what is known of the file."""

    system: str | None = None
    query: str | None = None
    who: str | None = None


SILENT: Final = Statement()


class Kept(Wire):
    """A list's statement, and what of it people have said; "" where nobody has."""

    source: Source
    system: Title | Literal[""]
    query: Title | Literal[""]
    who: Title | Literal[""]


def remember(agent: Agent, name: str, said: Statement, *, read_from: str, rows: int) -> Source:
    """Keep a stored list's statement: what is said now, else what was, else `read_from` and that nobody said more.

    Raises:
        InputRefused: a part of it cannot be shown on a line.
        UnknownList: there is no list of that name.
    """
    address = _address(lists.require(agent, name))
    before = agent.load(Kept, address)
    try:
        kept = _kept(said, before, read_from=read_from, rows=rows)
    except ValidationError:
        raise InputRefused("source: 1 to 200 characters in each part, none of them a control character") from None
    agent.save(address, kept)
    return kept.source


def require_sayable(said: Statement) -> None:
    """Refuse a statement that no document can carry, before anything is stored. Raises InputRefused."""
    try:
        _kept(said, None, read_from=NOT_SAID, rows=0)
    except ValidationError:
        raise InputRefused("source: 1 to 200 characters in each part, none of them a control character") from None


def read_from_words(file_name: str | None) -> str:
    """Where a list was read from, if nobody says more: its file's name, or that it was a database."""
    if file_name is None:
        return "a database"
    return ("file " + "".join(c if c.isprintable() else "?" for c in file_name))[:_LONGEST]


def _kept(said: Statement, before: Kept | None, *, read_from: str, rows: int) -> Kept:
    system = said.system or (before.system if before else "")
    query = said.query or (before.query if before else "")
    who = said.who or (before.who if before else "")
    source = Source(system=system or read_from, query=query or ALL_ROWS, rows=rows, who=who or NOT_SAID)
    return Kept(source=source, system=system, query=query, who=who)


def sources(agent: Agent, room: RoomId) -> tuple[Source, ...]:
    """The statements of the lists that serve a room, by the lists' numbers."""
    serving = [item for item in lists.stored(agent) if item.rooms is None or room in item.rooms]
    kept = ((item, agent.load(Kept, _address(item))) for item in serving)
    return tuple(found.source if found else _silent(item) for item, found in kept)[:MOST]


def _silent(item: lists.StoredList) -> Source:
    return Source(system=NOT_SAID, query=NOT_SAID, rows=item.accounts, who=NOT_SAID)


def _address(item: lists.StoredList) -> str:
    return lists.prefix_of(item) + "source"
