"""A million random inputs through every kernel, on two threads, beside libsodium."""

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import rbcl
from known_rows import half

from matching import group
from matching.group import ORDER, Points, Scalar
from matching.lanes.machine import Kernel

ROWS = 1_000_000
CHUNK = 50_000
PER_TASK = 5_000


def by_libsodium(factor: bytes, uniform: bytes) -> bytes:
    rows = (uniform[start : start + 64] for start in range(0, len(uniform), 64))
    hashed = rbcl.crypto_core_ristretto255_from_hash
    return b"".join(rbcl.crypto_scalarmult_ristretto255(factor, hashed(row)) for row in rows)


@pytest.mark.soak
def test_a_million_rows(kernel: Kernel) -> None:
    """Digests to points times one scalar; these, as encodings, times another. New ones every run."""
    seed = secrets.token_bytes(16)
    for start in range(0, ROWS, CHUNK):
        uniform = hashlib.shake_256(seed + start.to_bytes(4, "big")).digest(64 * CHUNK)
        one, two = (secrets.randbelow(ORDER - 1) + 1 for _ in range(2))
        tasks = [uniform[64 * at : 64 * (at + PER_TASK)] for at in range(0, CHUNK, PER_TASK)]
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(partial(both, kernel, one, two), tasks))
            product = (one * two % ORDER).to_bytes(32, "little")
            expected = b"".join(pool.map(partial(by_libsodium, product), tasks))
        assert b"".join(done) == expected, f"seed {seed.hex()}, scalars {one} {two}"


def both(kernel: Kernel, one: int, two: int, uniform: bytes) -> bytes:
    first, good = kernel.multiply_hashed(np.frombuffer(uniform, np.uint8).reshape(-1, 64), half(one))
    assert good.all()
    second, good = kernel.multiply(first, half(two))
    assert good.all()
    return second.tobytes()


@pytest.mark.soak
def test_a_million_candidate_encodings(kernel: Kernel) -> None:
    """Random even numbers below 2**255, of which one in four is a point: who is one, and what its product is."""
    factor = Scalar((secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "little"))
    for _ in range(0, ROWS, CHUNK):
        rows: Points = np.frombuffer(secrets.token_bytes(32 * CHUNK), np.uint8).reshape(-1, 32).copy()
        rows[:, 31] &= 0x7F
        rows[:, 0] &= 0xFE
        made, good = kernel.multiply(rows, half(int.from_bytes(factor.reveal(), "little")))
        points = [rbcl.crypto_core_ristretto255_is_valid_point(row.tobytes()) for row in rows]
        assert good.tolist() == points
        assert 0.2 < good.mean() < 0.3
        assert made[good][:2000].tobytes() == group.multiply(rows[good][:2000], factor).tobytes()
