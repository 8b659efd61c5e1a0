import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.secret import Secret
from cleanroom.messages.sealing import (
    SEALING_PUBLIC_BYTES,
    SealingKey,
    SealingKeyRefused,
    UnsealRefused,
    check_sealing_public,
    seal,
    unseal,
)

KEY = SealingKey.generate()
PUBLIC = KEY.public_bytes()


def test_opens_what_was_sealed_and_only_in_its_context() -> None:
    sealed = seal(b"rows", PUBLIC, b"room 1")
    assert b"rows" not in sealed
    assert len(sealed) == len(b"rows") + 1136
    assert unseal(sealed, KEY, b"room 1") == b"rows"
    with pytest.raises(UnsealRefused):
        unseal(sealed, KEY, b"room 2")
    with pytest.raises(UnsealRefused):
        unseal(sealed, SealingKey.generate(), b"room 1")
    assert seal(b"rows", PUBLIC, b"room 1") != sealed
    assert issubclass(UnsealRefused, VerificationFailed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, flip: int) -> None:
    sealed = bytearray(seal(b"some rows", PUBLIC, b"c"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(UnsealRefused):
        unseal(bytes(sealed), KEY, b"c")


@pytest.mark.parametrize("length", [0, 1, 1119, 1120, 1135])
def test_truncated_is_refused(length: int) -> None:
    with pytest.raises(UnsealRefused):
        unseal(seal(b"", PUBLIC, b"c")[:length], KEY, b"c")


def test_keys_survive_storage() -> None:
    stored = KEY.to_bytes()
    assert len(stored.reveal()) == 96
    assert len(PUBLIC) == SEALING_PUBLIC_BYTES == 1216
    again = SealingKey.from_bytes(stored)
    assert again.public_bytes() == PUBLIC
    assert unseal(seal(b"x", PUBLIC, b"c"), again, b"c") == b"x"


def test_a_fixed_key_opens_a_fixed_ciphertext() -> None:
    # Home-made golden bytes: the public half of a fixed private key must never change its form.
    fixed = SealingKey.from_bytes(Secret(bytes(range(96))))
    assert fixed.public_bytes()[:8].hex() == "298aa10d423c8dda"
    assert fixed.public_bytes()[-8:].hex() == "c846ec89af85a51a"


@pytest.mark.parametrize(
    "public",
    [b"", PUBLIC[:-1], PUBLIC + b"\0", b"\xff" * 1184 + PUBLIC[1184:], PUBLIC[:1184] + bytes(32)],
    ids=["empty", "short", "long", "coefficients beyond q", "small order"],
)
def test_bad_public_keys_are_refused(public: bytes) -> None:
    with pytest.raises(SealingKeyRefused):
        check_sealing_public(public)
    with pytest.raises(SealingKeyRefused):
        seal(b"x", public, b"c")


def test_bad_private_key_and_empty_context_are_refused() -> None:
    with pytest.raises(SealingKeyRefused):
        SealingKey.from_bytes(Secret(bytes(95)))
    with pytest.raises(SealingKeyRefused):
        seal(b"x", PUBLIC, b"")
    with pytest.raises(SealingKeyRefused):
        unseal(b"x", KEY, b"")
