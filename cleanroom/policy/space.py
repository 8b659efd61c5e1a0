"""The finite space of contexts in which two policies can differ, and rules as bit masks over it.

Cells x nominations x roles x slices of time, for one purpose (a room has one). A slice begins where a rule of any
policy begins or ends, so that inside a slice nothing changes; masks are exact only for policies that the space was cut
at. Bit i of a mask is `context(i)`; the role changes fastest, then the nomination, the cell, the slice. All contexts
are seen from the owner; rules of the recipient get the masks of the mirrored contexts.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cleanroom.domain.vocabulary import Nomination, PartnerId, Purpose, Role
from cleanroom.policy.model import MIRRORED, Context, PolicyRefused, Rule

NOMINATIONS: Final = tuple(Nomination)
ROLES: Final = tuple(Role)
BLOCK: Final = len(NOMINATIONS) * len(ROLES)
"""Contexts of one cell in one slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The contexts of a room, from an instant on. `slices` are the instants at which the slices begin."""

    segments: tuple[str, ...]
    purpose: Purpose
    slices: tuple[datetime, ...]

    def __post_init__(self) -> None:
        if not self.slices or list(self.slices) != sorted(set(self.slices)):
            raise PolicyRefused("space: its slices ascend, and there is one at least")

    @classmethod
    def of(cls, segments: tuple[str, ...], purpose: Purpose, *, at: datetime, cuts: Iterable[datetime]) -> "Space":
        """The space from `at` on, cut at those of `cuts` that are still to come."""
        return cls(segments=segments, purpose=purpose, slices=(at, *sorted({cut for cut in cuts if cut > at})))

    @property
    def cells(self) -> int:
        """How many cells there are: the owner's segments x the recipient's."""
        return len(self.segments) ** 2

    @property
    def size(self) -> int:
        """How many contexts there are."""
        return len(self.slices) * self.cells * BLOCK

    @property
    def everywhere(self) -> int:
        """The mask of all contexts."""
        return (1 << self.size) - 1

    def cell(self, index: int) -> tuple[str, str]:
        """The segments of a cell: (the owner's, the recipient's)."""
        mine, theirs = divmod(index, len(self.segments))
        return self.segments[mine], self.segments[theirs]

    def context(self, bit: int) -> Context:
        """The context that a bit stands for."""
        rest, role = divmod(bit, len(ROLES))
        rest, nomination = divmod(rest, len(NOMINATIONS))
        part, cell = divmod(rest, self.cells)
        mine, theirs = self.cell(cell)
        return Context(
            mine=mine,
            theirs=theirs,
            purpose=self.purpose,
            role=ROLES[role],
            at=self.slices[part],
            nomination=NOMINATIONS[nomination],
        )

    def contexts(self) -> Iterator[Context]:
        """All contexts, in the order of the bits."""
        return (self.context(bit) for bit in range(self.size))

    def mask(self, rule: Rule, recipient: PartnerId, *, mirrored: bool = False) -> int:
        """Where a rule applies towards that recipient. `mirrored`: the rule is the counterpart's."""
        when = rule.when
        elsewhere = rule.recipient is not None and rule.recipient != recipient
        if elsewhere or (when.purposes and self.purpose not in when.purposes):
            return 0
        nominations = {MIRRORED[each] for each in when.nominations} if mirrored else when.nominations
        block = _spread(_positions(ROLES, when.roles), 1, 1)
        block = _spread(_positions(NOMINATIONS, nominations), len(ROLES), block)
        pairs = {(theirs, mine) for mine, theirs in when.segments} if mirrored else when.segments
        cells = self._cells_of(pairs) if pairs else range(self.cells)
        return _spread(self._slices_of(rule), self.cells * BLOCK, _spread(cells, BLOCK, block))

    def cells_mask(self, cells: Iterable[tuple[str, str]]) -> int:
        """All contexts of these cells; cells that the space does not have are left out."""
        block = (1 << BLOCK) - 1
        one_slice = _spread(self._cells_of(cells), BLOCK, block)
        return _spread(range(len(self.slices)), self.cells * BLOCK, one_slice)

    def in_any_role(self, mask: int) -> int:
        """The contexts of which the mask has one in some role."""
        shifted = mask
        for role in range(1, len(ROLES)):
            shifted |= mask >> role
        first = _spread(range(self.size // len(ROLES)), len(ROLES), 1)
        return (shifted & first) * ((1 << len(ROLES)) - 1)

    def _cells_of(self, pairs: Iterable[tuple[str, str]]) -> list[int]:
        index = {label: number for number, label in enumerate(self.segments)}
        known = ((mine, theirs) for mine, theirs in pairs if mine in index and theirs in index)
        return [index[mine] * len(self.segments) + index[theirs] for mine, theirs in known]

    def _slices_of(self, rule: Rule) -> range:
        # Every beginning and end still to come starts a slice; those that are past lie before the first one.
        begins = 0 if rule.not_before is None else bisect_left(self.slices, rule.not_before)
        ends = len(self.slices) if rule.expires is None else bisect_left(self.slices, rule.expires)
        return range(begins, max(begins, ends))


def _positions(every: tuple[StrEnum, ...], chosen: Collection[StrEnum]) -> Sequence[int]:
    """Where the chosen values stand; no choice is no condition."""
    return [index for index, value in enumerate(every) if value in chosen] if chosen else range(len(every))


def _spread(positions: Sequence[int], stride: int, block: int) -> int:
    """The block, repeated at these positions of a grid."""
    if isinstance(positions, range):
        return _repeated(block, stride, len(positions)) << (positions.start * stride)
    mask = 0
    for position in positions:
        mask |= block << (position * stride)
    return mask


def _repeated(block: int, stride: int, count: int) -> int:
    """`count` times the block, by doubling: as cheap as copying the result."""
    mask, done = 0, 0
    piece, width = block, 1
    while count:
        if count & 1:
            mask |= piece << (done * stride)
            done += width
        count >>= 1
        if count:
            piece |= piece << (width * stride)
            width *= 2
    return mask
