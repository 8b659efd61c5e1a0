"""Every write is a PUT at an address that the client chose: the same content again changes nothing."""

import hashlib

from cleanroom.domain.vocabulary import Digest
from escrow.errors import Conflict


def is_repeat(held: str | None, offered: str) -> bool:
    """Whether exactly this is already at the address; `held` is the digest of what is there, if anything.

    Raises:
        Conflict: something else is there.
    """
    if held is not None and held != offered:
        raise Conflict
    return held is not None


def digest_of_bytes(data: bytes) -> Digest:
    """SHA-256 in hex."""
    return Digest(hashlib.sha256(data).hexdigest())
