"""The overlap report: a room's answers as this partner reads them, rows its own segments, columns the other side's."""

from dataclasses import dataclass

from cleanroom.agent.room_waits import first_wait
from cleanroom.agent.rooms import Room, open_room, read_answer
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import CountingMode, RoomId
from cleanroom.messages.lists import Answer, ListStatus, ShownCell, WithheldCell
from matching.disclosure.meaning import interval
from matching.disclosure.modes import MODES, Mode
from matching.disclosure.totals import spread_of_sum


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
class Total:
    """What cells add up to: of `cells` that are shown, `opened` of the `number` known by name; others are withheld.

    The truth of what is shown lies between `low` and `high` 95 times of 100: the noise of single cells, summed.
    """

    number: int
    opened: int
    low: int
    high: int
    cells: int
    withheld: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One answer, from this partner's side. `cells[i][j]`: companies in my segment i and their j; None is withheld.

    `opened[i][j]` of them both sides know by name (also where the number of the others is withheld); noise and rounding
    of `mode` are in the rest. `change` is the difference to the answer before, where it is larger than noise can
    explain; None where it is not (`within_noise` has these cells), or a number is withheld, or there is none before.
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
    mode: CountingMode = CountingMode.EXACT
    caps: str = "unsafe_none"
    correction: bool = False
    opened: tuple[tuple[int, ...], ...] = ()
    within_noise: tuple[tuple[int, int], ...] = ()

    @property
    def rule(self) -> Mode:
        """Noise, threshold and rounding of the mode."""
        return MODES[self.mode]

    @property
    def shown(self) -> int:
        """The sum of the cells that are shown, and of what was opened in the others."""
        return self.total().number

    @property
    def withheld(self) -> int:
        """How many cells are withheld."""
        return sum(cell is None for row in self.cells for cell in row)

    def opened_in(self, i: int, j: int) -> int:
        """How many companies of a cell both sides know by name."""
        return self.opened[i][j] if self.opened else 0

    def between(self, i: int, j: int) -> tuple[int, int] | None:
        """The lowest and highest number that a cell stands for, 95 times of 100; None where it is withheld."""
        number, known = self.cells[i][j], self.opened_in(i, j)
        if number is None:
            return None
        low, high = interval(number - known, self.rule)
        return known + low, known + high

    def total(self, row: int | None = None, column: int | None = None) -> Total:
        """The sum of all cells, or of one row or column: of the numbers as they are shown, and of nothing else."""
        size = range(len(self.segments))
        places = [(i, j) for i in size for j in size if row in (None, i) and column in (None, j)]
        known = sum(self.opened_in(i, j) for i, j in places)
        rest = [cell - self.opened_in(i, j) for i, j in places if (cell := self.cells[i][j]) is not None]
        half = spread_of_sum(self.rule, len(rest))
        number = known + sum(rest)
        return Total(
            number=number,
            opened=known,
            low=max(known, number - half),
            high=number + half,
            cells=len(rest),
            withheld=len(places) - len(rest),
        )


def overlap(agent: Agent, room_id: RoomId) -> Overlap:
    """The newest overlap of a room.

    Raises:
        NoAnswerYet: saying what is missing.
    """
    found = history(agent, room_id)
    if not found:
        room = open_room(agent, room_id)
        raise NoAnswerYet(f"room {room.terms.title}: no overlap yet. {first_wait(agent, room).what}")
    return found[-1]


def history(agent: Agent, room_id: RoomId) -> list[Overlap]:
    """All overlaps of a room, oldest first."""
    room = open_room(agent, room_id)
    answers = [read_answer(agent, signed, room.terms, room.counting) for signed in agent.escrow.answers(room_id)]
    return [_seen_by_me(room, answer, before) for answer, before in zip(answers, [None, *answers], strict=False)]


def _seen_by_me(room: Room, answer: Answer, before: Answer | None) -> Overlap:
    i_am_first = answer.lists[0].partner == room.me
    mine, theirs = answer.lists if i_am_first else answer.lists[::-1]
    cells = _matrix(answer, transposed=not i_am_first)
    comparable = before is not None and before.segments == answer.segments
    old = _matrix(before, transposed=not i_am_first) if before is not None and comparable else None
    change, within_noise = _changes(cells, old, _noisier(answer, before) if before else MODES[answer.counting.mode])
    return Overlap(
        room=room.id,
        title=room.terms.title,
        number=answer.number,
        epoch=answer.epoch,
        edge=answer.edge,
        floor=answer.counting.floor,
        segments=answer.segments,
        cells=cells,
        change=change,
        mine=_side(room, mine),
        theirs=_side(room, theirs),
        next_answer=room.next_answer,
        by_policy=_by_policy(answer, transposed=not i_am_first),
        mode=answer.counting.mode,
        caps=answer.counting.caps,
        correction=answer.correction,
        opened=answer.opened if i_am_first else tuple(zip(*answer.opened, strict=True)),
        within_noise=within_noise,
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
    """Companies by cell, those that were opened among them."""
    rows = tuple(
        tuple(
            cell.companies + known if isinstance(cell, ShownCell) else None for cell, known in zip(*pair, strict=True)
        )
        for pair in zip(answer.cells, answer.opened, strict=True)
    )
    return tuple(zip(*rows, strict=True)) if transposed else rows


def _noisier(answer: Answer, before: Answer) -> Mode:
    return max(MODES[answer.counting.mode], MODES[before.counting.mode], key=lambda mode: mode.scale)


def _changes(
    cells: tuple[tuple[int | None, ...], ...], old: tuple[tuple[int | None, ...], ...] | None, mode: Mode
) -> tuple[tuple[tuple[int | None, ...], ...], tuple[tuple[int, int], ...]]:
    """What changed, where two draws of noise cannot be all of it; and the cells where they can."""
    noise, within = spread_of_sum(mode, 2), []
    change: list[tuple[int | None, ...]] = []
    for i, row in enumerate(cells):
        found: list[int | None] = []
        for j, number in enumerate(row):
            before = old[i][j] if old else None
            moved = None if number is None or before is None else number - before
            if noise and moved is not None and abs(moved) <= noise:
                within.append((i, j))
                moved = None
            found.append(moved)
        change.append(tuple(found))
    return tuple(change), tuple(within)


def _side(room: Room, status: ListStatus) -> Side:
    name = room.terms.member(status.partner).name
    return Side(name=name, committed=status.committed, size=status.size, segments=status.segments)
