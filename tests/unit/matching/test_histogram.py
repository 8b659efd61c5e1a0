from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.histogram import histogram, moved
from matching.refusal import Refusal
from matching.rows import ADD, TAG_BYTES, Rows, applied, concatenated, empty, removals

KINDS = 3
ENTRIES = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=5)), max_size=40
)


def rows_of(entries: list[tuple[int, list[int]]], order: np.random.Generator) -> Rows:
    """One row per key; names differ in their first or last bytes only, rows are shuffled."""
    found = [(i, segment, kind) for i, (segment, kinds) in enumerate(entries) for kind in kinds]
    names = np.zeros((len(found), 16), np.uint8)
    for row, (i, _, _) in enumerate(found):
        names[row, 0 if i % 2 else 15] = i + 1
    columns = np.array([(segment, kind) for _, segment, kind in found], np.uint8).reshape(-1, 2)
    rows = Rows(
        name=names,
        op=np.full(len(found), ADD, np.uint8),
        segment=columns[:, 0],
        kind=columns[:, 1],
        value=np.zeros((len(found), TAG_BYTES), np.uint8),
    )
    return rows.take(order.permutation(len(found)))


@given(entries=ENTRIES, seed=st.integers(0, 1000))
def test_it_counts_entries_by_segment_and_keys_of_each_kind(entries: list[tuple[int, list[int]]], seed: int) -> None:
    expected = Counter((segment, tuple(kinds.count(kind) for kind in range(KINDS))) for segment, kinds in entries)
    found = histogram(rows_of(entries, np.random.default_rng(seed)), KINDS)
    assert found == expected
    assert list(found) == sorted(expected)


@given(entries=ENTRIES, more=ENTRIES, gone=st.sets(st.integers(0, 39)), seed=st.integers(0, 1000))
def test_what_a_batch_moves_is_the_difference_of_the_whole(
    entries: list[tuple[int, list[int]]], more: list[tuple[int, list[int]]], gone: set[int], seed: int
) -> None:
    """Entries go, come, and are changed: come back as others under their names."""
    order = np.random.default_rng(seed)
    before, fresh = rows_of(entries, order), rows_of([*entries, *more], order)
    number = fresh.name[:, 0].astype(int) + fresh.name[:, 15] - 1
    back = np.array([at >= len(entries) or (at in gone and at % 3 == 0) for at in number.tolist()], np.bool_)
    leaving = [at for at in gone if at < len(entries)]
    names = np.array([[0] * 15 + [at + 1] if at % 2 == 0 else [at + 1] + [0] * 15 for at in leaving], np.uint8)
    batch = concatenated([removals(names.reshape(-1, 16), TAG_BYTES), fresh.take(back)])
    after = moved(histogram(before, KINDS), before, batch, KINDS)
    assert after == histogram(applied(before, batch), KINDS)


def test_no_rows_have_no_shapes() -> None:
    assert histogram(empty(TAG_BYTES), KINDS) == {}


def test_one_entry_in_two_segments_is_refused() -> None:
    rows = rows_of([(0, [0]), (1, [1])], np.random.default_rng(1))
    same = Rows(
        name=np.repeat(rows.name[:1], 2, axis=0), op=rows.op, segment=rows.segment, kind=rows.kind, value=rows.value
    )
    with pytest.raises(Refusal, match="segments") as caught:
        histogram(same, KINDS)
    assert caught.value.code == "mixed_segments"


def test_a_kind_outside_the_terms_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        histogram(rows_of([(0, [2])], np.random.default_rng(1)), 2)
    assert caught.value.code == "malformed_rows"
