"""P5: from tags to matches to cells.

Two entries match when `matching.rule` gives the kinds in which their tags agree or differ a tier that counts. A cell's
number is the size of a maximum matching between the two sides' entries of its segments (Hopcroft and Karp 1973).

There is a matrix for each reader. In the one that the second member is shown, each entry of the first list counts in
one cell only: that of the first segment, in the terms' order, among those of the entries that it matches. So one entry
of the first list more or less moves one cell by at most one and no other cell at all, whatever the second list does: a
match is decided by its two entries alone, and no entry's segment depends on another entry of its own list. The matrix
that the first member is shown is the mirror image. Lists whose matches are one to one get the same matrix twice.

The numbers themselves never leave `CellCounts` except through `matching.disclosure.rule`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from matching.refusal import Refusal
from matching.rows import ADD, TAG_BYTES, Bytes, Rows, order_of, words_of
from matching.rule import tiers

Ints = npt.NDArray[np.int64]
Positions = npt.NDArray[np.intp]
KINDS = 32
"""Kinds that fit a bit mask."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellCounts:
    """Unreleased numbers: (s, s) distinct companies per cell and (s,) entries per segment of either list.

    Rows are the first list's segments and columns the second's, in both matrices. `about_first` is for the second
    member: the sum of all its cells' changes is at most 1 for one entry of the first list more or less.
    `about_second` is for the first member: the same for the second list.
    """

    about_first: Ints = field(repr=False)
    about_second: Ints = field(repr=False)
    first_sizes: Ints = field(repr=False)
    second_sizes: Ints = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One list, entry by entry: `entry` numbers its rows' entries, `segment` and `kinds` (bit mask) are per entry.

    `by_tag` are its rows' positions in the order of tag and kind.
    """

    rows: Rows
    entry: Positions
    segment: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint32]
    by_tag: Positions


def side_of(rows: Rows) -> Side:
    """The entries behind evaluated rows (all of them additions).

    Raises:
        Refusal: `malformed_rows` if a row removes, or carries anything but a 16-byte tag of kinds 0 to 31;
            `mixed_segments` if an entry's rows differ in segment, `repeated_tags` if two rows share kind and tag.
    """
    if (rows.op != ADD).any() or (rows.kind >= KINDS).any() or rows.value.shape[1] != TAG_BYTES:
        raise Refusal("malformed_rows", "only rows that add a tag can be matched")
    by_name, again = order_of(*words_of(rows.name))
    entry = np.empty(len(rows), np.intp)
    entry[by_name] = np.cumsum(~again) - 1
    segment = rows.segment[by_name[~again]]
    if (segment[entry] != rows.segment).any():
        raise Refusal("mixed_segments", "the rows of one entry name different segments")
    by_tag, again = order_of(*words_of(rows.value), rows.kind)
    if again.any():
        raise Refusal("repeated_tags", "two rows carry the same tag")
    kinds = np.zeros(len(segment), np.uint32)
    np.bitwise_or.at(kinds, entry, np.uint32(1) << rows.kind.astype(np.uint32))
    return Side(rows=rows, entry=entry, segment=segment, kinds=kinds, by_tag=by_tag)


def matches(first: Side, second: Side, *, kinds: Sequence[str], least: int) -> pd.DataFrame:
    """The pairs of entries whose tier is at least `least`. `kinds` are the names of the terms' kinds, in their order.

    Returns:
        A frame with columns `first`, `second` (entry numbers, intp), `evidence` (uint32 bit mask of the kinds that
        agree) and `tier` (uint8, of `matching.rule`), one row per pair of entries.
    """
    one, two = _agreeing(first, second)
    pair = _pairs(first, second, one, two)
    order, again = order_of(pair)
    starts = np.flatnonzero(~again)
    agree = np.uint32(1) << first.rows.kind[one[order]].astype(np.uint32)
    evidence = np.bitwise_or.reduceat(agree, starts) if len(starts) else agree
    a, b = np.divmod(pair[order[starts]], max(len(second.segment), 1))
    tier = tiers(evidence, first.kinds[a] & second.kinds[b], kinds)
    kept = tier >= least
    return pd.DataFrame({"first": a[kept], "second": b[kept], "evidence": evidence[kept], "tier": tier[kept]})


def matched_rows(first: Side, second: Side, *, kinds: Sequence[str], least: int) -> pd.DataFrame:
    """The rows behind `matches`: every pair of rows that agree, of every pair of entries that match.

    Returns:
        A frame with columns `first` and `second` (row numbers, intp), in the order of kind and tag: an order that says
        nothing about either list.
    """
    found = matches(first, second, kinds=kinds, least=least)
    one, two = _agreeing(first, second)
    kept = np.isin(_pairs(first, second, one, two), found["first"] * len(second.segment) + found["second"])
    one, two = one[kept], two[kept]
    tag = first.rows.value[one].view(np.int64)
    order = np.lexsort((tag[:, 1], tag[:, 0], first.rows.kind[one]))
    return pd.DataFrame({"first": one[order], "second": two[order]})


def cell_counts(first: Rows, second: Rows, *, segments: int, kinds: Sequence[str], least: int) -> CellCounts:
    """Distinct companies per cell, as each of the two members may be told them after the counting rule.

    Raises:
        Refusal: as `side_of`, and `malformed_rows` if a row names a segment that is not below `segments`.
    """
    one, two = side_of(first), side_of(second)
    if any((side.segment >= segments).any() for side in (one, two)):
        raise Refusal("malformed_rows", "a row names a segment that the terms do not have")
    found = matches(one, two, kinds=kinds, least=least)
    a, b = found["first"].to_numpy(), found["second"].to_numpy()
    cell = one.segment[a].astype(np.int64) * segments + two.segment[b]
    # Nearly every match is the only one of both its entries; only the others need more than counting.
    alone = (np.bincount(a)[a] == 1) & (np.bincount(b)[b] == 1)
    plain = np.bincount(cell[alone], minlength=segments * segments)
    a, b, cell = a[~alone], b[~alone], cell[~alone]

    def counts(kept: npt.NDArray[np.bool_]) -> Ints:
        matched = cell[kept][_matched_in_cells(a[kept], b[kept], cell[kept])]
        total = plain + np.bincount(matched, minlength=segments * segments)
        return total.reshape(segments, segments).astype(np.int64)

    return CellCounts(
        about_first=counts(_in_first_segment(a, two.segment[b])),
        about_second=counts(_in_first_segment(b, one.segment[a])),
        first_sizes=np.bincount(one.segment, minlength=segments).astype(np.int64),
        second_sizes=np.bincount(two.segment, minlength=segments).astype(np.int64),
    )


def opened_counts(  # noqa: PLR0913 - two lists, what was opened of them, and the rule by which they match
    first: Rows, second: Rows, opened: tuple[Bytes, Bytes], *, segments: int, kinds: Sequence[str], least: int
) -> tuple[Ints, Ints]:
    """How many companies of each cell of `about_first` and of `about_second` both sides know by name: (s, s) each.

    `opened` are the names (n, 16) of the two entries of each pair that was opened; pairs that do not match any more
    count nothing. An entry counts once, whatever it was opened with, and where it counts in `cell_counts`: so neither
    a cell nor a segment has more known companies than companies.

    Raises:
        Refusal: as `side_of`.
    """
    one, two = side_of(first), side_of(second)
    found = matches(one, two, kinds=kinds, least=least)
    known = pd.DataFrame({"first": _entries_named(one, opened[0]), "second": _entries_named(two, opened[1])})
    pair = found["first"] * len(two.segment) + found["second"]
    is_open = pair.isin((known["first"] * len(two.segment) + known["second"])[(known >= 0).all(axis=1)]).to_numpy()
    a, b = found["first"].to_numpy(), found["second"].to_numpy()
    cell = one.segment[a].astype(np.int64) * segments + two.segment[b]

    def counts(counted: Positions, others: Positions, segment: npt.NDArray[np.uint8]) -> Ints:
        kept = is_open & _in_first_segment(counted, segment)
        # One matching over all cells: an entry of the other list is known once, too.
        matched = _matched_in_cells(counted[kept], others[kept], np.zeros(kept.sum(), np.int64))
        return np.bincount(cell[kept][matched], minlength=segments * segments).reshape(segments, segments)

    return counts(a, b, two.segment[b]), counts(b, a, one.segment[a])


def _entries_named(side: Side, names: Bytes) -> Ints:
    """The numbers of the entries of these names (n, 16); -1 for a name that no entry has."""
    words = pd.DataFrame(dict(zip(("high", "low"), words_of(side.rows.name), strict=True)))
    entries = words.assign(entry=side.entry).drop_duplicates("entry")
    wanted = pd.DataFrame(dict(zip(("high", "low"), words_of(names), strict=True)))
    numbers = wanted.merge(entries, how="left", on=["high", "low"])["entry"].fillna(-1).to_numpy()
    return np.asarray(numbers, np.int64)


def _agreeing(first: Side, second: Side) -> tuple[Positions, Positions]:
    """The pairs of rows (positions in either list) that share kind and tag, in the order of tag and kind."""
    # Each list is one run that is in order, so sorting both together is merging them; and neither repeats a tag.
    ordered = [(side.rows.value[side.by_tag], side.rows.kind[side.by_tag]) for side in (first, second)]
    value, kind = (np.concatenate(column) for column in zip(*ordered, strict=True))
    order, again = order_of(*words_of(value), kind)
    at = np.flatnonzero(again)
    return first.by_tag[order[at - 1]], second.by_tag[order[at] - len(first.by_tag)]


def _pairs(first: Side, second: Side, one: Positions, two: Positions) -> Ints:
    """A number for each pair of rows: the same for the same pair of entries."""
    return first.entry[one].astype(np.int64) * len(second.segment) + second.entry[two]


def _in_first_segment(entry: Positions, segment: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which edges of each entry lead into the first segment that any of its edges leads into."""
    first = np.full(entry.max(initial=-1) + 1, np.iinfo(np.uint8).max, np.uint8)
    np.minimum.at(first, entry, segment)
    kept: npt.NDArray[np.bool_] = segment == first[entry]
    return kept


def _matched_in_cells(a: Positions, b: Positions, cell: Ints) -> Positions:
    """Positions of the edges of a maximum matching in each cell, one edge position per matched pair."""
    if not len(cell):
        return np.zeros(0, np.intp)
    # A vertex is an entry *in a cell*: then cells share no vertex, and one matching over all is a maximum in each.
    left, right = cell * (a.max() + 1) + a, cell * (b.max() + 1) + b
    left_number, row = np.unique(left, return_inverse=True)
    right_number, column = np.unique(right, return_inverse=True)
    graph = csr_array((np.ones(len(cell), np.int8), (row, column)), shape=(len(left_number), len(right_number)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    # `left` carries the cell, so any edge of a matched left vertex names the right cell.
    edge_of = np.zeros(len(left_number), np.intp)
    edge_of[row] = np.arange(len(row))
    matched: Positions = edge_of[partner >= 0]
    return matched
