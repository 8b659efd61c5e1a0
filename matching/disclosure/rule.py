"""The counting rule: the one function through which a number of companies leaves `matching.overlap.CellCounts`.

Mode `exact`: a cell is withheld when it holds fewer companies than the floor, or when fewer entries than the floor of
either segment lie outside it (an overlap of everything names everyone). A withheld cell does not say which of the
two it was. Exact counts protect only against a partner that does not choose its list to attack.
"""

from dataclasses import dataclass

from matching.overlap import CellCounts
from matching.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Shown:
    """A number that may be shown."""

    companies: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A number that may not be shown, and is not here."""


Cell = Shown | Withheld
Matrix = tuple[tuple[Cell, ...], ...]


def disclose_exact(counts: CellCounts, *, floor: int) -> Matrix:
    """Each cell of the matrix, shown or withheld; rows are the first list's segments.

    Raises:
        Refusal: `bad_floor` if the floor is below 1: no floor is no rule.
    """
    if floor < 1:
        raise Refusal("bad_floor", "the floor is at least 1")
    return tuple(
        tuple(
            Shown(int(number)) if number >= floor and min(first, second) - number >= floor else Withheld()
            for number, second in zip(row, counts.second_sizes, strict=True)
        )
        for row, first in zip(counts.cells, counts.first_sizes, strict=True)
    )
