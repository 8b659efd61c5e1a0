"""P3, entries: own accounts that are one company become one entry, so that an honest list has no equal points.

`owners` says which accounts are one, and whose a key is. Then:

1. An entry counts in the first segment, in the terms' order, that any of its accounts has; one whose accounts all lie
   outside the terms' segments is left out.
2. An entry keeps one key of each identifier kind and at most four of each other kind, the first in code point order:
   both sides of a room make the same choice from the same keys. One in more than four countries is international: it
   has no key with a country.

So no key is held by two entries, and no entry holds two keys of one identifier kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.owners import MOST_ACCOUNTS, Bools, Ints, held_of, owned
from matching.refusal import Refusal
from matching.rule import EXCLUSIVE

MOST_KEYS: Final = 4
NO_SEGMENT: Final = 255

_NONE: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """What a list is after merging.

    `rows`: `entry` (int32), `segment` (uint8), `kind` (uint8), `key` (str), ordered by entry, kind, key. `entry_of`:
    int32 per account, -1 for none. `anchor`: str per entry, the smallest id of its accounts, ascending, so the entry's
    number is its rank. `held`: bool per row of the keys frame, whether the key is among those of the account's entry.
    `dropped`: reason -> keys (`too_many_accounts`, `own_identifiers_differ`, `namesakes`, `segment_not_counted`,
    `in_many_countries`, `over_the_cap`). `uncounted`: entries left out by rule 1.
    """

    rows: pd.DataFrame
    entry_of: npt.NDArray[np.int32]
    anchor: "pd.Series[str]"
    held: Bools
    dropped: Mapping[str, int]
    uncounted: int


def merge(
    keys: pd.DataFrame,
    segments: npt.NDArray[np.uint8],
    account_ids: "pd.Series[str]",
    kinds: Sequence[str],
    crowded: Bools | None = None,
) -> Entries:
    """The entries of a list, by the rules in the docstrings of this module and of `owners`.

    `keys`: `account` (position), `kind` (uint8, index in `kinds`, which may name kinds that stay in the agent), `key`
    (str). `segments`: uint8 per account, 255 for one that is not in the terms. `account_ids`: unique, per account.
    `crowded`: per row of `keys`, as `crowded` gives it, where `keys` are part of a list. Raises Refusal
    `accounts_misaligned` when lengths or positions disagree.
    """
    count = len(segments)
    positions = keys["account"].to_numpy(dtype=np.int64)
    if len(account_ids) != count or (len(positions) and not 0 <= positions.min() <= positions.max() < count):
        raise Refusal("accounts_misaligned", "keys, segments and account ids name different accounts")
    held = held_of(keys, positions, count, kinds)
    own = owned(held, keys["key"], crowded)
    dropped = own.dropped

    owner = np.full(len(held.first), -1, dtype=np.int64)
    owner[held.key[own.kept]] = own.component[held.account[own.kept]]
    counting = np.full(count, NO_SEGMENT, dtype=np.uint8)
    np.minimum.at(counting, own.component, segments)
    kept = np.flatnonzero(owner >= 0)
    counts = counting[owner[kept]] != NO_SEGMENT
    dropped["segment_not_counted"] = int((~counts).sum())
    uncounted = len(np.unique(owner[kept[~counts]]))
    kept = kept[counts]

    entry_of_component, anchor = _numbered(own.component, owner[kept], account_ids)
    every = pd.DataFrame(
        {
            "entry": entry_of_component[owner[kept]],
            "segment": counting[owner[kept]],
            "kind": held.kind_of[kept],
            "key": keys["key"].take(held.first[kept]).array,
            "number": kept,
        }
    )
    local = _of_one_country(every, kinds)
    dropped["in_many_countries"] = len(every) - len(local)
    capped = _capped(local, kinds)
    dropped["over_the_cap"] = len(local) - len(capped)
    stays = np.zeros(len(held.first) + 1, bool)
    stays[capped["number"]] = True
    return Entries(
        rows=capped.drop(columns="number"),
        entry_of=entry_of_component[own.component],
        anchor=anchor,
        held=(own.kept & stays[held.key])[held.item],
        dropped=dropped,
        uncounted=uncounted,
    )


def reached(keys: pd.DataFrame, start: Bools) -> Bools:
    """The accounts that `start` (bool per account) shares a key with, over any number of steps, and `start` itself.

    `keys` as in `merge`. No rule looks further: the entries of these accounts, and what of their keys is dropped, are
    the same whether the others are there or not, if `merge` is told which keys are `crowded`. Those join nobody.
    """
    account, found = keys["account"].to_numpy(), start
    joins, (number, count) = ~crowded(keys, start), _numbers(keys)
    while True:
        shared = np.zeros(count, bool)
        shared[number[found[account]]] = True
        more = found.copy()
        more[account[shared[number] & joins]] = True
        if np.array_equal(more, found):
            return found
        found = more


def crowded(keys: pd.DataFrame, start: Bools) -> Bools:
    """Per row of `keys`: whether its key is on so many accounts that it is none, with `start` and without."""
    number, count = _numbers(keys)
    return np.asarray((np.bincount(number, minlength=count) > MOST_ACCOUNTS + int(start.sum()))[number], bool)


def _numbers(keys: pd.DataFrame) -> tuple[Ints, int]:
    """(number of the key of each row, equal text of two kinds being two; how many there are)."""
    text, _ = pd.factorize(keys["key"])
    number, distinct = pd.factorize(text.astype(np.int64) * 256 + keys["kind"].to_numpy(np.int64))
    return number.astype(np.int64), len(distinct)


def _numbered(
    component: Ints, used: Ints, account_ids: "pd.Series[str]"
) -> tuple[npt.NDArray[np.int32], "pd.Series[str]"]:
    """(entry's number per component, -1 for those not in `used`; the anchors in order)."""
    count = len(component)
    order = account_ids.reset_index(drop=True).argsort(kind="stable").to_numpy(dtype=np.int64)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count, dtype=np.int64)
    smallest = np.full(count, _NONE, dtype=np.int64)
    np.minimum.at(smallest, component, rank)
    is_used = np.zeros(count, dtype=bool)
    is_used[used] = True
    roots = np.flatnonzero(is_used)
    roots = roots[np.argsort(smallest[roots])]
    entry = np.full(count, -1, dtype=np.int32)
    entry[roots] = np.arange(len(roots), dtype=np.int32)
    anchor = account_ids.take(order[smallest[roots]]).reset_index(drop=True)
    return entry, anchor


