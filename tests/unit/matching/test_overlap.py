from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matching import rows
from matching.overlap import CellCounts, Side, cell_counts, matched_rows, matches, side_of
from matching.refusal import Refusal
from matching.rows import ADD, REMOVE, Rows
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


def oracle(first: list[Entry], second: list[Entry], least: int = LIKELY) -> list[list[int]]:
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


# ---- properties


@settings(max_examples=100, deadline=None)
@given(lists(), lists(), st.integers(0, 2**32 - 1), st.booleans(), LEAST)
def test_cells_are_the_oracles_whatever_the_order_of_rows(
    first: list[Entry],
    second: list[Entry],
    seed: int,
    tied: bool,  # noqa: FBT001 - drawn
    least: int,
) -> None:
    found = counted(first, second, seed, tied=tied, least=least)
    assert found.cells.tolist() == oracle(first, second, least)
    assert found.first_sizes.tolist() == [sum(entry.segment == s for entry in first) for s in range(SEGMENTS)]
    assert found.second_sizes.tolist() == [sum(entry.segment == s for entry in second) for s in range(SEGMENTS)]


@settings(max_examples=60, deadline=None)
@given(lists(), lists(), LEAST)
def test_matches_their_evidence_and_their_tier_are_the_oracles(
    first: list[Entry], second: list[Entry], least: int
) -> None:
    found = matches(side_of(rows_of(first)), side_of(rows_of(second)), kinds=NAMES, least=least)
    assert list(found.columns) == ["first", "second", "evidence", "tier"]
    assert found.dtypes[["evidence", "tier"]].astype(str).tolist() == ["uint32", "uint8"]
    expected = {
        (i, j): (sum(1 << kind for kind in {kind for kind, _ in one.keys & two.keys}), tier_of(one, two))
        for i, one in enumerate(first)
        for j, two in enumerate(second)
        if tier_of(one, two) >= least
    }
    assert {(i, j): (bits, sure) for i, j, bits, sure in found.itertuples(index=False)} == expected
    assert len(found) == len(expected)


@settings(max_examples=60, deadline=None)
@given(lists(), lists(), st.integers(0, 2**32 - 1), LEAST)
def test_matched_rows_are_all_that_agree_of_the_pairs_that_match(
    first: list[Entry], second: list[Entry], seed: int, least: int
) -> None:
    order = np.random.default_rng(seed)
    one, two = (side_of(rows_of(entries, order)) for entries in (first, second))
    found = matched_rows(one, two, kinds=NAMES, least=least).to_numpy().tolist()

    def row(side: Side, at: int) -> tuple[int, Key]:
        name, value = (int.from_bytes(column[at][:8].tobytes(), "big") for column in (side.rows.name, side.rows.value))
        return name, (int(side.rows.kind[at]), value)

    expected = [
        ((i, key), (j, key))
        for i, a in enumerate(first)
        for j, b in enumerate(second)
        for key in a.keys & b.keys
        if tier_of(a, b) >= least
    ]
    assert sorted((row(one, a), row(two, b)) for a, b in found) == sorted(expected)


@settings(max_examples=60, deadline=None)
@given(lists(), lists())
def test_the_other_side_sees_the_transposed_matrix(first: list[Entry], second: list[Entry]) -> None:
    here, there = counted(first, second), counted(second, first)
    assert here.cells.T.tolist() == there.cells.tolist()
    assert here.first_sizes.tolist() == there.second_sizes.tolist()


@settings(max_examples=100, deadline=None)
@given(lists(), lists(largest=12), st.data(), LEAST)
def test_one_entry_more_moves_every_cell_by_at_most_one(
    first: list[Entry], second: list[Entry], data: st.DataObject, least: int
) -> None:
    """Taken away or added: the entry that is left out is any one of the list, with any keys and segment."""
    if not second:
        return
    out = data.draw(st.integers(0, len(second) - 1))
    less = [entry for i, entry in enumerate(second) if i != out]
    moved = counted(first, second, least=least).cells - counted(first, less, least=least).cells
    assert moved.min() >= 0
    assert moved.max() <= 1
    column = [s for s in range(SEGMENTS) if moved[:, s].any()]
    assert column in ([], [second[out].segment])


@settings(max_examples=100, deadline=None)
@given(lists(), st.integers(0, 9), st.integers(0, 9))
def test_a_hub_counts_once(first: list[Entry], segment: int, other: int) -> None:
    """An entry that holds every key of the other list is one company in each cell at most."""
    keys = frozenset(key for entry in first for key in entry.keys)
    hub = [Entry(segment=segment % SEGMENTS, keys=keys)] if keys else []
    hub.append(Entry(segment=other % SEGMENTS, keys=frozenset({(3, 77)})))
    assert counted(first, hub).cells.max(initial=0) <= 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tied", [False, True])
def test_cells_are_the_oracles_where_most_matches_are_alone(*, tied: bool, seed: int) -> None:
    """Larger than what hypothesis draws: most entries match once, some are in tangles, some in several cells."""
    draws = np.random.default_rng(seed)

    def drawn(keys: int) -> list[Entry]:
        pool = draws.permutation([(kind, value) for kind in range(KINDS) for value in range(keys)]).tolist()
        ends = np.cumsum(draws.choice([1, 1, 1, 2, 4], size=len(pool)))
        parts = np.split(np.array(pool), ends[ends < len(pool)])
        return [Entry(int(draws.integers(SEGMENTS)), frozenset(map(tuple, part.tolist()))) for part in parts]

    first, second = drawn(80), drawn(120)
    assert counted(first, second, seed, tied=tied).cells.tolist() == oracle(first, second)


