"""The escrow's own Ed25519 key: a file of 32 bytes in the operator's home."""

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret
from cleanroom.messages.documents import Document, signing_input
from cleanroom.messages.signing import ESCROW, Signature, SignedDocument

KEY_FILE: Final = "escrow.key"
KEY_BYTES: Final = 32


class KeyFileRefused(InputRefused):
    """The key file is not a key, or others can read it."""

    code = "key_file_refused"


class EscrowKey:
    """Signs what the escrow says. It cannot be rendered."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: Secret[bytes]) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        self.public = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""
        return self._private.sign(message)

    def signed(self, document: Document) -> SignedDocument:
        """The document under the escrow's signature."""
        text = document.text()
        signature = self.sign(signing_input(document.type, text)).hex()
        return SignedDocument(document=text, signatures=(Signature(signer=ESCROW, signature=signature),))


def key_in(home: Path) -> EscrowKey:
    """The escrow's key; made at first use, readable by its owner only.

    Raises:
        KeyFileRefused: the file is not 32 bytes, or others may read it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = home / KEY_FILE
    if not path.exists():
        _make(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeyFileRefused(f"{KEY_FILE}: others than its owner may read it")
    seed = path.read_bytes()
    if len(seed) != KEY_BYTES:
        raise KeyFileRefused(f"{KEY_FILE}: must hold {KEY_BYTES} bytes")
    return EscrowKey(Secret(seed))


def _make(path: Path) -> None:
    """Write a fresh seed; whoever comes second keeps the first one's. A crash leaves no half-written key."""
    draft = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
