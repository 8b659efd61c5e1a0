"""P3, shapes: what anybody can see of an entry is its segment and how many keys of each kind it has.

`coarsen` leaves keys out until every shape is shared by the room's minimum population of real entries. Nothing is
padded: a decoy never matches, so it hides nothing from the list's owner.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from matching.entries import MOST_KEYS, places
from matching.refusal import Refusal

Shape = tuple[int, tuple[int, ...]]
"""(segment, number of keys of each kind in the terms' order)."""

ShapeCodes = npt.NDArray[np.uint64]
"""Shapes packed into 64 bits: the segment in the top byte, then four bits for each kind."""

MOST_KINDS: Final = 14
_BITS: Final = 4
_MOST_COUNTED: Final = 2**_BITS - 1

_Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coarsened:
    """`rows`: those kept, same columns, ordered by entry, kind, key. `left_out`: entries without a shape to be in.

    `merged_segments`: (from, to) pairs in the order in which they were merged. `dropped_keys`: keys that entries which
    stay had to leave out.
    """

    rows: pd.DataFrame
    left_out: int
    merged_segments: tuple[tuple[int, int], ...]
    dropped_keys: int


def codes_of(
    entry: npt.NDArray[np.int64], segment: npt.NDArray[np.uint8], kind: npt.NDArray[np.uint8], entries: int
) -> ShapeCodes:
    """The packed shape of each of the entries 0 to `entries` - 1; 0 for an entry without rows.

    Raises Refusal `segment_ambiguous` (rows of one entry disagree), `shape_too_large` (over 14 kinds or 15 keys of
    one).
    """
    of_entry = np.zeros(entries, dtype=np.uint8)
    of_entry[entry] = segment
    if (of_entry[entry] != segment).any():
        raise Refusal("segment_ambiguous", "rows of one entry name different segments")
    if kind.max(initial=0) >= MOST_KINDS:
        raise Refusal("shape_too_large", f"more than {MOST_KINDS} kinds of key")
    codes = of_entry.astype(np.uint64) << np.uint64(_BITS * MOST_KINDS)
    for index in range(MOST_KINDS):
        counts = np.bincount(entry[kind == index], minlength=entries)
        if counts.max(initial=0) > _MOST_COUNTED:
            raise Refusal("shape_too_large", f"more than {_MOST_COUNTED} keys of one kind")
        codes |= counts.astype(np.uint64) << np.uint64(_place(index))
    return codes


def unpacked(code: int, kind_count: int) -> Shape:
    """The shape that a code stands for. Raises Refusal `kind_unknown` for a kind beyond `kind_count`."""
    counts = [code >> _place(index) & _MOST_COUNTED for index in range(MOST_KINDS)]
    if any(counts[kind_count:]):
        raise Refusal("kind_unknown", "a row's kind is not in the terms")
    return code >> _BITS * MOST_KINDS, tuple(counts[:kind_count])


def packed(shape: Shape) -> int:
    """The code that stands for a shape."""
    segment, counts = shape
    return segment << _BITS * MOST_KINDS | sum(count << _place(index) for index, count in enumerate(counts))


def _place(index: int) -> int:
    """Where the count of a kind stands in a code."""
    return _BITS * (MOST_KINDS - 1 - index)


def histogram(rows: pd.DataFrame, *, kind_count: int) -> dict[Shape, int]:
    """Entries per shape. `rows`: `entry` (any integers), `segment`, `kind` (uint8). Raises what `codes_of` raises."""
    numbers, distinct = pd.factorize(rows["entry"])
    codes = codes_of(
        numbers.astype(np.int64),
        rows["segment"].to_numpy(dtype=np.uint8),
        rows["kind"].to_numpy(dtype=np.uint8),
        len(distinct),
    )
    found, counts = np.unique(codes, return_counts=True)
    pairs = zip(found.tolist(), counts.tolist(), strict=True)
    return {unpacked(code, kind_count): count for code, count in pairs}


def coarsen(rows: pd.DataFrame, minimum: int, kind_count: int, *, weights: Sequence[int] = ()) -> Coarsened:
    """The rows to commit: afterwards every shape is held by no entry or by at least `minimum`.

    `rows`: `entry`, `segment`, `kind`, `key`. First, a segment with fewer than `minimum` entries merges into the next
    one in the terms' order that has any, the last into the one before. Then, within a segment, sub-shapes are visited
    from the most to the least valuable: one that has `minimum` entries already, or would get them from the rare shapes
    above it that have found no place yet, takes those in. Entries that find no place are left out. Of a kind, the last
    keys in code point order go first. `weights`: what one key of each kind is worth, by default `kind_count` for the
    first down to 1 for the last, so that neither of two weak kinds outweighs an identifier, and the first weak kind
    outweighs the second. Raises Refusal `minimum_invalid`, `weights_invalid`, and what `codes_of` raises.
    """
    worth = tuple(weights) or tuple(range(kind_count, 0, -1))
    if minimum < 1:
        raise Refusal("minimum_invalid", "the minimum population is at least 1")
    if len(worth) != kind_count or min(worth) < 1:
        raise Refusal("weights_invalid", "one positive weight for each kind")
    rows = _ordered(rows)
    numbers, distinct = pd.factorize(rows["entry"])
    entry = numbers.astype(np.int64)
    kind = rows["kind"].to_numpy(dtype=np.uint8)
    within = places(entry * 256 + kind)
    # Bounds the search for sub-shapes; entries are capped to this already.
    usable = within < MOST_KEYS
    segment = rows["segment"].to_numpy(dtype=np.uint8)
    segment, merged = _merged_segments(entry, segment, minimum)
    codes = codes_of(entry[usable], segment[usable], kind[usable], len(distinct))
    allowed = _allowed(codes, minimum, kind_count, worth)
    keep = within < allowed[entry, kind]
    stays = np.asarray(allowed.any(axis=1), dtype=bool)
    kept = rows.assign(segment=segment)[keep].reset_index(drop=True)
    return Coarsened(
        rows=kept,
        left_out=int((~stays).sum()),
        merged_segments=merged,
        dropped_keys=int((stays[entry] & ~keep).sum()),
    )


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """By entry, kind, key. What `entries.merge` returns is in that order already; sorting text costs seconds."""
    slot = rows["entry"].to_numpy(dtype=np.int64) * 256 + rows["kind"].to_numpy(dtype=np.int64)
    steps = np.diff(slot)
    tied = np.flatnonzero(steps == 0)
    keys = rows["key"]
    ascending = np.asarray(keys.take(tied).to_numpy() <= keys.take(tied + 1).to_numpy(), dtype=bool)
    if bool(np.all(steps >= 0)) and ascending.all():
        return rows.reset_index(drop=True)
    return rows.sort_values(["entry", "kind", "key"], kind="stable", ignore_index=True)


def _merged_segments(
    entry: npt.NDArray[np.int64], segment: npt.NDArray[np.uint8], minimum: int
) -> tuple[npt.NDArray[np.uint8], tuple[tuple[int, int], ...]]:
    """(segment per row after merging, the merges in order)."""
    _, first = np.unique(entry, return_index=True)
    population = np.bincount(segment[first], minlength=256)
    target = np.arange(256, dtype=np.uint8)
    merged: list[tuple[int, int]] = []
    for index in range(256):
        if 0 < population[index] < minimum:
            others = np.flatnonzero(population)
            later, earlier = others[others > index], others[others < index]
            if not len(later) and not len(earlier):
                break
            into = int(later[0]) if len(later) else int(earlier[-1])
            merged.append((index, into))
            target[target == index] = into
            population[into] += population[index]
            population[index] = 0
    return target[segment], tuple(merged)


def _allowed(codes: ShapeCodes, minimum: int, kind_count: int, worth: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Entries x kinds: how many keys of each kind an entry may show; all 0 leaves it out."""
    found, which, population = np.unique(codes, return_inverse=True, return_counts=True)
    shapes = [unpacked(code, kind_count) for code in found.tolist()]
    table = np.zeros((len(shapes), kind_count), dtype=np.uint8)
    for segment in sorted({segment for segment, _ in shapes}):
        members = {counts: int(population[index]) for index, (at, counts) in enumerate(shapes) if at == segment}
        placed = _placed(members, minimum, worth)
        for index, (at, counts) in enumerate(shapes):
            if at == segment:
                table[index] = placed.get(counts, 0)
    return table[which]


def _placed(members: dict[_Counts, int], minimum: int, worth: tuple[int, ...]) -> dict[_Counts, _Counts]:
    """Shape -> the sub-shape its entries show; shapes without a place are missing."""
    placed = {counts: counts for counts, size in members.items() if size >= minimum}
    waiting = {counts: size for counts, size in members.items() if size < minimum}
    candidates = {
        candidate
        for counts in waiting
        for candidate in itertools.product(*(range(count + 1) for count in counts))
        if any(candidate)
    }

    def value(counts: _Counts) -> tuple[int, _Counts]:
        return sum(count * each for count, each in zip(counts, worth, strict=True)), counts

    # One pass is enough: places are only taken, so a sub-shape that fell short falls short for good.
    for candidate in sorted(candidates, key=value, reverse=True):
        above = [counts for counts in waiting if _covers(counts, candidate)]
        if candidate in placed or sum(waiting[counts] for counts in above) >= minimum:
            for counts in above:
                placed[counts] = candidate
                del waiting[counts]
    return placed


def _covers(counts: _Counts, candidate: _Counts) -> bool:
    return all(have >= want for have, want in zip(counts, candidate, strict=True))
