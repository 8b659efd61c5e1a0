"""The vault's keys: a random data key, wrapped under the passphrase, that seals records to their addresses.

passphrase --Argon2id (RFC 9106)--> wrapping key --AES-256-GCM--> data key --AES-256-GCM--> records

Nonces are 96 random bits. NIST SP 800-38D bounds one key to 2^32 of them; a vault writes a few per sync, and
`Vault.rekey` draws a fresh data key.
"""

import hashlib
import hmac
import secrets
import threading
import unicodedata
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from cleanroom.agent.vault_errors import PassphraseRefused, VaultDamaged, WrongPassphrase
from cleanroom.domain.secret import Secret
from matching.packing import packed

PASSPHRASE_MINIMUM = 8
_LABEL = b"cleanroom-vault/1"
_KEY_BYTES = 32
_ID_BYTES = 16
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MEMORY_MAXIMUM_KIB = 1 << 20  # 1 GiB: a tampered file must not be able to demand more
_ITERATIONS_MAXIMUM = 16
_LANES_MAXIMUM = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfCost:
    """What one guess of the passphrase costs. The default is RFC 9106, section 4, second recommended option.

    Raises VaultDamaged outside the bounds, because the values are read from a file that anyone may have changed.
    """

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        if not (
            1 <= self.lanes <= _LANES_MAXIMUM
            and 1 <= self.iterations <= _ITERATIONS_MAXIMUM
            and 8 * self.lanes <= self.memory_kib <= _MEMORY_MAXIMUM_KIB
        ):
            raise VaultDamaged("vault: the cost of its passphrase is outside the allowed bounds")

    @classmethod
    def unsafe_for_tests(cls) -> Self:
        """Next to no cost, so next to no protection: a test asserts that the product never calls it."""
        return cls(memory_kib=8, iterations=1, lanes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """The header of a vault: who it is, which data key is in force, and that key under the passphrase."""

    vault_id: bytes
    key_id: bytes
    cost: KdfCost
    salt: bytes
    nonce: bytes
    wrapped: bytes

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.vault_id, self.key_id, self.salt, self.nonce, self.wrapped)]
        if lengths != [_ID_BYTES, _ID_BYTES, _ID_BYTES, _NONCE_BYTES, _KEY_BYTES + _TAG_BYTES]:
            raise VaultDamaged("vault: a part of its header has the wrong length")

    def digest(self) -> bytes:
        """Unkeyed, 32 bytes: tells a damaged header from a wrong passphrase. It protects from accidents only."""
        return hashlib.sha256(packed(_LABEL, self._bound(), self.nonce, self.wrapped)).digest()

    def _bound(self) -> bytes:
        cost = (self.cost.memory_kib, self.cost.iterations, self.cost.lanes)
        return packed(_LABEL, b"key", self.vault_id, self.key_id, self.salt, *(n.to_bytes(8, "big") for n in cost))


def wrap(data_key: Secret[bytes], passphrase: Secret[str], *, vault_id: bytes, cost: KdfCost) -> WrappedKey:
    """The data key under the passphrase, with fresh salt, nonce and key id. Raises PassphraseRefused."""
    blank = WrappedKey(
        vault_id=vault_id,
        key_id=secrets.token_bytes(_ID_BYTES),
        cost=cost,
        salt=secrets.token_bytes(_ID_BYTES),
        nonce=secrets.token_bytes(_NONCE_BYTES),
        wrapped=bytes(_KEY_BYTES + _TAG_BYTES),
    )
    cipher = AESGCM(_wrapping_key(passphrase, blank).reveal())
    wrapped = cipher.encrypt(blank.nonce, data_key.reveal(), blank._bound())  # noqa: SLF001 - same module
    return WrappedKey(
        vault_id=vault_id,
        key_id=blank.key_id,
        cost=cost,
        salt=blank.salt,
        nonce=blank.nonce,
        wrapped=wrapped,
    )


def unwrap(header: WrappedKey, passphrase: Secret[str]) -> Secret[bytes]:
    """The data key, 32 bytes. Raises WrongPassphrase."""
    cipher = AESGCM(_wrapping_key(passphrase, header).reveal())
    try:
        return Secret(cipher.decrypt(header.nonce, header.wrapped, header._bound()))  # noqa: SLF001 - same module
    except InvalidTag:
        raise WrongPassphrase("vault: the passphrase is wrong") from None


