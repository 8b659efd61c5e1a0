"""The batched proof: official vectors, the oracle, and claims that must not be proven."""

import dleq_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_vectors import exactly, load, unhex
from proof_claims import (
    BLINDED,
    EVALUATED,
    KEY,
    OTHER,
    PROOF,
    SECRET,
    STATEMENT,
    hash_of,
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

RFC9497 = load("voprf/ristretto255_sha512_voprf.json")


# ---- official vectors and the oracle


def test_rfc9497_voprf_mode() -> None:
    (suite,) = RFC9497
    exactly(suite, {"groupDST", "hash", "identifier", "keyInfo", "mode", "pkSm", "seed", "skSm", "vectors"})
    assert (suite["identifier"], suite["mode"], suite["hash"]) == ("ristretto255-SHA512", 1, "SHA512")
    secret, key, dst = Scalar(unhex(suite["skSm"])), unhex(suite["pkSm"]), unhex(suite["groupDST"])
    assert group.base_multiply(secret) == key
    assert dst == b"HashToGroup-" + proof.CONTEXT
    assert [case["Batch"] for case in suite["vectors"]] == [1, 1, 2]
    for case in suite["vectors"]:
        exactly(case, {"Batch", "Blind", "BlindedElement", "EvaluationElement", "Input", "Output", "Proof"})
        given_proof = exactly(case["Proof"], {"proof", "r"})
        inputs, blinds, blinded, evaluated = (
            [unhex(part) for part in case[name].split(",")]
            for name in ("Input", "Blind", "BlindedElement", "EvaluationElement")
        )
        assert len(inputs) == case["Batch"]
        hashed = rows(group.hash_to_group(inputs, dst=dst))
        for point, blind, expected in zip(hashed, blinds, blinded, strict=True):
            assert rows(group.multiply(points(point), Scalar(blind))) == [expected]
        assert rows(group.multiply(points(*blinded), secret)) == evaluated
        arrays, nonce, expected = (points(*blinded), points(*evaluated)), unhex(given_proof["r"]), given_proof["proof"]
        assert _prove_with_nonce(Scalar(nonce), secret, key, *arrays, statement=b"").hex() == expected
        assert oracle.prove(number(secret.reveal()), number(nonce), blinded, evaluated, b"").hex() == expected
        assert proof.verify(key, *arrays, unhex(expected), statement=b"")
        assert oracle.verify(key, blinded, evaluated, unhex(expected), b"")
        assert not proof.verify(key, *arrays, unhex(expected), statement=b"\x00")


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, ORDER - 1),
    st.integers(1, ORDER - 1),
    st.lists(st.integers(1, ORDER - 1), min_size=1, max_size=4),
    st.binary(max_size=214),
)
def test_proofs_are_the_oracles(secret: int, nonce: int, logarithms: list[int], statement: bytes) -> None:
    key = group.base_multiply(scalar(secret))
    blinded = points(*(group.base_multiply(scalar(logarithm)) for logarithm in logarithms))
    evaluated = group.multiply(blinded, scalar(secret))
    expected = oracle.prove(secret, nonce, rows(blinded), rows(evaluated), statement)
    claim = (key, blinded, evaluated)
    assert _prove_with_nonce(scalar(nonce), scalar(secret), *claim, statement=statement) == expected
    assert proof.verify(*claim, expected, statement=statement)
    ours = proof.prove(scalar(secret), *claim, statement=statement)
    assert oracle.verify(key, rows(blinded), rows(evaluated), ours, statement)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 3), st.integers(1, ORDER - 1), st.sampled_from([STATEMENT, b""]))
def test_false_rows_get_the_oracles_verdict(row: int, logarithm: int, statement: bytes) -> None:
    blinded = BLINDED[:4]
    evaluated = replaced(EVALUATED[:4], {row: group.base_multiply(scalar(logarithm))})
    shown = prove(blinded, evaluated, statement)
    assert not proof.verify(KEY, blinded, evaluated, shown, statement=statement)
    assert not oracle.verify(KEY, rows(blinded), rows(evaluated), shown, statement)


@pytest.mark.parametrize("n", [1, 2, group.BLOCK - 1, group.BLOCK, group.BLOCK + 1])
def test_batches_of_one_block_and_of_more(n: int) -> None:
    blinded = group.hash_to_group([i.to_bytes(4, "big") for i in range(n)], dst=b"batches")
    evaluated = group.multiply(blinded, SECRET)
    shown = prove(blinded, evaluated)
    assert holds(blinded=blinded, evaluated=evaluated, shown=shown)
    wrong = replaced(evaluated, {n - 1: KEY})
    assert not holds(blinded=blinded, evaluated=wrong, shown=shown)
    lied = prove(blinded, wrong)
    assert not holds(blinded=blinded, evaluated=wrong, shown=lied)


# ---- other claims


def test_a_proof_holds_for_its_claim() -> None:
    assert holds()
    assert len(PROOF) == proof.PROOF_BYTES


@pytest.mark.parametrize("row", range(12))
@pytest.mark.parametrize("wrong", [KEY, group.base_multiply(scalar(1)), rows(BLINDED)[5], group.negated(KEY)])
def test_one_wrong_row_among_many_is_refused(row: int, wrong: bytes) -> None:
    """Against the honest proof, and against what a prover makes who knows the scalar and lies."""
    for name, block in (("blinded", BLINDED), ("evaluated", EVALUATED)):
        if rows(block)[row] == wrong:
            continue
        claim = {"blinded": BLINDED, "evaluated": EVALUATED, name: replaced(block, {row: wrong})}
        assert not holds(**claim)
        lied = prove(**claim)
        assert not holds(**claim, shown=lied)


