from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.refusal import Refusal
from matching.shapes import MOST_KINDS, Shape, coarsen, codes_of, histogram, packed, unpacked

KINDS = 3


def rows_of(*shapes: Shape) -> pd.DataFrame:
    """One entry for each shape; keys are numbered within entry and kind."""
    rows = [
        (entry, segment, kind, f"{entry}/{kind}/{number}")
        for entry, (segment, counts) in enumerate(shapes)
        for kind, count in enumerate(counts)
        for number in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["entry", "segment", "kind", "key"])
    return frame.astype({"entry": "int32", "segment": "uint8", "kind": "uint8", "key": "str"})


def test_histogram_counts_entries_by_segment_and_keys_of_each_kind() -> None:
    rows = rows_of((0, (1, 0, 2)), (1, (1, 0, 2)), (0, (1, 0, 2)), (0, (0, 1, 0)))
    shuffled = rows.iloc[::-1]
    assert histogram(shuffled, kind_count=KINDS) == {(0, (1, 0, 2)): 2, (1, (1, 0, 2)): 1, (0, (0, 1, 0)): 1}


def test_rows_of_an_entry_with_two_segments_have_no_shape() -> None:
    rows = rows_of((0, (1, 1, 0)))
    rows["segment"] = np.array([0, 1], dtype=np.uint8)
    with pytest.raises(Refusal, match="different segments"):
        histogram(rows, kind_count=KINDS)


@pytest.mark.parametrize(
    ("kind", "code"), [(3, "kind_unknown"), (13, "kind_unknown"), (14, "shape_too_large"), (200, "shape_too_large")]
)
def test_a_kind_that_is_not_in_the_terms_has_no_shape(kind: int, code: str) -> None:
    rows = rows_of((0, (1, 0, 0))).assign(kind=np.array([kind], dtype=np.uint8))
    with pytest.raises(Refusal) as caught:
        histogram(rows, kind_count=KINDS)
    assert caught.value.code == code


def test_fourteen_kinds_and_fifteen_keys_of_each_have_a_shape() -> None:
    full = (255, (15,) * MOST_KINDS)
    assert histogram(rows_of(full), kind_count=MOST_KINDS) == {full: 1}
    assert packed(full) == 2**64 - 1


@pytest.mark.parametrize("kind", [0, 6, 13])
def test_more_than_fifteen_keys_of_a_kind_have_no_shape(kind: int) -> None:
    counts = tuple(16 if at == kind else 1 for at in range(MOST_KINDS))
    with pytest.raises(Refusal, match="more than 15 keys") as caught:
        histogram(rows_of((0, counts)), kind_count=MOST_KINDS)
    assert caught.value.code == "shape_too_large"


@given(st.integers(0, 255), st.lists(st.integers(0, 15), min_size=MOST_KINDS, max_size=MOST_KINDS))
def test_a_code_is_its_shape(segment: int, counts: list[int]) -> None:
    shape = segment, tuple(counts)
    assert unpacked(packed(shape), MOST_KINDS) == shape
    kinds = max((at + 1 for at, count in enumerate(counts) if count), default=0)
    assert unpacked(packed(shape), kinds) == (segment, tuple(counts[:kinds]))
    assert packed((segment, tuple(counts[:kinds]))) == packed(shape)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 3), min_size=12, max_size=12).filter(any))))
def test_codes_are_the_packed_shapes_of_entries_in_any_order_of_rows(drawn: list[tuple[int, list[int]]]) -> None:
    shapes = [(segment, tuple(counts)) for segment, counts in drawn]
    rows = rows_of(*shapes).iloc[::-1]
    columns = (rows["entry"].to_numpy(np.int64), rows["segment"].to_numpy(), rows["kind"].to_numpy())
    codes = codes_of(*columns, len(shapes) + 1)
    assert codes.tolist() == [*map(packed, shapes), 0]


def test_shapes_that_are_populated_stay_as_they_are() -> None:
    rows = rows_of(*[(0, (1, 1, 0))] * 3, *[(1, (0, 0, 2))] * 4)
    found = coarsen(rows, 3, KINDS)
    pd.testing.assert_frame_equal(found.rows, rows)
    assert (found.left_out, found.merged_segments, found.dropped_keys) == (0, (), 0)


def test_a_rare_shape_moves_to_the_populated_one_that_keeps_most() -> None:
    rows = rows_of(*[(0, (1, 1, 0))] * 3, *[(0, (0, 1, 0))] * 3, (0, (1, 1, 2)))
    found = coarsen(rows, 3, KINDS)
    assert histogram(found.rows, kind_count=KINDS) == {(0, (1, 1, 0)): 4, (0, (0, 1, 0)): 3}
    assert found.dropped_keys == 2


def test_rare_shapes_meet_in_a_shape_that_none_of_them_had() -> None:
    rows = rows_of(*[(0, (1, 0, 1))] * 2, *[(0, (0, 1, 1))] * 2)
    found = coarsen(rows, 3, KINDS)
    assert histogram(found.rows, kind_count=KINDS) == {(0, (0, 0, 1)): 4}
    assert found.left_out == 0