def new_data_key() -> Secret[bytes]:
    """256 random bits."""
    return Secret(secrets.token_bytes(_KEY_BYTES))


def new_vault_id() -> bytes:
    """128 random bits; a backup keeps the id, because it is the same vault."""
    return secrets.token_bytes(_ID_BYTES)


def require_passphrase(passphrase: Secret[str]) -> None:
    """Raises PassphraseRefused, stating the rule, for a passphrase that may not be set."""
    if len(_normal(passphrase).reveal()) < PASSPHRASE_MINIMUM:
        raise PassphraseRefused(f"passphrase: at least {PASSPHRASE_MINIMUM} characters")


_ONE_AT_A_TIME = threading.Lock()


def _wrapping_key(passphrase: Secret[str], header: WrappedKey) -> Secret[bytes]:
    derivation = Argon2id(
        salt=header.salt,
        length=_KEY_BYTES,
        iterations=header.cost.iterations,
        lanes=header.cost.lanes,
        memory_cost=header.cost.memory_kib,
    )
    # Two threads deriving at once hang for ever in the library behind it when lanes are more than one.
    with _ONE_AT_A_TIME:
        return Secret(derivation.derive(_normal(passphrase).reveal().encode("utf-8", "surrogatepass")))


def _normal(passphrase: Secret[str]) -> Secret[str]:
    # RFC 8265, section 4.2: NFC, so that one keyboard's decomposed letters equal another's composed ones.
    return Secret(unicodedata.normalize("NFC", passphrase.reveal()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where a sealed part belongs: the record's address, and part i (from 0) of n."""

    address: str
    part: int
    parts: int

    def packed(self) -> bytes:
        """The slot as bytes, for hashing and as associated data."""
        return packed(self.address.encode(), self.part.to_bytes(4, "big"), self.parts.to_bytes(4, "big"))


class RecordSeal:
    """Seals parts of records to their slots in one vault, and marks them for the vault's table of contents."""

    __slots__ = ("_cipher", "_mark_key", "_vault_id")

    def __init__(self, data_key: Secret[bytes], vault_id: bytes) -> None:
        self._cipher = AESGCM(data_key.reveal())
        expand = HKDFExpand(algorithm=hashes.SHA256(), length=32, info=packed(_LABEL, b"contents", vault_id))
        self._mark_key = Secret(expand.derive(data_key.reveal()))
        self._vault_id = vault_id

    def seal(self, plaintext: bytes | memoryview, slot: Slot) -> tuple[bytes, bytes]:
        """A fresh nonce (12 bytes) and the ciphertext with its tag (16 bytes longer than the plaintext)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce, self._cipher.encrypt(nonce, plaintext, self._address(slot))

    def unseal(self, nonce: object, sealed: object, slot: Slot) -> bytes:
        """The plaintext. Raises VaultDamaged unless exactly this was sealed for exactly this slot."""
        if not isinstance(nonce, bytes) or not isinstance(sealed, bytes):
            raise VaultDamaged("vault: a part of a record is missing")
        try:
            return self._cipher.decrypt(nonce, sealed, self._address(slot))
        except (InvalidTag, ValueError):
            raise VaultDamaged("vault: a record is not what was sealed at its address") from None

    def mark(self, nonce: bytes, slot: Slot) -> int:
        """A keyed 256-bit mark of one stored part; a vault's contents are the exclusive or of its marks."""
        message = packed(b"part", slot.packed(), nonce)
        return int.from_bytes(hmac.digest(self._mark_key.reveal(), message, "sha256"), "big")

    def contents_tag(self, total: int, count: int) -> bytes:
        """Authenticates the contents (32 bytes): without it, someone could take a part and its mark out."""
        message = packed(b"contents", total.to_bytes(32, "big"), count.to_bytes(8, "big"))
        return hmac.digest(self._mark_key.reveal(), message, "sha256")

    def _address(self, slot: Slot) -> bytes:
        return packed(_LABEL, self._vault_id, slot.packed())
