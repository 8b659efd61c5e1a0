"""SHA-2 of many messages at once: `expand_message_xmd` for identifiers, SHA-256 for tags."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from matching.lanes.fips180 import SHA256, SHA512, Sha2

if TYPE_CHECKING:
    from matching.lanes.machine import Kernel

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]


def expanded(kernel: "Kernel", messages: Sequence[bytes], *, dst: bytes) -> Bytes:
    """64 uniform bytes for each message: expand_message_xmd of RFC 9380 section 5.3.1 with SHA-512, (n, 64) uint8.

    The tag is at most 255 bytes.
    """
    suffix = dst + bytes([len(dst)])
    after_z_pad = np.frombuffer(kernel.sha512(np.zeros((1, SHA512.block), np.uint8), SHA512.initial()).tobytes(), ">u8")
    tail = b"\x00\x40\x00" + suffix
    first = _digests(
        kernel.sha512, [message + tail for message in messages], after_z_pad.astype(np.uint64), before=SHA512.block
    )
    return kernel.sha512(_around(SHA512, b"", first, b"\x01" + suffix), SHA512.initial())


def sha256_of(kernel: "Kernel", prefix: bytes, rows: Bytes) -> Bytes:
    """SHA-256 of `prefix || row` for each row: (n, 32) uint8."""
    return kernel.sha256(_around(SHA256, prefix, rows, b""), SHA256.initial())


def _around(sha: Sha2, prefix: bytes, rows: Bytes, suffix: bytes) -> Bytes:
    """`prefix || row || suffix`, padded to whole blocks, for each row."""
    width = rows.shape[1]
    whole = np.frombuffer(sha.padded(prefix + bytes(width) + suffix), np.uint8)
    filled = np.tile(whole, (len(rows), 1))
    filled[:, len(prefix) : len(prefix) + width] = rows
    return filled


def _digests(sha: Callable[[Bytes, Words], Bytes], messages: Sequence[bytes], initial: Words, *, before: int) -> Bytes:
    """SHA-512 of each message, going on from `initial`, which stands for `before` bytes before it."""
    block = SHA512.block
    lengths = np.fromiter(map(len, messages), np.int64, len(messages))
    blocks = (lengths + 1 + block // 8 + block - 1) // block
    digests = np.empty((len(messages), 64), np.uint8)
    for count in np.unique(blocks).tolist():
        where = np.flatnonzero(blocks == count)
        joined = b"".join([(messages[i] + b"\x80").ljust(count * block, b"\0") for i in where.tolist()])
        rows = np.frombuffer(bytearray(joined), np.uint8).reshape(len(where), count * block)
        rows[:, -8:] = (8 * (lengths[where] + before)).astype(">u8").view(np.uint8).reshape(-1, 8)
        digests[where] = sha(rows, initial)
    return digests
