"""What libsodium and the oracle say of rows, in the form in which a kernel says it: 32 bytes, or None for no row."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import rbcl
import ristretto_oracle as oracle

from matching.lanes.machine import Kernel

Rows = npt.NDArray[np.uint8]
HALF_OF_ONE: Final = (oracle.ORDER + 1) // 2
P: Final = oracle.P


def encoded(number: int) -> bytes:
    return number.to_bytes(32, "little")


def rows_of(encodings: Iterable[bytes], width: int = 32) -> Rows:
    return np.frombuffer(b"".join(encodings), np.uint8).reshape(-1, width)


def half(factor: int) -> bytes:
    """What a kernel is given to multiply by `factor`."""
    return encoded(factor * HALF_OF_ONE % oracle.ORDER)


def products(kernel: Kernel, points: Sequence[bytes], factor: int) -> list[bytes | None]:
    return _answers(*kernel.multiply(rows_of(points), half(factor)))


def products_hashed(kernel: Kernel, uniform: Sequence[bytes], factor: int) -> list[bytes | None]:
    return _answers(*kernel.multiply_hashed(rows_of(uniform, 64), half(factor)))


def _answers(made: Rows, good: npt.NDArray[np.bool_]) -> list[bytes | None]:
    assert not made[~good].any(), "a row that is none must be zero"
    return [row.tobytes() if valid else None for row, valid in zip(made, good.tolist(), strict=True)]


def sodium(point: bytes, factor: int) -> bytes | None:
    """By libsodium, with the two differences that `matching.group` documents: bit 255, and the identity."""
    if point[31] >= 0x80 or not any(point) or not factor:
        return None
    try:
        product: bytes = rbcl.crypto_scalarmult_ristretto255(encoded(factor), point)
    except RuntimeError:
        return None
    return product


def sodium_hashed(uniform: bytes, factor: int) -> bytes | None:
    return sodium(rbcl.crypto_core_ristretto255_from_hash(uniform), factor)


def digests(count: int, salt: str = "") -> list[bytes]:
    return [hashlib.sha512(f"{salt}{number}".encode()).digest() for number in range(count)]


def some_points(count: int, salt: str = "") -> list[bytes]:
    return [rbcl.crypto_core_ristretto255_from_hash(digest) for digest in digests(count, salt)]


def _limbs(limb: int, bits: int) -> int:
    """A number whose limbs of so many bits are all alike, cut to 255 bits."""
    return sum(limb << at for at in range(0, 255, bits)) % 2**255


EDGES: Final = sorted(
    {
        *range(5),
        *(P + n for n in range(-3, 4)),
        *(2**255 - n for n in range(1, 22)),
        *((number * sign) % P for number in (oracle.SQRT_M1, oracle.D, (P - 1) // 2, 2, 19) for sign in (1, -1)),
        oracle.INVSQRT_A_MINUS_D,
        oracle.SQRT_AD_MINUS_ONE,
        *(_limbs(limb, bits) for bits in (51, 52) for limb in (1, 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1)),
        *(2**at - 1 for bits in (51, 52) for at in range(bits, 255, bits)),
        *(2**at for bits in (51, 52) for at in range(bits, 255, bits)),
        *((2**bits - 1) << at & 2**255 - 1 for bits in (51, 52) for at in range(0, 255, bits)),
    }
)
"""Numbers below 2**255 where reductions, carries and comparisons have their borders, for limbs of 51 and of 52 bits."""
