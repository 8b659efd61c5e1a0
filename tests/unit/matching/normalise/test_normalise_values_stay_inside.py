"""No value in a refusal, nor in what hangs on it; any text gives keys or a refusal, and soon."""

import time
import traceback
from collections.abc import Callable

import pytest
from editions_made import CURRENT
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.recipes import DERIVED, MAKINGS
from matching.refusal import Refusal

MAKERS: dict[str, tuple[int, Callable[..., object]]] = {
    name: (len(making.columns), making.maker(CURRENT)) for name, making in {**DERIVED, **MAKINGS}.items()
}
OF_CELLS = sorted(name for name, making in {**DERIVED, **MAKINGS}.items() if not set(making.columns) & set(DERIVED))
"""What reads cells of the accounts frame."""
NEEDLE = "qzjxkvwq"
CELLS = st.builds(
    lambda before, after: before + NEEDLE + after,
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["=", "http://", "x@", "DE", "GB:", "DE: ", "NYSE:", "CIK", "US", "\u202e", "\u0430", "xn--", "#"]
        ),
    ),
    st.one_of(
        st.text(max_size=20), st.sampled_from([".com", "_.com", ".local", "\u0430.com", " US", "\x00", "/x", ":1"])
    ),
)


def everything(refusal: Refusal) -> str:
    """All that a handler, a log or a traceback could show of it."""
    found, seen = [], [refusal, refusal.__cause__, refusal.__context__]
    for error in filter(None, seen):
        found += [str(error), repr(error), repr(error.args), repr(vars(error))]
    return "".join([*found, *traceback.format_exception_only(refusal)])


@pytest.mark.parametrize("name", OF_CELLS)
@given(cell=CELLS, other=st.sampled_from(["", "DE", "GB", "IT", "US"]))
def test_no_refusal_holds_the_value(name: str, cell: str, other: str) -> None:
    columns, maker = MAKERS[name]
    for cells in ((cell, other)[:columns], ("", cell)[:columns]):
        try:
            maker(*cells)
        except Refusal as refusal:
            assert NEEDLE not in everything(refusal).lower()  # noqa: PT017 - both outcomes are right
            assert refusal.__context__ is None  # noqa: PT017 - a library's error may hold the value
            assert refusal.rule  # noqa: PT017 - any text may be refused or not; what is refused is looked at here
            assert refusal.code == refusal.code.lower()  # noqa: PT017


@pytest.mark.parametrize("name", OF_CELLS)
@given(cells=st.tuples(st.text(max_size=70), st.sampled_from(["", "DE", "AT", "GB", "IT", "FR", "SE", "JP"])))
def test_any_text_gives_keys_or_a_refusal(name: str, cells: tuple[str, str]) -> None:
    columns, maker = MAKERS[name]
    try:
        made = maker(*cells[:columns])
    except Refusal:
        return
    found = [made] if isinstance(made, str) else made
    assert all(isinstance(key, str) and "\x1f" not in key for key in found)


@pytest.mark.parametrize("name", OF_CELLS)
@pytest.mark.parametrize("filling", ["1", "a.", "DE ", " ", "\u0660"])
def test_a_cell_of_ten_megabytes_takes_less_than_a_tenth_of_a_second(name: str, filling: str) -> None:
    columns, maker = MAKERS[name]
    cell = filling * (10_000_000 // len(filling))
    for cells in [(cell, "DE")[:columns], ("", cell)] if name == "site" else [(cell, "DE")[:columns]]:
        started = time.perf_counter()
        with pytest.raises(Refusal, match="longer than"):
            maker(*cells)
        assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize("name", OF_CELLS)
@pytest.mark.parametrize("cell", ["", " ", "\t\n"])
def test_an_empty_cell_gives_nothing(name: str, cell: str) -> None:
    columns, maker = MAKERS[name]
    assert not maker(*(cell, "" if name == "site" else "DE")[:columns])
