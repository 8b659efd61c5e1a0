"""`matching.rule` asked about one pair at a time, in the terms' kinds: how sure a match is, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations
from typing import Final

from matching.rule import CASES, NONE, deciding, tier

_DISPUTABLE: Final = frozenset(chain.from_iterable(case.differ | case.one_differs | case.undisputed for case in CASES))
"""Kinds of which it matters whether they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The rule under a room's terms.

    `kinds` are the names of their kinds in order, `least` is the lowest tier that counts.
    """

    kinds: tuple[str, ...]
    least: int

    def tier(self, agree: Iterable[int], differ: Iterable[int]) -> int:
        """The tier of a pair that agrees and differs in these kinds, given by index; NONE if it does not count."""
        found = tier_of(self._names(agree), self._names(differ))
        return found if found >= self.least else NONE

    def why(self, agree: Iterable[int], differ: Iterable[int]) -> str:
        """The case of the rule that decides such a pair, in words; "" if none fits it."""
        found = deciding(self._names(agree), self._names(differ))
        return found.why if found else ""

    def could_count(self, agree: Iterable[int], may_differ: Iterable[int]) -> bool:
        """Whether a pair that agrees in these kinds counts, if some or none of the others differ."""
        return most(self._names(agree), self._names(may_differ)) >= self.least

    def _names(self, kinds: Iterable[int]) -> frozenset[str]:
        return frozenset(self.kinds[kind] for kind in kinds)


@cache
def tier_of(agree: frozenset[str], differ: frozenset[str]) -> int:
    """`matching.rule.tier`, remembered: few combinations occur in many pairs."""
    return tier(agree, differ)


@cache
def most(agree: frozenset[str], may_differ: frozenset[str]) -> int:
    """The highest tier of a pair that agrees in these kinds, whichever of the others differ.

    To differ is not always worse: two websites that bear one name say more than one website.
    """
    disputable = sorted((may_differ - agree) & _DISPUTABLE)
    sets = chain.from_iterable(combinations(disputable, size) for size in range(len(disputable) + 1))
    return max(tier(agree, frozenset(differ)) for differ in sets)
