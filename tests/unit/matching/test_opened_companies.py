"""How many companies of a cell both sides know: never more than it has, and nothing of who is not known."""

import numpy as np
from entry_lists import LEAST, NAMES, SEGMENTS, Entry, entry, lists, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.disclosure.rule import Rest
from matching.overlap import CellCounts, Ints, cell_counts, opened_counts
from matching.rows import Rows
from matching.rule import LIKELY

Pairs = list[tuple[int, int]]
"""Positions of entries in the first list and in the second."""


def names(numbers: list[int]) -> np.ndarray:
    """The names that `rows_of` gives to entries of these positions."""
    return np.frombuffer(
        b"".join(half.to_bytes(8, "big") for number in numbers for half in (number, number % 2)), np.uint8
    ).reshape(-1, 16)


def opened(first: Rows, second: Rows, pairs: Pairs, *, least: int = LIKELY) -> tuple[Ints, Ints]:
    both = names([a for a, _ in pairs]), names([b for _, b in pairs])
    return opened_counts(first, second, both, segments=SEGMENTS, kinds=NAMES, least=least)


def counted(first: Rows, second: Rows, *, least: int) -> CellCounts:
    return cell_counts(first, second, segments=SEGMENTS, kinds=NAMES, least=least)


def without(rows: Rows, out: int) -> Rows:
    return rows.take((rows.name != names([out])).any(axis=1))


SOME = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(lists(largest=12), lists(largest=12), SOME, LEAST)
def test_what_is_known_can_always_be_subtracted(
    first: list[Entry], second: list[Entry], pairs: Pairs, least: int
) -> None:
    """From cells and from segments, however tangled the lists are and whatever was opened of them."""
    one, two = rows_of(first), rows_of(second)
    counts = counted(one, two, least=least)
    about_first, about_second = opened(one, two, pairs, least=least)
    Rest.of(counts.about_first, counts.first_sizes, counts.second_sizes, about_first)
    Rest.of(counts.about_second, counts.first_sizes, counts.second_sizes, about_second)


@settings(max_examples=40, deadline=None)
@given(lists(largest=12), lists(largest=12), SOME, LEAST)
def test_an_entry_that_was_not_opened_moves_the_rest_by_one_in_all(
    first: list[Entry], second: list[Entry], pairs: Pairs, least: int
) -> None:
    one, two = rows_of(first), rows_of(second)
    rest = counted(one, two, least=least).about_first - opened(one, two, pairs, least=least)[0]
    for out in set(range(len(first))) - {a for a, _ in pairs}:
        less = without(one, out)
        moved = rest - (counted(less, two, least=least).about_first - opened(less, two, pairs, least=least)[0])
        assert np.abs(moved).sum() <= 1


def test_matches_of_one_to_one_count_where_they_were_opened() -> None:
    first = rows_of([entry((2, 1)), entry((2, 2), segment=1), entry((2, 3), segment=2)])
    second = rows_of([entry((2, 3), segment=1), entry((2, 2), segment=1), entry((2, 9))])
    about_first, about_second = opened(first, second, [(2, 0), (1, 1), (0, 2)])
    assert about_first.tolist() == about_second.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert opened(first, second, [(1, 1)])[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_pairs_that_do_not_match_any_more_count_nothing() -> None:
    first, second = rows_of([entry((2, 1))]), rows_of([entry((2, 2))])
    for pairs in ([], [(0, 0)], [(0, 7)], [(7, 0)]):
        assert not opened(first, second, pairs)[0].any()
        assert not opened(first, second, pairs)[1].any()


def test_a_company_that_was_opened_with_six_rows_is_known_once() -> None:
    first = rows_of([entry(*((2, i) for i in range(6)))])
    second = rows_of([entry((2, i), segment=i % SEGMENTS) for i in range(6)])
    about_first, about_second = opened(first, second, [(0, i) for i in range(6)])
    assert about_first.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert about_second.sum() == 1
