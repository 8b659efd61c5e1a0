from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import rows
from matching.refusal import Refusal
from matching.rows import ADD, NO_KIND, NO_SEGMENT, REMOVE, Rows

Row = tuple[int, int, int, int, int]
"""name, op, segment, kind, value; name and value as small numbers."""


def batch(*given: Row, width: int = 16) -> Rows:
    column = (
        [np.array(values, np.uint8) for values in zip(*given, strict=True)] if given else [np.zeros(0, np.uint8)] * 5
    )
    name, value = np.zeros((len(given), 16), np.uint8), np.zeros((len(given), width), np.uint8)
    name[:, 15], value[:, 0] = column[0], column[4]
    return Rows(name=name, op=column[1], segment=column[2], kind=column[3], value=value)


def add(name: int, value: int, segment: int = 0, kind: int = 0) -> Row:
    return (name, ADD, segment, kind, value)


def remove(name: int) -> Row:
    return (name, REMOVE, NO_SEGMENT, NO_KIND, 0)


def content(state: Rows) -> list[tuple[int, ...]]:
    columns = (state.name[:, 15], state.op, state.segment, state.kind, state.value[:, 0])
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("name", np.zeros((2, 15), np.uint8)),
        ("name", np.zeros((3, 16), np.uint8)),
        ("name", np.zeros((2, 16), np.int8)),
        ("op", np.zeros(3, np.uint8)),
        ("op", np.zeros((2, 1), np.uint8)),
        ("op", np.zeros(2, bool)),
        ("segment", np.zeros(1, np.uint8)),
        ("segment", np.zeros(2, np.uint16)),
        ("kind", np.zeros(2, np.float64)),
        ("kind", np.zeros(0, np.uint8)),
        ("value", np.zeros((2, 17), np.uint8)),
        ("value", np.zeros((1, 16), np.uint8)),
        ("value", np.zeros(32, np.uint8)),
        ("value", np.zeros((2, 16, 1), np.uint8)),
        ("value", np.zeros((2, 32), np.uint32)),
    ],
)
def test_columns_that_do_not_fit_are_refused(column: str, wrong: Any) -> None:  # noqa: ANN401 - wrong on purpose
    columns: dict[str, Any] = {
        "name": np.zeros((2, 16), np.uint8),
        "op": np.zeros(2, np.uint8),
        "segment": np.zeros(2, np.uint8),
        "kind": np.zeros(2, np.uint8),
        "value": np.zeros((2, 16), np.uint8),
    }
    Rows(**columns)
    with pytest.raises(Refusal) as refusal:
        Rows(**{**columns, column: wrong})
    assert refusal.value.code == "malformed_rows"


@pytest.mark.parametrize("width", [16, 32])
def test_leaves_and_back(width: int) -> None:
    state = batch(add(1, 7, 2, 3), remove(9), add(2, 255, 14, 4), width=width)
    assert state.leaf_width == 19 + width
    assert state.leaves() == b"".join(
        bytes(15) + bytes([name, op, segment, kind, value]) + bytes(width - 1)
        for name, op, segment, kind, value in content(state)
    )
    assert content(rows.from_leaves(state.leaves(), width)) == content(state)
    assert content(rows.from_leaves(b"", width)) == []


@given(st.integers(0, 6), st.data())
def test_any_leaves_and_back(n: int, data: st.DataObject) -> None:
    leaves = data.draw(st.binary(min_size=35 * n, max_size=35 * n))
    assert rows.from_leaves(leaves, 16).leaves() == leaves


@pytest.mark.parametrize(("length", "width"), [(1, 16), (34, 16), (36, 16), (35, 32), (36, 17), (19, 0)])
def test_leaves_of_another_length_are_refused(length: int, width: int) -> None:
    with pytest.raises(Refusal) as refusal:
        rows.from_leaves(bytes(length), width)
    assert refusal.value.code == "malformed_rows"


@pytest.mark.parametrize(
    "bad",
    [
        (1, ADD, 3, 0, 1),
        (1, ADD, 0, 5, 1),
        (1, ADD, NO_SEGMENT, NO_KIND, 0),
        (1, ADD, NO_SEGMENT, 0, 1),
        (1, REMOVE, 0, NO_KIND, 0),
        (1, REMOVE, NO_SEGMENT, 0, 0),
        (1, REMOVE, NO_SEGMENT, NO_KIND, 1),
        (1, 2, 0, 0, 1),
        (1, 255, NO_SEGMENT, NO_KIND, 0),
    ],
)
def test_rows_that_neither_add_nor_remove_are_refused_by_number(bad: Row) -> None:
    good = (add(1, 1, 2, 4), remove(2))
    batch(*good).well_formed(segments=3, kinds=5)
    with pytest.raises(Refusal) as refusal:
        batch(*good, bad, bad).well_formed(segments=3, kinds=5)
    assert (refusal.value.code, refusal.value.place) == ("malformed_rows", "row 2")


