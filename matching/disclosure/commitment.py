"""A commitment to the noise of an answer: made before the answer is shown, opened to whoever has to check it.

SHA-256 over a salt of 32 random bytes and then the draw of each cell, row by row, as 8 bytes, big-endian, in two's
complement. Salt and draws have fixed lengths, so no two of them make the same text. The salt hides the draws: they are
few and small, and without it they could be guessed.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from matching.refusal import Refusal

SALT_BYTES: Final = 32
_DRAW_BYTES: Final = 8
_LARGEST: Final = 1 << 63


def commitment(salt: bytes, draws: Sequence[int]) -> bytes:
    """The 32 bytes that fix these draws.

    Raises:
        Refusal: `bad_salt` if the salt is not 32 bytes, `bad_draws` if a draw does not fit 8 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise Refusal("bad_salt", "the salt of a commitment is 32 bytes")
    if not all(-_LARGEST <= number < _LARGEST for number in draws):
        raise Refusal("bad_draws", "a draw does not fit 8 bytes")
    return hashlib.sha256(
        salt + b"".join(number.to_bytes(_DRAW_BYTES, "big", signed=True) for number in draws)
    ).digest()


def opens(committed: bytes, salt: bytes, draws: Sequence[int]) -> bool:
    """Whether `committed` is the commitment to these draws with this salt; compared in constant time.

    Raises:
        Refusal: as `commitment`.
    """
    return hmac.compare_digest(committed, commitment(salt, draws))
