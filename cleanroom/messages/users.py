"""The people of a partner, as the other side sees them: a key and a role each, no names.

A user id is made of the key, so that it certifies itself: one key has one id, whatever a person is called. Names stay
in the partner's own vault.

Rosters are a chain: each version names the digest of the one before, the first is signed by the partner alone, every
other one also by one admin of the version before.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cleanroom.domain.vocabulary import PartnerId, Role
from cleanroom.messages.documents import (
    Bytes16,
    Bytes32,
    DigestText,
    Document,
    DocumentRefused,
    Instant,
    Number,
    PartnerName,
    Wire,
    as_tuple,
    read_document,
)
from cleanroom.messages.identity import IdentityRefused, check_identity_key, partner_id_of
from cleanroom.messages.signing import SignedDocument, open_document
from matching.packing import packed

APPROVERS: Final = frozenset({Role.ADMIN, Role.PARTNER_MANAGER, Role.SECURITY_REVIEWER})
"""Roles whose users may write and approve policies."""


def user_id_of(key: bytes) -> str:
    """The first 16 bytes of SHA-256 over the packed label and the Ed25519 key, as 32 hex characters."""
    return hashlib.sha256(packed(b"cleanroom/1 user", key)).digest()[:16].hex()


class RosterUser(Wire):
    """A user: its key (Ed25519) and role."""

    user: Bytes16
    role: Role = Field(strict=False)
    key: Bytes32

    @model_validator(mode="after")
    def _certified(self) -> Self:
        key = bytes.fromhex(self.key)
        if self.user != user_id_of(key):
            raise ValueError("a user id that is not made of its key")
        try:
            check_identity_key(key)
        except IdentityRefused:
            raise ValueError("a key that binds nobody") from None
        return self


class Roster(Document):
    """All users of a partner. Signed by the partner; from version 2 on also by an admin of the version before."""

    type: Literal["roster/1"] = "roster/1"
    partner: PartnerName
    version: Number
    previous: DigestText | Literal[""]
    users: Annotated[tuple[RosterUser, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=500)]
    created: Instant

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [user.user for user in self.users]
        if ids != sorted(set(ids)):
            raise ValueError("users are sorted by id, and none repeats")
        if not any(user.role is Role.ADMIN for user in self.users):
            raise ValueError("nobody is an admin")
        if any(partner_id_of(bytes.fromhex(user.key)) == self.partner for user in self.users):
            raise ValueError("a user whose key is the partner's own")
        if (self.version == 1) != (self.previous == ""):
            raise ValueError("only the first version has no previous one")
        return self

    def user(self, user_id: str) -> RosterUser | None:
        """The user of that id."""
        return next((user for user in self.users if user.user == user_id), None)

    def approvers(self) -> tuple[RosterUser, ...]:
        """The users who may write and approve policies."""
        return tuple(user for user in self.users if user.role in APPROVERS)


def open_roster(signed: SignedDocument, *, partner: PartnerId, key: bytes, before: Roster | None) -> Roster:
    """A version of a partner's roster that follows from the one before, signed by whom it must be.

    Raises:
        DocumentRefused: it does not follow, or was signed by somebody else, or by somebody who was no admin.
    """
    roster = read_document(Roster, signed.document)
    expected = (partner, before.version + 1, before.digest()) if before else (partner, 1, "")
    if (roster.partner, roster.version, roster.previous) != expected:
        raise DocumentRefused(f"Roster: version {roster.version} does not follow from the one before")
    signers = {str(partner): key}
    if before is not None:
        admins = {user.user: bytes.fromhex(user.key) for user in before.users if user.role is Role.ADMIN}
        named = [item.signer for item in signed.signatures if item.signer in admins]
        if len(named) != 1:
            raise DocumentRefused(f"Roster: version {roster.version} is not signed by one admin of the one before")
        signers[named[0]] = admins[named[0]]
    return open_document(Roster, signed, signers)


def roster_chain(documents: Sequence[SignedDocument], *, partner: PartnerId, key: bytes) -> tuple[Roster, ...]:
    """All versions of a partner's roster, oldest first, each checked against the one before. Raises DocumentRefused."""
    chain: list[Roster] = []
    for signed in documents:
        chain.append(open_roster(signed, partner=partner, key=key, before=chain[-1] if chain else None))
    return tuple(chain)
