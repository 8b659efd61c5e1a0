"""GenerateProof and VerifyProof of RFC 9497 section 2.2 in Python integers, for ristretto255-SHA512 in mode VOPRF.

Written from the RFC on top of `ristretto_oracle`, without the product's code. The one extension is the product's: a
statement behind the context string.
"""

import hashlib

from ristretto_oracle import GENERATOR, NEUTRAL, ORDER, Point, add, decode, encode, multiply

CONTEXT = b"OPRFV1-" + bytes([1]) + b"-" + b"ristretto255-SHA512"


def sized(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def hash_to_scalar(message: bytes, dst: bytes) -> int:
    """RFC 9497 section 4.1: expand_message_xmd of RFC 9380 section 5.3.1 to 64 bytes, which is one block."""
    suffix = dst + bytes([len(dst)])
    first = hashlib.sha512(b"\x00" * 128 + message + b"\x00\x40" + b"\x00" + suffix).digest()
    return int.from_bytes(hashlib.sha512(first + b"\x01" + suffix).digest(), "little") % ORDER


def weights(key: bytes, blinded: list[bytes], evaluated: list[bytes], statement: bytes) -> list[int]:
    context = CONTEXT + statement
    seed = hashlib.sha512(sized(key) + sized(b"Seed-" + context)).digest()
    return [
        hash_to_scalar(
            sized(seed) + i.to_bytes(2, "big") + sized(c) + sized(d) + b"Composite", b"HashToScalar-" + context
        )
        for i, (c, d) in enumerate(zip(blinded, evaluated, strict=True))
    ]


def combined(factors: list[int], encodings: list[bytes]) -> Point:
    total = NEUTRAL
    for factor, encoding in zip(factors, encodings, strict=True):
        total = add(total, multiply(factor, point(encoding)))
    return total


def point(encoding: bytes) -> Point:
    decoded = decode(encoding)
    assert decoded is not None
    return decoded


def challenge(key: bytes, parts: tuple[Point, Point, Point, Point], statement: bytes) -> int:
    """`parts` are M, Z, t2 and t3."""
    transcript = sized(key) + b"".join(sized(encode(part)) for part in parts) + b"Challenge"
    return hash_to_scalar(transcript, b"HashToScalar-" + CONTEXT + statement)


def prove(scalar: int, nonce: int, blinded: list[bytes], evaluated: list[bytes], statement: bytes) -> bytes:
    """With the plain ComputeComposites: Z is the sum over the evaluated elements."""
    key = encode(multiply(scalar, GENERATOR))
    factors = weights(key, blinded, evaluated, statement)
    m, z = combined(factors, blinded), combined(factors, evaluated)
    c = challenge(key, (m, z, multiply(nonce, GENERATOR), multiply(nonce, m)), statement)
    return c.to_bytes(32, "little") + ((nonce - c * scalar) % ORDER).to_bytes(32, "little")


def verify(key: bytes, blinded: list[bytes], evaluated: list[bytes], proof: bytes, statement: bytes) -> bool:
    c, s = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
    factors = weights(key, blinded, evaluated, statement)
    m, z = combined(factors, blinded), combined(factors, evaluated)
    t2 = add(multiply(s, GENERATOR), multiply(c, point(key)))
    t3 = add(multiply(s, m), multiply(c, z))
    return challenge(key, (m, z, t2, t3), statement) == c
