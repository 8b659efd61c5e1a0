"""How fast a list grows and churns, measured against the terms' limits. Integers only; nothing is stored here.

Growth compares sizes, so it goes on from one epoch to the next. Churn compares entries by their handles, which an epoch
draws afresh: it adds up what was replaced inside of epochs. A list that is another one at the beginning of each epoch
is not seen (docs/limitations.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cleanroom.agent.guess_records import WINDOW, Size
from cleanroom.messages.documents import moment
from cleanroom.messages.rooms import ListLimits

WEEK: Final = timedelta(days=7)
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A limit that a batch goes beyond: how much it is, how much may be, and against what it was measured."""

    rule: str
    figure: int
    most: int
    base: int

    @property
    def words(self) -> str:
        """The rule and the figures."""
        if self.rule == "growth":
            return (
                f"growth: {self.figure:,} entries more than the {self.base:,} of 7 days ago, {self.most:,} more are "
                "allowed in a week"
            )
        return f"churn: {self.figure:,} of {self.base:,} entries replaced in 30 days, {self.most:,} are allowed"


def broken(sizes: Sequence[Size], size: Size, limits: ListLimits, now: datetime) -> Broken | None:
    """The limit that a list goes beyond if it becomes as `size` says; `sizes` are what it was, oldest first.

    The first list ever in a room has nothing to grow from: its limit is what the terms declare.
    """
    since = _since_accepted(sizes)
    if not since:
        return None
    base = _size_at(since, now - WEEK)
    most = max(limits.growth_entries, limits.growth_percent * base // _WHOLE)
    if size.entries - base > most:
        return Broken(rule="growth", figure=size.entries - base, most=most, base=base)
    # What a person accepted is no churn: the count begins after it.
    counted = [item for item in since if not item.accepted and moment(item.at) >= now - WINDOW]
    come = size.come + sum(item.come for item in counted)
    gone = size.gone + sum(item.gone for item in counted)
    most = limits.churn_percent * size.entries // _WHOLE
    replaced = min(come, gone)
    if replaced > most:
        return Broken(rule="churn", figure=replaced, most=most, base=size.entries)
    return None


def _since_accepted(sizes: Sequence[Size]) -> Sequence[Size]:
    last = max((place for place, item in enumerate(sizes) if item.accepted), default=0)
    return sizes[last:]


def _size_at(sizes: Sequence[Size], then: datetime) -> int:
    """The list's size at a moment; that of the first record if there is none so old."""
    before = [item for item in sizes if moment(item.at) <= then]
    return (before[-1] if before else sizes[0]).entries
