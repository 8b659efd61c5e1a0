"""P1: the directory, and the comparison of fingerprints without which there is no room."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused, NotPossibleNow, VerificationFailed
from cleanroom.domain.vocabulary import PartnerId, PartnerKind
from cleanroom.messages.documents import (
    Bytes32,
    DocumentRefused,
    Instant,
    SealingKeyText,
    Title,
    Wire,
    instant,
    read_document,
)
from cleanroom.messages.identity import PublicIdentity, same_words
from cleanroom.messages.rooms import Enrolment, Member
from cleanroom.messages.signing import SignedDocument, open_document


class UnknownPartner(InputRefused):
    """Nobody of that name or id is enrolled here, or several are."""

    code = "unknown_partner"


class NotConfirmed(NotPossibleNow):
    """The partner's fingerprint has not been compared yet."""

    code = "partner_not_confirmed"


class WordsDiffer(VerificationFailed):
    """The eight words are not those of the keys that the escrow shows: somebody may be in the middle."""

    code = "words_differ"


class KeysChanged(VerificationFailed):
    """The escrow now shows other keys for a confirmed partner."""

    code = "keys_changed"


class ConfirmedPartner(Wire):
    """A partner whose keys this agent's people have compared by voice or in person."""

    name: Title
    kind: Annotated[PartnerKind, Field(strict=False)]
    identity_key: Bytes32
    sealing_key: SealingKeyText
    confirmed: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner as the directory shows it."""

    id: PartnerId
    name: str
    kind: PartnerKind
    identity: PublicIdentity
    confirmed: bool
    me: bool

    @property
    def words(self) -> tuple[str, ...]:
        """The eight words of the fingerprint."""
        return self.identity.fingerprint()


def read_enrolment(signed: SignedDocument, escrow_key: str) -> tuple[PartnerId, Enrolment]:
    """The enrolment, once it is seen to be signed by the key it introduces and meant for this escrow.

    Raises:
        DocumentRefused: otherwise.
    """
    stated = read_document(Enrolment, signed.document)
    identity = _identity(stated)
    enrolment = open_document(Enrolment, signed, {identity.partner_id: identity.identity_key})
    if enrolment.escrow_key != escrow_key:
        raise DocumentRefused("Enrolment: meant for another escrow")
    return identity.partner_id, enrolment


def directory(agent: Agent) -> list[Partner]:
    """Everybody who is enrolled, this partner included, in order of enrolment.

    Raises:
        KeysChanged: if the escrow shows other keys for a partner that was confirmed.
    """
    partners = []
    for signed in agent.escrow.partners():
        partner_id, enrolment = read_enrolment(signed, agent.config.escrow_key)
        known = confirmed(agent, partner_id)
        if known and (known.identity_key, known.sealing_key) != (enrolment.identity_key, enrolment.sealing_key):
            raise KeysChanged(f"partner {partner_id}: the escrow shows other keys than those that were confirmed")
        partners.append(
            Partner(
                id=partner_id,
                name=enrolment.name,
                kind=enrolment.kind,
                identity=_identity(enrolment),
                confirmed=known is not None,
                me=partner_id == agent.me,
            )
        )
    return partners


def find(agent: Agent, who: str) -> Partner:
    """The partner of that name (case does not matter), id, or beginning of an id of at least 6 characters.

    Raises:
        UnknownPartner: if there is none, or more than one.
    """
    wanted, shortest = who.strip().casefold(), 6
    found = [
        partner
        for partner in directory(agent)
        if partner.name.casefold() == wanted or (len(wanted) >= shortest and partner.id.startswith(wanted))
    ]
    if len(found) != 1:
        raise UnknownPartner("no partner, or more than one, has that name or id; see `cleanroom partner list`")
    return found[0]


def confirm(agent: Agent, who: str, words: str) -> Partner:
    """Remember a partner's keys as compared, if `words` are the eight words of their fingerprint.

    Raises:
        WordsDiffer: if they are not; nothing is remembered.
    """
    partner = find(agent, who)
    if partner.me:
        raise InputRefused("that is this partner itself; type the words that the *other* side read out")
    if not same_words(words, partner.words):
        raise WordsDiffer(
            "these are not the words of the keys that the escrow shows for this partner. Read them out again; if they "
            "still differ, do not go on: somebody may stand between you"
        )
    record = ConfirmedPartner(
        name=partner.name,
        kind=partner.kind,
        identity_key=partner.identity.identity_key.hex(),
        sealing_key=partner.identity.sealing_key.hex(),
        confirmed=instant(agent.clock()),
    )
    agent.save(_address(partner.id), record)
    return find(agent, partner.id)


def confirmed(agent: Agent, partner: PartnerId) -> ConfirmedPartner | None:
    """What was confirmed about a partner, if anything was."""
    return agent.load(ConfirmedPartner, _address(partner))


def require_confirmed(agent: Agent, member: Member) -> None:
    """Refuse a room whose other member's keys nobody compared.

    Raises:
        NotConfirmed: if they were not compared.
        KeysChanged: if the terms name other keys than those compared.
    """
    known = confirmed(agent, member.partner)
    if known is None:
        raise NotConfirmed(
            f"compare fingerprints with {member.name} first: cleanroom partner confirm {member.partner[:8]}"
        )
    if (known.identity_key, known.sealing_key) != (member.identity_key, member.sealing_key):
        raise KeysChanged(f"partner {member.partner}: the terms name other keys than those that were confirmed")


def _identity(enrolment: Enrolment) -> PublicIdentity:
    return PublicIdentity(
        identity_key=bytes.fromhex(enrolment.identity_key), sealing_key=bytes.fromhex(enrolment.sealing_key)
    )


def _address(partner: PartnerId) -> str:
    return f"partner/{partner}"
