"""P3, changes inside an epoch: which part of the difference between what is committed and what is wanted may go now.

A change of an entry is its removal and its addition under the same handle. What may not go yet waits; nothing is lost,
because the next plan starts from the same difference. Three rules, applied until none makes anything else wait:

1. Population: in the resulting state every shape is held by no entry or by at least the minimum. Where additions would
   leave a shape below it, they wait; where removals would, as many of them wait as it takes, in order of handles.
2. Groups (`batched` mode): entries with equal operation, old shape and new shape go together, at least the minimum of
   them, or wait. A group of which any entry must wait by rule 1 waits as a whole.
3. Keys: no two entries of the resulting state hold the same key. Who wants a key that a waiting entry still holds
   waits too.

Waiting only grows and everything waiting is the committed state itself, so the rules end in a permitted state.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.refusal import Refusal
from matching.rows import numbered
from matching.shapes import Shape, ShapeCodes, codes_of, packed, unpacked

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_COLUMNS: Final = ["handle", "segment", "kind", "key"]
_NOBODY: Final[Mapping[Shape, int]] = MappingProxyType({})


class Operation(StrEnum):
    """What happens to a handle."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"


Group = tuple[Operation, Shape | None, Shape | None]
"""(operation, old shape, new shape); None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`removed`: object array of handles (bytes), ascending. `added`: rows `handle`, `segment`, `kind`, `key`.

    `waiting`: entries whose addition, change or removal waits.
    """

    removed: npt.NDArray[np.object_]
    added: pd.DataFrame
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """`handle`, `key`: numbers, per row. `shape`: packed, per handle; 0 for a handle without rows."""

    handle: _Ints
    key: _Ints
    shape: ShapeCodes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delta:
    """The entries that differ, in order of handles. `old`, `new`: packed shapes, 0 for none (no entry has shape 0).

    `holds`, `wants`: (entry, key) pairs of the committed and the wanted rows of these entries, as two parallel arrays.
    """

    entry: _Ints
    old: ShapeCodes
    new: ShapeCodes
    holds: tuple[_Ints, _Ints]
    wants: tuple[_Ints, _Ints]


def plan(
    committed: pd.DataFrame,
    wanted: pd.DataFrame,
    minimum: int,
    *,
    immediate: bool,
    others: Mapping[Shape, int] = _NOBODY,
) -> Changes:
    """What to commit now, by the rules in this module's docstring. `immediate` leaves rule 2 out.

    `others`: entries per shape that are committed and wanted as they are, and in neither frame; they hold no key that
    is in one.

    Both frames: `handle` (object, 16 bytes), `segment` (uint8), `kind` (uint8), `key` (str), one row per key of an
    entry. Raises Refusal `minimum_invalid`, `key_repeated` (two rows of one state hold the same key),
    `population_below_minimum` (the committed state breaks rule 1 already), and what `shapes.codes_of` raises.
    """
    if minimum < 1:
        raise Refusal("minimum_invalid", "the minimum population is at least 1")
    both = pd.concat([committed[_COLUMNS], wanted[_COLUMNS]], ignore_index=True)
    split = len(committed)
    handle, handles = numbered(both["handle"].to_numpy())
    key = _key_codes(both)
    before, after = (
        _state(both.iloc[part], handle[part], key[part], len(handles)) for part in (slice(split), slice(split, None))
    )
    population = _population(before.shape) + Counter({packed(shape): count for shape, count in others.items()})
    if any(count < minimum for count in population.values()):
        raise Refusal("population_below_minimum", "the committed state has a shape below the minimum")

    delta = _delta(before, after)
    waits = _waiting(delta, population, minimum, immediate=immediate)
    goes = np.zeros(len(handles), dtype=bool)
    goes[delta.entry[~waits]] = True
    rows = both.iloc[split:][goes[after.handle]].reset_index(drop=True)
    removed = delta.entry[~waits & (delta.old != 0)]
    return Changes(removed=handles[removed], added=rows, waiting=int(waits.sum()))


def resulting(committed: pd.DataFrame, changes: Changes) -> pd.DataFrame:
    """The rows in force once the changes are committed."""
    stay = ~committed["handle"].isin(changes.removed)
    return pd.concat([committed.loc[stay, _COLUMNS], changes.added], ignore_index=True)


def groups(
    committed: pd.DataFrame, removed: Sequence[bytes] | npt.NDArray[np.object_], added: pd.DataFrame, *, kind_count: int
) -> Counter[Group]:
    """Entries per (operation, old shape, new shape) of a delta, as the evaluating agent recomputes it.

    Frames need `handle`, `segment`, `kind` only. Raises Refusal `handle_unknown` (removes what is not committed, or
    twice), `handle_taken` (adds what is committed and not removed), and what `shapes.codes_of` raises.
    """
    gone = pd.Index(np.asarray(removed, dtype=object))
    before = committed[committed["handle"].isin(gone)]
    if not gone.is_unique or before["handle"].nunique() != len(gone):
        raise Refusal("handle_unknown", "removes an entry that is not committed, or one twice")
    if committed["handle"].isin(added["handle"][~added["handle"].isin(gone)]).any():
        raise Refusal("handle_taken", "adds an entry that is committed already")
    numbers, handles = pd.factorize(pd.concat([before["handle"], added["handle"]], ignore_index=True))
    handle, split = numbers.astype(np.int64), len(before)
    old = _shapes_of(before, handle[:split], len(handles))
    new = _shapes_of(added, handle[split:], len(handles))
    pairs, counts = np.unique(np.stack([old, new], axis=1), axis=0, return_counts=True)
    return Counter(
        {_group(was, now, kind_count): count for (was, now), count in zip(pairs.tolist(), counts.tolist(), strict=True)}
    )


