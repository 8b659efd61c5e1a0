import hashlib
import secrets

import pytest
import ristretto_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import group, keyproof
from matching.group import ORDER, Scalar
from matching.packing import packed
from matching.refusal import Refusal

ROOM, OTHER_ROOM = bytes(range(16)), bytes(range(1, 17))
ME, THEM = b"\x11" * 32, b"\x22" * 32
SECRET = Scalar((2**251 + 12345).to_bytes(32, "little"))
KEY = group.base_multiply(SECRET)
BOUND = keyproof.key_statement(ROOM, 7, ME)


def number(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little")


def encoded(value: int) -> bytes:
    return value.to_bytes(32, "little")


def commitment(proof: bytes, key: bytes = KEY) -> bytes:
    return group.linear(number(proof[:32]), key, number(proof[32:]))


def test_a_proof_holds_for_its_statement() -> None:
    assert keyproof.verify(KEY, keyproof.prove(SECRET, BOUND), BOUND)


def test_the_equation_is_schnorrs() -> None:
    """`c == H(statement, K, s*G + c*K)` computed by the oracle, with the hash spelled out."""
    proof = keyproof.prove(SECRET, BOUND)
    key = oracle.decode(KEY)
    assert key is not None
    c, s = number(proof[:32]), number(proof[32:])
    again = oracle.encode(oracle.add(oracle.multiply(s, oracle.GENERATOR), oracle.multiply(c, key)))
    statement = b"".join(len(part).to_bytes(4, "big") + part for part in (BOUND, KEY, again))
    dst = b"HashToScalar-cleanroom/1-ristretto255-SHA512-knowledge"
    first = hashlib.sha512(bytes(128) + statement + b"\x00\x40\x00" + dst + bytes([len(dst)])).digest()
    uniform = hashlib.sha512(first + b"\x01" + dst + bytes([len(dst)])).digest()
    assert c == number(uniform) % ORDER


def test_the_statement_is_length_prefixed() -> None:
    assert (
        b"".join(
            len(part).to_bytes(4, "big") + part for part in (b"cleanroom/1 epoch key", ROOM, bytes(7) + b"\x07", ME)
        )
        == BOUND
    )


@pytest.mark.parametrize(
    "other",
    [
        keyproof.key_statement(OTHER_ROOM, 7, ME),
        keyproof.key_statement(ROOM, 8, ME),
        keyproof.key_statement(ROOM, 7, THEM),
        BOUND[:-1],
        BOUND + b"\x00",
        b"",
    ],
    ids=["room", "epoch", "identity", "shorter", "longer", "empty"],
)
def test_a_proof_for_another_statement_does_not_hold(other: bytes) -> None:
    assert not keyproof.verify(KEY, keyproof.prove(SECRET, BOUND), other)
    assert not keyproof.verify(KEY, keyproof.prove(SECRET, other), BOUND)


def test_a_copied_key_with_its_proof_proves_nothing_for_the_copier() -> None:
    proof = keyproof.prove(SECRET, BOUND)
    assert not keyproof.verify(KEY, proof, keyproof.key_statement(ROOM, 7, THEM))


def test_a_proof_for_one_key_does_not_hold_for_a_related_one() -> None:
    proof = keyproof.prove(SECRET, BOUND)
    related = [
        keyproof.opposite(KEY),
        keyproof.GENERATOR,
        group.linear(1, KEY, 1),
        group.linear(2, KEY, 0),
        group.base_multiply(group.random_scalar()),
    ]
    for key in related:
        assert not keyproof.verify(key, proof, BOUND)


def test_the_reflected_proof_for_the_opposite_key_does_not_hold() -> None:
    proof = keyproof.prove(SECRET, BOUND)
    reflected = proof[:32] + encoded(ORDER - number(proof[32:]))
    negated_challenge = encoded(ORDER - number(proof[:32])) + proof[32:]
    for key in (KEY, keyproof.opposite(KEY)):
        assert not keyproof.verify(key, reflected, BOUND)
        assert not keyproof.verify(key, negated_challenge, BOUND)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 511))
