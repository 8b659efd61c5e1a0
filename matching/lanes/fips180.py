"""What FIPS 180-4 fixes of SHA-256 and SHA-512: numbers and padding."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _cube_root(number: int) -> int:
    """The integer part, by Newton's method."""
    root = 1 << -(-number.bit_length() // 3)
    while (better := (2 * root + number // root**2) // 3) < root:
        root = better
    return root


@dataclass(frozen=True)
class Sha2:
    """One of the two. `big` and `small` are the rotations of section 4.1; the last of each `small` is a shift."""

    name: str
    bits: int
    rounds: int
    big: tuple[tuple[int, int, int], tuple[int, int, int]]
    small: tuple[tuple[int, int, int], tuple[int, int, int]]

    @property
    def block(self) -> int:
        """Bytes of a block."""
        return 2 * self.bits

    def constants(self) -> list[int]:
        """Section 4.2: the first bits of the fractions of the cube roots of the first primes."""
        return [_cube_root(prime << 3 * self.bits) % 2**self.bits for prime in _primes(self.rounds)]

    def initial(self) -> npt.NDArray[np.uint64]:
        """Section 5.3: the first bits of the fractions of the square roots of the first eight primes."""
        return np.array([math.isqrt(prime << 2 * self.bits) % 2**self.bits for prime in _primes(8)], np.uint64)

    def padded(self, message: bytes) -> bytes:
        """Section 5.1: the message filled up to whole blocks."""
        zeros = bytes(-(len(message) + 1 + self.block // 8) % self.block)
        return message + b"\x80" + zeros + (8 * len(message)).to_bytes(self.block // 8, "big")


SHA256: Final = Sha2("sha256", 32, 64, ((2, 13, 22), (6, 11, 25)), ((7, 18, 3), (17, 19, 10)))
SHA512: Final = Sha2("sha512", 64, 80, ((28, 34, 39), (14, 18, 41)), ((1, 8, 7), (19, 61, 6)))
