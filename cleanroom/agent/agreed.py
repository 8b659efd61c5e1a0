"""P6 as people read it: which cells both sides have agreed to open, whose yes the others need, what was opened."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cleanroom.agent.consent_waits import consent_waits
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.agent.verified import verified
from cleanroom.agent.waiting import Waiting
from cleanroom.domain.vocabulary import PartnerId, RoomId


class CellState(StrEnum):
    """Whether a cell is agreed, and if not, whose policy does not show it or does not accept it."""

    AGREED = "agreed"
    WAITS_FOR_ME = "waits_for_me"
    WAITS_FOR_THEM = "waits_for_them"
    WAITS_FOR_BOTH = "waits_for_both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: my segment, theirs, and how many of its matches were opened and verified in this epoch."""

    mine: str
    theirs: str
    state: CellState
    opened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What is agreed in a room now. `cells[i][j]`: my segment i x their segment j. `waits`: what P6 to P9 wait for."""

    room: RoomId
    title: str
    partner: str
    epoch: int
    segments: tuple[str, ...]
    my_policy: int | None
    their_policy: int | None
    cells: tuple[tuple[Cell, ...], ...]
    waits: tuple[Waiting, ...]

    def of(self, state: CellState) -> tuple[Cell, ...]:
        """The cells in that state."""
        return tuple(cell for row in self.cells for cell in row if cell.state is state)

    @property
    def opened(self) -> int:
        """How many matches were opened and verified in this epoch."""
        return sum(cell.opened for row in self.cells for cell in row)


def agreement(agent: Agent, room: Room) -> Agreement:
    """The agreement of a room, by this machine's clock."""
    now = agent.clock()
    opened = Counter((match.my_segment, match.their_segment) for match in verified(agent, room))
    labels = room.terms.segments
    states = cell_states(room, now)
    return Agreement(
        room=room.id,
        title=room.terms.title,
        partner=room.other.name,
        epoch=room.epoch,
        segments=labels,
        my_policy=_version(room, room.me),
        their_policy=_version(room, room.other.partner),
        cells=tuple(
            tuple(
                Cell(mine=mine, theirs=theirs, state=states[i][j], opened=opened[i, j])
                for j, theirs in enumerate(labels)
            )
            for i, mine in enumerate(labels)
        ),
        waits=consent_waits(agent, room),
    )


def cell_states(room: Room, at: datetime) -> tuple[tuple[CellState, ...], ...]:
    """The state of every cell (my segment, theirs). A side has said yes if it is agreed whatever the other one says."""
    mine, theirs = room.policy(room.me), room.policy(room.other.partner)
    i_say = supposed(room, mine=mine, theirs=most_open(room.other.partner)).agreed_cells(at)
    they_say = supposed(room, mine=most_open(room.me), theirs=theirs).agreed_cells(at)
    size = range(len(room.terms.segments))
    return tuple(tuple(_state(mine=(i, j) in i_say, theirs=(i, j) in they_say) for j in size) for i in size)


def _state(*, mine: bool, theirs: bool) -> CellState:
    if mine and theirs:
        return CellState.AGREED
    if mine:
        return CellState.WAITS_FOR_THEM
    return CellState.WAITS_FOR_ME if theirs else CellState.WAITS_FOR_BOTH


def _version(room: Room, partner: PartnerId) -> int | None:
    chain = room.policies.get(partner)
    return chain[-1].document.version if chain else None
