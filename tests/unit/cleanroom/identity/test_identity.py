import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.agent.keys import ADDRESS, IdentityExists, IdentityMissing, PrivateIdentity
from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_errors import VaultDamaged
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret
from cleanroom.messages.identity import (
    EscrowIdentity,
    IdentityRefused,
    PublicIdentity,
    partner_id_of,
    same_words,
    verified_by,
)
from cleanroom.messages.sealing import SealingKey, SealingKeyRefused, seal, unseal

SEED = bytes(range(32))
IDENTITY_KEY = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
SEALING = SealingKey.from_bytes(Secret(bytes(range(96))))
P = 2**255 - 19


@pytest.fixture
def public() -> PublicIdentity:
    return PublicIdentity(identity_key=IDENTITY_KEY, sealing_key=SEALING.public_bytes())


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "vault.db", Secret("long enough"), kdf_cost=KdfCost.unsafe_for_tests())


def test_golden_partner_id_and_words(public: PublicIdentity) -> None:
    # Home-made vectors, from the fixed keys above.
    assert public.partner_id == "95bcccb201530a46384d3ff9d3c9a0c4"
    assert " ".join(public.fingerprint()) == "victory song bullet canal iron pond ancient reform"
    assert (
        " ".join(EscrowIdentity(identity_key=IDENTITY_KEY).fingerprint())
        == "repeat bar canyon devote buddy slim knife organ"
    )


def test_partner_id_is_what_the_protocol_says() -> None:
    label = b"cleanroom/1 partner"
    packed = len(label).to_bytes(4, "big") + label + (32).to_bytes(4, "big") + IDENTITY_KEY
    assert partner_id_of(IDENTITY_KEY) == hashlib.sha256(packed).hexdigest()[:32]


def test_words_depend_on_both_keys(public: PublicIdentity) -> None:
    other_sealing = PublicIdentity(identity_key=IDENTITY_KEY, sealing_key=SealingKey.generate().public_bytes())
    other_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    other_identity = PublicIdentity(identity_key=other_key, sealing_key=SEALING.public_bytes())
    assert len({public.fingerprint(), other_sealing.fingerprint(), other_identity.fingerprint()}) == 3
    assert len(public.fingerprint()) == 8


@pytest.mark.parametrize(
    "typed",
    [
        "{}",
        "  {}  ",
        "{upper}",
        "{hyphens}",
        "{commas}",
        "{lines}",
    ],
)
def test_words_as_people_type_them(public: PublicIdentity, typed: str) -> None:
    words = public.fingerprint()
    text = typed.format(
        " ".join(words),
        upper=" ".join(words).upper(),
        hyphens="-".join(words),
        commas=", ".join(word.title() for word in words),
        lines="\n".join(words),
    )
    assert same_words(text, words)


def test_other_words_are_other_words(public: PublicIdentity) -> None:
    words = public.fingerprint()
    assert not same_words(" ".join(reversed(words)), words)
    assert not same_words(" ".join(words[:7]), words)
    assert not same_words("".join(words), words)
    assert not same_words(" ".join(words) + " abandon", words)
    assert not same_words(" ".join(words) + " 7", words)
    assert not same_words("", words)
    assert not same_words("", ())


def _small_order_keys() -> list[bytes]:
    """Encodings of the torsion points: y and whether 8 * (x, y) is the identity, by plain arithmetic."""
    d = -121665 * pow(121666, -1, P) % P
    ys = {0, 1, P - 1}
    # Order 8: doubling gives a point of order 4 (y = 0), so x^2 = -y^2 hence d*y^4 + 2*y^2 - 1 = 0.
    root = pow(1 + d, (P + 3) // 8, P)
    if root * root % P != (1 + d) % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    for sign in (1, -1):
        square = (-1 + sign * root) * pow(d, -1, P) % P
        y = pow(square, (P + 3) // 8, P)
        if y * y % P != square:
            y = y * pow(2, (P - 1) // 4, P) % P
        if y * y % P == square:
            ys |= {y, P - y}
    return [(y | bit << 255).to_bytes(32, "little") for y in sorted(ys) for bit in (0, 1)]


def test_keys_that_bind_nobody_are_refused() -> None:
    small = _small_order_keys()
    assert len(small) == 10
    for key in [*small, P.to_bytes(32, "little"), (P + 1).to_bytes(32, "little"), b"", IDENTITY_KEY[:31]]:
        with pytest.raises(IdentityRefused):
            PublicIdentity(identity_key=key, sealing_key=SEALING.public_bytes())
        with pytest.raises(IdentityRefused):
            EscrowIdentity(identity_key=key)
    with pytest.raises(SealingKeyRefused):
        PublicIdentity(identity_key=IDENTITY_KEY, sealing_key=b"short")


def test_signatures() -> None:
    identity = PrivateIdentity(Secret(SEED), SEALING)
    signature = identity.sign(b"message")
    key = identity.public().identity_key
    assert key == IDENTITY_KEY
    assert verified_by(key, signature, b"message")
    assert not verified_by(key, signature, b"messagf")
    assert not verified_by(key, signature[:-1], b"message")
    assert not verified_by(b"short", signature, b"message")


def test_identity_lives_in_the_vault(vault: Vault) -> None:
    with pytest.raises(IdentityMissing):
        PrivateIdentity.load(vault)
    identity = PrivateIdentity.generate()
    identity.store(vault)
    again = PrivateIdentity.load(vault)
    assert again.public() == identity.public()
    assert verified_by(identity.public().identity_key, again.sign(b"m"), b"m")
    assert unseal(seal(b"x", identity.public().sealing_key, b"c"), again.sealing_key, b"c") == b"x"
    with pytest.raises(IdentityExists):
        PrivateIdentity.generate().store(vault)
    assert again.public().partner_id in repr(again)


def test_an_identity_of_unknown_form_is_refused(vault: Vault) -> None:
    for stored in (b"", bytes(150)):
        vault.put(ADDRESS, stored)
        with pytest.raises(VaultDamaged):
            PrivateIdentity.load(vault)
