"""What an attacker asks and what it is shown: the words that plans, estimators and the two worlds share.

The ground of every attack: 200 targets, 20 of them in the victim's list, and the attacker knows that number (base rate
0.10). It has as many known matches as it likes to pad with, and as much junk that matches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Members = npt.NDArray[np.bool_]
"""Which of the targets are in the victim's list."""
Seen = tuple[int | None, ...]
"""What one answer showed: for each of the attacker's segments a number of companies, or None where it was withheld."""

TARGETS = 200
MEMBERS = 20
SEGMENTS = 16
"""As many as terms may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A list of the attacker's: for each of its segments the targets in it, and how many known matches pad it.

    `weight` is by how much one company moves a count: 1, unless rows were forged.
    """

    groups: tuple[Ints, ...]
    known: tuple[int, ...]
    weight: int = 1

    def counts(self, members: Members) -> tuple[int, ...]:
        """The true count of each segment, if these of the targets are in the victim's list."""
        return tuple(
            known + self.weight * int(members[group].sum())
            for group, known in zip(self.groups, self.known, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Release:
    """An answer: what was asked, and what was shown."""

    ask: Ask
    seen: Seen


def spread(targets: Sequence[int] | Ints, known: int, *, weight: int = 1, segments: int = SEGMENTS) -> Ask:
    """Deal these targets out over the segments in turn; every segment is padded alike."""
    dealt = np.asarray(targets, np.int64)
    return Ask(groups=tuple(dealt[at::segments] for at in range(segments)), known=(known,) * segments, weight=weight)


def some_members(rng: np.random.Generator) -> Members:
    """Which of the targets are in the victim's list."""
    members = np.zeros(TARGETS, bool)
    members[rng.choice(TARGETS, MEMBERS, replace=False)] = True
    return members


def precision(scores: Floats, members: Members, rng: np.random.Generator) -> float:
    """The share of members among the tenth of the targets with the highest scores; ties are broken by lot."""
    order = np.lexsort((rng.random(len(scores)), -np.round(scores, 9)))
    return float(members[order[: len(scores) // 10]].mean())