def test_a_row_of_another_scalar_or_the_opposite_one_is_refused() -> None:
    for other in (scalar(ORDER - number(SECRET.reveal())), group.random_scalar()):
        wrong = replaced(EVALUATED, {3: rows(group.multiply(BLINDED[3:4], other))[0]})
        assert not holds(evaluated=wrong, shown=prove(evaluated=wrong))


def test_swapped_rows_are_refused() -> None:
    order = [1, 0, *range(2, 12)]
    assert not holds(evaluated=EVALUATED[order])
    assert not holds(blinded=BLINDED[order])
    assert not holds(blinded=BLINDED[order], evaluated=EVALUATED[order]), "true rows, but not in the proven order"
    lied = prove(evaluated=EVALUATED[order])
    assert not holds(evaluated=EVALUATED[order], shown=lied)


def test_rows_left_out_added_or_repeated_are_refused() -> None:
    for index in (list(range(11)), list(range(1, 12)), [*range(12), 0], [*range(12), 11], [0, *range(12)], [0] * 12):
        assert not holds(blinded=BLINDED[index], evaluated=EVALUATED[index])


def test_true_rows_that_repeat_are_provable() -> None:
    """Distinctness is a step of P8 and no property of this proof."""
    blinded, evaluated = BLINDED[[0, 1, 0]], EVALUATED[[0, 1, 0]]
    shown = prove(blinded, evaluated)
    assert holds(blinded=blinded, evaluated=evaluated, shown=shown)


def test_another_key_is_refused() -> None:
    for key in (group.negated(KEY), group.base_multiply(scalar(1)), group.linear(1, KEY, 1), rows(BLINDED)[0]):
        assert not holds(key=key)


@pytest.mark.parametrize("other", [OTHER, b"", STATEMENT[:-1], STATEMENT + b"\x00", b"\x00" + STATEMENT])
def test_another_statement_is_refused(other: bytes) -> None:
    assert not holds(statement=other)
    assert not holds(shown=prove(statement=other))


# ---- rows that cancel


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(12)), st.integers(1, ORDER - 1), st.sampled_from(["same rows", "distinct rows"]))
def test_errors_that_cancel_are_refused(order: list[int], logarithm: int, kind: str) -> None:
    """D_i += X, D_j -= X: it would pass if all weights were equal, or equal for equal rows."""
    i, j = order[:2]
    blinded, evaluated = (BLINDED, EVALUATED) if kind == "distinct rows" else (BLINDED[[0] * 12], EVALUATED[[0] * 12])
    error, before = group.base_multiply(scalar(logarithm)), rows(evaluated)
    wrong = replaced(evaluated, {i: group.add(before[i], error), j: group.add(before[j], group.negated(error))})
    assert group.combined([1] * 12, wrong) == group.combined([1] * 12, evaluated)
    for statement in (STATEMENT, b"", hash_of(blinded, wrong)):
        lied = prove(blinded, wrong, statement)
        assert not holds(blinded=blinded, evaluated=wrong, shown=lied, statement=statement)
        honest = prove(blinded, evaluated, statement)
        assert not holds(blinded=blinded, evaluated=wrong, shown=honest, statement=statement)


def with_cancelling_errors(i: int, j: int, statement: bytes) -> Points:
    """EVALUATED with errors that cancel under the weights of the *true* rows."""
    weights, before = oracle.weights(KEY, rows(BLINDED), rows(EVALUATED), statement), rows(EVALUATED)
    factor = -weights[i] * pow(weights[j], -1, ORDER) % ORDER
    wrong = replaced(EVALUATED, {i: group.linear(1, before[i], 1), j: group.linear(1, before[j], factor)})
    assert group.combined(weights, wrong) == group.combined(weights, EVALUATED), "the attack is none"
    return wrong


@pytest.mark.parametrize(("i", "j"), [(0, 1), (11, 4), (6, 7)])
def test_errors_fitted_to_the_weights_are_refused(i: int, j: int) -> None:
    """It would pass if the weights did not depend on the rows."""
    for statement in (STATEMENT, b""):
        wrong = with_cancelling_errors(i, j, statement)
        lied = prove(BLINDED, wrong, statement)
        assert not holds(evaluated=wrong, shown=lied, statement=statement)
        honest = prove(statement=statement)
        assert not holds(evaluated=wrong, shown=honest, statement=statement)


def test_only_a_statement_over_all_rows_makes_each_weight_depend_on_all() -> None:
    """By the RFC alone eleven of twelve weights stay when one row changes, so errors can be fitted row by row."""
    wrong = replaced(EVALUATED, {7: KEY})

    def unchanged(before: bytes, after: bytes) -> list[int]:
        pairs = zip(
            oracle.weights(KEY, rows(BLINDED), rows(EVALUATED), before),
            oracle.weights(KEY, rows(BLINDED), rows(wrong), after),
            strict=True,
        )
        return [i for i, (one, two) in enumerate(pairs) if one == two]

    assert unchanged(b"", b"") == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert unchanged(hash_of(BLINDED, EVALUATED), hash_of(BLINDED, wrong)) == []
