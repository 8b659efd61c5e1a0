"""ristretto255 (RFC 9496) in batches. The only import of the curve library (libsodium through `rbcl`).

Points travel as (n, 32) uint8 arrays of encodings; scalars as 32 bytes, little-endian, below the group order. Work is
spread over threads: libsodium releases the interpreter lock, and so does the kernel of `matching.lanes`, which does
large batches on CPUs that it knows, bit for bit the same.

libsodium accepts encodings with bit 255 set, RFC 9496 section 4.3.1 does not; and it refuses the identity as the result
of a multiplication. Both are refused here, before and after, as `Refusal("bad_point", ...)` naming the row.
"""

import functools
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import numpy.typing as npt
import rbcl

from matching.expand import LONGEST_DST, expand_message_xmd
from matching.lanes import chosen
from matching.lanes.hashing import expanded
from matching.refusal import Refusal

if TYPE_CHECKING:
    from matching.lanes.machine import Kernel

Points = npt.NDArray[np.uint8]
T = TypeVar("T")

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
POINT_BYTES = SCALAR_BYTES = 32
IDENTITY: Final = bytes(32)
ONE_HALF: Final = ((ORDER + 1) // 2).to_bytes(32, "little")
BLOCK = 2048
"""Points per task of a thread: small enough to share work evenly, large enough not to matter."""

THREADS: int | None = None
"""Of a batch; None is one for each core and a few."""
WORTH_COMBINING: Final = 64
"""Points from which on the kernel's sum is quicker, whose buckets cost the same for few points as for many."""
COMBINED_BLOCK: Final = 8192


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


def hash_to_group(messages: Sequence[bytes], *, dst: bytes) -> Points:
    """One point per message: hash_to_ristretto255 of RFC 9380 appendix B, as in RFC 9497 section 4.1.

    Returns:
        (n, 32) uint8 encodings.
    """
    return _in_blocks(
        len(messages), lambda i: rbcl.crypto_core_ristretto255_from_hash(expand_message_xmd(messages[i], dst, 64))
    )


def hash_and_multiply(messages: Sequence[bytes], scalar: Scalar, *, dst: bytes) -> Points:
    """`scalar` times the point of each message: `multiply(hash_to_group(messages, dst=dst), scalar)`, in one pass."""
    kernel = chosen.kernel(len(messages))
    if kernel is None or len(dst) > LONGEST_DST:
        return multiply(hash_to_group(messages, dst=dst), scalar)
    half = _half(scalar)
    return _by_kernel(
        len(messages),
        lambda start, stop: kernel.multiply_hashed(expanded(kernel, messages[start:stop], dst=dst), half),
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


def hash_to_public_scalars(messages: Sequence[bytes], *, dst: bytes) -> list[int]:
    """`hash_to_public_scalar` of each message."""
    kernel = chosen.kernel(len(messages))
    if kernel is None or len(dst) > LONGEST_DST:
        return [hash_to_public_scalar(message, dst=dst) for message in messages]
    uniform = expanded(kernel, messages, dst=dst).tobytes()
    return [int.from_bytes(uniform[i : i + 64], "little") % ORDER for i in range(0, len(uniform), 64)]


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
    kernel = chosen.kernel(len(points))
    if kernel is not None:
        half = _half(scalar)
        return _by_kernel(len(points), lambda start, stop: kernel.multiply(points[start:stop], half))

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
    kernel = chosen.kernel(len(points))
    if kernel is not None and len(points) >= WORTH_COMBINING:
        return _combined_by_kernel(kernel, weights, points, name=name)

    def block(start: int, stop: int) -> bytes:
        total = IDENTITY
        for i in range(start, stop):
            if not 0 < weights[i] < ORDER:
                raise _bad_weight(i)
            try:
                part = rbcl.crypto_scalarmult_ristretto255(
                    weights[i].to_bytes(32, "little"), flat[32 * i : 32 * i + 32]
                )
            except RuntimeError:
                raise _bad_point(i, name=name) from None
            total = rbcl.crypto_core_ristretto255_add(total, part)
        return total

    return functools.reduce(rbcl.crypto_core_ristretto255_add, _over_threads(len(points), block), IDENTITY)


def _combined_by_kernel(kernel: "Kernel", weights: Sequence[int], points: Points, *, name: str) -> bytes:
    half = (ORDER + 1) // 2
    joined = b"".join([(weight * half % ORDER).to_bytes(32, "little") for weight in weights])
    halves = np.frombuffer(joined, np.uint8).reshape(len(weights), SCALAR_BYTES)
    bad_weight = next((i for i, weight in enumerate(weights) if not 0 < weight < ORDER), len(weights))
    done = _over_threads(
        len(points), lambda start, stop: kernel.combine(points[start:stop], halves[start:stop]), size=COMBINED_BLOCK
    )
    valid = np.concatenate([good for _, good in done])
    bad_point = len(points) if valid.all() else int(valid.argmin())
    if bad_weight < len(weights) and bad_weight <= bad_point:
        raise _bad_weight(bad_weight)
    if bad_point < len(points):
        raise _bad_point(bad_point, name=name)
    parts = [part.tobytes() for parts, _ in done for part in parts]
    return functools.reduce(rbcl.crypto_core_ristretto255_add, parts, IDENTITY)


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


def _bad_weight(row: int) -> Refusal:
    return Refusal("bad_scalar", "a weight is from 1 to the group order", place=f"row {row}")


def _half(scalar: Scalar) -> bytes:
    """Half of it modulo the order: the kernel encodes twice what it multiplies."""
    half: bytes = rbcl.crypto_core_ristretto255_scalar_mul(scalar.reveal(), ONE_HALF)
    return half


def _by_kernel(n: int, block: Callable[[int, int], "tuple[Points, npt.NDArray[np.bool_]]"]) -> Points:
    """The kernel's rows of all blocks.

    Raises:
        Refusal: `bad_point` with the first row that is not valid.
    """
    done = _over_threads(n, block)
    valid = np.concatenate([good for _, good in done])
    if not valid.all():
        raise _bad_point(int(valid.argmin()))
    return np.concatenate([rows for rows, _ in done])


def _in_blocks(n: int, one: Callable[[int], bytes]) -> Points:
    """`one(i)` for every i below n, in blocks over threads, as an (n, 32) array."""
    done = _over_threads(n, lambda start, stop: b"".join([one(i) for i in range(start, stop)]))
    return np.frombuffer(b"".join(done), np.uint8).reshape(n, POINT_BYTES)


def _over_threads(n: int, block: Callable[[int, int], T], *, size: int = BLOCK) -> list[T]:
    """`block(start, stop)` for every block of 0 to n - 1, in order of the blocks; so is what they raise."""
    bounds = [(start, min(start + size, n)) for start in range(0, n, size)]
    if len(bounds) <= 1:
        return [block(start, stop) for start, stop in bounds]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda bound: block(*bound), bounds))
