"""People with keys of their own, and the documents that they sign: rosters and policies, honest or not."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, PartnerId, Role
from cleanroom.messages.documents import Document, signing_input
from cleanroom.messages.policies import PolicyDocument, body_of
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.users import Roster, RosterUser, user_id_of
from cleanroom.policy.model import Effect, Policy, Rule, When

CREATED = "2026-03-01T09:00:00Z"


class Signer(Protocol):
    """A partner, a person, or an escrow."""

    def signature(self, document_type: str, text: str) -> Signature: ...


@dataclass(frozen=True)
class Person:
    """A user of a partner."""

    role: Role
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return user_id_of(self.key)

    @property
    def entry(self) -> RosterUser:
        return RosterUser(user=self.id, role=self.role, key=self.key.hex())

    def signature(self, document_type: str, text: str) -> Signature:
        return Signature(signer=self.id, signature=self.private.sign(signing_input(document_type, text)).hex())


@dataclass(frozen=True)
class Named:
    """Signs with its own key under any name."""

    name: str
    private: Ed25519PrivateKey

    def signature(self, document_type: str, text: str) -> Signature:
        return Signature(signer=self.name, signature=self.private.sign(signing_input(document_type, text)).hex())


def envelope(document: Document, *signers: Signer) -> SignedDocument:
    """The document under these signatures, whoever they are."""
    text = document.text()
    return SignedDocument(document=text, signatures=tuple(signer.signature(document.type, text) for signer in signers))


def roster_of(
    partner: PartnerId,
    *people: Person,
    before: Roster | None = None,
    **changes: Any,  # noqa: ANN401 - any member
) -> Roster:
    """A roster of these people, after the one before."""
    members = {
        "partner": partner,
        "version": before.version + 1 if before else 1,
        "previous": before.digest() if before else "",
        "users": sorted((person.entry for person in people), key=lambda entry: entry.user),
        "created": CREATED,
    }
    return Roster.model_validate({**members, **changes})


def policy_document(
    policy: Policy,
    *,
    terms: Terms,
    roster: Roster,
    author: Person,
    before: PolicyDocument | None = None,
    **changes: Any,  # noqa: ANN401 - any member
) -> PolicyDocument:
    """A version of a policy, after the one before."""
    members = {
        "room": terms.room,
        "terms": terms.digest(),
        "owner": policy.owner,
        "version": before.version + 1 if before else 1,
        "previous": before.digest() if before else "",
        "fresh_epoch": False,
        "roster": roster.digest(),
        "author": author.id,
        "body": body_of(policy),
        "created": CREATED,
    }
    return PolicyDocument.model_validate({**members, **changes})


def showing(owner: PartnerId, *pairs: tuple[str, str]) -> Policy:
    """Nothing but that matches exist, in cells given as (the owner's segment, the other's)."""
    rules = [
        Rule(
            id=f"{mine}-{theirs}",
            effect=Effect.GRANT,
            fields=frozenset({ACCOUNT}),
            form=Form.EXISTS,
            when=When(segments=frozenset({(mine, theirs)})),
        )
        for mine, theirs in pairs
    ]
    return Policy(owner=owner, rules=tuple(rules), accepts={ACCOUNT: Form.EXISTS} if pairs else {})


def uncounted(owner: PartnerId, *pairs: tuple[str, str]) -> Policy:
    """Not even the number of matches in these cells."""
    rule = Rule(
        id="uncounted",
        effect=Effect.DENY,
        fields=frozenset({ACCOUNT}),
        when=When(segments=frozenset(pairs)),
    )
    return Policy(owner=owner, rules=(rule,))
