"""The batched proof: encodings, sizes and nonces."""

import secrets
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_claims import (
    BLINDED,
    EVALUATED,
    KEY,
    OTHER,
    PROOF,
    SECRET,
    STATEMENT,
    encoded,
    holds,
    number,
    points,
    prove,
    replaced,
    rows,
    scalar,
)

from matching import group, proof
from matching.group import ORDER, Points, Scalar
from matching.proof import _prove_with_nonce
from matching.refusal import Refusal


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 8 * proof.PROOF_BYTES - 1))
def test_no_bit_of_a_proof_can_change(bit: int) -> None:
    flipped = bytearray(PROOF)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not holds(shown=bytes(flipped))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["key", "blinded", "evaluated", "statement"]), st.integers(0, 12 * 256 - 1))
def test_no_bit_of_a_claim_can_change(part: str, bit: int) -> None:
    claim = {"key": KEY, "blinded": BLINDED.tobytes(), "evaluated": EVALUATED.tobytes(), "statement": STATEMENT}
    flipped = bytearray(claim[part])
    flipped[bit // 8 % len(flipped)] ^= 1 << bit % 8
    claim[part] = bytes(flipped)
    try:
        accepted = holds(claim["key"], points(claim["blinded"]), points(claim["evaluated"]), PROOF, claim["statement"])
    except Refusal as refusal:
        accepted = refusal.code != "bad_point"
    assert not accepted


def test_numbers_that_are_not_reduced_are_refused() -> None:
    c, s = number(PROOF[:32]), number(PROOF[32:])
    for k in range(1, 15):
        assert not holds(shown=PROOF[:32] + encoded(s + k * ORDER))
        assert not holds(shown=encoded(c + k * ORDER) + PROOF[32:])
    for beyond in (encoded(ORDER), b"\xff" * 32):
        assert not holds(shown=PROOF[:32] + beyond)
        assert not holds(shown=beyond + PROOF[32:])


@pytest.mark.parametrize("c", [0, 1, ORDER - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER - 1])
def test_trivial_proofs_are_refused(c: int, s: int) -> None:
    assert not holds(shown=encoded(c) + encoded(s))


def test_a_reflected_proof_is_refused() -> None:
    reflected = PROOF[:32] + encoded(ORDER - number(PROOF[32:]))
    for key, evaluated in ((KEY, EVALUATED), (group.negated(KEY), points(*map(group.negated, rows(EVALUATED))))):
        assert not holds(key=key, evaluated=evaluated, shown=reflected)
    assert not holds(blinded=EVALUATED, evaluated=BLINDED)


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 96, 128])
def test_a_proof_of_another_length_is_refused(length: int) -> None:
    assert not holds(shown=(PROOF * 2)[:length])
    assert not holds(shown=(PROOF + bytes(64))[:length])


BAD_POINTS = {
    "identity": bytes(32),
    "bit 255": rows(BLINDED)[0][:31] + bytes([rows(BLINDED)[0][31] | 0x80]),
    "negative": encoded(2**255 - 19 - number(rows(BLINDED)[0])),
    "not reduced": encoded(2**255 - 19 + 2),
    "no point": bytes.fromhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),  # RFC 9496 A.2
    "all ones": b"\xff" * 32,
}


@pytest.mark.parametrize("bad", BAD_POINTS)
@pytest.mark.parametrize("name", ["blinded", "evaluated"])
@pytest.mark.parametrize("row", [0, 11])
def test_a_malformed_point_is_refused_by_array_and_row(bad: str, name: str, row: int) -> None:
    claim = {"blinded": BLINDED, "evaluated": EVALUATED}
    claim[name] = replaced(claim[name], {row: BAD_POINTS[bad]})
    for action in (holds, prove):
        with pytest.raises(Refusal) as refusal:
            action(**claim)
        assert (refusal.value.code, refusal.value.place) == ("bad_point", f"{name}, row {row}")
        assert BAD_POINTS[bad].hex() not in str(refusal.value)


@pytest.mark.parametrize("bad", [*BAD_POINTS.values(), b"", KEY[:31], KEY + b"\x00"])
def test_a_malformed_key_is_refused(bad: bytes) -> None:
    for action in (
        lambda: holds(key=bad),
        lambda: proof.prove(SECRET, bad, BLINDED, EVALUATED, statement=STATEMENT),
    ):
        with pytest.raises(Refusal) as refusal:
            action()
        assert (refusal.value.code, refusal.value.place) == ("bad_point", "key")


@pytest.mark.parametrize("wrong", [np.zeros((12, 32), np.int8), np.zeros((12, 31), np.uint8), np.zeros(12, np.uint8)])
@pytest.mark.parametrize("name", ["blinded", "evaluated"])
def test_arrays_of_other_types_and_shapes_are_refused(wrong: Any, name: str) -> None:  # noqa: ANN401 - wrong on purpose
    for action in (holds, prove):
        with pytest.raises(Refusal, match=f"{name}: points must be"):
            action(**{name: wrong})


