"""The escrow's part of an answer alone: noise and rule by the product's own functions, over true counts that are given.

One real year costs seconds for each answer. This draws the noise of a year again in milliseconds, so that a mean has a
narrow interval; the real years check that schedule, lists and counts are the ones that are assumed here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from matching.disclosure.laplace import draw
from matching.disclosure.modes import Mode
from matching.disclosure.rule import Rest, Shown, disclose
from tests.attacks.asks import Floats, Members, Release, Seen, precision, some_members
from tests.attacks.estimators import after_each
from tests.attacks.plans import Plan

OUTSIDE = 1_000
"""Entries beyond every count: the floor's outside is not what these attacks are about."""

Guess = Callable[[Mode, Sequence[Release]], Floats]
"""A score for every target: the higher, the likelier a member."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean precision over redraws, and the standard error of that mean."""

    mean: float
    error: float
    redraws: int

    @classmethod
    def of(cls, found: Sequence[float] | Floats) -> Self:
        """Of the precisions of single years."""
        return cls(float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found))), len(found))

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.mean - 1.96 * self.error

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.mean + 1.96 * self.error


def shown(mode: Mode, counts: Sequence[int], rng: np.random.Generator, *, floor: int = 1) -> Seen:
    """What an answer shows of these true counts, with fresh noise."""
    row = np.array([counts], np.int64)
    rest = Rest(cells=row, first_sizes=np.array([row.max() + OUTSIDE]), second_sizes=row[0] + OUTSIDE)
    draws = [[draw(mode.scale, lambda n: int(rng.integers(n))) for _ in counts]]
    (cells,) = disclose(rest, mode=mode, floor=floor, draws=draws)
    return tuple(cell.companies if isinstance(cell, Shown) else None for cell in cells)


def year_of(mode: Mode, plan: Plan, answers: int, rng: np.random.Generator) -> tuple[Members, list[Release]]:
    """Fresh members, fresh plans, fresh noise."""
    members = some_members(rng)
    releases: list[Release] = []
    for _ in range(answers):
        ask = plan(mode, releases, rng)
        releases.append(Release(ask, shown(mode, ask.counts(members), rng)))
    return members, releases


def played(mode: Mode, plan: Plan, guess: Guess, answers: int, rng: np.random.Generator) -> float:
    """The precision of one year's guesses."""
    members, releases = year_of(mode, plan, answers, rng)
    return precision(guess(mode, releases), members, rng)


def measured(mode: Mode, plan: Plan, guess: Guess, *, answers: int, redraws: int) -> Measured:
    """Many years."""
    years = range(redraws)
    return Measured.of([played(mode, plan, guess, answers, np.random.default_rng([answers, at])) for at in years])


def precisions(mode: Mode, plan: Plan, answers: int, years: range) -> Floats:
    """(years, answers): the precision of beliefs after one answer, two answers and so on."""
    found = np.zeros((len(years), answers))
    for at, year in enumerate(years):
        rng = np.random.default_rng([answers, year])
        members, releases = year_of(mode, plan, answers, rng)
        found[at] = [precision(scores, members, rng) for scores in after_each(mode, releases)]
    return found