def test_no_bit_of_a_proof_can_change(bit: int) -> None:
    proof = bytearray(keyproof.prove(SECRET, BOUND))
    proof[bit // 8] ^= 1 << bit % 8
    assert not keyproof.verify(KEY, bytes(proof), BOUND)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 255))
def test_no_bit_of_a_key_can_change(bit: int) -> None:
    key = bytearray(KEY)
    key[bit // 8] ^= 1 << bit % 8
    assert not keyproof.verify(bytes(key), keyproof.prove(SECRET, BOUND), BOUND)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_a_proof_of_another_length_does_not_hold(length: int) -> None:
    assert not keyproof.verify(KEY, (keyproof.prove(SECRET, BOUND) * 2)[:length], BOUND)


def test_numbers_that_are_not_reduced_do_not_hold() -> None:
    """Both encode the same numbers modulo the order: without the check one proof would have many encodings."""
    proof = keyproof.prove(SECRET, BOUND)
    c, s = number(proof[:32]), number(proof[32:])
    for k in range(1, 15):
        assert not keyproof.verify(KEY, proof[:32] + encoded(s + k * ORDER), BOUND)
        assert not keyproof.verify(KEY, encoded(c + k * ORDER) + proof[32:], BOUND)
    assert not keyproof.verify(KEY, encoded(ORDER) + proof[32:], BOUND)
    assert not keyproof.verify(KEY, proof[:32] + encoded(ORDER), BOUND)


@pytest.mark.parametrize("c", [0, 1, ORDER - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER - 1])
def test_trivial_proofs_do_not_hold(c: int, s: int) -> None:
    for key in (KEY, keyproof.GENERATOR):
        assert not keyproof.verify(key, encoded(c) + encoded(s), BOUND)


def test_keys_that_are_no_elements_do_not_hold() -> None:
    proof = keyproof.prove(SECRET, BOUND)
    for key in (bytes(32), KEY[:31] + bytes([KEY[31] | 0x80]), b"\xff" * 32, (1).to_bytes(32, "little"), b"", KEY[:31]):
        assert not keyproof.verify(key, proof, BOUND)


def test_nonces_never_repeat() -> None:
    commitments = {commitment(keyproof.prove(SECRET, BOUND)) for _ in range(300)}
    assert len(commitments) == 300


def test_nonces_are_hedged_against_a_broken_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """With random bytes that repeat, another statement or another secret still means another nonce."""
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    other = Scalar((99).to_bytes(32, "little"))
    found = [
        commitment(keyproof.prove(SECRET, BOUND)),
        commitment(keyproof.prove(SECRET, keyproof.key_statement(ROOM, 8, ME))),
        commitment(keyproof.prove(other, BOUND), group.base_multiply(other)),
    ]
    assert len(set(found)) == 3
    assert keyproof.prove(SECRET, BOUND) == keyproof.prove(SECRET, BOUND)


def test_the_nonce_uses_fresh_randomness() -> None:
    assert keyproof.prove(SECRET, BOUND) != keyproof.prove(SECRET, BOUND)


def test_refused_keys_are_the_identity_the_generator_and_its_opposite() -> None:
    generator = oracle.encode(oracle.GENERATOR)
    opposite = oracle.encode(oracle.multiply(ORDER - 1, oracle.GENERATOR))
    assert keyproof.refused_keys() == {bytes(32), generator, opposite}
    assert keyproof.opposite(generator) == opposite
    assert keyproof.opposite(opposite) == generator
    with pytest.raises(Refusal):
        keyproof.opposite(bytes(32))


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_packing_never_collides(one: list[bytes], two: list[bytes]) -> None:
    assert (packed(*one) == packed(*two)) == (one == two)
