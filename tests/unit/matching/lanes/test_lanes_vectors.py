"""The official vectors, through every kernel that runs here."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_rows import HALF_OF_ONE, P, encoded, products, products_hashed, rows_of
from official_vectors import exactly, load, unhex

from matching import group
from matching.expand import expand_message_xmd
from matching.group import Scalar
from matching.lanes.fips180 import SHA512
from matching.lanes.hashing import expanded
from matching.lanes.machine import GENERATOR, Kernel

RFC9496 = load("ristretto255/rfc9496_appendixA.json")
RFC9380 = load("h2c/expand_message_xmd_SHA512_38.json")
(RFC9497,) = load("voprf/ristretto255_sha512_oprf.json")
MULTIPLES = [unhex(text) for text in RFC9496["A1_generator_multiples"]]


def test_rfc9496_a1_multiples_of_the_generator(kernel: Kernel) -> None:
    assert MULTIPLES[1] == GENERATOR
    assert len(MULTIPLES) == 16
    for factor in range(16):
        factors = [number for number in range(16) if number * factor < 16]
        expected = [MULTIPLES[number * factor] if number * factor else None for number in factors]
        assert products(kernel, [MULTIPLES[number] for number in factors], factor) == expected


def test_rfc9496_a2_invalid_encodings_are_refused_wherever_they_lie(kernel: Kernel) -> None:
    invalid = [unhex(text) for text in RFC9496["A2_invalid_encodings"]]
    assert len(invalid) == 29
    mixed = [row for encoding in invalid for row in (encoding, GENERATOR)]
    assert products(kernel, mixed, 3) == [None, MULTIPLES[3]] * 29
    assert products(kernel, invalid, 3) == [None] * 29


def test_rfc9496_a3_hash_to_element(kernel: Kernel) -> None:
    same = exactly(RFC9496["A3_same_output"], {"inputs", "element"})
    pairs = [(case["sha512"], case["element"]) for case in RFC9496["A3_hash_to_element"]]
    pairs += [(uniform, same["element"]) for uniform in same["inputs"]]
    assert len(pairs) == 7 + len(same["inputs"])
    found = products_hashed(kernel, [unhex(uniform) for uniform, _ in pairs], 1)
    assert found == [unhex(element) for _, element in pairs]


def test_rfc9380_expand_message_xmd(kernel: Kernel) -> None:
    """No vector is 64 bytes long, so both hashes of the expansion are checked, not the function around them."""

    def sha512(message: bytes) -> bytes:
        return kernel.sha512(rows_of([SHA512.padded(message)], len(SHA512.padded(message))), SHA512.initial()).tobytes()

    for case in RFC9380["tests"]:
        first = sha512(unhex(case["msg_prime"]))
        block = sha512(first + b"\x01" + unhex(case["DST_prime"]))
        assert block[: int(case["len_in_bytes"], 16)] == unhex(case["uniform_bytes"])[:64]


def test_rfc9497_through_the_group(offered: Kernel) -> None:
    dst, key = unhex(RFC9497["groupDST"]), Scalar(unhex(RFC9497["skSm"]))
    for case in RFC9497["vectors"]:
        messages, blind = [unhex(case["Input"])] * 17, Scalar(unhex(case["Blind"]))
        blinded = group.hash_and_multiply(messages, blind, dst=dst)
        assert blinded.tobytes() == 17 * unhex(case["BlindedElement"])
        assert group.multiply(blinded, key).tobytes() == 17 * unhex(case["EvaluationElement"])
    assert offered.lanes in {4, 8}


def test_expansion_of_every_length(kernel: Kernel) -> None:
    """Messages that end anywhere in a block of 128 bytes, in one batch."""
    for tag in (1, 20, 111, 112, 255):
        dst, messages = bytes(range(tag)), [bytes(range(256))[:length] for length in range(257)]
        uniform = [expand_message_xmd(message, dst, 64) for message in messages]
        assert expanded(kernel, messages, dst=dst).tobytes() == b"".join(uniform)


def masks_of(kernel: Kernel, scalar: int) -> npt.NDArray[np.uint64]:
    masks = np.empty((64, 10), np.uint64)
    kernel._recode(masks.ctypes.data, encoded(scalar))  # noqa: SLF001 - it has no other way in
    return masks


@settings(max_examples=40)
@given(st.one_of(st.integers(0, 2**252 + 2**125 - 1), st.sampled_from([8 * 16**i for i in range(63)])))
def test_the_digits_of_a_scalar(kernel: Kernel, scalar: int) -> None:
    """One mask a digit is all ones, and what they name adds up to the scalar."""
    total = 0
    for window, masks in enumerate(masks_of(kernel, scalar).tolist()):
        assert set(masks) <= {0, 2**64 - 1}
        (chosen,) = [number for number in range(9) if masks[number]]
        digit = (chosen + 1) % 9
        total += (-digit if masks[9] else digit) * 16**window
    assert total == scalar


def test_what_is_no_whole_block_is_refused(kernel: Kernel) -> None:
    for width in (0, 127, 129):
        with pytest.raises(ValueError, match="whole blocks"):
            kernel.sha512(np.zeros((3, width), np.uint8), SHA512.initial())


def test_constants_of_the_files() -> None:
    """So that the vectors themselves are what they are taken for."""
    vectors: dict[str, Any] = RFC9497
    assert (vectors["identifier"], RFC9380["hash"], HALF_OF_ONE * 2 % group.ORDER) == (
        "ristretto255-SHA512",
        "SHA512",
        1,
    )
    assert P == 2**255 - 19
