"""Merkle tree hashes, audit paths and consistency proofs as in RFC 6962, section 2.1.

A path is the concatenation of the 32-byte nodes that RFC 6962 section 2.1.1 lists, from the leaf's sibling upwards.
It shows that a leaf stands at an index of a tree of a size: a root alone fixes neither, so sign the size beside it.
A consistency proof is likewise the nodes of section 2.1.2, in order.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from matching.lanes import chosen
from matching.lanes.hashing import sha256_of
from matching.refusal import Refusal

LEAF, NODE = b"\x00", b"\x01"
HASH_BYTES = 32
AT_ONCE = 65_536
"""Records that the kernel hashes in one call: they are padded in memory."""


def leaf_hash(record: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(LEAF + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring nodes."""
    return hashlib.sha256(NODE + left + right).digest()


def head(hashes: bytes) -> bytes:
    """The Merkle tree head over leaves whose hashes (32 bytes each) are given; SHA-256 of nothing for no leaf."""
    found = hashlib.sha256().digest()
    for level in _levels(hashes):
        found = level
    return found


def prefix_roots(hashes: bytes, sizes: Iterable[int]) -> dict[int, bytes]:
    """The head over the first `size` leaves, for each of these sizes (none above their number), in one pass."""
    peaks: list[tuple[int, bytes]] = []  # the compact range: the full subtrees' widths and heads
    roots, at = {}, 0
    for size in sorted(set(sizes)):
        while at < size:
            width = 1 << (size - at).bit_length() - 1
            width = min(width, at & -at) if at else width
            peaks.append((width, head(hashes[HASH_BYTES * at : HASH_BYTES * (at + width)])))
            at += width
            while len(peaks) > 1 and peaks[-2][0] == peaks[-1][0]:
                (half, left), (_, right) = peaks[-2:]
                peaks[-2:] = [(2 * half, node_hash(left, right))]
        found = peaks[-1][1] if peaks else head(b"")
        for _, peak in reversed(peaks[:-1]):
            found = node_hash(peak, found)
        roots[size] = found
    return roots


def root(records: bytes, width: int) -> bytes:
    """The Merkle tree head over `len(records) / width` leaves of one width.

    Raises:
        Refusal: `malformed_rows` if the records are not a whole number of leaves.
    """
    return head(_leaves(records, width))


def paths(records: bytes, width: int, indices: Sequence[int]) -> list[bytes]:
    """The audit path of the leaf at each index, in the order of `indices`. The tree is built once.

    Raises:
        Refusal: `malformed_rows` as `root`; `bad_path` naming the position in `indices` of one outside the tree.
    """
    levels = list(_levels(_leaves(records, width)))
    size = len(records) // width
    for position, index in enumerate(indices):
        if not 0 <= index < size:
            raise Refusal("bad_path", "an index is not below the size of the tree", place=f"index {position}")
    return [_path(levels, index) for index in indices]


def path(hashes: bytes, index: int) -> bytes:
    """The audit path of a leaf of the tree over these leaves' hashes. Raises Refusal (`bad_path`)."""
    if not 0 <= index < len(hashes) // HASH_BYTES:
        raise Refusal("bad_path", "an index is not below the size of the tree")
    return _path(list(_levels(hashes)), index)


def root_from_path(leaf: bytes, index: int, size: int, path: bytes) -> bytes:
    """The head of the tree of `size` leaves in which `leaf` (a record) stands at `index`: RFC 9162 section 2.1.3.2.

    Raises:
        Refusal: `bad_path` if the index is not below the size, or the path has not the length that both ask for.
    """
    if not 0 <= index < size:
        raise Refusal("bad_path", "an index is not below the size of the tree")
    node, last = leaf_hash(leaf), size - 1
    for sibling in _nodes(path):
        if not last:
            raise Refusal("bad_path", "more nodes than the tree is high")
        if index % 2 or index == last:
            node = node_hash(sibling, node)
            while index and not index % 2:  # where the node rose as a left-over there is no sibling
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise Refusal("bad_path", "fewer nodes than the tree is high")
    return node


def is_consistent(first: tuple[int, bytes], second: tuple[int, bytes], proof: bytes) -> bool:
    """Whether the tree of `second` (size, root) begins with that of `first`: RFC 9162 section 2.1.4.2.

    Every tree begins with the empty one; a tree of the same size must be the same. Then the proof is empty.
    """
    (size, before), (larger, after) = first, second
    if not 0 <= size <= larger or len(proof) % HASH_BYTES or (size == 0 and before != head(b"")):
        return False
    if size in {0, larger}:
        return not proof and (size < larger or before == after)
    nodes = _nodes(proof)
    if size & (size - 1) == 0:  # the first tree is itself a node of the second
        nodes = [before, *nodes]
    if not nodes:
        return False
    index, last = size - 1, larger - 1
    while index % 2:
        index, last = index >> 1, last >> 1
    of_first = of_second = nodes[0]
    for node in nodes[1:]:
        if not last:
            return False
        if index % 2 or index == last:
            of_first, of_second = node_hash(node, of_first), node_hash(node, of_second)
            while index and not index % 2:
                index, last = index >> 1, last >> 1
        else:
            of_second = node_hash(of_second, node)
        index, last = index >> 1, last >> 1
    return not last and (of_first, of_second) == (before, after)


def _path(levels: Sequence[bytes], index: int) -> bytes:
    """A slice beyond a level's end is empty: the left-over node of a level has no sibling."""
    nodes = []
    for level in levels[:-1]:
        start = (index ^ 1) * HASH_BYTES
        nodes.append(level[start : start + HASH_BYTES])
        index >>= 1
    return b"".join(nodes)


def _nodes(path: bytes) -> list[bytes]:
    if len(path) % HASH_BYTES:
        raise Refusal("bad_path", "not a whole number of nodes")
    return [path[start : start + HASH_BYTES] for start in range(0, len(path), HASH_BYTES)]


def _leaves(records: bytes, width: int) -> bytes:
    """The hashes of records of one width, concatenated."""
    if width < 1 or len(records) % width:
        raise Refusal("malformed_rows", "not a whole number of records")
    return _hashed(LEAF, records, width)


def _hashed(prefix: bytes, records: bytes, width: int) -> bytes:
    """The SHA-256 of the prefix and each whole record, concatenated. Nearly all the time of a tree is spent here."""
    whole = len(records) // width * width
    kernel = chosen.kernel(whole // width)
    if kernel is not None:
        rows = np.frombuffer(records, np.uint8, whole).reshape(-1, width)
        return b"".join(
            [sha256_of(kernel, prefix, rows[i : i + AT_ONCE]).tobytes() for i in range(0, len(rows), AT_ONCE)]
        )
    sha256, view = hashlib.sha256, memoryview(records)
    return b"".join([sha256(prefix + view[i : i + width]).digest() for i in range(0, whole, width)])


def _levels(level: bytes) -> Iterator[bytes]:
    """The hashes of each level, concatenated, from the leaves to the head. Nothing for no leaf."""
    if not level:
        return
    yield level
    while len(level) > HASH_BYTES:
        odd = len(level) % (2 * HASH_BYTES)
        # A left-over node rises unchanged: the same tree as RFC 6962's recursive split.
        level = _hashed(NODE, level, 2 * HASH_BYTES) + level[len(level) - odd :]
        yield level
