import copy
import pickle  # noqa: TID251 - shows that a scalar refuses it
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ristretto_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from official_vectors import exactly, load, unhex

from matching import group
from matching.expand import expand_message_xmd
from matching.group import BLOCK, ORDER, Points, Scalar
from matching.refusal import Refusal

RFC9496 = exactly(
    load("ristretto255/rfc9496_appendixA.json"),
    {
        "source",
        "A1_generator_multiples",
        "A2_invalid_encodings",
        "A3_hash_to_element",
        "A3_same_output",
        "scalar_noncanonical_reject",
    },
)
RFC9380 = exactly(load("h2c/expand_message_xmd_SHA512_38.json"), {"DST", "hash", "k", "name", "tests"})
RFC9497 = load("voprf/ristretto255_sha512_oprf.json")
ONE, TWO = (Scalar(n.to_bytes(32, "little")) for n in (1, 2))


def scalar(number: int) -> Scalar:
    return Scalar(number.to_bytes(32, "little"))


def points(*encodings: bytes) -> Points:
    return np.frombuffer(b"".join(encodings), np.uint8).reshape(-1, 32)


def rows(block: Points) -> list[bytes]:
    return [row.tobytes() for row in block]


# ---- official vectors


def test_rfc9496_a1_multiples_of_the_generator() -> None:
    multiples = [unhex(text) for text in RFC9496["A1_generator_multiples"]]
    assert len(multiples) == 16
    assert multiples[0] == group.IDENTITY
    for n, expected in enumerate(multiples[1:], start=1):
        assert group.base_multiply(scalar(n)) == expected
        assert rows(group.multiply(points(multiples[1]), scalar(n))) == [expected]
        assert group.is_element(expected)
        assert oracle.encode(oracle.multiply(n, oracle.GENERATOR)) == expected


def test_rfc9496_a2_invalid_encodings_are_refused() -> None:
    invalid = [unhex(text) for text in RFC9496["A2_invalid_encodings"]]
    assert len(invalid) == 29
    good = group.base_multiply(TWO)
    for encoding in invalid:
        assert not group.is_element(encoding)
        assert oracle.decode(encoding) is None
        with pytest.raises(Refusal) as refusal:
            group.multiply(points(good, encoding, good), ONE)
        assert (refusal.value.code, refusal.value.place) == ("bad_point", "row 1")


def test_rfc9496_a3_hash_to_element() -> None:
    assert len(RFC9496["A3_hash_to_element"]) == 7
    for case in RFC9496["A3_hash_to_element"]:
        exactly(case, {"label", "sha512", "element"})
        assert oracle.encode(oracle.from_uniform(unhex(case["sha512"]))) == unhex(case["element"])
    same = exactly(RFC9496["A3_same_output"], {"inputs", "element"})
    for uniform in same["inputs"]:
        assert oracle.encode(oracle.from_uniform(unhex(uniform))) == unhex(same["element"])


