"""Sums of points for public weights: what the batched proof needs of the group."""

import numpy as np
import pytest
import ristretto_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_claims import points, scalar

from matching import group
from matching.group import BLOCK, ORDER
from matching.refusal import Refusal

ONE, TWO = scalar(1), scalar(2)


def log_encoded(logarithm: int) -> bytes:
    """`logarithm * G` by the oracle."""
    return oracle.encode(oracle.multiply(logarithm % ORDER, oracle.GENERATOR))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 * ORDER), st.integers(1, ORDER - 1), st.integers(0, 2 * ORDER), st.integers(1, ORDER - 1))
def test_linear_combinations_of_two_points(first: int, one: int, second: int, two: int) -> None:
    found = group.linear_pair(first, log_encoded(one), second, log_encoded(two))
    assert found == log_encoded(first * one + second * two)
    assert group.add(log_encoded(one), log_encoded(two)) == log_encoded(one + two)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1)), max_size=6))
def test_combinations_of_many_points(pairs: list[tuple[int, int]]) -> None:
    found = group.combined([weight for weight, _ in pairs], points(*(log_encoded(log) for _, log in pairs)))
    assert found == log_encoded(sum(weight * log for weight, log in pairs))


def test_sums_that_vanish_are_the_identity() -> None:
    one, opposite = group.base_multiply(TWO), group.negated(group.base_multiply(TWO))
    assert group.add(one, opposite) == group.IDENTITY
    assert group.linear_pair(0, one, ORDER, one) == group.IDENTITY
    assert group.linear_pair(5, one, 5, opposite) == group.IDENTITY
    assert group.linear_pair(5, one, ORDER - 5, one) == group.IDENTITY
    assert group.combined([3, 3], points(one, opposite)) == group.IDENTITY
    assert group.combined([3, 3, 1], points(one, opposite, one)) == one
    assert group.combined([], points()) == group.IDENTITY


@pytest.mark.parametrize("n", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 1])
def test_combinations_over_blocks(n: int) -> None:
    """Row i is (i + 1)*G with weight i + 2."""
    generator, encodings = group.base_multiply(ONE), [group.base_multiply(ONE)]
    for _ in range(n - 1):
        encodings.append(group.add(encodings[-1], generator))
    expected = sum((i + 1) * (i + 2) for i in range(n))
    assert group.combined(range(2, n + 2), points(*encodings)) == group.base_multiply(scalar(expected))


def test_the_first_of_several_bad_rows_is_named() -> None:
    block = np.tile(points(group.base_multiply(TWO)), (2 * BLOCK + 1, 1))
    for row in (2 * BLOCK, BLOCK + 5, BLOCK + 6):
        block[row] = np.frombuffer((oracle.P + 3).to_bytes(32, "little"), np.uint8)
    for action in (lambda: group.combined([7] * len(block), block), lambda: group.require_elements(block, name="")):
        with pytest.raises(Refusal) as refusal:
            action()
        assert refusal.value.place == f"row {BLOCK + 5}"


@pytest.mark.parametrize("row", [0, BLOCK + 1])
@pytest.mark.parametrize("weight", [0, -1, ORDER, ORDER + 1, 2**256])
def test_weights_outside_the_order_are_refused(row: int, weight: int) -> None:
    weights = [1] * (BLOCK + 2)
    weights[row] = weight
    with pytest.raises(Refusal) as refusal:
        group.combined(weights, np.tile(points(group.base_multiply(TWO)), (BLOCK + 2, 1)))
    assert (refusal.value.code, refusal.value.place) == ("bad_scalar", f"row {row}")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_weights_is_refused(count: int) -> None:
    with pytest.raises(Refusal) as refusal:
        group.combined([1] * count, points(*[group.base_multiply(TWO)] * 2))
    assert refusal.value.code == "bad_batch"


def test_elements_pass_the_check() -> None:
    group.require_elements(points(*(group.base_multiply(scalar(n)) for n in range(1, 40))), name="good")
    group.require_elements(points(), name="none")


@pytest.mark.parametrize("bad", [group.IDENTITY, b"", b"\xff" * 32, (1).to_bytes(32, "little")])
def test_sums_of_what_is_no_element_are_refused(bad: bytes) -> None:
    good = group.base_multiply(TWO)
    for row, pair in enumerate(((bad, good), (good, bad))):
        for action in (group.add, lambda one, two: group.linear_pair(0, one, 0, two)):
            with pytest.raises(Refusal) as refusal:
                action(*pair)
            assert (refusal.value.code, refusal.value.place) == ("bad_point", f"row {row}")
