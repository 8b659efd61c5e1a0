"""Rosters: a person's id is its key's, and a version follows from the one before by an admin's signature."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from policymakers import Named, Person, envelope, roster_of

from cleanroom.domain.vocabulary import PartnerId, Role
from cleanroom.messages.documents import DocumentRefused
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import APPROVERS, Roster, RosterUser, roster_chain, user_id_of

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
PARTNER = partner_id_of(PUBLIC)
US = Named(PARTNER, KEY)
ANN, BOB, EVE = Person(Role.ADMIN), Person(Role.PARTNER_MANAGER), Person(Role.SELLER)
FIRST = roster_of(PARTNER, ANN, BOB)


def read(*documents: SignedDocument) -> tuple[Roster, ...]:
    return roster_chain(documents, partner=PARTNER, key=PUBLIC)


def refused(match: str, *documents: SignedDocument) -> None:
    with pytest.raises(DocumentRefused, match=match):
        read(*documents)


def test_the_first_roster_is_signed_by_the_partner_alone() -> None:
    assert read(envelope(FIRST, US)) == (FIRST,)
    refused("exactly whom", envelope(FIRST, US, ANN))
    refused("exactly whom", envelope(FIRST, ANN))


def test_a_later_roster_is_also_signed_by_an_admin_of_the_one_before() -> None:
    second = roster_of(PARTNER, ANN, BOB, EVE, before=FIRST)
    assert read(envelope(FIRST, US), envelope(second, US, ANN)) == (FIRST, second)
    first = envelope(FIRST, US)
    refused("one admin", first, envelope(second, US))
    refused("one admin", first, envelope(second, US, BOB))
    refused("one admin", first, envelope(second, US, Person(Role.ADMIN)))
    refused("exactly whom", first, envelope(second, ANN))
    refused("exactly whom", first, envelope(second, US, ANN, BOB))
    refused("signature does not hold", first, envelope(second, US, Named(ANN.id, EVE.private)))


def test_who_becomes_admin_by_a_roster_cannot_sign_it() -> None:
    promoted = Person(Role.ADMIN, private=BOB.private)
    second = roster_of(PARTNER, ANN, promoted, before=FIRST)
    refused("one admin", envelope(FIRST, US), envelope(second, US, promoted))
    third = roster_of(PARTNER, promoted, before=second)
    assert len(read(envelope(FIRST, US), envelope(second, US, ANN), envelope(third, US, promoted))) == 3


def test_versions_follow_from_each_other() -> None:
    first = envelope(FIRST, US)
    for changes in ({"version": 3}, {"previous": "ab" * 32}):
        refused("does not follow", first, envelope(roster_of(PARTNER, ANN, before=FIRST, **changes), US, ANN))
    elsewhere = roster_of(PartnerId("ab" * 16), ANN, before=FIRST)
    refused("does not follow", first, envelope(elsewhere, US, ANN))
    refused("does not follow", first, first)
    refused("does not follow", envelope(roster_of(PARTNER, ANN, before=FIRST), US, ANN))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"users": []}, "at least 1"),
        ({"users": [BOB.entry, EVE.entry]}, "sorted|nobody is an admin"),
        ({"users": [ANN.entry, ANN.entry]}, "none repeats"),
        ({"users": sorted((ANN.entry, BOB.entry), key=lambda entry: entry.user, reverse=True)}, "sorted"),
        ({"version": 1, "previous": "ab" * 32}, "only the first"),
        ({"version": 2}, "only the first"),
    ],
)
def test_inconsistent_rosters_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        roster_of(PARTNER, ANN, **changes)


def test_an_id_is_made_of_its_key() -> None:
    assert user_id_of(ANN.key) == ANN.id != user_id_of(BOB.key)
    with pytest.raises(ValueError, match="not made of its key"):
        RosterUser(user=BOB.id, role=Role.ADMIN, key=ANN.key.hex())


@pytest.mark.parametrize("key", [bytes(32), (1).to_bytes(32, "little"), b"\xff" * 32])
def test_keys_that_bind_nobody_are_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="binds nobody"):
        RosterUser(user=user_id_of(key), role=Role.ADMIN, key=key.hex())


def test_the_partners_own_key_is_nobodys() -> None:
    """Else the partner's signature could pass for a person's."""
    with pytest.raises(ValueError, match="the partner's own"):
        roster_of(PARTNER, ANN, Person(Role.PARTNER_MANAGER, private=KEY))


def test_sellers_do_not_approve() -> None:
    assert {Role.ADMIN, Role.PARTNER_MANAGER, Role.SECURITY_REVIEWER} == APPROVERS
    assert roster_of(PARTNER, ANN, EVE).approvers() == (ANN.entry,)
