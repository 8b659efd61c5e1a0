import numpy as np
import pytest
from entry_lists import (
    KINDS,
    LEAST,
    NAMES,
    SEGMENTS,
    Entry,
    Key,
    counted,
    entry,
    lists,
    oracle_about_first,
    rows_of,
    tier_of,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matching import rows
from matching.overlap import Side, cell_counts, matched_rows, matches, side_of
from matching.refusal import Refusal
from matching.rows import REMOVE, Rows
from matching.rule import CERTAIN, LIKELY

# ---- properties


@settings(max_examples=40, deadline=None)
@given(lists(), lists(), st.integers(0, 2**32 - 1), st.booleans(), LEAST)
def test_cells_are_the_oracles_whatever_the_order_of_rows(
    first: list[Entry],
    second: list[Entry],
    seed: int,
    tied: bool,  # noqa: FBT001 - drawn
    least: int,
) -> None:
    found = counted(first, second, seed, tied=tied, least=least)
    assert found.about_first.tolist() == oracle_about_first(first, second, least)
    assert found.about_second.T.tolist() == oracle_about_first(second, first, least)
    assert found.first_sizes.tolist() == [sum(entry.segment == s for entry in first) for s in range(SEGMENTS)]
    assert found.second_sizes.tolist() == [sum(entry.segment == s for entry in second) for s in range(SEGMENTS)]


@settings(max_examples=30, deadline=None)
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


@settings(max_examples=30, deadline=None)
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


@settings(max_examples=30, deadline=None)
@given(lists(), lists())
def test_the_other_side_sees_the_transposed_matrix(first: list[Entry], second: list[Entry]) -> None:
    here, there = counted(first, second), counted(second, first)
    assert here.about_first.T.tolist() == there.about_second.tolist()
    assert here.about_second.T.tolist() == there.about_first.tolist()
    assert here.first_sizes.tolist() == there.second_sizes.tolist()


@settings(max_examples=40, deadline=None)
@given(lists(), st.integers(0, 9), st.integers(0, 9))
def test_a_hub_counts_once(first: list[Entry], segment: int, other: int) -> None:
    """An entry that holds every key of the other list is one company in each cell at most."""
    keys = frozenset(key for entry in first for key in entry.keys)
    hub = [Entry(segment=segment % SEGMENTS, keys=keys)] if keys else []
    hub.append(Entry(segment=other % SEGMENTS, keys=frozenset({(3, 77)})))
    found = counted(first, hub)
    assert found.about_first.max(initial=0) <= 1
    assert found.about_second.sum() <= 1


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
    found = counted(first, second, seed, tied=tied)
    assert found.about_first.tolist() == oracle_about_first(first, second)
    assert found.about_second.T.tolist() == oracle_about_first(second, first)
    assert found.about_first.tolist() != found.about_second.tolist()


# ---- cases worth naming


def cell(first: list[Entry], second: list[Entry]) -> int:
    found = counted(first, second)
    assert found.about_first.sum() == found.about_second.sum()
    return int(found.about_first.sum())


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
    assert counted(spelt, spelt, least=LIKELY).about_first[0, 0] == 1
    assert counted(spelt, spelt, least=CERTAIN).about_first[0, 0] == 0
    assert counted(website, website, least=CERTAIN).about_first[0, 0] == 1


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


@example(first=[], second=[])
@given(first=lists(largest=2), second=st.just([]))
def test_empty_lists_meet_nowhere(first: list[Entry], second: list[Entry]) -> None:
    found = counted(first, second)
    for matrix in (found.about_first, found.about_second):
        assert matrix.tolist() == [[0] * SEGMENTS] * SEGMENTS
        assert matrix.dtype == np.int64


def test_unreleased_numbers_are_not_in_the_repr() -> None:
    found = counted([entry((2, i)) for i in range(77)], [entry((2, i)) for i in range(77)])
    assert found.about_first[0, 0] == 77
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