def test_a_key_that_is_not_the_scalars_is_refused_before_anything_is_proven() -> None:
    for key in (group.negated(KEY), group.base_multiply(scalar(1)), rows(BLINDED)[0]):
        with pytest.raises(Refusal) as refusal:
            proof.prove(SECRET, key, BLINDED, EVALUATED, statement=STATEMENT)
        assert refusal.value.code == "key_differs"


# ---- sizes


def test_statements_up_to_the_limit() -> None:
    longest = bytes(214)
    assert holds(shown=prove(statement=longest), statement=longest)
    for action in (holds, prove):
        with pytest.raises(Refusal) as refusal:
            action(statement=bytes(215))
        assert refusal.value.code == "bad_length"


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (0, 12), (12, 0), (11, 12), (12, 11), (65_536, 65_536), (65_537, 65_537)]
)
def test_batches_that_are_empty_too_large_or_uneven_are_refused(first: int, second: int) -> None:
    blinded, evaluated = np.resize(BLINDED, (first, 32)), np.resize(EVALUATED, (second, 32))
    for action in (holds, prove):
        with pytest.raises(Refusal) as refusal:
            action(blinded=blinded, evaluated=evaluated)
        assert refusal.value.code == "bad_batch"


@pytest.mark.soak
def test_the_largest_batch_is_proven() -> None:
    """The points are twelve, repeated; the rows differ by their index."""
    blinded, evaluated = (np.resize(block, (65_535, 32)) for block in (BLINDED, EVALUATED))
    assert holds(blinded=blinded, evaluated=evaluated, shown=prove(blinded, evaluated))


def test_views_are_read_by_their_own_order() -> None:
    blinded, evaluated = BLINDED[::-2], np.asfortranarray(EVALUATED[::-2])
    shown = prove(blinded, evaluated)
    assert holds(blinded=points(*rows(blinded)), evaluated=points(*rows(evaluated)), shown=shown)


def test_a_composite_that_vanishes_is_refused() -> None:
    """The weights are fixed to 1, so that P and -P cancel: with M the identity, any key would be proven."""
    opposite = points(KEY, group.negated(KEY))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "_weights", lambda *_: [1, 1])
        assert group.combined([1, 1], opposite) == group.IDENTITY
        assert not holds(blinded=opposite, evaluated=opposite)
        assert not holds(blinded=BLINDED[:2], evaluated=opposite)
        with pytest.raises(Refusal):
            prove(opposite, opposite)


# ---- nonces


def nonce_of(shown: bytes, secret: int = number(SECRET.reveal())) -> int:
    """`r = s + c*k`, for those who know `k`."""
    return (number(shown[32:]) + number(shown[:32]) * secret) % ORDER


def test_a_nonce_used_twice_would_give_the_scalar_away() -> None:
    """Why the rest of this section matters."""
    nonce = group.random_scalar()
    first, second = (
        _prove_with_nonce(nonce, SECRET, KEY, BLINDED, EVALUATED, statement=statement)
        for statement in (STATEMENT, OTHER)
    )
    challenges, responses = number(second[:32]) - number(first[:32]), number(first[32:]) - number(second[32:])
    assert responses * pow(challenges, -1, ORDER) % ORDER == number(SECRET.reveal())


def test_nonces_and_proofs_of_one_statement_never_repeat() -> None:
    shown = [prove() for _ in range(100)]
    assert all(holds(shown=one) for one in shown[:5])
    assert len({nonce_of(one) for one in shown}) == 100
    assert len({one[:32] for one in shown}) == len({one[32:] for one in shown}) == 100


def test_proving_again_after_a_crash_draws_another_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power fails between nonce and response, three times; nothing of the lost attempts comes back."""
    lost: list[bytes] = []

    def crash(nonce: Scalar, _challenge: Scalar, _secret: Scalar) -> bytes:
        lost.append(nonce.reveal())
        raise KeyboardInterrupt

    with monkeypatch.context() as failing:
        failing.setattr(proof, "response", crash)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                prove()
    again = [prove(), prove(), prove(statement=OTHER)]
    assert len(set(map(number, lost)) | set(map(nonce_of, again))) == 6
    assert len(set(again)) == 3
    assert holds(shown=again[0])
    assert holds(shown=again[1])


@pytest.mark.parametrize("changed", ["statement", "blinded", "evaluated"])
def test_nonces_are_hedged_against_a_broken_generator(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With random bytes that repeat, another claim still means another nonce, and the same claim the same proof."""
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    others: dict[str, bytes | Points] = {
        "statement": OTHER,
        "blinded": replaced(BLINDED, {11: KEY}),
        "evaluated": replaced(EVALUATED, {11: KEY}),
    }
    assert nonce_of(prove()) != nonce_of(prove(**{changed: others[changed]}))
    assert prove() == prove()


def test_another_scalar_means_another_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys differ too, so this cannot tell which of both made the difference; both are in the hedge."""
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    other = scalar(99)
    shown = proof.prove(other, group.base_multiply(other), BLINDED, EVALUATED, statement=STATEMENT)
    assert nonce_of(shown, 99) != nonce_of(prove())
