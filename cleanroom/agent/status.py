"""This agent at a glance: its lists, its rooms, what waits for whom, and since when."""

from dataclasses import dataclass, replace

from cleanroom.agent import reviews
from cleanroom.agent.agreed import CellState, agreement
from cleanroom.agent.ledger import load
from cleanroom.agent.lists import StoredList, stored
from cleanroom.agent.partners import confirmed
from cleanroom.agent.recipes import upgrade_waits
from cleanroom.agent.room_waits import first_wait
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import Waiting, next_epoch
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import RoomId, RoomState
from cleanroom.messages.api import RoomSummary
from cleanroom.messages.documents import instant
from cleanroom.messages.notes import cosigned, partner_key, read_checkpoint, read_note


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomStatus:
    """One room: its state, with whom, what it waits for, and when either list was last committed.

    `consent` is what policies, openings and releases wait for; `agreed` how many cells are agreed, `opened` how many
    matches were opened and verified in this epoch, which is followed by another one at `next_epoch`. `to_review`: how
    many of them are likely only, and wait for a person of mine. `upgrade`: what has to be upgraded, the room or an
    agent, if anything has.
    """

    room: RoomId
    title: str
    state: RoomState
    partner: str
    waits_for: Waiting
    my_list: str | None
    their_list: str | None
    last_answer: str | None
    expires: str
    consent: tuple[Waiting, ...] = ()
    agreed: int = 0
    opened: int = 0
    to_review: int = 0
    next_epoch: str | None = None
    record: "OnRecord | None" = None
    upgrade: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRecord:
    """A room's log as this agent has witnessed it: how many entries, and up to which the other side confirms it, when.

    `alarms`: what did not hold, and when.
    """

    entries: int
    confirmed: int
    confirmed_at: str | None
    alarms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The lists of this agent and the state of its rooms."""

    name: str
    lists: tuple[StoredList, ...]
    rooms: tuple[RoomStatus, ...]


def status(agent: Agent) -> Status:
    """The status now. A room that cannot be checked says why in `waits_for`."""
    rooms = tuple(_room_status(agent, summary) for summary in agent.escrow.rooms())
    return Status(name=agent.config.name, lists=stored(agent), rooms=rooms)


def _room_status(agent: Agent, summary: RoomSummary) -> RoomStatus:
    try:
        return replace(_checked(agent, open_room(agent, summary.room)), record=_on_record(agent, summary))
    except CleanroomError as error:
        return RoomStatus(
            room=summary.room,
            title=summary.title,
            state=summary.state,
            partner="",
            waits_for=Waiting(what=str(error), mine=True, since=None),
            my_list=None,
            their_list=None,
            last_answer=None,
            expires="",
        )


def _on_record(agent: Agent, room: RoomSummary) -> OnRecord | None:
    ledger = load(agent, room.room)
    other = next((member for member in room.members if member != agent.me), agent.me)
    text = ledger.notes.other
    note = read_note(text) if text else None
    known = confirmed(agent, other)
    since = cosigned(note, partner_key(other, bytes.fromhex(known.identity_key))) if note and known else None
    return OnRecord(
        entries=len(ledger.leaves),
        confirmed=read_checkpoint(note).size if note else 0,
        confirmed_at=instant(since) if since else None,
        alarms=ledger.notes.alarms,
    )


def _checked(agent: Agent, room: Room) -> RoomStatus:
    agreed = agreement(agent, room) if room.state is RoomState.ACTIVE and room.in_force else None
    mine, theirs = room.head(agent.me), room.head(room.other.partner)
    return RoomStatus(
        room=room.id,
        title=room.terms.title,
        state=room.state,
        partner=room.other.name,
        waits_for=first_wait(agent, room),
        my_list=mine.created if mine else None,
        their_list=theirs.created if theirs else None,
        last_answer=room.answer.edge if room.answer else None,
        expires=room.terms.expires,
        consent=agreed.waits if agreed else (),
        agreed=len(agreed.of(CellState.AGREED)) if agreed else 0,
        opened=agreed.opened if agreed else 0,
        to_review=reviews.waiting(agent, room) if agreed else 0,
        next_epoch=next_epoch(room) if agreed else None,
        upgrade=upgrade_waits(agent, room),
    )
