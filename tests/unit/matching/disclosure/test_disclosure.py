import pickle  # noqa: TID251 - to look for numbers in it
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.disclosure.bands import band
from matching.disclosure.modes import CONFIDENTIAL, EXACT, STANDARD, Mode
from matching.disclosure.rule import Cell, Matrix, Rest, Shown, Withheld, disclose, rounded
from matching.refusal import Refusal

FEW = Withheld("too_few_inside_or_outside")
BELOW = Withheld("below_threshold")
Table = Sequence[Sequence[int]]


def rest(cells: Iterable[Iterable[int]], first: Iterable[int], second: Iterable[int]) -> Rest:
    return Rest(
        cells=np.array(cells, np.int64), first_sizes=np.array(first, np.int64), second_sizes=np.array(second, np.int64)
    )


def exact(numbers: Rest, floor: int = 10) -> Matrix:
    n = len(numbers.cells)
    return disclose(numbers, mode=EXACT, floor=floor, draws=[[0] * n] * n)


def one(number: int, first: int, second: int, floor: int = 10) -> Cell:
    ((cell,),) = exact(rest([[number]], [first], [second]), floor)
    return cell


def noisy(number: int, draw: int, mode: Mode) -> Cell:
    ((cell,),) = disclose(rest([[number]], [number], [number]), mode=mode, floor=1, draws=[[draw]])
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
    assert one(number, first, second) == (Shown(number) if shown else FEW)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(1, 30))
def test_the_rule_for_any_cell(number: int, first: int, second: int, floor: int) -> None:
    number = min(number, first, second)
    shown = number >= floor and first - number >= floor and second - number >= floor
    assert one(number, first, second, floor) == (Shown(number) if shown else FEW)


@given(st.integers(1, 30), st.data())
def test_rows_are_the_first_lists_segments(floor: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 4))
    sizes = st.lists(st.integers(0, 100), min_size=n, max_size=n)
    first, second = data.draw(sizes), data.draw(sizes)
    cells = data.draw(st.lists(sizes, min_size=n, max_size=n))
    found = exact(rest(cells, first, second), floor)
    expected: Matrix = tuple(tuple(one(cells[i][j], first[i], second[j], floor) for j in range(n)) for i in range(n))
    assert found == expected
    transposed = exact(rest(np.array(cells).T.tolist(), second, first), floor)
    assert tuple(zip(*found, strict=True)) == transposed


@pytest.mark.parametrize(("number", "first", "second"), [(7, 100, 100), (4321, 4321, 9999), (4321, 9999, 4325)])
def test_a_withheld_cell_carries_no_number_and_no_reason(number: int, first: int, second: int) -> None:
    cell = one(number, first, second)
    assert repr(cell) == "Withheld(rule='too_few_inside_or_outside')"
    assert not hasattr(cell, "__dict__")
    assert Withheld.__slots__ == ("rule",)
    assert pickle.dumps(cell) == pickle.dumps(FEW)
    assert cell == one(0, 0, 0)
    assert hash(cell) == hash(one(0, 0, 0))
    with pytest.raises((AttributeError, TypeError)):
        cell.companies = 7


def test_a_matrix_carries_nothing_but_its_cells() -> None:
    matrix = exact(rest([[4321, 3], [55, 4999]], [9999, 5001], [7777, 6006]))
    assert matrix == ((Shown(4321), FEW), (Shown(55), FEW))
    assert all(type(cell.companies) is int for row in matrix for cell in row if isinstance(cell, Shown))
    for text in (repr(matrix), pickle.dumps(matrix, protocol=0).decode("latin-1")):
        assert "4321" in text
        assert not any(number in text for number in ("4999", "9999", "5001", "7777", "6006"))


@pytest.mark.parametrize("floor", [0, -1])
@pytest.mark.parametrize("mode", [EXACT, STANDARD])
def test_no_floor_is_refused(floor: int, mode: Mode) -> None:
    with pytest.raises(Refusal) as refusal:
        disclose(rest([[50]], [100], [100]), mode=mode, floor=floor, draws=[[0]])
    assert refusal.value.code == "bad_floor"


# ---- modes with noise


@pytest.mark.parametrize(
    ("number", "draw", "mode", "cell"),
    [
        (20, 0, STANDARD, Shown(20)),
        (19, 0, STANDARD, BELOW),
        (21, -2, STANDARD, BELOW),
        (0, 20, STANDARD, Shown(20)),
        (0, 22, STANDARD, Shown(20)),
        (0, 23, STANDARD, Shown(25)),
        (100, 2, STANDARD, Shown(100)),
        (100, 3, STANDARD, Shown(105)),
        (100, -2, STANDARD, Shown(100)),
        (100, -3, STANDARD, Shown(95)),
        (100, -101, STANDARD, BELOW),
        (50, 0, CONFIDENTIAL, Shown(50)),
        (49, 0, CONFIDENTIAL, BELOW),
        (60, 4, CONFIDENTIAL, Shown(60)),
        (60, 5, CONFIDENTIAL, Shown(70)),
        (60, -5, CONFIDENTIAL, Shown(60)),
        (60, -6, CONFIDENTIAL, Shown(50)),
        (60, -11, CONFIDENTIAL, BELOW),
    ],
)
def test_the_threshold_and_the_rounding_are_on_the_noisy_number(number: int, draw: int, mode: Mode, cell: Cell) -> None:
    assert noisy(number, draw, mode) == cell


