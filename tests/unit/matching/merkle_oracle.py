"""RFC 6962 section 2.1, as it is written there: trees, audit paths and consistency proofs by recursion over leaves."""

import hashlib
from functools import lru_cache


def tree_head(leaves: list[bytes]) -> bytes:
    return _head(tuple(leaves))


def audit_path(index: int, leaves: list[bytes]) -> bytes:
    """Section 2.1.1."""
    if len(leaves) == 1:
        return b""
    k = split(len(leaves))
    if index < k:
        return audit_path(index, leaves[:k]) + tree_head(leaves[k:])
    return audit_path(index - k, leaves[k:]) + tree_head(leaves[:k])


def consistency_proof(first: int, leaves: list[bytes]) -> bytes:
    """Section 2.1.2, PROOF(m, D[n]). It is not defined for an empty tree."""
    return _subproof(first, leaves, known=True)


def split(n: int) -> int:
    """The largest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def _subproof(m: int, leaves: list[bytes], *, known: bool) -> bytes:
    n = len(leaves)
    if m == n:
        return b"" if known else tree_head(leaves)
    k = split(n)
    if m <= k:
        return _subproof(m, leaves[:k], known=known) + tree_head(leaves[k:])
    return _subproof(m - k, leaves[k:], known=False) + tree_head(leaves[:k])


@lru_cache(maxsize=50_000)
def _head(leaves: tuple[bytes, ...]) -> bytes:
    n = len(leaves)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(n)
    return hashlib.sha256(b"\x01" + _head(leaves[:k]) + _head(leaves[k:])).digest()
