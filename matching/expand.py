"""Uniform bytes from a message, one at a time: RFC 9380. Many at once: `matching.lanes.hashing`."""

import hashlib
from typing import Final

from matching.refusal import Refusal

LONGEST_DST: Final = 255


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """Uniform bytes from a message: RFC 9380 section 5.3.1 with SHA-512.

    Raises:
        Refusal: `bad_length` if more than 255 blocks are asked for, or the tag is longer than 255 bytes.
    """
    blocks = -(-length // 64)
    if blocks > 255 or len(dst) > LONGEST_DST:  # noqa: PLR2004 - RFC 9380 section 5.3.1, steps 2 and DST_prime
        raise Refusal("bad_length", "expand_message_xmd: too many bytes or too long a tag")
    suffix = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = hashlib.sha512(first + b"\x01" + suffix).digest()
    uniform = [block]
    for number in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes([number]) + suffix).digest()
        uniform.append(block)
    return b"".join(uniform)[:length]
