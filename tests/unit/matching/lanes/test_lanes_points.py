"""The formulas for points, on any coordinates of any points of the curve, torsion included, against the oracle."""

import secrets
from functools import cache
from typing import Final

import pytest
import ristretto_oracle as oracle
from ifma_model import each_variant
from known_rows import digests
from llvmlite import ir
from written import Memory, Words, Written, aligned

from matching.lanes.code import POINTER, Code
from matching.lanes.machine import Variant
from matching.lanes.point import MASKS, MULTIPLY_ROOM, WINDOWS, Points
from matching.lanes.recode import recode

P: Final = oracle.P
ORDER: Final = oracle.ORDER


def _order_eight() -> oracle.Point:
    """A generator of the torsion: the image of any point under the group's order, if it is not smaller."""
    y = 2
    while True:
        y += 1
        was_square, x = oracle.sqrt_ratio_m1(y * y - 1, oracle.D * y * y + 1)
        if was_square:
            found = oracle.multiply(ORDER, (x, y, 1, x * y % P))
            if affine(oracle.multiply(4, found)) != (0, 1):
                return found


def affine(point: oracle.Point) -> tuple[int, int]:
    x, y, z, t = point
    inverse = pow(z, -1, P)
    assert (x * y - z * t) % P == 0
    return x * inverse % P, y * inverse % P


TORSION: Final = [oracle.multiply(n, _order_eight()) if n else oracle.NEUTRAL for n in range(8)]
ORDINARY: Final = [oracle.from_uniform(digest) for digest in digests(5)]
ALL: Final = [
    *TORSION,
    *ORDINARY,
    *(oracle.add(one, two) for one in ORDINARY[:2] for two in TORSION[1:]),
    oracle.GENERATOR,
]


def test_the_torsion_is_all_there() -> None:
    assert len({affine(point) for point in TORSION}) == 8
    assert affine(TORSION[4]) == (0, P - 1)


def scaled(point: oracle.Point, by: int) -> oracle.Point:
    x, y, z, t = point
    return x * by % P, y * by % P, z * by % P, t * by % P


def opposite(point: oracle.Point) -> oracle.Point:
    x, y, z, t = point
    return -x % P, y, z, -t % P


@cache
def compiled(variant: Variant) -> Written:
    module = ir.Module("points")
    points = Points(module, variant.field, lanes=variant.lanes)
    recode(module)
    code = Code(module, "doubled", [POINTER] * 3, lanes=variant.lanes)
    point, _, room = code.function.args
    code.call(points.double, room, point)
    code.call(points.extended, point, room)
    code.end()
    code = Code(module, "added", [POINTER] * 3, lanes=variant.lanes)
    point, other, room = code.function.args
    code.call(points.cached, code.at(room, 4 * points.words), other)
    code.call(points.add, room, point, code.at(room, 4 * points.words))
    code.call(points.extended, point, room)
    code.end()
    code = Code(module, "multiplied", [POINTER] * 3, lanes=variant.lanes)
    code.call(points.multiply, *code.function.args)
    code.end()
    return Written(module)


def put(memory: Memory, points: list[oracle.Point]) -> Words:
    """Points in memory, one a lane, each with a factor of its own in all coordinates."""
    given = [scaled(point, secrets.randbelow(P - 1) + 1) for point in points]
    return memory.put([[memory.limbs(point[i]) for point in given] for i in range(4)])


def taken(memory: Memory, words: Words) -> list[oracle.Point]:
    elements = [memory.taken(words.reshape(4, -1)[i]) for i in range(4)]
    return [tuple(memory.number(element[lane]) for element in elements) for lane in range(memory.lanes)]  # type: ignore[misc]


def in_lanes(points: list[oracle.Point], lanes: int) -> list[list[oracle.Point]]:
    filled = points + points[: -len(points) % lanes]
    return [filled[start : start + lanes] for start in range(0, len(filled), lanes)]


every_variant = pytest.mark.parametrize("variant", each_variant(long="model-8"))


@every_variant
def test_twice_every_point(variant: Variant) -> None:
    memory, room = Memory(variant), aligned(8 * 5 * variant.lanes)
    for points in in_lanes(ALL, variant.lanes):
        place = put(memory, points)
        compiled(variant).call("doubled", place, place, room)
        assert list(map(affine, taken(memory, place))) == [affine(oracle.add(point, point)) for point in points]


@every_variant
def test_every_sum(variant: Variant) -> None:
    """All pairs: a point and itself, its opposite, the neutral element and points of small order among them."""
    memory, room = Memory(variant), aligned(8 * 5 * variant.lanes)
    for points in in_lanes(ALL, variant.lanes):
        for other in (*ALL, *map(opposite, points)):
            place = put(memory, points)
            compiled(variant).call("added", place, put(memory, [other] * variant.lanes), room)
            assert list(map(affine, taken(memory, place))) == [affine(oracle.add(point, other)) for point in points]


@every_variant
@pytest.mark.parametrize(
    "scalar", [0, 1, 7, 8, 9, 15, 16, ORDER - 1, ORDER, 2**252, int("8" * 62, 16), int("f7" * 31, 16)]
)
def test_multiples_of_every_point(variant: Variant, scalar: int) -> None:
    """On the curve, not only in the group: points of any order, and scalars up to 2**252 + 2**125."""
    memory, room = Memory(variant), aligned(MULTIPLY_ROOM * 5 * variant.lanes)
    masks, encoding = aligned(WINDOWS * MASKS), aligned(4)
    encoding[:] = [scalar >> at & 2**64 - 1 for at in range(0, 256, 64)]
    compiled(variant).call("recode", masks, encoding)
    for points in in_lanes(ALL, variant.lanes)[:: 1 if scalar > ORDER else 3]:
        place = put(memory, points)
        compiled(variant).call("multiplied", place, masks, room)
        expected = [affine(oracle.multiply(scalar, point)) for point in points]
        assert list(map(affine, taken(memory, place))) == expected
