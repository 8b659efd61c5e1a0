"""The counting rule: the one function through which a number of companies leaves `matching.overlap.CellCounts`.

What was opened between the two sides is known to both of them by name. It is subtracted first (`Rest`), so that the
rule is about the others alone: ten companies of which nine are known are one.

Mode `exact`: a cell is withheld when it holds fewer companies than the floor, or when fewer entries than the floor of
either segment lie outside it (an overlap of everything names everyone). A withheld cell does not say which of the
two it was. Exact counts protect only against a partner that does not choose its list to attack.

Modes with noise: each number gets a draw of `matching.disclosure.laplace`, and is shown, rounded, if the *noisy* number
reaches the threshold. Everything after the noise depends on the noisy number alone, so it tells no more than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from matching.disclosure.modes import Mode
from matching.refusal import Refusal

Ints = npt.NDArray[np.int64]
Rule = Literal["too_few_inside_or_outside", "below_threshold"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A number that may be shown."""

    companies: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A number that may not be shown, and is not here. `rule` is the mode's one rule, the same in every such cell."""

    rule: Rule


Cell = Shown | Withheld
Matrix = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rest:
    """Unreleased numbers without what was opened: (s, s) companies per cell, (s,) entries per segment of either list.

    Rows are the first list's segments, columns the second's.
    """

    cells: Ints = field(repr=False)
    first_sizes: Ints = field(repr=False)
    second_sizes: Ints = field(repr=False)

    @classmethod
    def of(cls, cells: Ints, first_sizes: Ints, second_sizes: Ints, opened: Sequence[Sequence[int]] | Ints) -> Self:
        """What is left of these numbers once the companies that were opened, (s, s) per cell, are subtracted.

        Raises:
            Refusal: `opened_exceeds` if `opened` is not of the shape of the cells or is negative somewhere, or if more
                were opened than a cell or a segment holds.
        """
        known = np.array(opened, np.int64)
        if known.shape != cells.shape or (known < 0).any():
            raise Refusal("opened_exceeds", "what was opened is not a number of companies for each cell")
        rest = cls(
            cells=cells - known,
            first_sizes=first_sizes - known.sum(axis=1),
            second_sizes=second_sizes - known.sum(axis=0),
        )
        if any((numbers < 0).any() for numbers in (rest.cells, rest.first_sizes, rest.second_sizes)):
            raise Refusal("opened_exceeds", "more companies were opened than a cell or a segment holds")
        return rest


def disclose(rest: Rest, *, mode: Mode, floor: int, draws: Sequence[Sequence[int]]) -> Matrix:
    """Each cell of the matrix, shown or withheld; rows are the first list's segments.

    `floor` is the rule of mode `exact` and nothing in the others; `draws` are the noise of each cell, all 0 in `exact`.

    Raises:
        Refusal: `bad_floor` if the floor is below 1 (no floor is no rule), `bad_draws` if the draws are not one for
            each cell, or not 0 in mode `exact`.
    """
    if floor < 1:
        raise Refusal("bad_floor", "the floor is at least 1")
    if [len(row) for row in draws] != [len(row) for row in rest.cells]:
        raise Refusal("bad_draws", "there is not one draw for each cell")
    if mode.scale == 0 and any(number != 0 for row in draws for number in row):
        raise Refusal("bad_draws", "noise was drawn in a mode without noise")
    sizes = rest.first_sizes.tolist(), rest.second_sizes.tolist()
    return tuple(
        tuple(
            _noisy(number + noise, mode)
            if mode.scale
            else _exact(number, outside=min(first, second) - number, floor=floor)
            for number, noise, second in zip(row, noises, sizes[1], strict=True)
        )
        for row, noises, first in zip(rest.cells.tolist(), draws, sizes[0], strict=True)
    )


def _exact(number: int, *, outside: int, floor: int) -> Cell:
    if number >= floor and outside >= floor:
        return Shown(number)
    return Withheld("too_few_inside_or_outside")


def _noisy(number: int, mode: Mode) -> Cell:
    if number >= mode.threshold:
        return Shown(rounded(number, mode.step))
    return Withheld("below_threshold")


def rounded(number: int, step: int) -> int:
    """The nearest multiple of the step; of two that are as near, the larger one."""
    return (2 * number + step) // (2 * step) * step
