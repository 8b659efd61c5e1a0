"""The truth about two lists, in plaintext and by the slowest method: what the report must say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from world import FEW_KINDS

from cleanroom.agent.committed import state
from cleanroom.agent.overlap import overlap
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from matching import entries, shapes
from matching.keys import keys_of
from matching.normalise.tables import current
from matching.rule import LIKELY, tier

Key = tuple[str, str]
Cells = tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True)
class Entry:
    """One company of a list: its segment, and its keys as (kind, key)."""

    segment: int
    keys: frozenset[Key]


def wanted(agent: Agent, accounts: pd.DataFrame, segments: tuple[str, ...], minimum: int = 1) -> "Counter[Entry]":
    """What a list should have committed, straight from the accounts, under terms with the simulations' kinds."""
    live = accounts[~accounts["suppressed"]].reset_index(drop=True)
    number = {name: index for index, name in enumerate(segments)}
    codes = live["segment"].map(lambda name: number.get(name, 255)).to_numpy("uint8")
    recipes = [recipe for recipe in current(agent.tables) if recipe.kind in FEW_KINDS]
    names = [recipe.kind for recipe in recipes]
    merged = entries.merge(keys_of(live, recipes, agent.tables).frame, codes, live["account_id"], names)
    return _entries(shapes.coarsen(merged.rows, minimum, len(names)).rows, "entry", names)


def committed(agent: Agent, room: RoomId) -> "Counter[Entry]":
    """What an agent's vault says is committed."""
    found = open_room(agent, room)
    return _entries(state(agent, found), "handle", found.kind_names)


def truth(mine: "Counter[Entry]", theirs: "Counter[Entry]", segments: int, floor: int = 1) -> Cells:
    """The matrix that must be shown: a maximum matching in each cell, withheld by the counting rule."""
    first, second = list(mine.elements()), list(theirs.elements())
    rows = []
    for i in range(segments):
        mine_here = [entry for entry in first if entry.segment == i]
        row: list[int | None] = []
        for j in range(segments):
            theirs_here = [entry for entry in second if entry.segment == j]
            count = _matching(mine_here, theirs_here)
            outside = min(len(mine_here), len(theirs_here)) - count
            row.append(count if count >= floor and outside >= floor else None)
        rows.append(tuple(row))
    return tuple(rows)


def transposed(cells: Cells) -> Cells:
    """Rows and columns exchanged."""
    return tuple(zip(*cells, strict=True))


def check_reports(first: Agent, second: Agent, room: RoomId) -> Cells:
    """Both agents' reports are the truth about what they committed, and the same matrix. Returns the first one's."""
    mine, theirs = overlap(first, room), overlap(second, room)
    expected = truth(committed(first, room), committed(second, room), len(mine.segments), mine.floor)
    assert mine.cells == expected
    assert theirs.cells == transposed(expected)
    assert (mine.number, mine.edge, mine.epoch) == (theirs.number, theirs.edge, theirs.epoch)
    return expected


def _entries(rows: pd.DataFrame, name: str, kinds: Sequence[str]) -> "Counter[Entry]":
    found: list[Entry] = []
    for _, group in rows.groupby(name, sort=False):
        (segment,) = set(group["segment"].tolist())
        keys = frozenset(zip((kinds[kind] for kind in group["kind"]), group["key"].tolist(), strict=True))
        assert len(keys) == len(group)
        found.append(Entry(segment=segment, keys=keys))
    return Counter(found)


def _match(one: Entry, other: Entry) -> bool:
    agree = {kind for kind, _ in one.keys & other.keys}
    both = {kind for kind, _ in one.keys} & {kind for kind, _ in other.keys}
    return tier(frozenset(agree), frozenset(both - agree)) >= LIKELY


def _matching(left: list[Entry], right: list[Entry]) -> int:
    """Augmenting paths (Kuhn 1955)."""
    partner: dict[int, int] = {}

    def free(a: int, tried: set[int]) -> bool:
        for b, candidate in enumerate(right):
            if b not in tried and _match(left[a], candidate):
                tried.add(b)
                if b not in partner or free(partner[b], tried):
                    partner[b] = a
                    return True
        return False

    return sum(free(a, set()) for a in range(len(left)))
