import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.disclosure.commitment import commitment, opens
from matching.refusal import Refusal

SALT = bytes(range(32))
DRAWS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9)


def test_a_commitment_is_these_bytes() -> None:
    """Golden, and by hand: an auditor recomputes it from the page."""
    text = SALT + bytes.fromhex("0000000000000005fffffffffffffff900000000000000000000000000000100")
    assert commitment(SALT, [5, -7, 0, 256]) == hashlib.sha256(text).digest()
    assert commitment(SALT, [5, -7, 0, 256]).hex() == GOLDEN


GOLDEN = "41d50d4af73682243d0eaa1c07d0289821eab6ba523144d7fd5c0e038b8aed7a"


@given(DRAWS, DRAWS, st.binary(min_size=32, max_size=32))
def test_it_opens_to_its_draws_alone(draws: list[int], others: list[int], salt: bytes) -> None:
    committed = commitment(salt, draws)
    assert opens(committed, salt, draws)
    assert opens(committed, salt, others) == (draws == others)
    assert not opens(committed, bytes([salt[0] ^ 1]) + salt[1:], draws)
    assert not opens(committed[:-1], salt, draws)
    assert not opens(b"", salt, draws)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_a_salt_of_another_length_is_refused(salt: bytes) -> None:
    """Another length would let a draw be taken for a part of the salt."""
    for call in (lambda: commitment(salt, [1]), lambda: opens(bytes(32), salt, [1])):
        with pytest.raises(Refusal) as refusal:
            call()
        assert refusal.value.code == "bad_salt"


@pytest.mark.parametrize("draw", [2**63, -(2**63) - 1])
def test_a_draw_that_does_not_fit_is_refused_without_its_value(draw: int) -> None:
    with pytest.raises(Refusal) as refusal:
        commitment(SALT, [0, draw])
    assert refusal.value.code == "bad_draws"
    assert str(draw) not in str(refusal.value)
