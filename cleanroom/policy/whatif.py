"""What a change would mean in numbers, from counts that were released already: nothing new is learnt by asking.

A cell whose count was withheld stays unknown here: it is somewhere below the floor, and no more is said. Counts know
of no nominations, so the forms are those of accounts that nobody nominated; `nominated_differ` says where others would
change otherwise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.domain.vocabulary import Form, Nomination
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import LEVEL, PolicyRefused

Cell = tuple[int, int]
"""Indices of segments: (the owner's, the recipient's)."""

UNKNOWN: Final = "unknown, below the floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """One field of one cell. `records` is how many records the new form holds for; None: unknown, below the floor."""

    cell: Cell
    field: str
    before: Form
    after: Form
    records: int | None
    nominated_differ: bool

    @property
    def widens(self) -> bool:
        """Whether more is shown than before."""
        return LEVEL[self.after] > LEVEL[self.before]

    @property
    def narrows(self) -> bool:
        """Whether less is shown than before. Neither, if only nominated accounts are shown differently."""
        return LEVEL[self.after] < LEVEL[self.before]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A number of records over several cells: the known ones, and how many cells are unknown."""

    records: int
    unknown_cells: int

    def words(self) -> str:
        """The number, and what is not known of it."""
        if not self.unknown_cells:
            return f"{self.records:,}"
        return f"{self.records:,} and {self.unknown_cells} cells ({UNKNOWN})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What the owner would show differently. `changes` are by cell, then in the catalogue's order.

    `opened` and `closed` are the cells that would become agreed, or stop to be.
    """

    changes: tuple[CellChange, ...]
    opened: tuple[Cell, ...]
    closed: tuple[Cell, ...]
    counts: Mapping[Cell, int | None]

    def opened_records(self) -> Total:
        """The records that would be known to match, and are not now."""
        return self._total(self.opened)

    def closed_records(self) -> Total:
        """The records that would not be opened any more."""
        return self._total(self.closed)

    def more(self, field: str) -> Total:
        """The records of which more of a field would be shown."""
        return self._total([change.cell for change in self.changes if change.field == field and change.widens])

    def less(self, field: str) -> Total:
        """The records of which less of a field would be shown."""
        return self._total([change.cell for change in self.changes if change.field == field and change.narrows])

    def _total(self, cells: Iterable[Cell]) -> Total:
        numbers = [self.counts[cell] for cell in cells]
        return Total(
            records=sum(number for number in numbers if number is not None),
            unknown_cells=sum(number is None for number in numbers),
        )


def what_if(old: Sides, new: Sides, counts: Mapping[Cell, int | None], *, at: datetime) -> WhatIf:
    """What `new` would show of the counted records that `old` does not, and the other way round.

    Args:
        old: What holds now.
        new: What would hold, in the same room.
        counts: The released count of every cell that is asked about; None where it was withheld.
        at: When.

    Raises:
        PolicyRefused: if segments differ, or a cell is none of the room's.
    """
    labels = new.ground.segments
    if old.ground.segments != labels:
        raise PolicyRefused("what if: the segments of the room differ")
    if any(not 0 <= index < len(labels) for cell in counts for index in cell):
        raise PolicyRefused("what if: a cell that the room does not have")
    agreed_before, agreed_after = (sides.agreed_cells(at).intersection(counts) for sides in (old, new))
    return WhatIf(
        changes=tuple(change for cell in sorted(counts) for change in _changes(old, new, cell, counts[cell], at)),
        opened=tuple(sorted(agreed_after - agreed_before)),
        closed=tuple(sorted(agreed_before - agreed_after)),
        counts=dict(counts),
    )


def _changes(old: Sides, new: Sides, cell: Cell, records: int | None, at: datetime) -> list[CellChange]:
    mine, theirs = (new.ground.segments[index] for index in cell)
    before, after = ([sides.cell_forms(mine, theirs, at, each) for each in Nomination] for sides in (old, new))
    plain = list(Nomination).index(Nomination.NONE)
    found = []
    for field in dict.fromkeys((*after[plain], *before[plain])):
        steps = [(b.get(field, Form.HIDDEN), a.get(field, Form.HIDDEN)) for b, a in zip(before, after, strict=True)]
        low, high = steps[plain]
        if any(b is not a for b, a in steps):
            found.append(
                CellChange(
                    cell=cell,
                    field=field,
                    before=low,
                    after=high,
                    records=records,
                    nominated_differ=len(set(steps)) > 1,
                )
            )
    return found
