"""Inclusion and consistency against transparency-dev's vectors, and consistency against RFC 6962's own recursion."""

import base64
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from merkle_oracle import consistency_proof, tree_head
from official_vectors import exactly, load

from matching import merkle
from matching.merkle import is_consistent, root_from_path
from matching.refusal import Refusal

INCLUSION: Final = exactly(load("rfc6962/inclusion.json"), {"source", "cases"})["cases"]
CONSISTENCY: Final = exactly(load("rfc6962/consistency.json"), {"source", "cases"})["cases"]
KINDS: Final = {
    *("happy-path", "empty-root", "random-root", "wrong-leaf", "leafIdx-XOR-@2", "leafIdx-plus-@1", "leafIdx-sub-@1"),
    *("treeSize-div-@2", "treeSize-mul-@2", "preceding-root", "trailing-root"),
    *("inserted-component", "removed-component"),
}
EMPTY_IS_A_BEGINNING: Final = "additional/size1-is-zero-and-size2-is-not-zero"
"""Upstream refuses to compare with an empty tree at all; here every tree begins with it (RFC 9162 leaves it open)."""
EMPTY: Final = tree_head([])


def unbase(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def nodes(case: dict[str, Any]) -> bytes:
    return b"".join(map(unbase, case["proof"] or []))


def test_the_selection_covers_every_kind_of_case() -> None:
    names = {case["name"].rpartition("/")[2] for case in INCLUSION}
    assert names >= KINDS
    assert {name[:14] for name in names} >= {"modified-proof"}
    assert {case["wantErr"] for case in INCLUSION} == {case["wantErr"] for case in CONSISTENCY} == {True, False}
    assert (len(INCLUSION), len(CONSISTENCY)) == (57, 54)


@pytest.mark.parametrize("case", INCLUSION, ids=lambda case: case["name"])
def test_official_inclusion(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    exactly(case, {"name", "leafIdx", "treeSize", "root", "leafHash", "proof", "wantErr"})
    monkeypatch.setattr(merkle, "leaf_hash", lambda record: record)  # the vectors name a leaf by its hash
    try:
        found = root_from_path(unbase(case["leafHash"]), case["leafIdx"], case["treeSize"], nodes(case))
    except Refusal:
        found = None
    assert (found != unbase(case["root"])) is case["wantErr"]


@pytest.mark.parametrize("case", CONSISTENCY, ids=lambda case: case["name"])
def test_official_consistency(case: dict[str, Any]) -> None:
    exactly(case, {"name", "size1", "size2", "root1", "root2", "proof", "wantErr"})
    first, second = (case["size1"], unbase(case["root1"])), (case["size2"], unbase(case["root2"]))
    assert is_consistent(first, second, nodes(case)) is (not case["wantErr"] or case["name"] == EMPTY_IS_A_BEGINNING)


def test_the_exception_is_one_of_the_vectors() -> None:
    (case,) = [case for case in CONSISTENCY if case["name"] == EMPTY_IS_A_BEGINNING]
    assert (case["size1"], unbase(case["root1"]), case["proof"], case["wantErr"]) == (0, EMPTY, [], True)


@pytest.mark.parametrize("n", [*range(1, 34), 64, 65])
def test_the_proof_of_every_beginning_holds_and_no_proof_of_another(n: int) -> None:
    leaves = [bytes([i]) for i in range(n)]
    heads = [tree_head(leaves[:m]) for m in range(n + 1)]
    proofs = [b"", *(consistency_proof(m, leaves) for m in range(1, n + 1))]
    for m, proof in enumerate(proofs):
        assert is_consistent((m, heads[m]), (n, heads[n]), proof)
        assert not is_consistent((m, EMPTY if m else heads[n]), (n, heads[n]), proof)
        for other in range(1, n):
            if proofs[other] != proof:
                assert not is_consistent((m, heads[m]), (n, heads[n]), proofs[other])


def test_a_rewritten_beginning_is_not_consistent() -> None:
    leaves = [bytes([i]) for i in range(11)]
    rewritten = [b"other", *leaves[1:]]
    for m in range(1, 12):
        for proof in (consistency_proof(m, leaves), consistency_proof(m, rewritten)):
            assert not is_consistent((m, tree_head(leaves[:m])), (11, tree_head(rewritten)), proof)


@pytest.mark.parametrize(
    ("first", "second"), [((0, EMPTY), (0, b"r" * 32)), ((0, b"r" * 32), (5, EMPTY)), ((-1, EMPTY), (-1, EMPTY))]
)
def test_sizes_and_roots_that_no_tree_has_are_not_consistent(
    first: tuple[int, bytes], second: tuple[int, bytes]
) -> None:
    assert not is_consistent(first, second, b"")


@given(st.integers(2, 40), st.data())
def test_a_proof_with_one_changed_byte_or_another_length_does_not_hold(n: int, data: st.DataObject) -> None:
    leaves = [bytes([i]) for i in range(n)]
    m = data.draw(st.integers(1, n - 1))
    first, second, proof = (m, tree_head(leaves[:m])), (n, tree_head(leaves)), consistency_proof(m, leaves)
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = proof[:at] + bytes([proof[at] ^ data.draw(st.integers(1, 255))]) + proof[at + 1 :]
    for wrong in (changed, proof[:-1], proof[:-32], proof[32:], proof + b"\0", proof + EMPTY, EMPTY + proof, b""):
        assert not is_consistent(first, second, wrong)
    assert is_consistent(first, second, proof)
