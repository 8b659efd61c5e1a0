"""The tree read from tiles against RFC 6962's recursion, and the names of tiles against C2SP's examples."""

import hashlib
from collections import Counter
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from merkle_oracle import audit_path, consistency_proof, tree_head

from matching.merkle import head, is_consistent, leaf_hash, root_from_path
from matching.refusal import Refusal
from matching.tiles import Tree, appended, bundles, read_tile_name, tile_name


def record(index: int) -> bytes:
    return index.to_bytes(4, "big")


class Shelf:
    """Tiles as a log keeps them: each under its name, grown leaf by leaf through `appended`."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def grow(self, size: int) -> "Shelf":
        while self.size < size:
            for level, number, hashes in appended(self.size, leaf_hash(record(self.size)), self.read):
                self.tiles[level, number] = hashes
            self.size += 1
        return self

    def read(self, level: int, number: int, width: int) -> bytes:
        hashes = self.tiles[level, number]
        assert 0 < width <= 256
        assert len(hashes) >= 32 * width, "asked for more than the tree has"
        return hashes[: 32 * width]


@lru_cache
def shelf(size: int) -> Shelf:
    return Shelf().grow(size)


def test_every_tree_up_to_300_leaves_is_the_oracles() -> None:
    leaves = [record(i) for i in range(300)]
    for size in range(301):
        assert Tree(size, shelf(300).read).root() == tree_head(leaves[:size])


@settings(max_examples=40)
@given(st.integers(1, 300), st.data())
def test_any_proof_of_a_tree_up_to_300_leaves_is_the_oracles(size: int, data: st.DataObject) -> None:
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaves, tree = [record(i) for i in range(size)], Tree(size, shelf(300).read)
    assert tree.inclusion(index) == audit_path(index, leaves)
    assert tree.consistency(first) == consistency_proof(first, leaves)


@pytest.mark.parametrize("size", [1, 2, 7, 255, 256, 257, 300])
def test_every_proof_of_a_tree_is_the_oracles(size: int) -> None:
    leaves, tree = [record(i) for i in range(size)], Tree(size, shelf(300).read)
    for index in range(size):
        assert tree.inclusion(index) == audit_path(index, leaves)
        assert tree.consistency(index + 1) == consistency_proof(index + 1, leaves)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 65_793, 66_000])
def test_trees_of_three_levels_are_those_of_their_leaves(size: int) -> None:
    tree = Tree(size, shelf(66_000).read)
    hashes = b"".join(hashlib.sha256(b"\x00" + record(i)).digest() for i in range(size))
    root = head(hashes)
    assert tree.root() == root
    for index in (0, 1, 255, 256, 32_768, 65_279, 65_534, size - 1):
        assert root_from_path(record(index), index, size, tree.inclusion(index)) == root
    for first in (0, 1, 255, 256, 257, 32_768, 65_279, 65_535, size - 1, size):
        assert is_consistent((first, head(hashes[: 32 * first])), (size, root), tree.consistency(first))


@given(st.integers(0, 66_000), st.integers(0, 66_000))
def test_any_two_sizes_of_a_log_are_consistent(one: int, two: int) -> None:
    first, size = sorted((one, two))
    before, tree = Tree(first, shelf(66_000).read), Tree(size, shelf(66_000).read)
    assert is_consistent((first, before.root()), (size, tree.root()), tree.consistency(first))


def test_appending_changes_one_tile_of_a_level_and_rises_only_from_a_full_one() -> None:
    read = shelf(66_000).read
    for size, levels in ((0, 1), (1, 1), (254, 1), (255, 2), (256, 1), (511, 2), (65_279, 2), (65_535, 3)):
        changed = appended(size, leaf_hash(record(size)), read)
        assert [level for level, _, _ in changed] == list(range(levels))
        for level, number, hashes in changed:
            assert hashes == shelf(66_000).tiles[level, number][: len(hashes)]
            assert number * 256 + len(hashes) // 32 == (size + 1) >> 8 * level


@pytest.mark.parametrize("index", [-1, 7, 8])
def test_a_leaf_outside_the_tree_has_no_path(index: int) -> None:
    with pytest.raises(Refusal) as refusal:
        Tree(7, shelf(300).read).inclusion(index)
    assert refusal.value.code == "bad_path"


@pytest.mark.parametrize("first", [-1, 8])
def test_a_tree_does_not_begin_with_a_larger_one(first: int) -> None:
    with pytest.raises(Refusal) as refusal:
        Tree(7, shelf(300).read).consistency(first)
    assert refusal.value.code == "bad_path"


def test_an_empty_tree_has_no_leaf_and_begins_every_other() -> None:
    empty = Tree(0, shelf(300).read)
    assert empty.root() == tree_head([])
    assert empty.consistency(0) == Tree(9, shelf(300).read).consistency(0) == b""
    with pytest.raises(Refusal):
        empty.inclusion(0)


# ---- names


NAMES = [
    ("x001/x234/067", 1_234_067, 256),
    ("000", 0, 256),
    ("000.p/1", 0, 1),
    ("273.p/112", 273, 112),
    ("999.p/255", 999, 255),
    ("x001/000", 1_000, 256),
    ("x001/x000/005.p/9", 1_000_005, 9),
]


@pytest.mark.parametrize(("name", "number", "width"), NAMES)
def test_names_of_tiles(name: str, number: int, width: int) -> None:
    assert tile_name(number, width) == name
    assert read_tile_name(name) == (number, width)


@given(st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_name_is_read_as_it_was_made(number: int, width: int) -> None:
    assert read_tile_name(tile_name(number, width)) == (number, width)


@pytest.mark.parametrize(
    "name",
    [
        *("", "0", "00", "0000", "067/", "/067", "x067", "001/067", "x001/x067", "x1/067", "x001/67", "x000/067"),
        *("x001x234/067", "X001/067", "067.p/", "067.p/0", "067.p/01", "067.p/256", "067.p/999", "067.p/1000"),
        *(
            "067.p/-1",
            "067.p/+1",
            "067.p/1/",
            "067.P/1",
            "067p/1",
            "067.p1",
            "-67",
            "067\n",
            " 067",
            "\u0660\u0666\u0667",
            "067.p/\u0661",
        ),
        *("x001/067.p/1\n", "x001/../067", "x001//067", "x999/" * 6 + "999"),
    ],
)
def test_what_is_no_name_of_a_tile_is_refused(name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read_tile_name(name)
    assert refusal.value.code == "bad_tile"


def test_a_log_of_70_000_leaves_has_the_tiles_of_the_specification() -> None:
    """C2SP: 273 full tiles and one of width 112; one full tile and one of width 17; one of width 1."""
    assert Counter(width for _, width in bundles(0, 70_000)) == {256: 273, 112: 1}
    grown = Shelf()
    hashes = b"".join(leaf_hash(record(i)) for i in range(69_888))
    for size in range(0, 69_888, 256):
        grown.tiles[0, size // 256] = hashes[32 * size : 32 * (size + 256)]
    heads = b"".join(head(grown.tiles[0, number]) for number in range(273))
    grown.tiles |= {(1, 0): heads[:8192], (1, 1): heads[8192:], (2, 0): head(heads[:8192])}
    grown.size = 69_888
    grown.grow(70_000)
    widths = Counter((level, len(tile) // 32) for (level, _), tile in grown.tiles.items())
    assert widths == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}


@pytest.mark.parametrize(
    ("first", "size", "expected"),
    [
        (0, 0, []),
        (0, 1, [(0, 1)]),
        (0, 256, [(0, 256)]),
        (255, 257, [(0, 256), (1, 1)]),
        (256, 257, [(1, 1)]),
        (300, 700, [(1, 256), (2, 188)]),
        (7, 7, []),
        (256, 256, []),
    ],
)
def test_bundles_hold_the_leaves_from_a_first_one_on(first: int, size: int, expected: list[tuple[int, int]]) -> None:
    assert list(bundles(first, size)) == expected
