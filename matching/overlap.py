"""P5: from tags to matches to cells.

Two entries match when they share a tag of any kind that counts. Identifier kinds (LEI, DUNS, VAT) decide first: an
equal identifier is a match whatever else; an identifier kind that both entries have, with no equal value, vetoes a
match by weaker kinds. A cell's number is the size of a maximum matching between the two sides' entries of its
segments (Hopcroft and Karp 1973), so that one entry more or less moves any cell by at most one.

The numbers themselves never leave `CellCounts` except through `matching.disclosure.rule`.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from matching.refusal import Refusal
from matching.rows import ADD, TAG_BYTES, Rows, as_keys

Ints = npt.NDArray[np.int64]
KINDS = 32
"""Kinds that fit a bit mask."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellCounts:
    """Unreleased numbers: (s, s) distinct companies per cell and (s,) entries per segment of either list."""

    cells: Ints = field(repr=False)
    first_sizes: Ints = field(repr=False)
    second_sizes: Ints = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One list, entry by entry: `entry` numbers its rows' entries, `segment` and `kinds` (bit mask) are per entry."""

    rows: Rows
    entry: npt.NDArray[np.intp]
    segment: npt.NDArray[np.uint8]
    kinds: npt.NDArray[np.uint32]


def side_of(rows: Rows) -> Side:
    """The entries behind evaluated rows (all of them additions).

    Raises:
        Refusal: `malformed_rows` if a row removes, or carries anything but a 16-byte tag of kinds 0 to 31;
            `mixed_segments` if an entry's rows differ in segment, `repeated_tags` if two rows share kind and tag.
    """
    if (rows.op != ADD).any() or (rows.kind >= KINDS).any() or rows.value.shape[1] != TAG_BYTES:
        raise Refusal("malformed_rows", "only rows that add a tag can be matched")
    _, first, entry = np.unique(as_keys(rows.name), return_index=True, return_inverse=True)
    segment = rows.segment[first]
    if (segment[entry] != rows.segment).any():
        raise Refusal("mixed_segments", "the rows of one entry name different segments")
    tags = as_keys(np.concatenate([rows.kind[:, None], rows.value], axis=1))
    if len(np.unique(tags)) != len(tags):
        raise Refusal("repeated_tags", "two rows carry the same tag")
    kinds = np.zeros(len(first), np.uint32)
    np.bitwise_or.at(kinds, entry, np.uint32(1) << rows.kind.astype(np.uint32))
    return Side(rows=rows, entry=entry, segment=segment, kinds=kinds)


def matches(first: Side, second: Side, *, identifier_kinds: frozenset[int]) -> pd.DataFrame:
    """The matches that no identifier vetoes.

    Returns:
        A frame with columns `first`, `second` (entry numbers, intp) and `evidence` (uint32 bit mask of the kinds that
        agree), one row per pair of entries.
    """
    pairs = _frame(first, "first").merge(_frame(second, "second"), on=["kind", "high", "low"])
    pairs["evidence"] = np.uint32(1) << pairs["kind"].to_numpy(np.uint32)
    # Each (entry, entry, kind) occurs once unless an entry repeats a kind; either way adding up distinct bits is an OR.
    pairs = pairs.drop_duplicates(["first", "second", "kind"])
    found = pairs.groupby(["first", "second"], as_index=False, sort=False)["evidence"].sum()
    identifiers = np.uint32(sum(1 << kind for kind in identifier_kinds))
    evidence = found["evidence"].to_numpy(np.uint32)
    both = first.kinds[found["first"]] & second.kinds[found["second"]] & identifiers
    vetoed = ((evidence & identifiers) == 0) & (both != 0)
    kept: pd.DataFrame = found[~vetoed].astype({"evidence": np.uint32}).reset_index(drop=True)
    return kept


def matched_rows(first: Side, second: Side, *, identifier_kinds: frozenset[int]) -> pd.DataFrame:
    """The rows behind `matches`: every pair of rows that agree, of every pair of entries that match.

    Returns:
        A frame with columns `first` and `second` (row numbers, intp), in the order of kind and tag: an order that says
        nothing about either list.
    """
    found = matches(first, second, identifier_kinds=identifier_kinds)[["first", "second"]]
    one, two = _frame(first, "first"), _frame(second, "second")
    one["first_row"], two["second_row"] = np.arange(len(one)), np.arange(len(two))
    pairs = one.merge(two, on=["kind", "high", "low"]).merge(found, on=["first", "second"])
    pairs = pairs.sort_values(["kind", "high", "low"], ignore_index=True)
    named: pd.DataFrame = pairs[["first_row", "second_row"]].set_axis(["first", "second"], axis=1).astype(np.intp)
    return named


def cell_counts(first: Rows, second: Rows, *, segments: int, identifier_kinds: frozenset[int]) -> CellCounts:
    """Distinct companies per cell: rows are the first list's segments, columns the second's.

    Raises:
        Refusal: as `side_of`, and `malformed_rows` if a row names a segment that is not below `segments`.
    """
    one, two = side_of(first), side_of(second)
    if any((side.segment >= segments).any() for side in (one, two)):
        raise Refusal("malformed_rows", "a row names a segment that the terms do not have")
    found = matches(one, two, identifier_kinds=identifier_kinds)
    cell = one.segment[found["first"]].astype(np.int64) * segments + two.segment[found["second"]]
    # A vertex is an entry *in a cell*: then cells share no vertex, and one matching over all is a maximum in each.
    left = cell * len(one.segment) + found["first"].to_numpy(np.int64)
    right = cell * len(two.segment) + found["second"].to_numpy(np.int64)
    matched = _matched(left, right)
    counts = np.bincount(cell[matched], minlength=segments * segments).reshape(segments, segments)
    return CellCounts(
        cells=counts.astype(np.int64),
        first_sizes=np.bincount(one.segment, minlength=segments).astype(np.int64),
        second_sizes=np.bincount(two.segment, minlength=segments).astype(np.int64),
    )


def _frame(side: Side, name: str) -> pd.DataFrame:
    words = np.ascontiguousarray(side.rows.value).view(np.int64)
    return pd.DataFrame({"kind": side.rows.kind, "high": words[:, 0], "low": words[:, 1], name: side.entry})


def _matched(left: Ints, right: Ints) -> npt.NDArray[np.intp]:
    """Positions of the edges of a maximum matching, one edge position per matched pair."""
    if not len(left):
        return np.zeros(0, np.intp)
    left_number, a = np.unique(left, return_inverse=True)
    right_number, b = np.unique(right, return_inverse=True)
    graph = csr_array((np.ones(len(a), np.int8), (a, b)), shape=(len(left_number), len(right_number)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    # `left` carries the cell, so any edge of a matched left vertex names the right cell.
    edge_of = np.zeros(len(left_number), np.intp)
    edge_of[a] = np.arange(len(a))
    matched: npt.NDArray[np.intp] = edge_of[partner >= 0]
    return matched