@given(st.integers(0, 200), st.integers(-100, 100), st.integers(-100, 100), st.sampled_from([STANDARD, CONFIDENTIAL]))
def test_what_is_shown_depends_on_the_noisy_number_alone(number: int, draw: int, other: int, mode: Mode) -> None:
    """Sizes and the floor say nothing in these modes: they are no part of what the noise protects."""
    moved = max(0, number + other)
    wide = rest([[moved]], [10**6], [10**6])
    again = disclose(wide, mode=mode, floor=500, draws=[[number + draw - moved]])
    assert ((noisy(number, draw, mode),),) == again


@given(st.integers(-(10**6), 10**6), st.sampled_from([1, 2, 5, 10]))
def test_the_nearest_multiple_and_halves_upwards(number: int, step: int) -> None:
    found = rounded(number, step)
    assert found % step == 0
    assert -step <= 2 * (number - found) < step


def test_each_cell_has_its_own_draw() -> None:
    numbers = rest([[100, 100], [100, 20]], [200, 120], [200, 120])
    assert disclose(numbers, mode=STANDARD, floor=10, draws=[[5, 10], [15, -1]]) == (
        (Shown(105), Shown(110)),
        (Shown(115), BELOW),
    )


@pytest.mark.parametrize("mode", [EXACT, CONFIDENTIAL])
@pytest.mark.parametrize("draws", [[], [[0, 0]], [[0], [0]], [[0, 0], [0]], [[0, 0], [0, 0, 0]], [[0, 0]] * 3])
def test_draws_that_are_not_one_for_each_cell_are_refused(draws: Table, mode: Mode) -> None:
    with pytest.raises(Refusal) as refusal:
        disclose(rest([[50, 50], [50, 50]], [100, 100], [100, 100]), mode=mode, floor=10, draws=draws)
    assert refusal.value.code == "bad_draws"


def test_noise_in_exact_mode_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        disclose(rest([[50, 50], [50, 50]], [200, 200], [200, 200]), mode=EXACT, floor=10, draws=[[0, 0], [0, 1]])
    assert refusal.value.code == "bad_draws"


# ---- what was opened


def left(cells: Table, first: Sequence[int], second: Sequence[int], opened: Table) -> Rest:
    whole = rest(cells, first, second)
    return Rest.of(whole.cells, whole.first_sizes, whole.second_sizes, opened)


def test_what_was_opened_is_taken_from_its_cell_and_both_its_segments() -> None:
    found = left([[30, 7], [9, 40]], [50, 60], [45, 70], [[20, 1], [0, 4]])
    assert found.cells.tolist() == [[10, 6], [9, 36]]
    assert found.first_sizes.tolist() == [29, 56]
    assert found.second_sizes.tolist() == [25, 65]
    assert exact(found)[0][0] == Shown(10)


def test_nothing_opened_leaves_everything() -> None:
    found = left([[30, 7], [9, 40]], [50, 60], [45, 70], [[0, 0], [0, 0]])
    assert found.cells.tolist() == [[30, 7], [9, 40]]
    assert (found.first_sizes.tolist(), found.second_sizes.tolist()) == ([50, 60], [45, 70])


def test_ten_of_which_nine_are_known_are_one() -> None:
    assert exact(left([[10]], [100], [100], [[0]])) == ((Shown(10),),)
    assert exact(left([[10]], [100], [100], [[1]])) == ((FEW,),)


@pytest.mark.parametrize(
    "opened",
    [
        [[31, 0], [0, 0]],  # more than the cell
        [[0, 0], [5, 0]],  # more than the cell of the other segment
        [[20, 5], [0, 0]],  # more than the first list's segment
        [[20, 0], [4, 0]],  # more than the second list's segment
        [[-1, 0], [0, 0]],
        [[0, 0]],
        [[0], [0]],
    ],
)
def test_more_opened_than_there_is_is_refused(opened: Table) -> None:
    with pytest.raises(Refusal) as refusal:
        left([[30, 7], [4, 40]], [24, 60], [23, 70], opened)
    assert refusal.value.code == "opened_exceeds"


def test_what_is_left_is_not_in_the_repr() -> None:
    assert "77" not in repr(left([[7777]], [7799], [7788], [[1]]))


# ---- bands


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
