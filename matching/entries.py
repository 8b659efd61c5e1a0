"""P3, entries: a partner's own accounts that share a key become one entry, so that an honest list has no equal points.

The rule, which depends on sets only and never on the order of rows:

1. A key on more than five accounts is no key.
2. Accounts whose identifiers differ stay apart and lose the keys they share:
   (a) a shared key whose own holders carry different identifiers of some identifier kind is dropped;
   (b) where accounts joined by the remaining keys, over several steps, still carry different identifiers of some kind,
       the shared keys of the weak kinds among them are dropped;
   (c) where that is not enough, all their shared keys are dropped.
   Identifiers that rule 1 or (a) dropped still tell accounts apart.
3. Accounts joined by the keys that are left are one entry. It counts in the first segment, in the terms' order, that
   any of them has; an entry whose accounts all lie outside the terms' segments is left out.
4. An entry keeps one key of each identifier kind and at most four of each other kind, the first in code point order:
   both sides of a room make the same choice from the same keys.

So no key is held by two entries, and no entry holds two keys of one identifier kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.refusal import Refusal

MOST_ACCOUNTS: Final = 5
MOST_KEYS: Final = 4
NO_SEGMENT: Final = 255

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_NONE: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """What a list is after merging.

    `rows`: `entry` (int32), `segment` (uint8), `kind` (uint8), `key` (str), ordered by entry, kind, key. `entry_of`:
    int32 per account, -1 for none. `anchor`: str per entry, the smallest id of its accounts, ascending, so the entry's
    number is its rank. `dropped`: reason -> keys (`too_many_accounts`, `own_identifiers_differ`,
    `weak_kind_in_conflict`, `any_kind_in_conflict`, `segment_not_counted`, `over_the_cap`). `uncounted`: entries left
    out by rule 3.
    """

    rows: pd.DataFrame
    entry_of: npt.NDArray[np.int32]
    anchor: "pd.Series[str]"
    dropped: Mapping[str, int]
    uncounted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Who holds what: one item per (account, key), ordered by key. `first`: position in the keys frame, per key."""

    account: _Ints
    key: _Ints
    kind_of: npt.NDArray[np.uint8]
    first: _Ints

    def spread(self, low: _Ints, high: _Ints, group: _Ints, groups: int, *, among: _Bools) -> _Bools:
        """Per group: whether its accounts have more than one value between `low` and `high` (both per account)."""
        lowest = np.full(groups, _NONE, dtype=np.int64)
        highest = np.full(groups, -1, dtype=np.int64)
        np.minimum.at(lowest, group[among], low[self.account[among]])
        np.maximum.at(highest, group[among], high[self.account[among]])
        return highest > lowest


def merge(
    keys: pd.DataFrame,
    segments: npt.NDArray[np.uint8],
    account_ids: "pd.Series[str]",
    identifier_kinds: frozenset[int],
) -> Entries:
    """The entries of a list, by the rule in this module's docstring.

    `keys`: `account` (position), `kind` (uint8), `key` (str). `segments`: uint8 per account, 255 for one that is not
    in the terms. `account_ids`: unique, per account. Raises Refusal `accounts_misaligned` when lengths or positions
    disagree.
    """
    count = len(segments)
    positions = keys["account"].to_numpy(dtype=np.int64)
    if len(account_ids) != count or (len(positions) and not 0 <= positions.min() <= positions.max() < count):
        raise Refusal("accounts_misaligned", "keys, segments and account ids name different accounts")
    held = _held(keys, positions, count)
    dropped: dict[str, int] = {}
    component, alive = _joined(held, count, identifier_kinds, dropped)

    # One row a key is left: whoever holds it is in the same component.
    kept = np.flatnonzero(alive)
    component_of_key = np.full(len(alive), -1, dtype=np.int64)
    component_of_key[held.key] = component[held.account]
    counting = np.full(count, NO_SEGMENT, dtype=np.uint8)
    np.minimum.at(counting, component, segments)
    counts = counting[component_of_key[kept]] != NO_SEGMENT
    dropped["segment_not_counted"] = int((~counts).sum())
    uncounted = len(np.unique(component_of_key[kept[~counts]]))
    kept = kept[counts]

    entry_of_component, anchor = _numbered(component, component_of_key[kept], account_ids)
    rows = pd.DataFrame(
        {
            "entry": entry_of_component[component_of_key[kept]],
            "segment": counting[component_of_key[kept]],
            "kind": held.kind_of[kept],
            "key": keys["key"].take(held.first[kept]).array,
        }
    )
    capped = _capped(rows, identifier_kinds)
    dropped["over_the_cap"] = len(rows) - len(capped)
    return Entries(
        rows=capped,
        entry_of=entry_of_component[component],
        anchor=anchor,
        dropped=dropped,
        uncounted=uncounted,
    )


