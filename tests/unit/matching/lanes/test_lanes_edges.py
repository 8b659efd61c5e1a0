"""Numbers and scalars at the borders, through every kernel, against libsodium and against the oracle's integers."""

import hashlib

import ristretto_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from known_rows import (
    EDGES,
    HALF_OF_ONE,
    P,
    encoded,
    products,
    products_hashed,
    rows_of,
    sodium,
    sodium_hashed,
    some_points,
)

from matching.group import IDENTITY, ORDER
from matching.lanes.machine import Kernel

FACTOR = int.from_bytes(hashlib.sha512(b"factor").digest(), "little") % ORDER


def test_edge_numbers_as_encodings(kernel: Kernel) -> None:
    encodings = [encoded(number) for number in EDGES]
    found = products(kernel, encodings, 1)
    decoded = [oracle.decode(encoding) for encoding in encodings]
    assert found == [
        encoding if point is not None and encoding != IDENTITY else None
        for encoding, point in zip(encodings, decoded, strict=True)
    ]
    assert 5 < len([row for row in found if row]) < len(EDGES) // 2
    assert products(kernel, encodings, FACTOR) == [sodium(encoding, FACTOR) for encoding in encodings]


def test_encodings_with_bit_255_set_are_refused(kernel: Kernel) -> None:
    """libsodium drops the bit; RFC 9496 section 4.3.1 does not."""
    good = [*some_points(20), *(encoding for number in EDGES if (encoding := encoded(number))[31] < 0x80)]
    assert products(kernel, [row[:31] + bytes([row[31] | 0x80]) for row in good], 1) == [None] * len(good)


def test_other_names_of_good_points_are_refused(kernel: Kernel) -> None:
    good = some_points(64)
    numbers = [int.from_bytes(row, "little") for row in good]
    assert products(kernel, [encoded(P - number) for number in numbers], 1) == [None] * len(good)
    small = [encoded(number + P) for number in range(19)]
    assert products(kernel, small, 1) == [None] * 19


def test_edge_numbers_as_both_halves_of_uniform_bytes(kernel: Kernel) -> None:
    """All pairs. Bit 255 of a half is set in every other row: RFC 9496 section 4.3.4 drops it."""
    pairs = [(one, two) for one in EDGES for two in EDGES]
    uniform = [
        encoded(one | (2**255 if i % 2 else 0)) + encoded(two | (2**255 if i % 3 else 0))
        for i, (one, two) in enumerate(pairs)
    ]
    assert products_hashed(kernel, uniform, FACTOR) == [sodium_hashed(row, FACTOR) for row in uniform]


def test_edge_numbers_are_mapped_as_the_oracle_does(kernel: Kernel) -> None:
    """Each with zero, with itself and with its opposite, which maps to the same point."""
    pairs = [(one, two % P) for one in EDGES for two in (0, one, -one, 1 - one)]
    uniform = [encoded(one) + encoded(two) for one, two in pairs]
    expected = [oracle.encode(oracle.from_uniform(row)) for row in uniform]
    assert products_hashed(kernel, uniform, 1) == [None if row == IDENTITY else row for row in expected]


HALVES = sorted(
    {
        1,
        2,
        3,
        HALF_OF_ONE,
        HALF_OF_ONE - 1,
        ORDER - 1,
        ORDER - 2,
        2**252,
        2**252 - 1,
        *(digit * (16**63 - 1) // 15 % ORDER for digit in range(1, 16)),
        *(int(pattern * 31, 16) for pattern in ("78", "87", "70", "80", "0f", "f0", "79", "97")),
        *(8 * 16**at for at in range(0, 63, 3)),
        *(7 * 16**at for at in range(1, 63, 7)),
        *(int.from_bytes(hashlib.sha512(bytes([n])).digest(), "little") % ORDER for n in range(10)),
    }
)
"""Scalars as the digits see them: half of what is multiplied by."""


def test_scalars_at_the_borders_of_their_digits(kernel: Kernel) -> None:
    points = some_points(24)
    for half in HALVES:
        factor = 2 * half % ORDER
        assert products(kernel, points, factor) == [sodium(point, factor) for point in points], hex(half)


def test_no_multiple_is_the_identity_but_zero_times(kernel: Kernel) -> None:
    points = some_points(9)
    assert products(kernel, points, 0) == [None] * 9
    assert products(kernel, points, 1) == points


@settings(max_examples=40)
@given(st.lists(st.one_of(st.binary(min_size=32, max_size=32), st.sampled_from(some_points(5))), min_size=1), st.data())
def test_any_encodings_get_the_oracles_verdict(kernel: Kernel, encodings: list[bytes], data: st.DataObject) -> None:
    factor = data.draw(st.integers(1, ORDER - 1))
    found = products(kernel, encodings, factor)
    assert found == [sodium(encoding, factor) for encoding in encodings]
    for row, encoding in zip(found, encodings, strict=True):
        point = oracle.decode(encoding)
        assert (row is not None) == (point is not None and encoding != IDENTITY)
    point = oracle.decode(encodings[0])
    if found[0] and point:
        assert found[0] == oracle.encode(oracle.multiply(factor, point))


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=64, max_size=64), min_size=1, max_size=9), st.integers(1, ORDER - 1))
def test_any_uniform_bytes(kernel: Kernel, uniform: list[bytes], factor: int) -> None:
    found = products_hashed(kernel, uniform, factor)
    assert found == [sodium_hashed(row, factor) for row in uniform]
    product = oracle.encode(oracle.multiply(factor, oracle.from_uniform(uniform[0])))
    assert found[0] == (None if product == IDENTITY else product)


def test_rows_do_not_depend_on_their_neighbours(kernel: Kernel) -> None:
    """One inversion serves a batch: a row that is none must not spoil it, wherever it lies."""
    points, bad = some_points(40), encoded(1)
    for at in range(40):
        rows = [*points[:at], bad, *points[at:]]
        expected: list[bytes | None] = [*points[:at], None, *points[at:]]
        assert products(kernel, rows, 1) == expected
    assert rows_of(points).shape == (40, 32)
