"""What attackers ask, month for month. Each plan is for any mode: what is public (mode, threshold) it is told."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from matching.disclosure.modes import Mode
from tests.attacks.asks import SEGMENTS, TARGETS, Ask, Release, spread
from tests.attacks.estimators import beliefs
from tests.attacks.programming import sizes, split

ANSWERS = 13
"""What a pair has in its first year: twelve and a correction."""

Plan = Callable[[Mode, Sequence[Release], np.random.Generator], Ask]
"""What to ask next, after what was seen."""


def at_the_edge(mode: Mode) -> int:
    """How many known matches make one member more decide whether a count is shown at all."""
    return max(mode.threshold - 1, 1)


def far_above(mode: Mode) -> int:
    """How many known matches make every count shown."""
    return mode.threshold + 4 * mode.scale + 1


def single_targets(mode: Mode, seen: Sequence[Release], _rng: np.random.Generator) -> Ask:
    """One target in each segment beside known matches: the answer minus what was known is the target."""
    first = SEGMENTS * len(seen) % TARGETS
    return spread((first + np.arange(SEGMENTS)) % TARGETS, far_above(mode))


def single_targets_at_the_edge(mode: Mode, seen: Sequence[Release], _rng: np.random.Generator) -> Ask:
    """k - 1 known matches and one target: shown at all means member."""
    first = SEGMENTS * len(seen) % TARGETS
    return spread((first + np.arange(SEGMENTS)) % TARGETS, at_the_edge(mode))


def the_same_few(mode: Mode, _seen: Sequence[Release], _rng: np.random.Generator) -> Ask:
    """Sixteen targets, alone in their segments, again and again."""
    return spread(np.arange(SEGMENTS), at_the_edge(mode))


def random_designs(mode: Mode, _seen: Sequence[Release], rng: np.random.Generator) -> Ask:
    """All targets, dealt out anew every month: each count is about twelve targets, and each answer about all."""
    return spread(rng.permutation(TARGETS), at_the_edge(mode))


def padded_high(mode: Mode, _seen: Sequence[Release], rng: np.random.Generator) -> Ask:
    """As `random_designs`, with so many known matches that nothing is withheld."""
    return spread(rng.permutation(TARGETS), far_above(mode))


def unchanged(mode: Mode, _seen: Sequence[Release], _rng: np.random.Generator) -> Ask:
    """The same list every month, to average the noise."""
    return spread(np.arange(TARGETS), at_the_edge(mode))


def halving(mode: Mode, seen: Sequence[Release], rng: np.random.Generator) -> Ask:
    """Keep the likelier half of the targets after each answer, and split it up again."""
    return spread(_likeliest(mode, seen, rng, _sizes_of_halving()), at_the_edge(mode))


def planned(mode: Mode, seen: Sequence[Release], rng: np.random.Generator) -> Ask:
    """Groups of the sizes that dynamic programming finds best for the year's budget."""
    if mode.scale == 0:
        return _split_by_programming(seen)
    return spread(_likeliest(mode, seen, rng, sizes(mode, ANSWERS)), at_the_edge(mode))


def entries_split(weight: int) -> Plan:
    """Random designs of an evaluator that put the keys of each company at several entries: each moves `weight`."""

    def plan(mode: Mode, _seen: Sequence[Release], rng: np.random.Generator) -> Ask:
        return spread(rng.permutation(TARGETS), at_the_edge(mode), weight=weight)

    return plan


def _split_by_programming(seen: Sequence[Release]) -> Ask:
    whole = spread(np.arange(TARGETS), 1)
    if not seen:
        return whole
    groups = []
    for lane, group in enumerate(whole.groups):
        open_sets = [(list(group), _count(seen[0], lane))]
        for release in seen[1:]:
            asked, count = list(release.ask.groups[lane]), _count(release, lane)
            open_sets = [part for held in open_sets for part in _parted(held, asked, count)]
        undecided = [held for held in open_sets if 0 < held[1] < len(held[0])]
        if undecided:
            targets, count = max(undecided, key=lambda held: len(held[0]))
            part = split(len(targets), count, max(ANSWERS - len(seen), 1))
            groups.append(np.array(targets[:part], np.int64))
        else:
            groups.append(np.zeros(0, np.int64))
    return Ask(groups=tuple(groups), known=whole.known)


def _count(release: Release, lane: int) -> int:
    value = release.seen[lane]
    return 0 if value is None else value - release.ask.known[lane]


def _parted(held: tuple[list[int], int], asked: list[int], count: int) -> list[tuple[list[int], int]]:
    targets, members = held
    if not asked or asked[0] not in targets:
        return [held]
    return [(asked, count), ([one for one in targets if one not in asked], members - count)]


def _likeliest(mode: Mode, seen: Sequence[Release], rng: np.random.Generator, sizes: Sequence[int]) -> np.ndarray:
    kept = sizes[min(len(seen), len(sizes) - 1)]
    odds = beliefs(mode, seen) if seen else np.zeros(TARGETS)
    return rng.permutation(np.lexsort((rng.random(TARGETS), -odds))[:kept])


@cache
def _sizes_of_halving() -> tuple[int, ...]:
    return tuple(max(TARGETS >> turn, 2 * SEGMENTS) for turn in range(5))
