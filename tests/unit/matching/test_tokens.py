import hashlib

import numpy as np
import pytest
import ristretto_oracle as oracle
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from official_vectors import exactly, load, unhex

from matching import keyproof, merkle, rows, tokens
from matching import tags as tagging
from matching.expand import expand_message_xmd
from matching.group import ORDER, Scalar, multiply
from matching.refusal import Refusal

GOLDEN = exactly(
    load("golden/kernel.json"),
    {"room", "epoch", "scalar_first", "scalar_second", "renaming_key", "keys", "statement", "rows"},
)
ROOM, EPOCH = unhex(GOLDEN["room"]), GOLDEN["epoch"]
FIRST, SECOND = Scalar(unhex(GOLDEN["scalar_first"])), Scalar(unhex(GOLDEN["scalar_second"]))
KEY_MEMBERS = {"kind", "normaliser", "tables", "key", "context", "token", "double", "tag_context", "tag"}


def prefixed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


# ---- golden bytes


@pytest.mark.parametrize("case", GOLDEN["keys"], ids=lambda case: case["kind"])
def test_golden_contexts_tokens_and_tags(case: dict[str, str]) -> None:
    exactly(case, KEY_MEMBERS)
    context = tokens.key_context(ROOM, EPOCH, case["kind"], case["normaliser"], case["tables"])
    assert context.hex() == case["context"]
    token = tokens.blind([case["key"]], [context], FIRST)
    assert token.tobytes().hex() == case["token"]
    double = multiply(token, SECOND)
    assert double.tobytes().hex() == case["double"]
    tag_context = tagging.tag_context(ROOM, EPOCH, case["kind"])
    assert tag_context.hex() == case["tag_context"]
    assert tagging.tags(double, np.zeros(1, np.uint8), [tag_context]).tobytes().hex() == case["tag"]


@pytest.mark.parametrize("case", GOLDEN["keys"], ids=lambda case: case["kind"])
def test_golden_bytes_are_what_the_documents_say(case: dict[str, str]) -> None:
    """The same values from hashlib and the oracle alone."""
    names = [case[name].encode() for name in ("kind", "normaliser", "tables")]
    context = prefixed(b"cleanroom/1 key", ROOM, EPOCH.to_bytes(8, "big"), *names)
    assert context.hex() == case["context"]
    uniform = expand_message_xmd(
        context + prefixed(case["key"].encode()),
        b"HashToGroup-cleanroom/1-ristretto255_XMD:SHA-512_R255MAP_RO_",
        64,
    )
    first, second = (int.from_bytes(scalar.reveal(), "little") for scalar in (FIRST, SECOND))
    point = oracle.multiply(first, oracle.from_uniform(uniform))
    assert oracle.encode(point).hex() == case["token"]
    double = oracle.encode(oracle.multiply(second, point))
    assert double.hex() == case["double"]
    tag_context = prefixed(b"cleanroom/1 tag", ROOM, EPOCH.to_bytes(8, "big"), case["kind"].encode())
    assert hashlib.sha256(tag_context + prefixed(double)).digest()[:16].hex() == case["tag"]


def test_golden_statement_of_an_epoch_key() -> None:
    case = exactly(GOLDEN["statement"], {"identity_key", "bytes", "key", "proof"})
    bound = keyproof.key_statement(ROOM, EPOCH, unhex(case["identity_key"]))
    assert bound.hex() == case["bytes"]
    assert keyproof.verify(unhex(case["key"]), unhex(case["proof"]), bound)


def test_golden_leaves_root_and_pseudonyms() -> None:
    case = exactly(GOLDEN["rows"], {"handles", "pseudonyms", "leaves", "leaf_width", "root"})
    handles = np.frombuffer(unhex(case["handles"]), np.uint8).reshape(-1, 16)
    pseudonyms = tokens.renamed(handles, unhex(GOLDEN["renaming_key"]))
    assert pseudonyms.tobytes().hex() == case["pseudonyms"]
    batch = rows.concatenated(
        [
            rows.removals(pseudonyms[:1], 16),
            rows.Rows(
                name=pseudonyms[1:],
                op=np.ones(2, np.uint8),
                segment=np.array([0, 2], np.uint8),
                kind=np.array([3, 4], np.uint8),
                value=np.frombuffer(bytes(range(32)), np.uint8).reshape(2, 16),
            ),
        ]
    )
    assert batch.leaves().hex() == case["leaves"]
    assert batch.leaf_width == case["leaf_width"]
    assert merkle.root(batch.leaves(), batch.leaf_width).hex() == case["root"]
    spelled = (
        case["pseudonyms"][:32] + "00ffff" + "00" * 16
        + case["pseudonyms"][32:64] + "010003" + bytes(range(16)).hex()
        + case["pseudonyms"][64:] + "010204" + bytes(range(16, 32)).hex()
    )  # fmt: skip
    assert spelled == case["leaves"]