@pytest.mark.parametrize("name", ["A3_hash_to_element", "A3_same_output"])
def test_rfc9496_a3_through_hash_to_group(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors start behind the expansion, so it is replaced by the vectors' own uniform bytes."""
    cases = RFC9496[name]
    pairs = (
        [(case["sha512"], case["element"]) for case in cases]
        if isinstance(cases, list)
        else [(uniform, cases["element"]) for uniform in cases["inputs"]]
    )
    monkeypatch.setattr(group, "expand_message_xmd", lambda message, _dst, _length: message)
    found = group.hash_to_group([unhex(uniform) for uniform, _ in pairs], dst=b"unused")
    assert rows(found) == [unhex(element) for _, element in pairs]


def test_rfc9496_scalars_that_are_not_canonical_are_refused() -> None:
    for text in RFC9496["scalar_noncanonical_reject"]:
        with pytest.raises(Refusal) as refusal:
            Scalar(unhex(text))
        assert refusal.value.code == "bad_scalar"


def test_rfc9380_expand_message_xmd() -> None:
    assert (RFC9380["name"], RFC9380["hash"], RFC9380["k"]) == ("expand_message_xmd", "SHA512", 256)
    assert len(RFC9380["tests"]) == 10
    for case in RFC9380["tests"]:
        exactly(case, {"DST_prime", "len_in_bytes", "msg", "msg_prime", "uniform_bytes"})
        uniform = expand_message_xmd(case["msg"].encode(), RFC9380["DST"].encode(), int(case["len_in_bytes"], 16))
        assert uniform == unhex(case["uniform_bytes"])


def test_rfc9497_oprf_mode_where_our_operations_coincide() -> None:
    (suite,) = RFC9497
    exactly(suite, {"groupDST", "hash", "identifier", "keyInfo", "mode", "seed", "skSm", "vectors"})
    assert (suite["identifier"], suite["mode"], suite["hash"]) == ("ristretto255-SHA512", 0, "SHA512")
    dst, key = unhex(suite["groupDST"]), Scalar(unhex(suite["skSm"]))
    assert dst == b"HashToGroup-OPRFV1-\x00-ristretto255-SHA512"
    assert len(suite["vectors"]) == 2
    for case in suite["vectors"]:
        exactly(case, {"Batch", "Blind", "BlindedElement", "EvaluationElement", "Input", "Output"})
        blinded = group.multiply(group.hash_to_group([unhex(case["Input"])], dst=dst), Scalar(unhex(case["Blind"])))
        assert rows(blinded) == [unhex(case["BlindedElement"])]
        assert rows(group.multiply(blinded, key)) == [unhex(case["EvaluationElement"])]


# ---- against the oracle

EDGES = sorted(
    {
        *range(12),
        *(oracle.P + n for n in range(-6, 20)),
        *(2**255 + n for n in range(-20, 20)),
        *(2**256 - 1 - n for n in range(6)),
        *(2**k for k in range(0, 256, 17)),
        ORDER,
        ORDER - 1,
        oracle.SQRT_M1,
        oracle.P - oracle.SQRT_M1,
        oracle.D,
        oracle.INVSQRT_A_MINUS_D,
        oracle.SQRT_AD_MINUS_ONE,
    }
)


def assert_same_verdict(encoding: bytes, factor: int) -> None:
    decoded = oracle.decode(encoding)
    expected = decoded is not None and encoding != group.IDENTITY
    assert group.is_element(encoding) == expected
    if decoded is None or not expected:
        with pytest.raises(Refusal, match="row 0: not a canonical encoding"):
            group.multiply(points(encoding), scalar(factor))
    else:
        assert oracle.encode(decoded) == encoding
        assert rows(group.multiply(points(encoding), scalar(factor))) == [
            oracle.encode(oracle.multiply(factor, decoded))
        ]


def test_edge_encodings_get_the_oracles_verdict() -> None:
    for number in EDGES:
        if number < 2**256:
            assert_same_verdict(number.to_bytes(32, "little"), 7)


def test_bit_255_and_the_negative_of_good_points_are_refused() -> None:
    for n in range(1, 40):
        good = group.base_multiply(scalar(n))
        assert_same_verdict(good, ORDER - 1)
        assert_same_verdict(good[:31] + bytes([good[31] | 0x80]), 1)
        negative = (oracle.P - int.from_bytes(good, "little")).to_bytes(32, "little")
        assert_same_verdict(negative, 1)
        not_reduced = (oracle.P + int.from_bytes(good, "little")).to_bytes(32, "little")
        assert_same_verdict(not_reduced, 1)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(1, ORDER - 1))
def test_any_encoding_gets_the_oracles_verdict(encoding: bytes, factor: int) -> None:
    assert_same_verdict(encoding, factor)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_products_of_any_points_and_scalars(one: int, two: int) -> None:
    point = group.base_multiply(scalar(one))
    assert point == oracle.encode(oracle.multiply(one, oracle.GENERATOR))
    assert rows(group.multiply(points(point), scalar(two))) == [
        oracle.encode(oracle.multiply(one * two % ORDER, oracle.GENERATOR))
    ]
    assert group.negated(point) == oracle.encode(oracle.multiply(ORDER - one, oracle.GENERATOR))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 * ORDER), st.integers(1, ORDER - 1), st.integers(0, 2 * ORDER))
def test_linear_combinations(first: int, logarithm: int, second: int) -> None:
    expected = oracle.encode(oracle.multiply((first * logarithm + second) % ORDER, oracle.GENERATOR))
    assert group.linear(first, group.base_multiply(scalar(logarithm)), second) == expected


def test_linear_combinations_that_vanish() -> None:
    assert group.linear(0, group.base_multiply(TWO), 0) == group.IDENTITY
    assert group.linear(ORDER, group.base_multiply(TWO), ORDER) == group.IDENTITY
    assert group.linear(ORDER - 1, group.base_multiply(TWO), 2) == group.IDENTITY


@settings(max_examples=40, deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_response_is_nonce_minus_product(nonce: int, challenge: int, secret: int) -> None:
    found = group.response(scalar(nonce), scalar(challenge), scalar(secret))
    assert int.from_bytes(found, "little") == (nonce - challenge * secret) % ORDER


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300), st.binary(min_size=1, max_size=255))
def test_hashes_to_group_and_scalar(message: bytes, dst: bytes) -> None:
    uniform = expand_message_xmd(message, dst, 64)
    assert rows(group.hash_to_group([message], dst=dst)) == [oracle.encode(oracle.from_uniform(uniform))]
    hashed = group.hash_to_scalar(message, dst=dst).reveal()
    assert int.from_bytes(hashed, "little") == int.from_bytes(uniform, "little") % ORDER
    assert group.hash_to_public_scalar(message, dst=dst) == int.from_bytes(hashed, "little")


