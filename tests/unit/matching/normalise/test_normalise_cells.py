import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.cells import checked
from matching.refusal import Refusal


@pytest.mark.parametrize(("value", "text"), [("", ""), (" \t\n", ""), (" a b\n", "a b"), ("a\tb\r\nc", "a\tb\r\nc")])
def test_surrounding_white_space_is_out(value: str, text: str) -> None:
    assert checked(value, limit=10) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("x" * 11, "cell_too_long"),
        (" " * 11, "cell_too_long"),
        ("a\x00", "cell_control_characters"),
        ("a\x1bb", "cell_control_characters"),
        ("a\x7fb", "cell_control_characters"),
        ("a\x9bb", "cell_control_characters"),
        ("a\x1fb", "cell_control_characters"),  # what stands between several names of a cell
        ("\u202ea", "cell_control_characters"),
        ("a\u200eb", "cell_control_characters"),
        ("a\u2066b", "cell_control_characters"),
        ("a\ud800", "cell_control_characters"),
        ("=1+1", "cell_formula"),
        ("  =A1", "cell_formula"),
        ("#N/A", "cell_error"),
        ("#ref!", "cell_error"),
        ("#DIV/0!", "cell_error"),
    ],
)
def test_what_no_cell_may_hold_is_refused(value: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        checked(value, limit=10)
    assert caught.value.code == code


@pytest.mark.parametrize("value", ["#1 Company", "a=b", "a\x85b", "a\u200bb", "\u00e9", "\u30ac"])
def test_what_looks_like_it_but_is_not_stays(value: str) -> None:
    assert checked(value, limit=10) == value


@pytest.mark.parametrize("filling", ["a", " ", "=", "\x00", "\u0301"])
def test_a_cell_of_ten_megabytes_is_refused_at_once(filling: str) -> None:
    cell = filling * 10_000_000
    started = time.perf_counter()
    with pytest.raises(Refusal, match="longer than"):
        checked(cell, limit=2_048)
    assert time.perf_counter() - started < 0.1


@given(st.text(max_size=40))
def test_what_is_left_of_a_cell_is_left_of_itself(value: str) -> None:
    try:
        text = checked(value, limit=40)
    except Refusal:
        return
    assert checked(text, limit=40) == text == value.strip()
