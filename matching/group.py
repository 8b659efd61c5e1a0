"""ristretto255 (RFC 9496) in batches. The only import of the curve library (libsodium through `rbcl`).

Points travel as (n, 32) uint8 arrays of encodings; scalars as 32 bytes, little-endian, below the group order. Work is
spread over threads: libsodium releases the interpreter lock.

libsodium accepts encodings with bit 255 set, RFC 9496 section 4.3.1 does not; and it refuses the identity as the result
of a multiplication. Both are refused here, before and after, as `Refusal("bad_point", ...)` naming the row.
"""

import functools
import hashlib
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import rbcl

from matching.refusal import Refusal

Points = npt.NDArray[np.uint8]
T = TypeVar("T")

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
POINT_BYTES = SCALAR_BYTES = 32
IDENTITY: Final = bytes(32)
BLOCK = 2048
"""Points per task of a thread: small enough to share work evenly, large enough not to matter."""


class Scalar:
    """A secret scalar, 1 to ORDER - 1. It cannot be rendered."""

    __slots__ = ("_bytes",)

    def __init__(self, encoded: bytes) -> None:
        if len(encoded) != SCALAR_BYTES or not 0 < int.from_bytes(encoded, "little") < ORDER:
            raise Refusal("bad_scalar", "a scalar is 32 bytes, little-endian, from 1 to the group order")
        self._bytes = encoded

    def reveal(self) -> bytes:
        """The encoding."""
        return self._bytes

    def __repr__(self) -> str:
        return "Scalar(***)"

    def __reduce__(self) -> str:
        raise TypeError("a scalar is not serialised")


