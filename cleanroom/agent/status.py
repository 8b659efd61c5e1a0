"""What waits for whom, and since when."""

from dataclasses import dataclass

from cleanroom.agent.lists import StoredList, stored
from cleanroom.agent.overlap import waits_for
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import RoomId, RoomState


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStatus:
    """One room: its state, with whom, what it waits for, and when either list was last committed."""

    room: RoomId
    title: str
    state: RoomState
    partner: str
    waits_for: str
    my_list: str | None
    their_list: str | None
    last_answer: str | None
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """This agent at a glance."""

    name: str
    lists: tuple[StoredList, ...]
    rooms: tuple[RoomStatus, ...]


def status(agent: Agent) -> Status:
    """The lists of this agent and the state of its rooms. A room that cannot be checked says why in `waits_for`."""
    rooms = []
    for summary in agent.escrow.rooms():
        try:
            rooms.append(_room_status(agent, summary.room))
        except CleanroomError as error:
            rooms.append(
                RoomStatus(
                    room=summary.room,
                    title=summary.title,
                    state=summary.state,
                    partner="",
                    waits_for=str(error),
                    my_list=None,
                    their_list=None,
                    last_answer=None,
                    expires="",
                )
            )
    return Status(name=agent.config.name, lists=stored(agent), rooms=tuple(rooms))


def _room_status(agent: Agent, room_id: RoomId) -> RoomStatus:
    room = open_room(agent, room_id)
    mine, theirs = room.head(agent.me), room.head(room.other.partner)
    return RoomStatus(
        room=room.id,
        title=room.terms.title,
        state=room.state,
        partner=room.other.name,
        waits_for=_waits(agent, room_id),
        my_list=mine.created if mine else None,
        their_list=theirs.created if theirs else None,
        last_answer=room.answer.edge if room.answer else None,
        expires=room.terms.expires,
    )


def _waits(agent: Agent, room_id: RoomId) -> str:
    room = open_room(agent, room_id)
    match room.state:
        case RoomState.PROPOSED:
            return _proposal(proposer=room.terms.members[0].name, mine=room.terms.members[0].partner == agent.me)
        case RoomState.ACTIVE if room.pending is not None:
            return f"A change of the terms is proposed, until {room.pending.expires}. {waits_for(agent, room)}"
        case RoomState.ACTIVE:
            return waits_for(agent, room)
        case _:
            return "Nothing: the room has ended."


def _proposal(*, proposer: str, mine: bool) -> str:
    return "Waiting: the other side has not accepted." if mine else f"{proposer} proposes it: cleanroom room accept"
