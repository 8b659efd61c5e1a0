import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from merkle_oracle import audit_path, split, tree_head
from official_vectors import exactly, load, unhex

from matching.merkle import head, leaf_hash, paths, prefix_roots, root, root_from_path
from matching.refusal import Refusal

CT = exactly(load("rfc6962/merkle_tree.json"), {"source", "leaves", "empty_root", "roots"})


def records(n: int) -> list[bytes]:
    return [i.to_bytes(5, "big") for i in range(n)]


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


# ---- audit paths


@pytest.mark.parametrize("n", range(1, 9))
def test_official_roots_follow_from_paths(n: int) -> None:
    """Leaves of different lengths, which `paths` does not take; the path is the oracle's."""
    leaves = [unhex(leaf) for leaf in CT["leaves"]][:n]
    for index, leaf in enumerate(leaves):
        assert root_from_path(leaf, index, n, audit_path(index, leaves)).hex() == CT["roots"][n - 1]


@pytest.mark.parametrize("n", range(1, 71))
def test_every_path_of_every_size_is_the_oracles_and_leads_to_the_root(n: int) -> None:
    leaves = records(n)
    head = root(b"".join(leaves), 5)
    found = paths(b"".join(leaves), 5, range(n))
    assert found == [audit_path(index, leaves) for index in range(n)]
    for index, path in enumerate(found):
        assert root_from_path(leaves[index], index, n, path) == head


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13, 64, 70])
def test_another_index_leaf_or_size_does_not_lead_to_the_root(n: int) -> None:
    leaves = records(n)
    head = root(b"".join(leaves), 5)
    for index, path in enumerate(paths(b"".join(leaves), 5, range(n))):
        for other in range(n):
            if other != index:
                assert not leads(leaves[index], other, n, path, head)
                assert not leads(leaves[other], index, n, path, head)
        for size in range(index + 1, 2 * n + 2):
            if audit_shape(index, size) != audit_shape(index, n):
                assert not leads(leaves[index], index, size, path, head)


def leads(leaf: bytes, index: int, size: int, path: bytes, head: bytes) -> bool:
    try:
        return root_from_path(leaf, index, size, path) == head
    except Refusal:
        return False


def audit_shape(index: int, size: int) -> tuple[bool, ...]:
    """On which side each sibling stands, from the leaf upwards. Sizes of one shape share their verdict."""
    if size == 1:
        return ()
    k = split(size)
    if index < k:
        return (*audit_shape(index, k), True)
    return (*audit_shape(index - k, size - k), False)


@pytest.mark.parametrize("n", [2, 3, 7, 8, 33])
def test_a_path_with_a_changed_swapped_missing_or_superfluous_node_does_not_lead_to_the_root(n: int) -> None:
    leaves = records(n)
    head = root(b"".join(leaves), 5)
    for index, path in enumerate(paths(b"".join(leaves), 5, range(n))):
        for start in range(0, len(path), 8):
            changed = path[:start] + bytes([path[start] ^ 1]) + path[start + 1 :]
            assert root_from_path(leaves[index], index, n, changed) != head
        nodes = [path[i : i + 32] for i in range(0, len(path), 32)]
        if len(nodes) > 1:
            assert not leads(leaves[index], index, n, b"".join(nodes[::-1]), head)
        for wrong in (path[32:], path[:-32], path + head, head + path, path + path, path[:-1], path + b"\0"):
            with pytest.raises(Refusal) as refusal:
                root_from_path(leaves[index], index, n, wrong)
            assert refusal.value.code == "bad_path"


def test_a_node_is_no_leaf_of_a_smaller_tree() -> None:
    leaves = records(4)
    pair = tree_head(leaves[:1]) + tree_head(leaves[1:2])
    assert root_from_path(pair, 0, 2, tree_head(leaves[2:])) != tree_head(leaves)


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (5, 4), (0, 0), (0, -1), (-1, -1)])
def test_an_index_outside_the_tree_has_no_root(index: int, size: int) -> None:
    with pytest.raises(Refusal) as refusal:
        root_from_path(b"leaf", index, size, bytes(64))
    assert refusal.value.code == "bad_path"


def test_an_index_outside_the_tree_has_no_path() -> None:
    for indices, place in (([0, 4], "index 1"), ([-1], "index 0"), ([0, 1, 3, 9], "index 3")):
        with pytest.raises(Refusal) as refusal:
            paths(b"abcd", 1, indices)
        assert (refusal.value.code, refusal.value.place) == ("bad_path", place)
    with pytest.raises(Refusal):
        paths(b"", 1, [0])


def test_paths_come_in_the_order_asked_for() -> None:
    everything = paths(b"abcdefg", 1, range(7))
    assert paths(b"abcdefg", 1, [6, 0, 3, 0]) == [everything[i] for i in (6, 0, 3, 0)]
    assert paths(b"abcdefg", 1, []) == paths(b"", 1, []) == []
    with pytest.raises(Refusal, match="whole number of records"):
        paths(b"abc", 2, [0])


@given(st.integers(0, 70).flatmap(lambda size: st.tuples(st.just(size), st.lists(st.integers(0, size), max_size=20))))
def test_roots_of_prefixes_are_the_heads_of_prefixes(case: tuple[int, list[int]]) -> None:
    size, sizes = case
    hashes = b"".join(leaf_hash(bytes([number])) for number in range(size))
    assert prefix_roots(hashes, sizes) == {each: head(hashes[: 32 * each]) for each in sizes}