# ---- cases worth naming


def cell(first: list[Entry], second: list[Entry]) -> int:
    return int(counted(first, second).cells.sum())


def entry(*keys: Key, segment: int = 0) -> Entry:
    return Entry(segment=segment, keys=frozenset(keys))


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (entry((2, 1)), entry((2, 1)), 1),
        (entry((2, 1)), entry((3, 1)), 0),
        (entry((0, 1), (2, 1)), entry((0, 2), (2, 1)), 0),
        (entry((0, 1), (2, 1)), entry((1, 2), (2, 1)), 1),
        (entry((0, 1), (1, 1)), entry((0, 1), (1, 2)), 1),
        (entry((0, 1), (0, 2), (2, 1)), entry((0, 2), (0, 3)), 1),
        (entry((0, 1), (0, 2), (2, 1)), entry((0, 3), (2, 1)), 0),
        (entry((0, 1), (2, 1), (3, 1)), entry((0, 2), (2, 1), (3, 1)), 0),
        (entry((0, 1), (2, 1)), entry((2, 1)), 1),
    ],
    ids=[
        "weak kind",
        "other kind with the same tag",
        "veto",
        "identifiers of different kinds do not veto",
        "an equal identifier beats a different one",
        "one of several identifiers",
        "veto with several identifiers",
        "veto of several weak kinds",
        "no veto where one side has none",
    ],
)
def test_vetoes(one: Entry, two: Entry, expected: int) -> None:
    assert cell([one], [two]) == cell([two], [one]) == expected


def test_the_tier_decides_what_is_counted() -> None:
    spelt, website = [entry((4, 1))], [entry((2, 1))]
    assert counted(spelt, spelt, least=LIKELY).cells[0, 0] == 1
    assert counted(spelt, spelt, least=CERTAIN).cells[0, 0] == 0
    assert counted(website, website, least=CERTAIN).cells[0, 0] == 1


def test_a_maximum_matching_not_a_greedy_one() -> None:
    left = [entry((2, 1), (2, 2)), entry((3, 1))]
    right = [entry((2, 1), (3, 1)), entry((2, 2))]
    assert cell(left, right) == 2


def test_a_long_chain_is_matched_along_its_whole_length() -> None:
    """Path graphs are the worst case for augmenting; also deeper than Python's recursion limit."""
    n = 5000
    left = [entry((2, 2 * i), (2, 2 * i + 1)) for i in range(n)]
    right = [entry((2, 2 * i + 1), (2, 2 * i + 2)) for i in range(n)]
    assert cell(left, right) == n
    assert cell(left, right[:-1]) == n - 1


def test_cells_do_not_share_entries_of_different_segments() -> None:
    left = [entry((2, 1), (2, 2))]
    right = [entry((2, 1), segment=1), entry((2, 2), segment=2)]
    assert counted(left, right).cells.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 0]]


@example(first=[], second=[])
@given(first=lists(largest=2), second=st.just([]))
def test_empty_lists_meet_nowhere(first: list[Entry], second: list[Entry]) -> None:
    found = counted(first, second)
    assert found.cells.tolist() == [[0] * SEGMENTS] * SEGMENTS
    assert found.cells.dtype == np.int64


def test_unreleased_numbers_are_not_in_the_repr() -> None:
    found = counted([entry((2, i)) for i in range(77)], [entry((2, i)) for i in range(77)])
    assert found.cells[0, 0] == 77
    assert "77" not in repr(found)
    assert "77" not in f"{found}"


# ---- refusals


def refused(first: Rows, code: str, **terms: int) -> None:
    good = rows_of([entry((2, 1))])
    for pair in ((first, good), (good, first)):
        with pytest.raises(Refusal) as refusal:
            cell_counts(*pair, **{"segments": SEGMENTS, **terms}, kinds=NAMES, least=LIKELY)
        assert refusal.value.code == code


def with_column(base: Rows, column: str, at: int, value: int) -> Rows:
    columns = {name: getattr(base, name).copy() for name in ("name", "op", "segment", "kind", "value")}
    columns[column][at] = value
    return Rows(**columns)


def test_mixed_segments_are_refused() -> None:
    refused(with_column(rows_of([entry((2, 1), (3, 1), (3, 2))]), "segment", 1, 2), "mixed_segments")


@pytest.mark.parametrize("same_entry", [True, False])
def test_repeated_tags_are_refused(*, same_entry: bool) -> None:
    repeated = rows_of([entry((2, 1))] * 2)
    refused(with_column(repeated, "name", 1, 0) if same_entry else repeated, "repeated_tags")


def test_equal_tags_of_different_kinds_are_no_repetition() -> None:
    assert cell([entry((2, 1), (3, 1))], [entry((2, 1)), entry((3, 1))]) == 1


def test_removals_are_refused() -> None:
    refused(with_column(rows_of([entry((2, 1), (2, 2))]), "op", 1, REMOVE), "malformed_rows")


@pytest.mark.parametrize("kind", [32, 255])
def test_kinds_that_do_not_fit_the_mask_are_refused(kind: int) -> None:
    refused(with_column(rows_of([entry((2, 1), (2, 2))]), "kind", 1, kind), "malformed_rows")


@pytest.mark.parametrize("segment", [SEGMENTS, 255])
def test_segments_that_the_terms_do_not_have_are_refused(segment: int) -> None:
    """Segment 3 of 3 would otherwise be counted as segment 0 of the next row of the matrix."""
    refused(with_column(rows_of([entry((2, 1))]), "segment", 0, segment), "malformed_rows")


def test_tokens_are_not_tags() -> None:
    refused(rows.empty(32), "malformed_rows")
