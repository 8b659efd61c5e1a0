"""Known answers that a kernel must give before anything is trusted to it."""

import hashlib
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from matching.lanes.fips180 import SHA256, SHA512

Bytes = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]

ROWS: Final = 75
"""Not a multiple of any number of lanes."""
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
HALF: Final = hashlib.sha512(b"half").digest()[:31] + b"\x0b"
"""A scalar with nothing special about it."""
HASHED: Final = "97c88ac7084b6f0ef654ea4d8efbd4d2f1393aeeb91f924e40792600d25e3c03"
POINTS: Final = "c95fd26dc0cdc9cfb89f984875eba7358a16f535b7c9a21257f3a6aea807f44c"
"""SHA-256 over what libsodium gives: numbers' digests mapped and multiplied by twice HALF; these multiplied again."""
INVALID: Final = (
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",  # not below p
    "0100000000000000000000000000000000000000000000000000000000000000",  # negative
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",  # no square
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",  # xy negative
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y zero
    "0000000000000000000000000000000000000000000000000000000000000000",  # the identity: no such product
)
"""RFC 9496 appendix A.2, one of each sort, and the identity."""


class Tested(Protocol):
    """What is asked of a kernel (`matching.lanes.machine.Kernel`)."""

    name: str
    lanes: int

    def multiply(self, points: Bytes, half: bytes) -> tuple[Bytes, Truths]: ...

    def multiply_hashed(self, uniform: Bytes, half: bytes) -> tuple[Bytes, Truths]: ...

    def combine(self, points: Bytes, halves: Bytes) -> tuple[Bytes, Truths]: ...

    def sha512(self, rows: Bytes, initial: npt.NDArray[np.uint64]) -> Bytes: ...

    def sha256(self, rows: Bytes, initial: npt.NDArray[np.uint64]) -> Bytes: ...


def self_test(kernel: Tested) -> None:
    """Compare with the known answers.

    Raises:
        ValueError: naming the function that gives another answer.
    """
    digests = b"".join(hashlib.sha512(str(number).encode()).digest() for number in range(ROWS))
    first, mapped = kernel.multiply_hashed(_rows(digests, 64), HALF)
    second, good = kernel.multiply(first, HALF)
    _require(bool(mapped.all()) and hashlib.sha256(first.tobytes()).hexdigest() == HASHED, kernel, "multiply_hashed")
    _require(bool(good.all()) and hashlib.sha256(second.tobytes()).hexdigest() == POINTS, kernel, "multiply")
    products, good = kernel.multiply(_rows(bytes.fromhex("".join(INVALID)), 32), HALF)
    _require(not good.any() and not products.any(), kernel, "multiply")
    sums, good = kernel.combine(_rows(2 * first[: kernel.lanes].tobytes(), 32), _parts(kernel.lanes))
    _require(bool(good.all()) and np.array_equal(sums, second[: kernel.lanes]), kernel, "combine")
    for sha, hasher, expected in (
        (SHA512, kernel.sha512, hashlib.sha512),
        (SHA256, kernel.sha256, hashlib.sha256),
    ):
        messages = [digests[:length] for length in range(sha.block - sha.block // 8)]  # one padded block each
        rows = _rows(b"".join(sha.padded(message) for message in messages), sha.block)
        answer = hasher(rows, sha.initial()).tobytes()
        _require(answer == b"".join(expected(message).digest() for message in messages), kernel, sha.name)


def _parts(lanes: int) -> npt.NDArray[np.uint8]:
    """Two weights for each lane that add up to HALF: a random-looking one, and the rest."""
    ones = [int.from_bytes(hashlib.sha256(bytes([lane])).digest()[:31], "little") for lane in range(lanes)]
    rest = [(int.from_bytes(HALF, "little") - one) % ORDER for one in ones]
    return _rows(b"".join(number.to_bytes(32, "little") for number in ones + rest), 32)


def _rows(joined: bytes, width: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(joined, np.uint8).reshape(-1, width)


def _require(holds: bool, kernel: Tested, function: str) -> None:  # noqa: FBT001
    if not holds:
        raise ValueError(f"{kernel.name}: {function} does not give the known answers")
