"""Sums of public multiples, through every kernel, against libsodium and against `group.combined` without a kernel."""

import hashlib
from functools import reduce

import numpy as np
import pytest
import rbcl
from hypothesis import given, settings
from hypothesis import strategies as st
from known_rows import HALF_OF_ONE, encoded, rows_of, some_points

from matching import group
from matching.group import IDENTITY, ORDER
from matching.lanes import chosen
from matching.lanes.machine import Kernel
from matching.refusal import Refusal

POINTS = some_points(2100)
DIGITS = [int(pattern * 31, 16) for pattern in ("80", "7f", "81", "ff", "00", "01")]
WEIGHTS = sorted({1, 2, 255, 256, ORDER - 1, ORDER - 2, HALF_OF_ONE, 2**252, *(2**at - 1 for at in range(8, 250, 40))})


def summed(kernel: Kernel, weights: list[int], points: list[bytes]) -> bytes:
    halves = rows_of([encoded(weight * HALF_OF_ONE % ORDER) for weight in weights])
    parts, good = kernel.combine(rows_of(points), halves)
    assert good.all()
    assert parts.shape == (kernel.lanes, 32)
    total: bytes = reduce(rbcl.crypto_core_ristretto255_add, (part.tobytes() for part in parts), IDENTITY)
    return total


def expected(weights: list[int], points: list[bytes]) -> bytes:
    multiples = [
        rbcl.crypto_scalarmult_ristretto255(encoded(weight), point)
        for weight, point in zip(weights, points, strict=True)
        if weight
    ]
    total: bytes = reduce(rbcl.crypto_core_ristretto255_add, multiples, IDENTITY)
    return total


def random_weights(count: int) -> list[int]:
    return [int.from_bytes(hashlib.sha512(bytes([n % 256, n >> 8])).digest(), "little") % ORDER for n in range(count)]


@pytest.mark.parametrize("n", [1, 3, 16, 31, 32, 33, 300])
def test_sums_of_every_size(kernel: Kernel, n: int) -> None:
    assert summed(kernel, random_weights(n), POINTS[:n]) == expected(random_weights(n), POINTS[:n])


def test_weights_at_the_borders_of_their_digits(kernel: Kernel) -> None:
    halves = [2 * digits % ORDER for digits in DIGITS]
    for weight in (*WEIGHTS, *halves):
        assert summed(kernel, [weight], POINTS[:1]) == expected([weight], POINTS[:1]), hex(weight)
        assert summed(kernel, [weight] * 40, POINTS[:40]) == expected([weight] * 40, POINTS[:40]), hex(weight)


def test_sums_that_vanish_and_points_that_come_again(kernel: Kernel) -> None:
    """In one lane a point meets itself, its opposite and nothing at all: the formulas have no exceptions."""
    for weights in ([1, ORDER - 1], [0, 0], [ORDER - 2, 2], [5, 5]):
        repeated = [weight for weight in weights for _ in range(kernel.lanes)]
        for point in POINTS[:8]:  # whose multiples by the order differ: any of the points that encode as the identity
            points = [point] * len(repeated)
            assert summed(kernel, repeated, points) == expected(repeated, points)


def test_rows_that_are_no_points_are_named(kernel: Kernel) -> None:
    bad = [
        encoded(1),  # negative
        bytes(31) + b"\x80",  # bit 255
        bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),  # no square
        encoded(2**255 - 20),  # y zero, which only a sum can show: its multiples are the identity
    ]
    rows = [*POINTS[:20], bad[0], *POINTS[20:50], *bad[1:]]
    _, good = kernel.combine(rows_of(rows), rows_of([encoded(7)] * len(rows)))
    assert np.flatnonzero(~good).tolist() == [20, 51, 52, 53]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, ORDER - 1)), min_size=1, max_size=70))
def test_any_sum(kernel: Kernel, terms: list[tuple[int, int]]) -> None:
    weights, points = [weight for _, weight in terms], [POINTS[number] for number, _ in terms]
    assert summed(kernel, weights, points) == expected(weights, points)


def test_the_group_gives_the_same_sums_and_refusals(offered: Kernel) -> None:
    weights = [weight or 1 for weight in random_weights(len(POINTS))]
    cases = [(weights, rows_of(POINTS)), (weights[:17], rows_of(POINTS[:17])), (weights[:300], rows_of(POINTS[:300]))]
    for row, bad in ((0, 1), (16, 3), (299, 2**255)):
        block = rows_of(POINTS[:300]).copy()
        block[row] = np.frombuffer(encoded(bad), np.uint8)
        cases.append((weights[:300], block))
    for row, weight in ((5, 0), (5, ORDER), (5, -1)):
        cases.append(([*weights[:row], weight, *weights[row + 1 : 30]], rows_of(POINTS[:30])))

    def outcomes() -> list[bytes | str]:
        found: list[bytes | str] = []
        for weights, points in cases:
            try:
                found.append(group.combined(weights, points, name="these"))
            except Refusal as refusal:
                found.append(f"{refusal} {refusal.place}")
        return found

    assert offered.lanes
    with_kernel = outcomes()
    chosen.offer(None)
    assert with_kernel == outcomes()
    assert with_kernel[0] == expected(weights, POINTS)