# ---- what must and must not meet


@settings(max_examples=30, deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.text(max_size=30))
def test_both_ways_lead_to_one_tag(one: int, two: int, key: str) -> None:
    first, second = (Scalar(n.to_bytes(32, "little")) for n in (one, two))
    context, tag_context = tokens.key_context(ROOM, 0, "domain", "1", "1"), tagging.tag_context(ROOM, 0, "domain")
    kinds = np.zeros(1, np.uint8)
    there = tagging.tags(multiply(tokens.blind([key], [context], first), second), kinds, [tag_context])
    back = tagging.tags(multiply(tokens.blind([key], [context], second), first), kinds, [tag_context])
    assert there.tobytes() == back.tobytes()


def test_every_part_of_a_context_separates() -> None:
    base = (ROOM, 7, "domain", "1", "2")
    others = [
        (bytes(16), 7, "domain", "1", "2"),
        (ROOM, 8, "domain", "1", "2"),
        (ROOM, 7, "name_country", "1", "2"),
        (ROOM, 7, "domain", "2", "2"),
        (ROOM, 7, "domain", "1", "1"),
        (ROOM, 7, "domain", "12", ""),
        (ROOM, 7, "domai", "n1", "2"),
    ]
    found = {tokens.blind(["example.com"], [tokens.key_context(*parts)], FIRST).tobytes() for parts in (base, *others)}
    assert len(found) == 1 + len(others)
    tag_contexts = {tagging.tag_context(*parts[:3]) for parts in (base, *others)}
    assert len(tag_contexts) == 5


def test_a_tag_depends_on_its_rows_own_kind() -> None:
    points = tokens.blind(["a", "a", "b"], [tokens.key_context(ROOM, 0, "domain", "1", "1")] * 3, FIRST)
    contexts = [tagging.tag_context(ROOM, 0, kind) for kind in ("lei", "domain")]
    found = tagging.tags(points, np.array([0, 1, 1], np.uint8), contexts)
    assert (found.shape, found.dtype) == ((3, 16), np.uint8)
    assert len({row.tobytes() for row in found}) == 3
    for i, kind in enumerate((0, 1, 1)):
        expected = hashlib.sha256(contexts[kind] + prefixed(points[i].tobytes())).digest()[:16]
        assert found[i].tobytes() == expected


def test_lists_of_different_lengths_are_an_error() -> None:
    context = tokens.key_context(ROOM, 0, "domain", "1", "1")
    with pytest.raises(ValueError, match=r"zip\(\)"):
        tokens.blind(["a", "b"], [context], FIRST)
    points = tokens.blind(["a", "b"], [context] * 2, FIRST)
    for n in (1, 3):
        with pytest.raises(ValueError, match="reshape"):
            tagging.tags(points, np.zeros(n, np.uint8), [b"context"])


def test_empty_batches() -> None:
    assert tokens.blind([], [], FIRST).shape == (0, 32)
    assert tagging.tags(np.zeros((0, 32), np.uint8), np.zeros(0, np.uint8), []).shape == (0, 16)
    assert tokens.renamed(np.zeros((0, 16), np.uint8), bytes(32)).shape == (0, 16)


# ---- pseudonyms


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(min_size=16, max_size=16), max_size=20))
def test_renaming_is_a_permutation_that_inverts(key: bytes, handles: list[bytes]) -> None:
    names = np.frombuffer(b"".join(handles), np.uint8).reshape(-1, 16)
    renamed = tokens.renamed(names, key)
    assert tokens.unrenamed(renamed, key).tobytes() == names.tobytes()
    assert len({row.tobytes() for row in renamed}) == len(set(handles))


def test_each_name_is_renamed_alone() -> None:
    """Equal names get equal pseudonyms wherever they stand: no chaining, no counter."""
    names = np.frombuffer(bytes(range(16)) * 3, np.uint8).reshape(3, 16)
    single = Cipher(algorithms.AES256(bytes(32)), modes.ECB()).encryptor().update(bytes(range(16)))  # noqa: S305 - as the kernel
    assert [row.tobytes() for row in tokens.renamed(names, bytes(32))] == [single] * 3


@pytest.mark.parametrize(
    "names", [np.zeros((2, 15), np.uint8), np.zeros((2, 32), np.uint8), np.zeros(16, np.uint8), np.zeros((1, 16), int)]
)
def test_names_of_another_shape_or_type_are_refused(names: np.ndarray) -> None:
    for action in (tokens.renamed, tokens.unrenamed):
        with pytest.raises(Refusal) as refusal:
            action(names, bytes(32))
        assert refusal.value.code == "bad_name"