def test_no_segments_or_no_kinds_refuse_every_addition() -> None:
    for segments, kinds in ((0, 5), (3, 0)):
        with pytest.raises(Refusal):
            batch(add(1, 1)).well_formed(segments=segments, kinds=kinds)
    rows.empty(16).well_formed(segments=0, kinds=0)


def test_a_batch_removes_whole_entries_then_adds() -> None:
    state = rows.applied(rows.empty(16), batch(add(1, 1), add(2, 2), add(1, 3), add(3, 4)))
    after = rows.applied(state, batch(remove(1), add(1, 9), add(4, 5), remove(3)))
    assert content(after) == [add(2, 2), add(1, 9), add(4, 5)]


def test_order_inside_a_batch_does_not_matter_for_the_outcome() -> None:
    state = batch(add(1, 1))
    one, two = (rows.applied(state, batch(*order)) for order in ((remove(1), add(1, 2)), (add(1, 2), remove(1))))
    assert content(one) == content(two) == [add(1, 2)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((remove(9),), "unknown_entry"),
        ((remove(1), remove(1)), "repeated_removal"),
        ((add(1, 9),), "entry_exists"),
        ((remove(2), add(1, 9)), "entry_exists"),
        ((add(9, 1), remove(9)), "unknown_entry"),
    ],
)
def test_batches_that_do_not_follow_are_refused(change: tuple[Row, ...], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        rows.applied(batch(add(1, 1), add(2, 2)), batch(*change))
    assert refusal.value.code == code


def test_names_are_compared_by_all_their_bytes() -> None:
    """Void items, unlike numpy's byte strings, keep trailing zeros apart."""
    block = np.zeros((3, 16), np.uint8)
    block[1, 15] = block[2, 0] = 1
    assert len(np.unique(rows.as_keys(block))) == 3
    assert np.isin(rows.as_keys(block), rows.as_keys(block[1:2])).tolist() == [False, True, False]


def test_sorting_by_names_is_by_bytes() -> None:
    block = np.frombuffer(b"\x00\xff" + bytes(14) + b"\x80" + bytes(15) + b"\x7f" + b"\xff" * 15, np.uint8).reshape(
        3, 16
    )
    assert np.argsort(rows.as_keys(block)).tolist() == [0, 2, 1]


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9), min_size=1)), st.data())
def test_states_are_those_of_a_dictionary(before: dict[int, set[int]], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(sorted(before)))) if before else set()
    kept = {name: values for name, values in before.items() if name not in gone}
    new = data.draw(
        st.dictionaries(st.integers(0, 9).filter(lambda name: name not in kept), st.sets(st.integers(0, 9), min_size=1))
    )
    changes = [remove(name) for name in gone] + [add(name, value) for name in new for value in new[name]]
    state = batch(*(add(name, value) for name in before for value in before[name]))
    after = rows.applied(state, batch(*data.draw(st.permutations(changes))))
    expected = [add(name, value) for name, values in (kept | new).items() for value in values]
    assert sorted(content(after)) == sorted(expected)


def test_membership_compares_whole_rows() -> None:
    block = np.zeros((3, 16), np.uint8)
    block[1, 15], block[2, 0] = 1, 1  # the first two differ in their last byte only
    assert rows.is_in(block, block[1:2]).tolist() == [False, True, False]
    assert rows.is_in(block, block[:0]).tolist() == [False, False, False]
    assert rows.is_in(block[:0], block).tolist() == []


@given(data=st.data(), sizes=st.sampled_from([(0, 3), (1, 40), (3, 60), (40, 2), (20, 20)]))
def test_membership_is_the_same_whichever_is_longer(data: st.DataObject, sizes: tuple[int, int]) -> None:
    names = st.sampled_from([bytes([first]) + bytes(14) + bytes([last]) for first in range(6) for last in range(3)])
    one, other = (data.draw(st.lists(names, min_size=size, max_size=size)) for size in sizes)
    blocks = (np.frombuffer(b"".join(part), np.uint8).reshape(-1, 16) for part in (one, other))
    assert rows.is_in(*blocks).tolist() == [name in other for name in one]


@given(st.lists(st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(15) + b"\x01", b"\x01" + bytes(15)])))
def test_rows_are_ordered_by_their_bytes_and_repeated_ones_are_found(given_rows: list[bytes]) -> None:
    block = np.frombuffer(b"".join(given_rows), np.uint8).reshape(-1, 16)
    order, repeats = rows.order_of(*rows.words_of(block))
    assert order.tolist() == sorted(range(len(given_rows)), key=lambda at: given_rows[at])  # sorted() is stable too
    ordered = sorted(given_rows)
    assert repeats.tolist() == [at > 0 and ordered[at] == ordered[at - 1] for at in range(len(ordered))]


@given(st.lists(st.sampled_from([bytes(15) + b"\x01", b"\x01" + bytes(15), b"\xff" * 16, bytes(8) + b"\xff" * 8])))
def test_names_are_numbered_in_their_order(names: list[bytes]) -> None:
    given_names = np.empty(len(names), dtype=object)
    given_names[:] = names
    number, distinct = rows.numbered(given_names)
    assert distinct.tolist() == sorted(set(names))
    assert [distinct[each] for each in number] == names