def random_scalar() -> Scalar:
    """A fresh scalar, uniform over 1 to ORDER - 1."""
    return Scalar((secrets.randbelow(ORDER - 1) + 1).to_bytes(SCALAR_BYTES, "little"))


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Uniform bytes from a message: RFC 9380 section 5.3.1 with SHA-512.

    Raises:
        Refusal: `bad_length` if more than 255 blocks are asked for, or the tag is longer than 255 bytes.
    """
    blocks = -(-length // 64)
    if blocks > 255 or len(dst) > 255:  # noqa: PLR2004 - RFC 9380 section 5.3.1, steps 2 and DST_prime
        raise Refusal("bad_length", "expand_message_xmd: too many bytes or too long a tag")
    suffix = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = hashlib.sha512(first + b"\x01" + suffix).digest()
    uniform = [block]
    for number in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes([number]) + suffix).digest()
        uniform.append(block)
    return b"".join(uniform)[:length]


def hash_to_group(messages: Sequence[bytes], *, dst: bytes) -> Points:
    """One point per message: hash_to_ristretto255 of RFC 9380 appendix B, as in RFC 9497 section 4.1.

    Returns:
        (n, 32) uint8 encodings.
    """
    return _in_blocks(
        len(messages), lambda i: rbcl.crypto_core_ristretto255_from_hash(expand_message_xmd(messages[i], dst, 64))
    )


def hash_to_scalar(message: bytes, *, dst: bytes) -> Scalar:
    """A scalar from a message: expand_message_xmd to 64 bytes, reduced modulo the order (RFC 9497 section 4.1).

    Raises:
        Refusal: `bad_scalar` in the one case of 2**252 that it is zero.
    """
    return Scalar(rbcl.crypto_core_ristretto255_scalar_reduce(expand_message_xmd(message, dst, 64)))


def hash_to_public_scalar(message: bytes, *, dst: bytes) -> int:
    """As `hash_to_scalar`, where message and scalar are public: a number below the order, which may be zero."""
    return int.from_bytes(expand_message_xmd(message, dst, 64), "little") % ORDER


def response(nonce: Scalar, challenge: Scalar, secret: Scalar) -> bytes:
    """`nonce - challenge * secret` modulo the order, in constant time: 32 bytes, little-endian."""
    product = rbcl.crypto_core_ristretto255_scalar_mul(challenge.reveal(), secret.reveal())
    difference: bytes = rbcl.crypto_core_ristretto255_scalar_sub(nonce.reveal(), product)
    return difference


def multiply(points: Points, scalar: Scalar) -> Points:
    """`scalar` times each point.

    Raises:
        Refusal: `bad_point` with the row, if a point is not a canonical encoding or is the identity.
    """
    flat, factor = _checked(points), scalar.reveal()

    def one(i: int) -> bytes:
        try:
            product: bytes = rbcl.crypto_scalarmult_ristretto255(factor, flat[32 * i : 32 * i + 32])
        except RuntimeError:
            raise _bad_point(i) from None
        return product

    return _in_blocks(len(points), one)


def base_multiply(scalar: Scalar) -> bytes:
    """`scalar` times the generator."""
    product: bytes = rbcl.crypto_scalarmult_ristretto255_base(scalar.reveal())
    return product


def is_element(encoded: bytes) -> bool:
    """Whether this is the canonical encoding of a point other than the identity."""
    return (
        len(encoded) == POINT_BYTES
        and encoded != IDENTITY
        and encoded[31] < 0x80  # noqa: PLR2004 - bit 255, see the module's docstring
        and bool(rbcl.crypto_core_ristretto255_is_valid_point(encoded))
    )


def require_elements(points: Points, *, name: str) -> None:
    """Check that every row is the canonical encoding of a point other than the identity.

    Raises:
        Refusal: `bad_point` with the row and the array's name.
    """
    flat = _checked(points, name=name)

    def block(start: int, stop: int) -> None:
        for i in range(start, stop):
            if not rbcl.crypto_core_ristretto255_is_valid_point(flat[32 * i : 32 * i + 32]):
                raise _bad_point(i, name=name)

    _over_threads(len(points), block)


def add(one: bytes, two: bytes) -> bytes:
    """The sum of two points, which must be elements. The sum may be the identity.

    Raises:
        Refusal: `bad_point` with 0 or 1 as the row.
    """
    for row, encoded in enumerate((one, two)):
        if not is_element(encoded):
            raise _bad_point(row)
    total: bytes = rbcl.crypto_core_ristretto255_add(one, two)
    return total


def combined(weights: Sequence[int], points: Points, *, name: str = "") -> bytes:
    """The sum of `weights[i] * points[i]` for *public* weights, each from 1 to ORDER - 1. It may be the identity.

    Raises:
        Refusal: `bad_point` with the row and the name, if a point is not a canonical encoding or is the identity;
            the row, if a weight is out of range; `bad_batch` if there is not one weight for each point.
    """
    flat = _checked(points, name=name)
    if len(weights) != len(points):
        raise Refusal("bad_batch", "not one weight for each point")

    def block(start: int, stop: int) -> bytes:
        total = IDENTITY
        for i in range(start, stop):
            if not 0 < weights[i] < ORDER:
                raise Refusal("bad_scalar", "a weight is from 1 to the group order", place=f"row {i}")
            try:
                part = rbcl.crypto_scalarmult_ristretto255(
                    weights[i].to_bytes(32, "little"), flat[32 * i : 32 * i + 32]
                )
            except RuntimeError:
                raise _bad_point(i, name=name) from None
            total = rbcl.crypto_core_ristretto255_add(total, part)
        return total

    return functools.reduce(rbcl.crypto_core_ristretto255_add, _over_threads(len(points), block), IDENTITY)


def negated(encoded: bytes) -> bytes:
    """The opposite of a point, which must be an element.

    Raises:
        Refusal: `bad_point`.
    """
    if not is_element(encoded):
        raise _bad_point(0)
    opposite: bytes = rbcl.crypto_core_ristretto255_sub(IDENTITY, encoded)
    return opposite


def linear(first: int, point: bytes, second: int) -> bytes:
    """`first * point + second * generator` for *public* scalars; either may be zero modulo the order.

    Raises:
        Refusal: `bad_point` if `point` is not an element.
    """
    if not is_element(point):
        raise _bad_point(0)
    total = IDENTITY
    if first % ORDER:
        total = rbcl.crypto_scalarmult_ristretto255((first % ORDER).to_bytes(32, "little"), point)
    if second % ORDER:
        part = rbcl.crypto_scalarmult_ristretto255_base((second % ORDER).to_bytes(32, "little"))
        total = rbcl.crypto_core_ristretto255_add(total, part)
    return total


def linear_pair(first: int, one: bytes, second: int, two: bytes) -> bytes:
    """`first * one + second * two` for *public* scalars; either may be zero modulo the order. May be the identity.

    Raises:
        Refusal: `bad_point` with 0 or 1 as the row, if `one` or `two` is not an element.
    """
    total = IDENTITY
    for row, (factor, encoded) in enumerate(((first % ORDER, one), (second % ORDER, two))):
        if not is_element(encoded):
            raise _bad_point(row)
        if factor:
            part = rbcl.crypto_scalarmult_ristretto255(factor.to_bytes(32, "little"), encoded)
            total = rbcl.crypto_core_ristretto255_add(total, part)
    return total


def _checked(points: Points, *, name: str = "") -> bytes:
    if points.ndim != 2 or points.shape[1] != POINT_BYTES or points.dtype != np.uint8:  # noqa: PLR2004 - rank
        raise Refusal("bad_point", "points must be an (n, 32) uint8 array", place=name)
    bad = (points[:, 31] >= 0x80) | ~points.any(axis=1)  # noqa: PLR2004 - bit 255 set, or the identity
    if bad.any():
        raise _bad_point(int(bad.argmax()), name=name)
    return points.tobytes()


def _bad_point(row: int, *, name: str = "") -> Refusal:
    place = f"{name}, row {row}" if name else f"row {row}"
    return Refusal("bad_point", "not a canonical encoding of a point, or the identity", place=place)


def _in_blocks(n: int, one: Callable[[int], bytes]) -> Points:
    """`one(i)` for every i below n, in blocks over threads, as an (n, 32) array."""
    done = _over_threads(n, lambda start, stop: b"".join([one(i) for i in range(start, stop)]))
    return np.frombuffer(b"".join(done), np.uint8).reshape(n, POINT_BYTES)


def _over_threads(n: int, block: Callable[[int, int], T]) -> list[T]:
    """`block(start, stop)` for every block of 0 to n - 1, in order of the blocks; so is what they raise."""
    bounds = [(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    if len(bounds) <= 1:
        return [block(start, stop) for start, stop in bounds]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda bound: block(*bound), bounds))
