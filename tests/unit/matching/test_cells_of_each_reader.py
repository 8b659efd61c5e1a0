"""What one entry more or less can move: the number that noise is measured by."""

import numpy as np
from entry_lists import LEAST, SEGMENTS, Entry, counted, entry, every_cell_for_itself, lists
from hypothesis import given, settings
from hypothesis import strategies as st


def without(entries: list[Entry], out: int) -> list[Entry]:
    return [entry for i, entry in enumerate(entries) if i != out]


@settings(max_examples=40, deadline=None)
@given(lists(), lists(largest=12), LEAST)
def test_one_entry_less_moves_what_is_shown_about_its_list_by_one_in_all(
    first: list[Entry], second: list[Entry], least: int
) -> None:
    """Every entry of both lists is taken away once; the other list is what it is, however tangled."""
    whole = counted(first, second, least=least)
    for out in range(len(first)):
        moved = whole.about_first - counted(without(first, out), second, least=least).about_first
        assert np.abs(moved).sum() <= 1
        assert not np.delete(moved, first[out].segment, axis=0).any()
    for out in range(len(second)):
        moved = whole.about_second - counted(first, without(second, out), least=least).about_second
        assert np.abs(moved).sum() <= 1
        assert not np.delete(moved, second[out].segment, axis=1).any()


def spread_over_segments(rows: int) -> tuple[list[Entry], list[Entry]]:
    """One target with a key for each of so many rows of the other list, which lie in every segment in turn."""
    return [entry(*((2, i) for i in range(rows)))], [entry((2, i), segment=i % SEGMENTS) for i in range(rows)]


def test_six_rows_of_one_target_count_once() -> None:
    target, six = spread_over_segments(6)
    found = counted(target, six)
    assert found.about_first.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert found.about_second.tolist() == [[1, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert counted([], six).about_first.sum() == 0
    mirrored = counted(six, target)
    assert mirrored.about_second.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_a_matching_for_every_cell_alone_would_move_by_one_in_each_of_them() -> None:
    """The control: the rule before this one, with a list that was made to attack it."""
    target, six = spread_over_segments(6)
    others = [entry((3, 1), segment=1)]
    moved = np.array(every_cell_for_itself([*target, *others], six)) - np.array(every_cell_for_itself(others, six))
    assert np.abs(moved).sum() == SEGMENTS


def test_an_entry_counts_in_the_first_segment_of_those_it_matches() -> None:
    found = counted([entry((2, 1), (2, 2), segment=1)], [entry((2, 1), segment=2), entry((2, 2), segment=1)])
    assert found.about_first.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert found.about_second.tolist() == [[0, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_an_entry_that_loses_its_partner_in_the_first_segment_does_not_count_in_the_next() -> None:
    """It would if entries were led by who is left: then one entry more would move two cells."""
    rival, loser = entry((2, 1)), entry((2, 2), (3, 2))
    second = [entry((2, 1), (2, 2)), entry((3, 2), segment=1)]
    assert counted([loser], second).about_first.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert counted([rival, loser], second).about_first.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


@settings(max_examples=40, deadline=None)
@given(lists(), lists(), LEAST)
def test_where_no_entry_meets_two_segments_every_cell_stands_for_itself(
    first: list[Entry], second: list[Entry], least: int
) -> None:
    alike = [Entry(segment=0, keys=two.keys) for two in second]
    assert counted(first, alike, least=least).about_first.tolist() == every_cell_for_itself(first, alike, least)
    mirrored = counted(alike, first, least=least)
    assert mirrored.about_second.tolist() == every_cell_for_itself(alike, first, least)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_lists_that_match_one_to_one_get_one_matrix_twice(data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20))
    first = [entry((0, i), (2, i), segment=s) for i, (s, _) in enumerate(pairs)]
    second = [entry((0, i), (2, i + 100), segment=s) for i, (_, s) in enumerate(pairs)]
    found = counted(first, second)
    expected = np.zeros((SEGMENTS, SEGMENTS), np.int64)
    for mine, theirs in pairs:
        expected[mine, theirs] += 1
    assert found.about_first.tolist() == found.about_second.tolist() == expected.tolist()
