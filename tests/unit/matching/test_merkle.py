import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from official_vectors import exactly, load, unhex

from matching.merkle import root
from matching.refusal import Refusal

CT = exactly(load("rfc6962/merkle_tree.json"), {"source", "leaves", "empty_root", "roots"})


def tree_head(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < n:
        k *= 2
    return hashlib.sha256(b"\x01" + tree_head(leaves[:k]) + tree_head(leaves[k:])).digest()


def test_the_oracle_passes_the_official_roots() -> None:
    leaves = [unhex(leaf) for leaf in CT["leaves"]]
    assert tree_head([]) == unhex(CT["empty_root"])
    assert [tree_head(leaves[:n]).hex() for n in range(1, 9)] == CT["roots"]


def test_official_roots_of_the_empty_tree_and_of_single_leaves() -> None:
    assert root(b"", 7) == unhex(CT["empty_root"])
    for leaf in (unhex(text) for text in CT["leaves"] if text):
        assert root(leaf, len(leaf)) == tree_head([leaf])


@pytest.mark.parametrize("n", [*range(1, 34), 63, 64, 65, 127, 128, 129, 1000])
def test_roots_are_the_oracles(n: int) -> None:
    leaves = [i.to_bytes(5, "big") for i in range(n)]
    assert root(b"".join(leaves), 5) == tree_head(leaves)


@given(st.integers(1, 6).flatmap(lambda width: st.lists(st.binary(min_size=width, max_size=width), max_size=20)))
def test_any_roots_are_the_oracles(leaves: list[bytes]) -> None:
    assert root(b"".join(leaves), len(leaves[0]) if leaves else 1) == tree_head(leaves)


def test_the_width_and_the_order_are_part_of_what_is_covered() -> None:
    assert len({root(b"abcdef", 1), root(b"abcdef", 2), root(b"abcdef", 3), root(b"abcdef", 6)}) == 4
    assert root(b"abcd", 2) != root(b"cdab", 2)


def test_a_leaf_is_no_node() -> None:
    one, two = hashlib.sha256(b"\x00ab").digest(), hashlib.sha256(b"\x00cd").digest()
    assert root(b"abcd", 2) != root(one + two, 64)


@pytest.mark.parametrize("width", [0, -1, 2, 4, 5])
def test_records_that_are_no_whole_number_of_leaves_are_refused(width: int) -> None:
    with pytest.raises(Refusal) as refusal:
        root(b"abc", width)
    assert refusal.value.code == "malformed_rows"
