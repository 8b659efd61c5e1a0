import pickle  # noqa: TID251 - to look for numbers in it
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.disclosure.bands import band
from matching.disclosure.rule import Cell, Matrix, Shown, Withheld, disclose_exact
from matching.overlap import CellCounts
from matching.refusal import Refusal


def counts(cells: Iterable[Iterable[int]], first: Iterable[int], second: Iterable[int]) -> CellCounts:
    return CellCounts(
        cells=np.array(cells, np.int64),
        first_sizes=np.array(first, np.int64),
        second_sizes=np.array(second, np.int64),
    )


def one(number: int, first: int, second: int, floor: int = 10) -> Cell:
    ((cell,),) = disclose_exact(counts([[number]], [first], [second]), floor=floor)
    return cell


@pytest.mark.parametrize(
    ("number", "first", "second", "shown"),
    [
        (10, 20, 20, True),
        (9, 100, 100, False),
        (10, 19, 100, False),
        (10, 100, 19, False),
        (10, 20, 19, False),
        (0, 100, 100, False),
        (100, 100, 100, False),
        (90, 100, 100, True),
        (91, 100, 100, False),
        (91, 101, 100, False),
        (91, 101, 101, True),
        (10**12, 10**13, 10**13, True),
    ],
)
def test_the_floor_holds_inside_and_outside_on_its_very_edge(
    *, number: int, first: int, second: int, shown: bool
) -> None:
    assert one(number, first, second) == (Shown(number) if shown else Withheld())


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 30))
def test_the_rule_for_any_cell(number: int, first: int, second: int, floor: int) -> None:
    number = min(number, first, second)
    shown = number >= floor and first - number >= floor and second - number >= floor
    assert one(number, first, second, floor) == (Shown(number) if shown else Withheld())


@given(st.integers(1, 30), st.data())
def test_rows_are_the_first_lists_segments(floor: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 4))
    sizes = st.lists(st.integers(0, 100), min_size=n, max_size=n)
    first, second = data.draw(sizes), data.draw(sizes)
    cells = data.draw(st.lists(sizes, min_size=n, max_size=n))
    found = disclose_exact(counts(cells, first, second), floor=floor)
    expected: Matrix = tuple(tuple(one(cells[i][j], first[i], second[j], floor) for j in range(n)) for i in range(n))
    assert found == expected
    transposed = disclose_exact(counts(np.array(cells).T.tolist(), second, first), floor=floor)
    assert tuple(zip(*found, strict=True)) == transposed


@pytest.mark.parametrize(("number", "first", "second"), [(7, 100, 100), (4321, 4321, 9999), (4321, 9999, 4325)])
def test_a_withheld_cell_carries_no_number_and_no_reason(number: int, first: int, second: int) -> None:
    cell = one(number, first, second)
    assert repr(cell) == "Withheld()"
    assert not hasattr(cell, "__dict__")
    assert Withheld.__slots__ == ()
    assert pickle.dumps(cell) == pickle.dumps(Withheld())
    assert cell == one(0, 0, 0)
    assert hash(cell) == hash(one(0, 0, 0))
    with pytest.raises((AttributeError, TypeError)):
        cell.companies = 7


def test_a_matrix_carries_nothing_but_its_cells() -> None:
    matrix = disclose_exact(counts([[4321, 3], [55, 4999]], [9999, 5001], [7777, 6006]), floor=10)
    assert matrix == ((Shown(4321), Withheld()), (Shown(55), Withheld()))
    assert all(type(cell.companies) is int for row in matrix for cell in row if isinstance(cell, Shown))
    for text in (repr(matrix), pickle.dumps(matrix, protocol=0).decode("latin-1")):
        assert "4321" in text
        assert not any(number in text for number in ("4999", "9999", "5001", "7777", "6006"))


@pytest.mark.parametrize("floor", [0, -1])
def test_no_floor_is_refused(floor: int) -> None:
    with pytest.raises(Refusal) as refusal:
        one(50, 100, 100, floor)
    assert refusal.value.code == "bad_floor"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (-1, "none"),
        (0, "none"),
        (1, "1 to 2"),
        (2, "2 to 5"),
        (4, "2 to 5"),
        (5, "5 to 10"),
        (9, "5 to 10"),
        (10, "10 to 20"),
        (19, "10 to 20"),
        (20, "20 to 50"),
        (49, "20 to 50"),
        (50, "50 to 100"),
        (99, "50 to 100"),
        (100, "100 to 200"),
        (1999, "1,000 to 2,000"),
        (2000, "2,000 to 5,000"),
        (4999, "2,000 to 5,000"),
        (999_999, "500,000 to 1,000,000"),
        (1_000_000, "1,000,000 to 2,000,000"),
    ],
)
def test_bands_include_their_lower_edge_only(size: int, expected: str) -> None:
    assert band(size) == expected


@given(st.integers(1, 10**15))
def test_a_size_lies_in_its_band(size: int) -> None:
    low, high = (int(edge.replace(",", "")) for edge in band(size).split(" to "))
    assert low <= size < high
    assert band(low) == band(high - 1) == band(size)
    assert str(low).rstrip("0") in ("1", "2", "5")