def test_of_a_kind_the_last_keys_go_first() -> None:
    rows = rows_of(*[(0, (0, 0, 1))] * 3, (0, (0, 0, 3)))
    found = coarsen(rows.sample(frac=1, random_state=1), 3, KINDS)
    assert "3/2/0" in set(found.rows["key"])
    assert found.dropped_keys == 2


def test_weights_decide_which_key_is_left_out() -> None:
    rows = rows_of(*[(0, (1, 0, 0))] * 3, *[(0, (0, 1, 0))] * 3, (0, (1, 1, 0)))
    by_order = coarsen(rows, 3, KINDS)
    by_weight = coarsen(rows, 3, KINDS, weights=(1, 2, 1))
    assert histogram(by_order.rows, kind_count=KINDS)[0, (1, 0, 0)] == 4
    assert histogram(by_weight.rows, kind_count=KINDS)[0, (0, 1, 0)] == 4


def test_a_small_segment_merges_into_the_next_and_the_last_into_the_one_before() -> None:
    shape = (1, 0, 0)
    rows = rows_of((0, shape), *[(2, shape)] * 4, (5, shape))
    found = coarsen(rows, 3, KINDS)
    assert found.merged_segments == ((0, 2), (5, 2))
    assert histogram(found.rows, kind_count=KINDS) == {(2, shape): 6}


def test_small_segments_pile_up_until_they_are_enough() -> None:
    rows = rows_of(*[(segment, (1, 0, 0)) for segment in (0, 1, 2)])
    found = coarsen(rows, 3, KINDS)
    assert found.merged_segments == ((0, 1), (1, 2))
    assert histogram(found.rows, kind_count=KINDS) == {(2, (1, 0, 0)): 3}


def test_what_finds_no_place_is_left_out() -> None:
    found = coarsen(rows_of((0, (1, 0, 0)), (0, (0, 1, 0)), *[(0, (0, 0, 1))] * 3), 3, KINDS)
    assert histogram(found.rows, kind_count=KINDS) == {(0, (0, 0, 1)): 3}
    assert (found.left_out, found.dropped_keys) == (2, 0)


def test_a_list_smaller_than_the_minimum_is_left_out_as_a_whole() -> None:
    found = coarsen(rows_of((0, (1, 0, 0)), (1, (1, 0, 0))), 3, KINDS)
    assert found.rows.empty
    assert found.left_out == 2


def test_an_empty_list_stays_empty() -> None:
    assert coarsen(rows_of(), 25, KINDS).rows.empty


@pytest.mark.parametrize(
    ("minimum", "weights", "code"),
    [(0, (), "minimum_invalid"), (3, (1,), "weights_invalid"), (3, (1, 0, 1), "weights_invalid")],
)
def test_settings_that_make_no_sense_are_refused(minimum: int, weights: tuple[int, ...], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        coarsen(rows_of((0, (1, 0, 0))), minimum, KINDS, weights=weights)
    assert caught.value.code == code


SHAPES = st.lists(
    st.tuples(st.integers(0, 3), st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 2)).filter(any)),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(1, 6))
def test_no_class_below_the_minimum_leaves(shapes: list[Shape], minimum: int) -> None:
    rows = rows_of(*shapes)
    found = coarsen(rows, minimum, KINDS)
    assert all(count >= minimum for count in histogram(found.rows, kind_count=KINDS).values())
    before = set(rows[["entry", "kind", "key"]].itertuples(index=False, name=None))
    after = set(found.rows[["entry", "kind", "key"]].itertuples(index=False, name=None))
    assert after <= before
    kept = set(found.rows["entry"])
    assert found.left_out == len(shapes) - len(kept)
    assert found.dropped_keys == sum(entry in kept for entry, _, _ in before - after)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(1, 6))
def test_nobody_is_left_out_who_could_be_placed(shapes: list[Shape], minimum: int) -> None:
    rows = rows_of(*shapes)
    found = coarsen(rows, minimum, KINDS)
    into = dict(found.merged_segments)

    def final(segment: int) -> int:
        return final(into[segment]) if segment in into else segment

    places = histogram(found.rows, kind_count=KINDS)
    kept = set(found.rows["entry"])
    outside = [(final(segment), counts) for entry, (segment, counts) in enumerate(shapes) if entry not in kept]
    for segment, counts in outside:
        for at, place in places:
            assert at != segment or any(have < want for have, want in zip(counts, place, strict=True))
    together = Counter((segment, kind) for segment, counts in outside for kind in range(KINDS) if counts[kind])
    assert all(count < minimum for count in together.values())


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.integers(1, 6), st.data())
def test_coarsen_does_not_depend_on_the_order_of_rows(shapes: list[Shape], minimum: int, data: st.DataObject) -> None:
    rows = rows_of(*shapes)
    order = data.draw(st.permutations(range(len(rows))))
    one, other = coarsen(rows, minimum, KINDS), coarsen(rows.iloc[order], minimum, KINDS)
    pd.testing.assert_frame_equal(one.rows, other.rows)
    assert (one.left_out, one.merged_segments) == (other.left_out, other.merged_segments)
