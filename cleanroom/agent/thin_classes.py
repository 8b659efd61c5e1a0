"""What agreeing to cells could do to those who stay hidden: classes of look-alikes that could become too small.

Entries of a segment that show the same shape hide among each other, at least the room's minimum population of them.
Once a cell is agreed, its matches are opened and hide nobody any more. Which shapes they have nobody can say before
that, so the worst is assumed: all of a cell's companies in one shape.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cleanroom.agent.rooms import Room
from cleanroom.messages.lists import ShapeCount

Cell = tuple[int, int]
"""Indices of segments: (mine, theirs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinClass:
    """Entries of mine that look alike, of which too few could be left. `keys`: how many of each kind they show."""

    segment: str
    keys: Mapping[str, int]
    entries: int
    opened_at_most: int

    @property
    def left_at_least(self) -> int:
        """How many would stay hidden, in the worst case."""
        return self.entries - self.opened_at_most


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinning:
    """What agreeing to `cells` could do. `unknown`: cells without a released number, of which nothing can be said.

    `committed` is False while no list of mine is in the room's epoch: then nothing can be said at all.
    """

    cells: tuple[Cell, ...]
    unknown: tuple[Cell, ...]
    classes: tuple[ThinClass, ...]
    minimum: int
    committed: bool


def thinning(room: Room, cells: Collection[Cell], counts: Mapping[Cell, int | None]) -> Thinning:
    """What could become of my classes if these cells were agreed.

    Args:
        room: the room, with this partner's newest snapshot.
        cells: the cells that would be agreed.
        counts: the released number of companies of each cell; None or missing where there is none.
    """
    head = room.head(room.me)
    opened: dict[int, int] = {}
    for cell in cells:
        opened[cell[0]] = opened.get(cell[0], 0) + (counts.get(cell) or 0)
    minimum = room.terms.minimum_population
    return Thinning(
        cells=tuple(sorted(cells)),
        unknown=tuple(cell for cell in sorted(cells) if counts.get(cell) is None),
        classes=_thin(room, head.shapes, opened, minimum) if head else (),
        minimum=minimum,
        committed=head is not None,
    )


def _thin(room: Room, shapes: Sequence[ShapeCount], opened: Mapping[int, int], minimum: int) -> tuple[ThinClass, ...]:
    found = []
    for shape in shapes:
        most = min(shape.entries, opened.get(shape.segment, 0))
        if most and shape.entries - most < minimum:
            found.append(
                ThinClass(
                    segment=room.terms.segments[shape.segment],
                    keys={kind: number for kind, number in zip(room.kind_names, shape.keys, strict=True) if number},
                    entries=shape.entries,
                    opened_at_most=most,
                )
            )
    return tuple(sorted(found, key=lambda each: each.left_at_least))