# ---- batches


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_batches_keep_order(n: int) -> None:
    messages = [n.to_bytes(4, "big") for n in range(n)]
    hashed = group.hash_to_group(messages, dst=b"order")
    assert (hashed.shape, hashed.dtype) == ((n, 32), np.uint8)
    factor = group.random_scalar()
    product = group.multiply(hashed, factor)
    assert (product.shape, product.dtype) == ((n, 32), np.uint8)
    for i in {0, 1, n // 2, n - 2, n - 1} & set(range(n)):
        single = group.hash_to_group([messages[i]], dst=b"order")
        assert rows(single) == [hashed[i].tobytes()]
        assert rows(group.multiply(single, factor)) == [product[i].tobytes()]
    assert len(set(rows(product))) == n


@pytest.mark.parametrize("row", [0, BLOCK - 1, BLOCK, 2 * BLOCK])
@pytest.mark.parametrize("bad", ["identity", "bit 255", "negative", "not square"])
def test_the_row_at_fault_is_named_in_every_block(row: int, bad: str) -> None:
    block = np.tile(points(group.base_multiply(TWO)), (2 * BLOCK + 1, 1))
    encoding = {
        "identity": group.IDENTITY,
        "bit 255": bytes(31) + b"\x80",
        "negative": (1).to_bytes(32, "little"),
        "not square": unhex("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
    }[bad]
    block[row] = np.frombuffer(encoding, np.uint8)
    actions: list[tuple[str, Callable[[], object]]] = [
        (f"row {row}", lambda: group.multiply(block, TWO)),
        (f"row {row}", lambda: group.combined([7] * len(block), block)),
        (f"theirs, row {row}", lambda: group.require_elements(block, name="theirs")),
    ]
    for place, action in actions:
        with pytest.raises(Refusal) as refusal:
            action()
        assert (refusal.value.code, refusal.value.place) == ("bad_point", place)
        assert encoding.hex() not in str(refusal.value)


def test_views_of_larger_arrays_are_read_by_their_own_order() -> None:
    good = points(*(group.base_multiply(scalar(n)) for n in range(1, 9)))
    assert rows(group.multiply(good[::-2], TWO)) == [row.tobytes() for row in group.multiply(good, TWO)][::-2]
    assert rows(group.multiply(np.asfortranarray(good), TWO)) == rows(group.multiply(good, TWO))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 32), np.int8),
        np.zeros((4, 32), np.uint16),
        np.zeros((4, 31), np.uint8),
        np.zeros((4, 33), np.uint8),
        np.zeros(32, np.uint8),
        np.zeros((1, 4, 32), np.uint8),
        np.zeros((0, 16), np.uint8),
        np.zeros((4, 32), object),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_wrong_types_and_shapes_are_refused(wrong: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(Refusal, match="uint8 array"):
        group.multiply(wrong, ONE)
    with pytest.raises(Refusal, match="uint8 array"):
        group.combined([1] * len(wrong), wrong)
    with pytest.raises(Refusal, match="these: points must be an"):
        group.require_elements(wrong, name="these")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_encodings_of_another_length_are_no_element(length: int) -> None:
    good = group.base_multiply(TWO)
    encoding = (good * 2)[:length]
    assert not group.is_element(encoding)
    with pytest.raises(Refusal):
        group.negated(encoding)
    with pytest.raises(Refusal):
        group.linear(1, encoding, 1)


def test_the_identity_is_no_element() -> None:
    assert not group.is_element(group.IDENTITY)
    with pytest.raises(Refusal):
        group.negated(group.IDENTITY)
    with pytest.raises(Refusal):
        group.linear(1, group.IDENTITY, 1)


# ---- scalars and limits


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**252 + 2**251, 2**255, 2**256 - 1])
def test_scalars_outside_the_order_are_refused(number: int) -> None:
    with pytest.raises(Refusal) as refusal:
        scalar(number)
    assert refusal.value.code == "bad_scalar"
    assert str(number) not in str(refusal.value)


@pytest.mark.parametrize("encoded", [b"", b"\x01", b"\x01" + bytes(30), b"\x01" + bytes(32)])
def test_scalars_of_another_length_are_refused(encoded: bytes) -> None:
    with pytest.raises(Refusal):
        Scalar(encoded)


def test_a_scalar_cannot_be_rendered() -> None:
    secret = group.random_scalar()
    shown = secret.reveal()
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert text in ("Scalar(***)", "[Scalar(***)]")
    assert not hasattr(secret, "__dict__")
    for action in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError) as refusal:
            action(secret)
        assert shown.hex() not in str(refusal.value)


def test_random_scalars_differ() -> None:
    assert len({group.random_scalar().reveal() for _ in range(200)}) == 200


@pytest.mark.parametrize(("length", "tag"), [(255 * 64 + 1, 1), (64, 256)])
def test_expansion_beyond_its_limits_is_refused(length: int, tag: int) -> None:
    with pytest.raises(Refusal, match="too many bytes or too long a tag"):
        expand_message_xmd(b"", bytes(tag), length)


def test_expansion_up_to_its_limits() -> None:
    assert len(expand_message_xmd(b"", bytes(255), 255 * 64)) == 255 * 64