def reached(keys: pd.DataFrame, start: _Bools) -> _Bools:
    """The accounts that `start` (bool per account) shares a key with, over any number of steps, and `start` itself.

    `keys` as in `merge`. No rule of this module looks further: the entries of these accounts, and what of their keys
    is dropped, are the same whether the others are there or not. Equal text of two kinds counts as shared too.
    """
    account, found = keys["account"].to_numpy(), start
    while True:
        holds = keys["key"].isin(keys["key"][found[account]]).to_numpy()
        more = found.copy()
        more[account[holds]] = True
        if np.array_equal(more, found):
            return found
        found = more


def _held(keys: pd.DataFrame, positions: _Ints, count: int) -> _Held:
    """Distinct keys numbered from 0 over all kinds; repeated rows out."""
    kinds = keys["kind"].to_numpy(dtype=np.uint8)
    codes = np.empty(len(keys), dtype=np.int64)
    kind_of: list[npt.NDArray[np.uint8]] = []
    total = 0
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        numbers, distinct = pd.factorize(keys["key"].take(at))
        codes[at] = numbers + total
        total += len(distinct)
        kind_of.append(np.full(len(distinct), kind, dtype=np.uint8))
    _, order = np.unique(codes * count + positions, return_index=True)
    first = np.zeros(total, dtype=np.int64)
    first[codes] = np.arange(len(codes), dtype=np.int64)
    return _Held(
        account=positions[order],
        key=codes[order],
        kind_of=np.concatenate(kind_of) if kind_of else np.empty(0, dtype=np.uint8),
        first=first,
    )


def _joined(held: _Held, count: int, identifier_kinds: frozenset[int], dropped: dict[str, int]) -> tuple[_Ints, _Bools]:
    """Rules 1 and 2: (component per account, whether each key is left). Writes the reasons into `dropped`."""
    keys = len(held.first)
    holders = np.bincount(held.key, minlength=keys)
    alive = holders <= MOST_ACCOUNTS
    dropped["too_many_accounts"] = int((~alive).sum())
    shared = (holders > 1)[held.key]
    weak = ~np.isin(held.kind_of, list(identifier_kinds))
    ranges = [_range(held, count, kind) for kind in sorted(identifier_kinds)]

    direct = np.zeros(keys, dtype=bool)
    for low, high in ranges:
        direct |= held.spread(low, high, held.key, keys, among=shared)
    direct &= alive
    alive &= ~direct
    dropped["own_identifiers_differ"] = int(direct.sum())

    component = _components(held, count, among=shared & alive[held.key])
    for reason, losing in (
        ("weak_kind_in_conflict", weak),
        ("any_kind_in_conflict", np.ones(keys, dtype=bool)),
    ):
        edges = shared & alive[held.key]
        conflict = np.zeros(count, dtype=bool)
        for low, high in ranges:
            conflict |= held.spread(low, high, component[held.account], count, among=edges)
        conflicting = edges & conflict[component[held.account]]
        lost = np.zeros(keys, dtype=bool)
        lost[held.key[conflicting]] = True
        lost &= losing
        alive &= ~lost
        dropped[reason] = int(lost.sum())
        again = _components(held, count, among=conflicting & alive[held.key])
        component = np.where(conflict[component], again, component)
    return component, alive


def _range(held: _Held, count: int, kind: int) -> tuple[_Ints, _Ints]:
    """Per account: the lowest and the highest number of its keys of a kind (high < low: it has none)."""
    low = np.full(count, _NONE, dtype=np.int64)
    high = np.full(count, -1, dtype=np.int64)
    at = held.kind_of[held.key] == kind
    np.minimum.at(low, held.account[at], held.key[at])
    np.maximum.at(high, held.account[at], held.key[at])
    return low, high


def _components(held: _Held, count: int, *, among: _Bools) -> _Ints:
    """Per account the smallest account it is joined to: hooking and pointer jumping (Shiloach, Vishkin 1982)."""
    accounts, keys = held.account[among], held.key[among]
    follows = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    left, right = accounts[follows - 1], accounts[follows]
    label = np.arange(count, dtype=np.int64)
    while True:
        one, other = label[left], label[right]
        if np.array_equal(one, other):
            return label
        np.minimum.at(label, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(label, further := label[label]):
            label = further


def _numbered(
    component: _Ints, used: _Ints, account_ids: "pd.Series[str]"
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


def _capped(rows: pd.DataFrame, identifier_kinds: frozenset[int]) -> pd.DataFrame:
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
    most = np.where(np.isin(kind[order], list(identifier_kinds)), 1, MOST_KEYS)
    return rows.take(order[place < most]).reset_index(drop=True)


def places(ordered: _Ints) -> _Ints:
    """Position of each item within its run of equal items."""
    at = np.arange(len(ordered), dtype=np.int64)
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    return at - np.maximum.accumulate(np.where(starts, at, 0)) if len(ordered) else at
