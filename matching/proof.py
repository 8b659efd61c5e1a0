"""P7 and P8: one proof that every row of a batch was multiplied by the same scalar.

The batched DLEQ of RFC 9497 section 2.2 (GenerateProof, VerifyProof, ComputeComposites), suite ristretto255-SHA512,
mode VOPRF, with one extension: the context string is `contextString || statement`. An empty statement is exactly the
RFC.

Why the extension: by the RFC, a row's weight depends on the key, its index and its own two points, and on no other row.
A prover could then try variants of each false row on its own, until the errors of many rows cancel. With a statement
that is a hash over everything that is proven, all rows included, one changed bit anywhere changes every weight.
*That is up to the caller*: it passes the SHA-512 of the whole opening. The statement is at most 214 bytes.

What is not done here: that rows are distinct, that the points are the caller's own tokens, and that the key is the
partner's. Those are steps of P8 and P2; true rows that repeat are accepted.

A malformed key or batch raises `Refusal`, which can name the row; False says that a well-formed claim is not proven.
Beyond the RFC, sums that are the identity are refused: no honest run meets one, and they would prove nothing.

The nonce is fresh and hedged (random bytes, scalar and the whole transcript go into it), never stored and never taken
from outside: the same nonce under two challenges gives the scalar away.
"""

import hashlib
import secrets
from typing import Final

import numpy as np

from matching.group import (
    IDENTITY,
    ORDER,
    Points,
    Scalar,
    base_multiply,
    combined,
    hash_to_public_scalar,
    hash_to_public_scalars,
    hash_to_scalar,
    is_element,
    linear,
    linear_pair,
    multiply,
    require_elements,
    response,
)
from matching.packing import packed
from matching.refusal import Refusal

CONTEXT: Final = b"OPRFV1-\x01-ristretto255-SHA512"
NONCE_DST: Final = b"HashToScalar-cleanroom/1-ristretto255-SHA512-proof-nonce"
PROOF_BYTES: Final = 64
MOST_ELEMENTS: Final = 65_535
"""The index of a row is two bytes (RFC 9497 section 2.2.1)."""


def prove(scalar: Scalar, key: bytes, blinded: Points, evaluated: Points, *, statement: bytes) -> bytes:
    """A proof that `key` is `scalar * G` and each row of `evaluated` is `scalar` times that of `blinded`.

    That the rows are so is not checked, which would double the work: a proof over false rows does not verify.

    Args:
        scalar: the prover's secret.
        key: its public key.
        blinded: (n, 32) uint8, 1 to 65,535 elements.
        evaluated: as `blinded`, row by row.
        statement: what the proof is bound to; at most 214 bytes.

    Returns:
        `c || s`, 32 bytes each, little-endian, below the group order. Never the same twice.

    Raises:
        Refusal: `bad_batch`, `bad_point`, `bad_length` as `verify`; `key_differs` if the key is not the scalar's.
    """
    _require_batch(key, blinded, evaluated)
    require_elements(evaluated, name="evaluated")
    transcript = packed(statement, key, blinded.tobytes(), evaluated.tobytes())
    hedged = packed(secrets.token_bytes(32), scalar.reveal(), transcript)
    return _prove_with_nonce(
        hash_to_scalar(hedged, dst=NONCE_DST), scalar, key, blinded, evaluated, statement=statement
    )


def verify(key: bytes, blinded: Points, evaluated: Points, proof: bytes, *, statement: bytes) -> bool:
    """Whether `proof` shows that each row of `evaluated` is the scalar of `key` times that of `blinded`.

    False for a proof of another statement, and for one that is malformed: not 64 bytes, or a number not reduced.

    Raises:
        Refusal: `bad_batch` if there is no row, more than 65,535, or not one for one; `bad_point` naming array and row
            if a point or the key is not a canonical encoding or is the identity; `bad_length` if the statement is
            longer than 214 bytes.
    """
    _require_batch(key, blinded, evaluated)
    weights = _weights(key, blinded, evaluated, statement)
    m, z = combined(weights, blinded, name="blinded"), combined(weights, evaluated, name="evaluated")
    if len(proof) != PROOF_BYTES:
        return False
    c, s = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
    if c >= ORDER or s >= ORDER:
        return False
    if IDENTITY in (m, z):
        return False
    t2, t3 = linear(c, key, s), linear_pair(s, m, c, z)
    return IDENTITY not in (t2, t3) and _challenge(key, m, z, t2, t3, statement=statement) == c


def _prove_with_nonce(  # noqa: PLR0913 - GenerateProof's inputs, and the nonce
    nonce: Scalar, scalar: Scalar, key: bytes, blinded: Points, evaluated: Points, *, statement: bytes
) -> bytes:
    """GenerateProof with ComputeCompositesFast. Only `prove` may choose a nonce; the RFC's vectors bring theirs."""
    if base_multiply(scalar) != key:
        raise Refusal("key_differs", "the key is not the scalar's")
    m = combined(_weights(key, blinded, evaluated, statement), blinded, name="blinded")
    composite = np.frombuffer(m, np.uint8).reshape(1, len(m))
    z, t3 = multiply(composite, scalar).tobytes(), multiply(composite, nonce).tobytes()
    c = _challenge(key, m, z, base_multiply(nonce), t3, statement=statement).to_bytes(32, "little")
    return c + response(nonce, Scalar(c), scalar)


def _require_batch(key: bytes, blinded: Points, evaluated: Points) -> None:
    if not is_element(key):
        raise Refusal("bad_point", "not a canonical encoding of a point, or the identity", place="key")
    if len(blinded) != len(evaluated) or not 0 < len(blinded) <= MOST_ELEMENTS:
        raise Refusal("bad_batch", "a proof covers 1 to 65,535 rows, each with both points")


def _weights(key: bytes, blinded: Points, evaluated: Points, statement: bytes) -> list[int]:
    """The scalars `di` of ComputeComposites, which are public."""
    context = CONTEXT + statement
    seed = hashlib.sha512(_framed(key, b"Seed-" + context)).digest()
    dst, head, first, second = b"HashToScalar-" + context, _framed(seed), blinded.tobytes(), evaluated.tobytes()
    rows = [
        head + (i // 32).to_bytes(2, "big") + _framed(first[i : i + 32], second[i : i + 32]) + b"Composite"
        for i in range(0, len(first), 32)
    ]
    return hash_to_public_scalars(rows, dst=dst)


def _challenge(*points: bytes, statement: bytes) -> int:
    """Over the key, M, Z, t2 and t3 of the RFC, in this order."""
    return hash_to_public_scalar(_framed(*points) + b"Challenge", dst=b"HashToScalar-" + CONTEXT + statement)


def _framed(*parts: bytes) -> bytes:
    """Each part behind its length as two bytes, big-endian, as everywhere in RFC 9497."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)
