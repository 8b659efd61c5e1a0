"""P3 and P4 on arrays: keys to tokens, handles to pseudonyms. Points to tags is `matching.tags`.

Everything hashed carries room, epoch, kind of key and the versions of normaliser and tables, so that two sides that
differ in any of them never silently mismatch: their tags simply never meet, and the terms say so first.
"""

from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from matching.group import Points, Scalar, hash_and_multiply
from matching.packing import packed
from matching.refusal import Refusal
from matching.rows import NAME_BYTES, Bytes

TOKEN_DST = b"HashToGroup-cleanroom/1-ristretto255_XMD:SHA-512_R255MAP_RO_"


def key_context(room: bytes, epoch: int, kind: str, normaliser: str, tables: str) -> bytes:
    """What a token of this kind is bound to. `room` is 16 bytes."""
    return packed(
        b"cleanroom/1 key", room, epoch.to_bytes(8, "big"), kind.encode(), normaliser.encode(), tables.encode()
    )


def blind(keys: Sequence[str], contexts: Sequence[bytes], scalar: Scalar) -> Points:
    """Tokens `k * HashToGroup(context || key)`, one for each key with its own context: (n, 32) uint8."""
    messages = [context + packed(key.encode()) for key, context in zip(keys, contexts, strict=True)]
    return hash_and_multiply(messages, scalar, dst=TOKEN_DST)


def renamed(names: Bytes, renaming_key: bytes) -> Bytes:
    """One AES-256 block of each 16-byte name: a permutation, so pseudonyms invert without a table.

    Raises:
        Refusal: `bad_name` if names are not 16 bytes.
    """
    return _blocks(names, renaming_key, forward=True)


def unrenamed(pseudonyms: Bytes, renaming_key: bytes) -> Bytes:
    """The handles behind pseudonyms: the inverse of `renamed`."""
    return _blocks(pseudonyms, renaming_key, forward=False)


def _blocks(names: Bytes, key: bytes, *, forward: bool) -> Bytes:
    if names.ndim != 2 or names.shape[1] != NAME_BYTES or names.dtype != np.uint8:  # noqa: PLR2004 - rank
        raise Refusal("bad_name", "names must be an (n, 16) uint8 array")
    cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305 - single blocks under a key of their own
    context = cipher.encryptor() if forward else cipher.decryptor()
    return np.frombuffer(context.update(names.tobytes()) + context.finalize(), np.uint8).reshape(names.shape)
