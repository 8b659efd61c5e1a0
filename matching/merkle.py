"""Merkle tree hashes and audit paths as in RFC 6962, section 2.1, over records of fixed width.

A path is the concatenation of the 32-byte nodes that RFC 6962 section 2.1.1 lists, from the leaf's sibling upwards.
It shows that a leaf stands at an index of a tree of a size: a root alone fixes neither, so sign the size beside it.
"""

import hashlib
from collections.abc import Iterator, Sequence

from matching.refusal import Refusal

LEAF, NODE = b"\x00", b"\x01"
HASH_BYTES = 32


def root(records: bytes, width: int) -> bytes:
    """The Merkle tree head over `len(records) / width` leaves; SHA-256 of nothing for no leaf.

    Raises:
        Refusal: `malformed_rows` if the records are not a whole number of leaves.
    """
    head = hashlib.sha256().digest()
    for level in _levels(records, width):
        head = level
    return head


def paths(records: bytes, width: int, indices: Sequence[int]) -> list[bytes]:
    """The audit path of the leaf at each index, in the order of `indices`. The tree is built once.

    Raises:
        Refusal: `malformed_rows` as `root`; `bad_path` naming the position in `indices` of one outside the tree.
    """
    levels = list(_levels(records, width))
    size = len(records) // width
    for position, index in enumerate(indices):
        if not 0 <= index < size:
            raise Refusal("bad_path", "an index is not below the size of the tree", place=f"index {position}")
    return [_path(levels, index) for index in indices]


def root_from_path(leaf: bytes, index: int, size: int, path: bytes) -> bytes:
    """The head of the tree of `size` leaves in which `leaf` (a record) stands at `index`: RFC 9162 section 2.1.3.2.

    Raises:
        Refusal: `bad_path` if the index is not below the size, or the path has not the length that both ask for.
    """
    if not 0 <= index < size:
        raise Refusal("bad_path", "an index is not below the size of the tree")
    if len(path) % HASH_BYTES:
        raise Refusal("bad_path", "not a whole number of nodes")
    sha256, node, last = hashlib.sha256, hashlib.sha256(LEAF + leaf).digest(), size - 1
    for start in range(0, len(path), HASH_BYTES):
        if not last:
            raise Refusal("bad_path", "more nodes than the tree is high")
        sibling = path[start : start + HASH_BYTES]
        if index % 2 or index == last:
            node = sha256(NODE + sibling + node).digest()
            while index and not index % 2:  # where the node rose as a left-over there is no sibling
                index, last = index >> 1, last >> 1
        else:
            node = sha256(NODE + node + sibling).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise Refusal("bad_path", "fewer nodes than the tree is high")
    return node


def _path(levels: Sequence[bytes], index: int) -> bytes:
    """A slice beyond a level's end is empty: the left-over node of a level has no sibling."""
    nodes = []
    for level in levels[:-1]:
        start = (index ^ 1) * HASH_BYTES
        nodes.append(level[start : start + HASH_BYTES])
        index >>= 1
    return b"".join(nodes)


def _levels(records: bytes, width: int) -> Iterator[bytes]:
    """The hashes of each level, concatenated, from the leaves to the head. Nothing for no leaf."""
    if width < 1 or len(records) % width:
        raise Refusal("malformed_rows", "not a whole number of records")
    if not records:
        return
    sha256, view = hashlib.sha256, memoryview(records)
    level = b"".join([sha256(LEAF + view[i : i + width]).digest() for i in range(0, len(records), width)])
    yield level
    while len(level) > HASH_BYTES:
        whole = len(level) // (2 * HASH_BYTES) * 2 * HASH_BYTES
        paired = [sha256(NODE + level[i : i + 64]).digest() for i in range(0, whole, 2 * HASH_BYTES)]
        # A left-over node rises unchanged: the same tree as RFC 6962's recursive split.
        level = b"".join(paired) + level[whole:]
        yield level