def _of_one_country(rows: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """Rule 2: without the keys with a country of entries that have too many."""
    at = np.flatnonzero(rows["kind"].to_numpy() == (kinds.index("name_country") if "name_country" in kinds else -1))
    entry = rows["entry"].to_numpy()[at]
    many = np.bincount(entry, minlength=1)[entry] > MOST_KEYS
    return rows.drop(index=at[many]).reset_index(drop=True) if many.any() else rows


def _capped(rows: pd.DataFrame, kinds: Sequence[str]) -> pd.DataFrame:
    """Rule 4; ordered by entry, kind, key."""
    entry, kind = rows["entry"].to_numpy(), rows["kind"].to_numpy()
    slot = entry.astype(np.int64) * 256 + kind
    # Only keys that have a neighbour in their slot need comparing as text.
    order = np.argsort(slot, kind="stable")
    same = slot[order][1:] == slot[order][:-1]
    crowded = np.zeros(len(rows), dtype=bool)
    crowded[order[1:][same]] = True
    crowded[order[:-1][same]] = True
    at = np.flatnonzero(crowded)
    by_text = at[rows["key"].take(at).reset_index(drop=True).argsort(kind="stable").to_numpy()]
    rank = np.zeros(len(rows), dtype=np.int64)
    rank[by_text] = np.arange(len(at), dtype=np.int64)
    order = np.lexsort((rank, slot))
    place = places(slot[order])
    single = [index for index, name in enumerate(kinds) if name in EXCLUSIVE]
    most = np.where(np.isin(kind[order], single), 1, MOST_KEYS)
    return rows.take(order[place < most]).reset_index(drop=True)


def places(ordered: Ints) -> Ints:
    """Position of each item within its run of equal items."""
    at = np.arange(len(ordered), dtype=np.int64)
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    return at - np.maximum.accumulate(np.where(starts, at, 0)) if len(ordered) else at
