"""The partner's private identity: what signs its requests and documents, and what opens what is sealed to it."""

from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_errors import VaultDamaged
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.secret import Secret
from cleanroom.messages.identity import PublicIdentity
from cleanroom.messages.sealing import SEALING_PRIVATE_BYTES, SealingKey
from matching.packing import packed

ADDRESS: Final = "identity"
_LABEL = b"cleanroom/1 identity"
_SIGNING_BYTES = 32
_PREFIX = packed(_LABEL, bytes(_SIGNING_BYTES))[:-_SIGNING_BYTES]


class IdentityMissing(NotPossibleNow):
    """The vault holds no identity yet."""

    code = "identity_missing"


class IdentityExists(NotPossibleNow):
    """The vault holds an identity; another one would be another partner."""

    code = "identity_exists"


class PrivateIdentity:
    """An Ed25519 signing key and a sealing key. Rendering it shows the partner id only."""

    __slots__ = ("_public", "_seed", "_signing", "sealing_key")

    def __init__(self, seed: Secret[bytes], sealing_key: SealingKey) -> None:
        """Use `generate` or `load`."""
        self._seed = seed
        self._signing = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        self.sealing_key = sealing_key
        self._public = PublicIdentity(
            identity_key=self._signing.public_key().public_bytes_raw(), sealing_key=sealing_key.public_bytes()
        )

    @classmethod
    def generate(cls) -> Self:
        """Fresh keys from the operating system's randomness, not stored anywhere yet."""
        seed = Secret(Ed25519PrivateKey.generate().private_bytes_raw())
        return cls(seed, SealingKey.generate())

    @classmethod
    def load(cls, vault: Vault) -> Self:
        """The identity that `store` put there. Raises IdentityMissing, VaultDamaged."""
        stored = vault.get(ADDRESS)
        if stored is None:
            raise IdentityMissing("vault: it holds no identity")
        record = Secret(stored)
        seed_end = len(_PREFIX) + _SIGNING_BYTES
        lengths = (len(record.reveal()), record.reveal()[: len(_PREFIX)])
        if lengths != (seed_end + 4 + SEALING_PRIVATE_BYTES, _PREFIX):
            raise VaultDamaged("vault: the identity has an unknown form")
        seed = Secret(record.reveal()[len(_PREFIX) : seed_end])
        return cls(seed, SealingKey.from_bytes(Secret(record.reveal()[seed_end + 4 :])))

    def store(self, vault: Vault) -> None:
        """Puts the identity into a vault that has none; joins an open transaction. Raises IdentityExists."""
        if vault.get(ADDRESS) is not None:
            raise IdentityExists("vault: it holds an identity already")
        vault.put(ADDRESS, packed(_LABEL, self._seed.reveal(), self.sealing_key.to_bytes().reveal()))

    def public(self) -> PublicIdentity:
        """What others may see."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Ed25519 (RFC 8032) over the message as it is, 64 bytes.

        The caller separates domains: documents are `packed`, so they begin with a zero byte; the signature base of
        an HTTP message (RFC 9421, section 2.5) begins with a quotation mark. Neither can pass for the other.
        """
        return self._signing.sign(message)

    def __repr__(self) -> str:
        return f"PrivateIdentity({self._public.partner_id})"
