"""Sealing to a partner: HPKE (RFC 9180), single shot, with the hybrid ML-KEM-768 + X25519 KEM.

The suite is MLKEM768-X25519 / HKDF-SHA256 / AES-256-GCM: whoever records traffic today must break both key
agreements. HPKE's base mode does not authenticate the sender; what is sealed is signed as well (DESIGN P1, P9).
Single-shot HPKE takes its context in `info`, which is bound into the key, so there is no associated data.
"""

from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.secret import Secret

SEALING_PUBLIC_BYTES = 1184 + 32
SEALING_PRIVATE_BYTES = 64 + 32
_ENCAPSULATION_KEY_BYTES = 1184  # FIPS 203, table 3
_SEED_BYTES = 64  # FIPS 203: d || z

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealingKeyRefused(VerificationFailed):
    """A sealing key does not have the form of one, or nothing can be sealed to it."""

    code = "sealing_key_refused"


class UnsealRefused(VerificationFailed):
    """The bytes were not sealed to this key under this context, or were changed."""

    code = "unseal_refused"


class SealingKey:
    """The private half of a sealing key: the ML-KEM-768 seed (64 bytes) and the X25519 key (32 bytes)."""

    __slots__ = ("_kem", "_pair", "_x25519")

    def __init__(self, kem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        """Use `generate` or `from_bytes`."""
        self._kem = kem
        self._x25519 = x25519
        self._pair = MLKEM768X25519PrivateKey(kem, x25519)

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the operating system's randomness."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, private: Secret[bytes]) -> Self:
        """The key that `to_bytes` gave, 96 bytes. Raises SealingKeyRefused."""
        raw = private.reveal()
        if len(raw) != SEALING_PRIVATE_BYTES:
            raise SealingKeyRefused(f"sealing key: the private half has {SEALING_PRIVATE_BYTES} bytes")
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(raw[:_SEED_BYTES]),
            X25519PrivateKey.from_private_bytes(raw[_SEED_BYTES:]),
        )

    def to_bytes(self) -> Secret[bytes]:
        """Seed || X25519 private key, 96 bytes."""
        return Secret(self._kem.private_bytes_raw() + self._x25519.private_bytes_raw())

    def public_bytes(self) -> bytes:
        """ML-KEM-768 encapsulation key || X25519 public key, 1216 bytes."""
        return self._kem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    def unseal(self, ciphertext: bytes, info: bytes) -> bytes:
        """See `unseal`."""
        try:
            return _SUITE.decrypt(ciphertext, self._pair, info)
        except (InvalidTag, ValueError):
            raise UnsealRefused("sealed bytes: not sealed to this key in this context") from None


def seal(plaintext: bytes, recipient_public: bytes, info: bytes) -> bytes:
    """Encapsulation || ciphertext: 1136 bytes longer than the plaintext, different at each call.

    Args:
        plaintext: what only the recipient shall read; its length is visible.
        recipient_public: the recipient's sealing key, 1216 bytes.
        info: the context, which the recipient must state identically; never empty.

    Raises:
        SealingKeyRefused: nothing can be sealed to that key.
    """
    _require_context(info)
    key = _public_key(recipient_public)
    try:
        return _SUITE.encrypt(plaintext, key, info)
    except ValueError:
        # OpenSSL refuses an X25519 result of all zeros (RFC 9180, section 7.1.4).
        raise SealingKeyRefused("sealing key: its X25519 half is a point of small order") from None


def unseal(ciphertext: bytes, private: SealingKey, info: bytes) -> bytes:
    """The plaintext. Raises UnsealRefused, whatever the reason."""
    _require_context(info)
    return private.unseal(ciphertext, info)


def check_sealing_public(public: bytes) -> None:
    """Raises SealingKeyRefused unless something can be sealed to these bytes (FIPS 203, section 7.2; RFC 7748, 6.1)."""
    key = _public_key(public)
    try:
        _SUITE.encrypt(b"", key, b"check")
    except ValueError:
        raise SealingKeyRefused("sealing key: its X25519 half is a point of small order") from None


def _public_key(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != SEALING_PUBLIC_BYTES:
        raise SealingKeyRefused(f"sealing key: the public half has {SEALING_PUBLIC_BYTES} bytes")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_ENCAPSULATION_KEY_BYTES]),
            X25519PublicKey.from_public_bytes(public[_ENCAPSULATION_KEY_BYTES:]),
        )
    except ValueError:
        raise SealingKeyRefused("sealing key: its ML-KEM half is not an encapsulation key") from None


def _require_context(info: bytes) -> None:
    if not info:
        raise SealingKeyRefused("sealing: a context is required")
