"""One true claim, its proof, and how tests change a part of it."""

import hashlib

import numpy as np

from matching import group, proof
from matching.group import Points, Scalar

SECRET = Scalar((2**250 + 987654321).to_bytes(32, "little"))
KEY = group.base_multiply(SECRET)
BLINDED = group.hash_to_group([bytes([i]) for i in range(12)], dst=b"test_proof")
EVALUATED = group.multiply(BLINDED, SECRET)
STATEMENT = hashlib.sha512(b"the whole opening").digest()
OTHER = hashlib.sha512(b"another opening").digest()
PROOF = proof.prove(SECRET, KEY, BLINDED, EVALUATED, statement=STATEMENT)


def scalar(value: int) -> Scalar:
    return Scalar(value.to_bytes(32, "little"))


def number(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little")


def encoded(value: int) -> bytes:
    return value.to_bytes(32, "little")


def points(*encodings: bytes) -> Points:
    return np.frombuffer(b"".join(encodings), np.uint8).reshape(-1, 32)


def rows(block: Points) -> list[bytes]:
    return [row.tobytes() for row in block]


def replaced(block: Points, changes: dict[int, bytes]) -> Points:
    return points(*(changes.get(i, row) for i, row in enumerate(rows(block))))


def prove(blinded: Points = BLINDED, evaluated: Points = EVALUATED, statement: bytes = STATEMENT) -> bytes:
    return proof.prove(SECRET, KEY, blinded, evaluated, statement=statement)


def holds(
    key: bytes = KEY,
    blinded: Points = BLINDED,
    evaluated: Points = EVALUATED,
    shown: bytes = PROOF,
    statement: bytes = STATEMENT,
) -> bool:
    return proof.verify(key, blinded, evaluated, shown, statement=statement)


def hash_of(*parts: Points) -> bytes:
    """What the opening's code passes, in small: a hash over every row."""
    return hashlib.sha512(b"".join(part.tobytes() for part in parts)).digest()