def _group(was: int, now: int, kind_count: int) -> Group:
    old = unpacked(was, kind_count) if was else None
    new = unpacked(now, kind_count) if now else None
    if old is None:
        return Operation.ADD, None, new
    return (Operation.CHANGE if new else Operation.REMOVE), old, new


def _key_codes(rows: pd.DataFrame) -> _Ints:
    """Equal numbers for equal (kind, key): from 0, and below the number of keys times that of kinds."""
    numbers, _ = pd.factorize(rows["key"])
    kind = rows["kind"].to_numpy(dtype=np.int64)
    codes: _Ints = numbers.astype(np.int64) * (kind.max(initial=0) + 1) + kind
    return codes


def _state(rows: pd.DataFrame, handle: _Ints, key: _Ints, handles: int) -> _State:
    if len(key) and np.bincount(key).max() > 1:
        raise Refusal("key_repeated", "two rows hold the same key")
    return _State(handle=handle, key=key, shape=_shapes_of(rows, handle, handles))


def _shapes_of(rows: pd.DataFrame, handle: _Ints, handles: int) -> ShapeCodes:
    segment, kind = rows["segment"].to_numpy(dtype=np.uint8), rows["kind"].to_numpy(dtype=np.uint8)
    return codes_of(handle, segment, kind, handles)


def _population(codes: ShapeCodes) -> Counter[int]:
    found, counts = np.unique(codes[codes != 0], return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def _delta(before: _State, after: _State) -> _Delta:
    """Entries whose segment or set of keys differs."""
    differs = before.shape != after.shape
    # A key is on one row of each state at most, so its holders can be compared. Where the shape is the same, so is the
    # number of keys: a changed set has one that was not there.
    holder = np.full(max(before.key.max(initial=-1), after.key.max(initial=-1)) + 1, -1, dtype=np.int64)
    holder[before.key] = before.handle
    differs[after.handle[holder[after.key] != after.handle]] = True
    entry = np.flatnonzero(differs)
    local = np.full(len(differs), -1, dtype=np.int64)
    local[entry] = np.arange(len(entry), dtype=np.int64)

    def pairs(state: _State) -> tuple[_Ints, _Ints]:
        of = local[state.handle]
        return of[of >= 0], state.key[of >= 0]

    return _Delta(
        entry=entry,
        old=before.shape[entry],
        new=after.shape[entry],
        holds=pairs(before),
        wants=pairs(after),
    )


def _waiting(delta: _Delta, population: dict[int, int], minimum: int, *, immediate: bool) -> _Bools:
    """Per entry of the delta whether it waits: the three rules to their least fixed point."""
    waits = np.zeros(len(delta.entry), dtype=bool)
    if not len(waits):
        return waits
    _, found = np.unique(np.stack([delta.old, delta.new], axis=1), axis=0, return_inverse=True)
    group = found.reshape(-1).astype(np.int64)
    blocks = _blocks(delta)
    while True:
        before = int(waits.sum())
        if not immediate:
            sizes = np.bincount(group[~waits], minlength=int(group.max()) + 1)
            waits |= (sizes < minimum)[group]
        by_population = _held_by_population(delta, population, minimum, waits)
        if not immediate:
            by_population = np.isin(group, group[by_population])
        waits |= by_population
        _hold_keys(blocks, waits)
        if int(waits.sum()) == before:
            return waits


def _held_by_population(delta: _Delta, population: dict[int, int], minimum: int, waits: _Bools) -> _Bools:
    """Rule 1, once over all shapes that the delta touches: who else must wait."""
    held = np.zeros(len(waits), dtype=bool)
    moves = delta.old != delta.new
    for code in np.unique(np.concatenate([delta.old[moves], delta.new[moves]])).tolist():
        if not code:
            continue
        committed = population.get(code, 0)
        leaves = np.flatnonzero(moves & ~waits & (delta.old == code))
        comes = np.flatnonzero(moves & ~waits & (delta.new == code))
        result = committed - len(leaves) + len(comes)
        if not 0 < result < minimum:
            continue
        if committed:
            held[leaves[: minimum - result]] = True
        else:
            held[comes] = True
    return held


def _blocks(delta: _Delta) -> dict[int, list[int]]:
    """Entry -> entries that want a key which it holds now."""
    holders, held = delta.holds
    wanters, wanted = delta.wants
    _, at_held, at_wanted = np.intersect1d(held, wanted, assume_unique=True, return_indices=True)
    blocks: dict[int, list[int]] = {}
    for holder, wanter in zip(holders[at_held].tolist(), wanters[at_wanted].tolist(), strict=True):
        if holder != wanter:
            blocks.setdefault(holder, []).append(wanter)
    return blocks


def _hold_keys(blocks: dict[int, list[int]], waits: _Bools) -> None:
    """Rule 3, all the way along chains of entries that wait for each other's keys."""
    open_ends = [holder for holder in blocks if waits[holder]]
    while open_ends:
        for wanter in blocks.get(open_ends.pop(), ()):
            if not waits[wanter]:
                waits[wanter] = True
                open_ends.append(wanter)
