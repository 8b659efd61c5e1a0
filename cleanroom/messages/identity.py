"""Public identities and the words by which people compare them (DESIGN P1).

A partner id certifies itself: it is the hash of the identity key. It is short because it is a name; the fingerprint
is what protects against an escrow that hands out its own keys: 8 words of the BIP-39 English list, 88 bits, over both
keys, compared over a channel that the escrow does not run.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mnemonic import Mnemonic

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.sealing import check_sealing_public
from matching.packing import packed

FINGERPRINT_WORDS = 8
IDENTITY_KEY_BYTES = 32
_BITS_PER_WORD = 11
_PARTNER_ID_BYTES = 16

_FIELD = 2**255 - 19
_SIGN_BIT = 1 << 255
# y of the points of order 1, 2, 4 and 8 (RFC 8032, section 5.1): signatures under such keys bind nobody to anything.
_Y_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _Y_OF_ORDER_8, _FIELD - _Y_OF_ORDER_8})


class IdentityRefused(VerificationFailed):
    """The bytes are no identity key that this system accepts."""

    code = "identity_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIdentity:
    """What a partner shows to others. Raises IdentityRefused or SealingKeyRefused on keys that are none."""

    identity_key: bytes
    """Ed25519, 32 bytes."""
    sealing_key: bytes
    """ML-KEM-768 encapsulation key || X25519, 1216 bytes."""

    def __post_init__(self) -> None:
        check_identity_key(self.identity_key)
        check_sealing_public(self.sealing_key)

    @property
    def partner_id(self) -> PartnerId:
        """32 hex characters."""
        return partner_id_of(self.identity_key)

    def fingerprint(self) -> tuple[str, ...]:
        """Eight words over both keys."""
        return _words(packed(b"cleanroom/1 fingerprint", self.identity_key, self.sealing_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowIdentity:
    """What the escrow signs with. Invites pin it. Raises IdentityRefused."""

    identity_key: bytes
    """Ed25519, 32 bytes."""

    def __post_init__(self) -> None:
        check_identity_key(self.identity_key)

    def fingerprint(self) -> tuple[str, ...]:
        """Eight words over the key; never equal to a partner's, even for the same key."""
        return _words(packed(b"cleanroom/1 escrow fingerprint", self.identity_key))


def partner_id_of(identity_key: bytes) -> PartnerId:
    """The first 16 bytes of SHA-256 over the packed label and key, as 32 hex characters."""
    digest = hashlib.sha256(packed(b"cleanroom/1 partner", identity_key)).digest()
    return PartnerId(digest[:_PARTNER_ID_BYTES].hex())


def check_identity_key(identity_key: bytes) -> None:
    """Raises IdentityRefused for anything but the canonical encoding of an Ed25519 key that can bind its owner."""
    if len(identity_key) != IDENTITY_KEY_BYTES:
        raise IdentityRefused(f"identity key: {IDENTITY_KEY_BYTES} bytes")
    y = int.from_bytes(identity_key, "little") & ~_SIGN_BIT
    if y >= _FIELD or y in _SMALL_ORDER:
        raise IdentityRefused("identity key: not a canonical point of large order")


def verified_by(identity_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(identity_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def same_words(given: str, expected: Sequence[str]) -> bool:
    """Whether someone typed the expected words: case, hyphens, commas and spaces do not matter, order does.

    The comparison takes the same time wherever the words differ. No expected words: False.
    """
    if not expected:
        return False
    typed = re.findall(r"[a-z]+", unicodedata.normalize("NFKC", given).casefold())
    stripped = re.sub(r"[a-zA-Z\s,.;\-\u2010-\u2015]", "", unicodedata.normalize("NFKC", given))
    same = hmac.compare_digest(" ".join(typed).encode(), " ".join(expected).encode())
    return same and not stripped


def _words(message: bytes) -> tuple[str, ...]:
    bits = int.from_bytes(hashlib.sha256(message).digest(), "big")
    mask = (1 << _BITS_PER_WORD) - 1
    return tuple(
        _word_list()[bits >> (256 - _BITS_PER_WORD * (place + 1)) & mask] for place in range(FINGERPRINT_WORDS)
    )


@cache
def _word_list() -> tuple[str, ...]:
    return tuple(Mnemonic("english").wordlist)
