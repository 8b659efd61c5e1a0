"""Lists of entries with plain numbers for keys; what a slow count makes of them, and what the product does."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from matching.overlap import CellCounts, cell_counts
from matching.rows import ADD, Rows
from matching.rule import CERTAIN, LIKELY, tier

SEGMENTS = 3
NAMES = ("lei", "duns", "domain", "name_country", "site_name", "name_outline")
KINDS = len(NAMES)
LEAST = st.sampled_from([LIKELY, CERTAIN])
Key = tuple[int, int]
"""kind, value"""


@dataclass(frozen=True, slots=True)
class Entry:
    segment: int
    keys: frozenset[Key]


def rows_of(entries: Iterable[Entry], order: np.random.Generator | None = None, *, tied: bool = False) -> Rows:
    """Entry i has the name i; rows in random order if a generator is given.

    Names and tags differ in their first eight bytes, as random ones do; if `tied`, mostly in their last.
    """

    def sixteen(number: int) -> bytes:
        halves = (number % 2, number) if tied else (number, number % 2)
        return b"".join(half.to_bytes(8, "big") for half in halves)

    flat = [
        (sixteen(i), entry.segment, kind, sixteen(value))
        for i, entry in enumerate(entries)
        for kind, value in sorted(entry.keys)
    ]
    if order is not None:
        flat = [flat[i] for i in order.permutation(len(flat))]
    n = len(flat)
    return Rows(
        name=np.frombuffer(b"".join(row[0] for row in flat), np.uint8).reshape(n, 16),
        op=np.full(n, ADD, np.uint8),
        segment=np.array([row[1] for row in flat], np.uint8),
        kind=np.array([row[2] for row in flat], np.uint8),
        value=np.frombuffer(b"".join(row[3] for row in flat), np.uint8).reshape(n, 16),
    )


# ---- the oracle: plain sets and augmenting paths


def tier_of(one: Entry, two: Entry) -> int:
    agree = {kind for kind, _ in one.keys & two.keys}
    both = {kind for kind, _ in one.keys} & {kind for kind, _ in two.keys}
    return tier(frozenset(NAMES[kind] for kind in agree), frozenset(NAMES[kind] for kind in both - agree))


def maximum_matching(edges: dict[int, list[int]]) -> int:
    """Kuhn's augmenting paths."""
    taken: dict[int, int] = {}

    def augment(left: int, seen: set[int]) -> bool:
        for right in edges[left]:
            if right not in seen:
                seen.add(right)
                if right not in taken or augment(taken[right], seen):
                    taken[right] = left
                    return True
        return False

    return sum(augment(left, set()) for left in edges)


def oracle_about_first(first: list[Entry], second: list[Entry], least: int = LIKELY) -> list[list[int]]:
    """Each entry of the first list is led into one segment of the second, and a matching is made of what is left."""

    def into(one: Entry) -> int | None:
        return min((two.segment for two in second if tier_of(one, two) >= least), default=None)

    def cell(mine: int, theirs: int) -> int:
        edges = {
            i: [j for j, two in enumerate(second) if two.segment == theirs and tier_of(one, two) >= least]
            for i, one in enumerate(first)
            if one.segment == mine and into(one) == theirs
        }
        return maximum_matching(edges)

    return [[cell(mine, theirs) for theirs in range(SEGMENTS)] for mine in range(SEGMENTS)]


def every_cell_for_itself(first: list[Entry], second: list[Entry], least: int = LIKELY) -> list[list[int]]:
    """A maximum matching in each cell, as if there were no others: without the rule that leads an entry."""

    def cell(mine: int, theirs: int) -> int:
        return maximum_matching(
            {
                i: [j for j, two in enumerate(second) if two.segment == theirs and tier_of(one, two) >= least]
                for i, one in enumerate(first)
                if one.segment == mine
            }
        )

    return [[cell(mine, theirs) for theirs in range(SEGMENTS)] for mine in range(SEGMENTS)]


def counted(
    first: list[Entry], second: list[Entry], seed: int | None = None, *, tied: bool = False, least: int = LIKELY
) -> CellCounts:
    order = None if seed is None else np.random.default_rng(seed)
    one, two = (rows_of(entries, order, tied=tied) for entries in (first, second))
    return cell_counts(one, two, segments=SEGMENTS, kinds=NAMES, least=least)


@st.composite
def lists(draw: st.DrawFn, *, largest: int = 9) -> list[Entry]:
    """Any list in which no two entries share a key; few values, so that two lists meet often and in tangles."""
    pool = draw(st.permutations([(kind, value) for kind in range(KINDS) for value in range(5)]))
    entries, start = [], 0
    for size in draw(st.lists(st.integers(1, 4), max_size=largest)):
        keys = frozenset(pool[start : start + size])
        start += size
        if keys:
            entries.append(Entry(segment=draw(st.integers(0, SEGMENTS - 1)), keys=keys))
    return entries


def entry(*keys: Key, segment: int = 0) -> Entry:
    return Entry(segment=segment, keys=frozenset(keys))
