"""When somebody last looked at what is shared in a room: what was withdrawn since is news."""

from cleanroom.agent.kept import kept
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Instant, Wire, instant


class Looked(Wire):
    """The moment of a look."""

    at: Instant


def look(agent: Agent, room: RoomId) -> None:
    """Somebody looks now."""
    agent.save(_address(room), Looked(at=instant(agent.clock())))


def withdrawn_since(agent: Agent, room: RoomId) -> int:
    """How many fields of the other side were withdrawn since the last look."""
    known = agent.load(Looked, _address(room))
    moments = kept(agent, room).fields["withdrawn"]
    return int((moments > (known.at if known else "")).sum())


def _address(room: RoomId) -> str:
    return f"shared/{room}/looked"
