"""P2: a partner's public key `K = k*G` for one epoch, and the proof that it knows `k`.

Schnorr's proof (1991), non-interactive with the whole statement hashed (Fiat and Shamir; as in RFC 8235, on
ristretto255). The statement binds room, epoch and the prover's identity key, so a copied proof proves nothing. The
nonce is hedged: fresh random bytes, the scalar and the statement go into it.

Proof: `c || s`, 32 bytes each, little-endian, below the group order. It holds if `c == H(statement, K, s*G + c*K)`.
"""

import hmac
import secrets

from matching.group import ORDER, Scalar, base_multiply, hash_to_scalar, is_element, linear, negated, response
from matching.packing import packed

CHALLENGE_DST = b"HashToScalar-cleanroom/1-ristretto255-SHA512-knowledge"
NONCE_DST = b"HashToScalar-cleanroom/1-ristretto255-SHA512-nonce"
PROOF_BYTES = 64
GENERATOR = base_multiply(Scalar((1).to_bytes(32, "little")))


def key_statement(room: bytes, epoch: int, identity_key: bytes) -> bytes:
    """What the proof is bound to: room (16 bytes), epoch, and the prover's Ed25519 key (32 bytes)."""
    return packed(b"cleanroom/1 epoch key", room, epoch.to_bytes(8, "big"), identity_key)


def prove(scalar: Scalar, bound: bytes) -> bytes:
    """A proof of knowledge of `scalar`, bound to a statement. 64 bytes."""
    key = base_multiply(scalar)
    nonce = hash_to_scalar(packed(secrets.token_bytes(32), scalar.reveal(), bound), dst=NONCE_DST)
    challenge = _challenge(bound, key, base_multiply(nonce))
    return challenge.reveal() + response(nonce, challenge, scalar)


def verify(key: bytes, proof: bytes, bound: bytes) -> bool:
    """Whether `proof` shows that somebody who is bound to the statement knows the scalar of `key`."""
    if len(proof) != PROOF_BYTES or not is_element(key):
        return False
    c, s = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
    if c >= ORDER or s >= ORDER:
        return False
    again = _challenge(bound, key, linear(c, key, s))
    return hmac.compare_digest(proof[:32], again.reveal())


def opposite(key: bytes) -> bytes:
    """The encoding of `-K`.

    Raises:
        Refusal: `bad_point` if `key` is not an element.
    """
    return negated(key)


def refused_keys() -> frozenset[bytes]:
    """Keys that are nobody's: the identity, the generator and its opposite."""
    return frozenset({bytes(32), GENERATOR, negated(GENERATOR)})


def _challenge(bound: bytes, key: bytes, commitment: bytes) -> Scalar:
    return hash_to_scalar(packed(bound, key, commitment), dst=CHALLENGE_DST)
