"""A user's own signing key: Ed25519, sealed under the user's own passphrase, in the vault or in a file elsewhere.

The sealing is the vault's (`vault_key`: Argon2id, then AES-256-GCM), bound to the user's id. A key file is JSON of the
same record. Its owner gives the public key in it to an admin, so that nobody else ever holds the private one.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError

from cleanroom.agent.vault_errors import VaultDamaged, WrongPassphrase
from cleanroom.agent.vault_key import KdfCost, WrappedKey, require_passphrase, unwrap, wrap
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role
from cleanroom.messages.documents import Bytes16, Bytes32, Title, Wire, signing_input
from cleanroom.messages.signing import Signature
from cleanroom.messages.users import user_id_of

MOST_FILE_BYTES: Final = 10_000
Hexadecimal = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=200)]


class UserKeyRefused(InputRefused):
    """A user's key, or the file that should hold it, cannot be used."""

    code = "user_key_refused"


class SealedKey(Wire):
    """A user's private key under a passphrase. Whose it is can be read, and is bound to it."""

    version: Literal[1] = 1
    user: Bytes16
    public_key: Bytes32
    key_id: Hexadecimal
    memory_kib: int
    iterations: int
    lanes: int
    salt: Hexadecimal
    nonce: Hexadecimal
    sealed: Hexadecimal


class KeyFile(Wire):
    """What a key file holds. The name is for its owner only."""

    name: Title
    key: SealedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSession:
    """An unlocked user, who signs. `role` is None where it is not known: then a roster has to say it."""

    id: str
    name: str
    role: Role | None
    public_key: bytes
    _private: Ed25519PrivateKey

    @classmethod
    def of(cls, key: SealedKey, passphrase: Secret[str], *, name: str, role: Role | None) -> Self:
        """The user whose sealed key this is.

        Raises:
            WrongPassphrase: if the passphrase does not open it.
            UserKeyRefused: if the key was altered.
        """
        private = _unseal(key, passphrase)
        return cls(
            id=key.user, name=name, role=role, public_key=private.public_key().public_bytes_raw(), _private=private
        )

    def signature(self, document_type: str, text: str) -> Signature:
        """The user's signature under a document's text."""
        signed = self._private.sign(signing_input(document_type, text))
        return Signature(signer=self.id, signature=signed.hex())

    def __repr__(self) -> str:
        return f"UserSession({self.id})"


def new_key(passphrase: Secret[str], *, kdf_cost: KdfCost | None = None) -> SealedKey:
    """A fresh key under the passphrase. `kdf_cost` is for tests. Raises PassphraseRefused."""
    require_passphrase(passphrase)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    user, cost = user_id_of(public), kdf_cost or KdfCost()
    wrapped = wrap(Secret(private.private_bytes_raw()), passphrase, vault_id=bytes.fromhex(user), cost=cost)
    return SealedKey(
        user=user,
        public_key=public.hex(),
        key_id=wrapped.key_id.hex(),
        memory_kib=cost.memory_kib,
        iterations=cost.iterations,
        lanes=cost.lanes,
        salt=wrapped.salt.hex(),
        nonce=wrapped.nonce.hex(),
        sealed=wrapped.wrapped.hex(),
    )


def write_key_file(path: Path, name: str, passphrase: Secret[str], *, kdf_cost: KdfCost | None = None) -> bytes:
    """A fresh key in a new file (mode 0600); gives the public key, 32 bytes, for an admin to add.

    Raises:
        PassphraseRefused: if the passphrase is too short.
        UserKeyRefused: if there is something at the place already, or it cannot be written.
    """
    try:
        record = KeyFile(name=name, key=new_key(passphrase, kdf_cost=kdf_cost))
    except ValidationError:
        raise UserKeyRefused("user name: 1 to 200 characters, without control characters") from None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(record.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserKeyRefused(f"key file: cannot be written: {error.strerror or 'refused'}") from None
    return bytes.fromhex(record.key.public_key)


def unlock_file(path: Path, passphrase: Secret[str]) -> UserSession:
    """The user whose key the file holds, in whatever role a roster gives.

    Raises:
        UserKeyRefused: if it is no key file, or was altered.
        WrongPassphrase: if the passphrase does not open it.
    """
    try:
        data = path.read_bytes()[: MOST_FILE_BYTES + 1]
        record = KeyFile.model_validate_json(data) if len(data) <= MOST_FILE_BYTES else None
    except OSError as error:
        raise UserKeyRefused(f"key file: cannot be read: {error.strerror or 'refused'}") from None
    except ValidationError:
        record = None
    if record is None:
        raise UserKeyRefused("key file: this is none")
    return UserSession.of(record.key, passphrase, name=record.name, role=None)


def _unseal(key: SealedKey, passphrase: Secret[str]) -> Ed25519PrivateKey:
    try:
        header = WrappedKey(
            vault_id=bytes.fromhex(key.user),
            key_id=bytes.fromhex(key.key_id),
            cost=KdfCost(memory_kib=key.memory_kib, iterations=key.iterations, lanes=key.lanes),
            salt=bytes.fromhex(key.salt),
            nonce=bytes.fromhex(key.nonce),
            wrapped=bytes.fromhex(key.sealed),
        )
        private = Ed25519PrivateKey.from_private_bytes(unwrap(header, passphrase).reveal())
    except VaultDamaged:
        raise UserKeyRefused("user key: it was altered") from None
    except WrongPassphrase:
        raise WrongPassphrase("user key: the passphrase is wrong") from None
    public = private.public_key().public_bytes_raw()
    if public.hex() != key.public_key or user_id_of(public) != key.user:
        raise UserKeyRefused("user key: it is not the key of the user that it names")
    return private
