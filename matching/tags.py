"""P4: from double-blinded points to tags, which is all of a point that the escrow sees before it is opened.

A module of its own because the escrow checks opened points against tags, and imports nothing else of `matching.tokens`.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from matching.group import Points
from matching.lanes import chosen
from matching.lanes.hashing import sha256_of
from matching.packing import packed
from matching.rows import TAG_BYTES, Bytes


def tag_context(room: bytes, epoch: int, kind: str) -> bytes:
    """What a tag of this kind is bound to. `room` is 16 bytes."""
    return packed(b"cleanroom/1 tag", room, epoch.to_bytes(8, "big"), kind.encode())


def tags(points: Points, kinds: Bytes, contexts: Sequence[bytes]) -> Bytes:
    """`SHA-256(context of its kind || point)[:16]` for each double-blinded point: (n, 16) uint8."""
    prefixes = [context + (32).to_bytes(4, "big") for context in contexts]
    kernel = chosen.kernel(len(points))
    if kernel is not None:
        made = np.empty((len(points), TAG_BYTES), np.uint8)
        for kind in np.unique(kinds).tolist():
            made[kinds == kind] = sha256_of(kernel, prefixes[kind], points[kinds == kind])[:, :TAG_BYTES]
        return made
    flat, sha256 = points.tobytes(), hashlib.sha256
    digests = [
        sha256(prefixes[kind] + flat[32 * i : 32 * i + 32]).digest()[:TAG_BYTES]
        for i, kind in enumerate(kinds.tolist())
    ]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(points), TAG_BYTES)
