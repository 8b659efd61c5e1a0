"""The tree of a log as tiles (c2sp.org/tlog-tiles): what is stored, what is served, and the proofs made of them.

Tile `number` of a level holds up to 256 hashes of 32 bytes; on level 0 those of leaves, above that the heads of the
full tiles below. Only the last tile of a level is not full. A `Read` gives the first `width` hashes of a tile.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from matching.merkle import HASH_BYTES, head, node_hash
from matching.refusal import Refusal

WIDTH: Final = 256
HEIGHT: Final = 8
Read = Callable[[int, int, int], bytes]
"""(level, number, width) -> the hashes of a tile, concatenated."""

_NUMBER: Final = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_name(number: int, width: int) -> str:
    """How a tile of a level, or a bundle of entries, is called: `x001/x234/067`, with `.p/W` if it is not full."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups)) + (f".p/{width}" if width < WIDTH else "")


def read_tile_name(name: str) -> tuple[int, int]:
    """Number and width of the tile with this name. Raises Refusal (`bad_tile`)."""
    found = _NUMBER.fullmatch(name)
    if found is not None:
        number, width = int(found[1].replace("/", "").replace("x", "")), int(found[2] or WIDTH)
        if tile_name(number, width) == name:
            return number, width
    raise Refusal("bad_tile", "not the name of a tile")


def bundles(first: int, size: int) -> Iterator[tuple[int, int]]:
    """Number and width of the tiles of leaves that hold the leaves from `first` up to `size`."""
    for number in range(first // WIDTH, -(-size // WIDTH) if first < size else 0):
        yield number, min(WIDTH, size - number * WIDTH)


def appended(size: int, leaf: bytes, read: Read) -> list[tuple[int, int, bytes]]:
    """The tiles (level, number, hashes) that change when a leaf's hash is added to a tree of `size`."""
    changed, hash_, level = [], leaf, 0
    while True:
        number, width = size >> (HEIGHT * (level + 1)), (size >> (HEIGHT * level)) % WIDTH
        hashes = (read(level, number, width) if width else b"") + hash_
        changed.append((level, number, hashes))
        if width + 1 < WIDTH:
            return changed
        hash_, level = head(hashes), level + 1


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of `size` leaves, read from its tiles."""

    size: int
    read: Read

    def root(self) -> bytes:
        """The tree head; SHA-256 of nothing for no leaf."""
        return self._head(0, self.size)

    def inclusion(self, index: int) -> bytes:
        """The audit path of a leaf (RFC 6962 section 2.1.1). Raises Refusal (`bad_path`)."""
        if not 0 <= index < self.size:
            raise Refusal("bad_path", "an index is not below the size of the tree")
        path, begin, end = [], 0, self.size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._head(middle, end))
                end = middle
            else:
                path.append(self._head(begin, middle))
                begin = middle
        return b"".join(reversed(path))

    def consistency(self, first: int) -> bytes:
        """The proof that the tree begins with the tree of its `first` leaves (RFC 6962 section 2.1.2).

        Raises:
            Refusal: `bad_path` if it has not so many.
        """
        if not 0 <= first <= self.size:
            raise Refusal("bad_path", "a tree does not begin with a larger one")
        if first in {0, self.size}:
            return b""
        proof, begin, end = [], 0, self.size
        while first != end:
            middle = begin + _split(end - begin)
            if first <= middle:
                proof.append(self._head(middle, end))
                end = middle
            else:
                proof.append(self._head(begin, middle))
                begin = middle
        if begin:
            proof.append(self._head(begin, end))
        return b"".join(reversed(proof))

    def _head(self, begin: int, end: int) -> bytes:
        """The head over the leaves from `begin`, a multiple of the largest power of two not above their number."""
        if begin == end:
            return head(b"")
        peaks = []
        while begin < end:
            height = (end - begin).bit_length() - 1
            peaks.append(self._perfect(height, begin >> height))
            begin += 1 << height
        found = peaks.pop()
        while peaks:
            found = node_hash(peaks.pop(), found)
        return found

    def _perfect(self, height: int, index: int) -> bytes:
        """The head of the full subtree of that height, number `index` from the left."""
        level, rest = divmod(height, HEIGHT)
        start = index << rest
        number, offset = divmod(start, WIDTH)
        held = self.size >> (HEIGHT * level)
        hashes = self.read(level, number, min(WIDTH, held - number * WIDTH))
        return head(hashes[offset * HASH_BYTES : (offset + (1 << rest)) * HASH_BYTES])


def _split(leaves: int) -> int:
    """The largest power of two below a number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1
