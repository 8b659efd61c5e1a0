"""Versions of a room's terms: each follows the one before, keeps who and where, and only members sign."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from golden import TEXTS
from policymakers import Named, envelope

from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.rooms import Member, Terms
from cleanroom.messages.terms_chain import open_terms

ONE, TWO, EVE = (
    Named(partner_id_of(key.public_key().public_bytes_raw()), key)
    for key in (Ed25519PrivateKey.generate() for _ in range(3))
)


def member(signer: Named, like: Member) -> Member:
    key = signer.private.public_key().public_bytes_raw().hex()
    return like.model_copy(update={"partner": signer.name, "identity_key": key})


GOLDEN = read_document(Terms, TEXTS["terms/2"])
FIRST = GOLDEN.model_copy(
    update={
        "members": (member(ONE, GOLDEN.members[0]), member(TWO, GOLDEN.members[1])),
        "version": 1,
        "previous": "",
    }
)


def second(**changes: Any) -> Terms:  # noqa: ANN401 - any member
    return FIRST.model_copy(update={"version": 2, "previous": FIRST.digest(), **changes})


def test_a_version_follows_whoever_of_its_members_has_signed() -> None:
    assert open_terms(envelope(FIRST, ONE, TWO), before=None) == FIRST
    assert open_terms(envelope(second(), TWO), before=FIRST) == second()


def test_somebody_who_is_no_member_signs_no_terms() -> None:
    with pytest.raises(DocumentRefused, match="version 1 is signed by somebody who is no member"):
        open_terms(envelope(FIRST, ONE, EVE), before=None)


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="does not hold"):
        open_terms(envelope(FIRST, Named(ONE.name, EVE.private)), before=None)


@pytest.mark.parametrize("changes", [{"version": 3}, {"previous": "00" * 32}])
def test_terms_that_do_not_follow_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentRefused, match="does not follow from the one before"):
        open_terms(envelope(second(**changes), ONE), before=FIRST)


def test_a_later_version_without_one_before_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="version 2 does not follow"):
        open_terms(envelope(second(), ONE), before=None)


@pytest.mark.parametrize("name", ["room", "escrow_key", "members"])
def test_what_must_stay_the_same_is_kept(name: str) -> None:
    other = {"room": "6b" * 16, "escrow_key": "ab" * 32, "members": (FIRST.members[0], member(EVE, FIRST.members[1]))}
    with pytest.raises(DocumentRefused, match="another room, escrow key or members"):
        open_terms(envelope(second(**{name: other[name]}), ONE), before=FIRST)
