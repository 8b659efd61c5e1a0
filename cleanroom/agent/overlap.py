"""The overlap report: a room's answers as this partner reads them, rows its own segments, columns the other side's."""

from dataclasses import dataclass

from cleanroom.agent.rooms import Room, open_room, read_answer
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import waiting
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.lists import Answer, ListStatus, ShownCell, WithheldCell


class NoAnswerYet(NotPossibleNow):
    """The room has no overlap to show yet."""

    code = "no_answer_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One list in a report: whose, how fresh, how large (1-2-5 bands, in all and per segment)."""

    name: str
    committed: str
    size: str
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One answer, from this partner's side. `cells[i][j]`: companies in my segment i and their j; None is withheld.

    `change` is the difference to the answer before, None where either of the two is withheld or there is none before.
    `by_policy`: the cells (i, j) that are withheld because a side's policy shows no number there.
    """

    room: RoomId
    title: str
    number: int
    epoch: int
    edge: str
    floor: int
    segments: tuple[str, ...]
    cells: tuple[tuple[int | None, ...], ...]
    change: tuple[tuple[int | None, ...], ...]
    mine: Side
    theirs: Side
    next_answer: str | None
    by_policy: tuple[tuple[int, int], ...] = ()

    @property
    def shown(self) -> int:
        """The sum of the cells that are shown."""
        return sum(cell for row in self.cells for cell in row if cell is not None)

    @property
    def withheld(self) -> int:
        """How many cells are withheld."""
        return sum(cell is None for row in self.cells for cell in row)


def overlap(agent: Agent, room_id: RoomId) -> Overlap:
    """The newest overlap of a room.

    Raises:
        NoAnswerYet: saying what is missing.
    """
    found = history(agent, room_id)
    if not found:
        room = open_room(agent, room_id)
        raise NoAnswerYet(f"room {room.terms.title}: no overlap yet. {waiting(room).what}")
    return found[-1]


def history(agent: Agent, room_id: RoomId) -> list[Overlap]:
    """All overlaps of a room, oldest first."""
    room = open_room(agent, room_id)
    answers = [read_answer(agent, signed, room.terms) for signed in agent.escrow.answers(room_id)]
    return [_seen_by_me(room, answer, before) for answer, before in zip(answers, [None, *answers], strict=False)]


def _seen_by_me(room: Room, answer: Answer, before: Answer | None) -> Overlap:
    i_am_first = answer.lists[0].partner == room.me
    mine, theirs = answer.lists if i_am_first else answer.lists[::-1]
    cells = _matrix(answer, transposed=not i_am_first)
    comparable = before is not None and before.segments == answer.segments
    old = _matrix(before, transposed=not i_am_first) if before is not None and comparable else None
    return Overlap(
        room=room.id,
        title=room.terms.title,
        number=answer.number,
        epoch=answer.epoch,
        edge=answer.edge,
        floor=answer.counting.floor,
        segments=answer.segments,
        cells=cells,
        change=tuple(
            tuple(_difference(new, old[i][j] if old else None) for j, new in enumerate(row))
            for i, row in enumerate(cells)
        ),
        mine=_side(room, mine),
        theirs=_side(room, theirs),
        next_answer=room.next_answer,
        by_policy=_by_policy(answer, transposed=not i_am_first),
    )


def _by_policy(answer: Answer, *, transposed: bool) -> tuple[tuple[int, int], ...]:
    found = [
        (j, i) if transposed else (i, j)
        for i, row in enumerate(answer.cells)
        for j, cell in enumerate(row)
        if isinstance(cell, WithheldCell) and cell.withheld == "by_policy"
    ]
    return tuple(sorted(found))


def _matrix(answer: Answer, *, transposed: bool) -> tuple[tuple[int | None, ...], ...]:
    rows = tuple(tuple(cell.companies if isinstance(cell, ShownCell) else None for cell in row) for row in answer.cells)
    return tuple(zip(*rows, strict=True)) if transposed else rows


def _difference(new: int | None, old: int | None) -> int | None:
    return None if new is None or old is None else new - old


def _side(room: Room, status: ListStatus) -> Side:
    name = room.terms.member(status.partner).name
    return Side(name=name, committed=status.committed, size=status.size, segments=status.segments)
