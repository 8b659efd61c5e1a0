"""Merkle tree hashes as in RFC 6962, section 2.1, over records of fixed width."""

import hashlib

from matching.refusal import Refusal

LEAF, NODE = b"\x00", b"\x01"


def root(records: bytes, width: int) -> bytes:
    """The Merkle tree head over `len(records) / width` leaves; SHA-256 of nothing for no leaf.

    Raises:
        Refusal: `malformed_rows` if the records are not a whole number of leaves.
    """
    if width < 1 or len(records) % width:
        raise Refusal("malformed_rows", "not a whole number of records")
    if not records:
        return hashlib.sha256().digest()
    sha256, view = hashlib.sha256, memoryview(records)
    level = [sha256(LEAF + view[i : i + width]).digest() for i in range(0, len(records), width)]
    while len(level) > 1:
        paired = [sha256(NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:  # a left-over node rises unchanged: the same tree as RFC 6962's recursive split
            paired.append(level[-1])
        level = paired
    return level[0]
